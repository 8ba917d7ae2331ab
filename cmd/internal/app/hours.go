package app

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/hours"
	"tracekeep/projections"
)

// Presence implements [httpapi.Reading].
func (a *App) Presence(ctx context.Context, by httpapi.Principal, after uuid.UUID, limit int) ([]httpapi.PresenceView, error) {
	all, err := a.PresenceAt(ctx, by, a.clock())
	if err != nil {
		return nil, outward(err)
	}
	from, _ := slices.BinarySearchFunc(all, after, func(p httpapi.PresenceView, id uuid.UUID) int {
		if slices.Compare(p.WorkID[:], id[:]) <= 0 {
			return -1
		}
		return 1
	})
	return all[from:min(from+limit, len(all))], nil
}

// Presence lists who was in at an instant, by work id.
func (w *World) Presence(ctx context.Context, by httpapi.Principal, at time.Time) ([]httpapi.PresenceView, error) {
	present, err := projections.WhoIsIn(ctx, w.q, w.a.tenant, at)
	if err != nil {
		return nil, err
	}
	works := make([]uuid.UUID, len(present))
	for i := range present {
		works[i] = present[i].WorkID
	}
	names, err := w.a.namesOf(ctx, by, works)
	if err != nil {
		return nil, err
	}
	views := make([]httpapi.PresenceView, len(present))
	for i, p := range present {
		views[i] = httpapi.PresenceView{WorkID: p.WorkID, Since: p.Since, Zone: p.Zone, Station: p.Station, PunchID: p.PunchID, Name: names[i]}
	}
	return views, nil
}

// Hours implements [httpapi.Reading].
func (a *App) Hours(ctx context.Context, by httpapi.Principal, q httpapi.HoursQuestion) (httpapi.HoursView, error) {
	work, link, err := a.whose(ctx, by, httpapi.Whose{Work: q.Work, Person: q.Person})
	if err != nil {
		return httpapi.HoursView{}, err
	}
	view, err := a.HoursOfWork(ctx, work, q.From, q.To)
	view.Link = link
	return view, outward(err)
}

// HoursOfWork lists the days of one work record, both ends included.
func (w *World) HoursOfWork(ctx context.Context, work uuid.UUID, from, to string) (httpapi.HoursView, error) {
	days := projections.Days{Works: []uuid.UUID{work}, From: from, To: to}
	worked, err := projections.WorkedOn(ctx, w.q, w.a.tenant, days, w.now())
	if err != nil {
		return httpapi.HoursView{}, err
	}
	if len(worked.Intervals)+len(worked.Exceptions)+len(worked.Declared) == 0 { // no hours are one thing, hours that expired another
		if err := w.a.refuseExpired(ctx, work); err != nil {
			return httpapi.HoursView{}, err
		}
	}
	byDate := map[string]*httpapi.DayView{}
	day := func(date string) *httpapi.DayView {
		if byDate[date] == nil {
			byDate[date] = &httpapi.DayView{Date: date}
		}
		return byDate[date]
	}
	for _, i := range worked.Intervals {
		d := day(i.WorkDate)
		d.Intervals = append(d.Intervals, httpapi.IntervalView{In: i.In, Out: i.Out, Start: i.Start, End: i.End})
	}
	for _, e := range worked.Exceptions {
		d := day(e.WorkDate)
		d.Exceptions = append(d.Exceptions, httpapi.ExceptionView{Punch: e.Punch, Code: string(e.Code), At: e.At})
	}
	for _, entry := range worked.Declared {
		d := day(entry.WorkDate)
		d.Declared = append(d.Declared, httpapi.DeclaredView{ID: entry.ID, Seconds: entry.Seconds, Origin: entry.Origin, Job: entry.Job})
	}
	view := httpapi.HoursView{WorkID: work, RuleVersion: hours.DefaultPairing().Version}
	for _, d := range byDate {
		d.Notices = noticesOf(*d)
		view.Days = append(view.Days, *d)
	}
	slices.SortFunc(view.Days, func(x, y httpapi.DayView) int {
		if x.Date < y.Date {
			return -1
		}
		return 1
	})
	return view, nil
}

// noticesOf says what is worth a look in a day with declared hours.
func noticesOf(d httpapi.DayView) []string {
	if len(d.Declared) == 0 {
		return nil
	}
	var paired hours.Pairing
	for _, i := range d.Intervals {
		paired.Intervals = append(paired.Intervals, hours.WorkInterval{In: i.In, Out: i.Out, Start: i.Start, End: i.End, WorkDate: d.Date})
	}
	for _, e := range d.Exceptions {
		paired.Exceptions = append(paired.Exceptions, hours.Exception{Punch: e.Punch, At: e.At, WorkDate: d.Date})
	}
	var declared []hours.Declared
	for _, entry := range d.Declared {
		declared = append(declared, hours.Declared{ID: entry.ID, WorkDate: d.Date, Time: time.Duration(entry.Seconds) * time.Second})
	}
	var codes []string
	for _, f := range hours.DefaultReview().ReviewDeclared(paired, declared) {
		codes = append(codes, string(f.Code))
	}
	return codes
}

// WorkerHours is the worked time of one work record over some days.
type WorkerHours struct {
	WorkID     uuid.UUID
	Name       httpapi.Personal
	Seconds    int64 // in all
	Declared   int64 // of Seconds, those that were declared without times of day
	Days       int   // with at least one interval, or declared hours
	Exceptions int   // repeats of the same key left out; days with punches and declared hours
}

// HoursOfAll adds up the hours of everybody, the longest first.
func (w *World) HoursOfAll(ctx context.Context, by httpapi.Principal, from, to string) ([]WorkerHours, error) {
	days := projections.Days{From: from, To: to}
	byDay, err := projections.HoursByDay(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return nil, err
	}
	exceptions, err := projections.ExceptionsOf(ctx, w.q, w.a.tenant, days, w.now())
	if err != nil {
		return nil, err
	}
	sums := map[uuid.UUID]*WorkerHours{}
	of := func(work uuid.UUID) *WorkerHours {
		if sums[work] == nil {
			sums[work] = &WorkerHours{WorkID: work}
		}
		return sums[work]
	}
	for _, d := range byDay {
		sum := of(d.WorkID)
		sum.Seconds, sum.Declared = sum.Seconds+d.Seconds, sum.Declared+d.Declared
		sum.Days++
		if d.Declared > 0 && d.Intervals > 0 {
			sum.Exceptions++
		}
	}
	for _, e := range exceptions {
		if e.Code != hours.RepeatPunch {
			of(e.WorkID).Exceptions++
		}
	}
	works := make([]uuid.UUID, 0, len(sums))
	for work := range sums {
		works = append(works, work)
	}
	names, err := w.a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	all := make([]WorkerHours, 0, len(sums))
	for work, sum := range sums {
		sum.Name = names[work]
		all = append(all, *sum)
	}
	slices.SortFunc(all, func(x, y WorkerHours) int {
		if x.Seconds != y.Seconds {
			return int(y.Seconds - x.Seconds)
		}
		return slices.Compare(x.WorkID[:], y.WorkID[:])
	})
	return all, nil
}
