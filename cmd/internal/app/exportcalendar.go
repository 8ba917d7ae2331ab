package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// ExportCalendar writes the intervals of work of some days as an iCalendar feed:
// of one person, or of everybody whose work began at one station. An event is
// known by the punch that began it, so that a feed written again after a correction
// moves it, or calls it off where the punch begins no work any more.
func (w *World) ExportCalendar(ctx context.Context, by httpapi.Principal, order ExportOrder) (Exported, error) {
	x := w.export(by, order)
	var err error
	if x.order.Works, err = projections.WorksOfIntervals(ctx, w.q, w.a.tenant, order.days(), order.Station); err != nil {
		return Exported{}, err
	}
	names, err := x.disclosed(ctx, x.order.Works)
	if err != nil {
		return Exported{}, err
	}
	return x.feed(order.Station, func(event func(exporter.CalendarEvent) error) error {
		shown := map[uuid.UUID]bool{} // the punches of some days of the work records that are given
		if len(x.order.Works) > 0 {
			err := projections.EachPlaced(ctx, w.q, w.a.tenant, x.order.days(), order.Station, func(i projections.PlacedInterval) error {
				name, _ := x.told(names[i.WorkID])
				shown[i.In] = true
				return event(exporter.CalendarEvent{
					UID: i.In.String() + "@tracekeep", Sequence: i.Corrections, Stamp: i.ChangedAt, Start: i.Start, End: i.End, Location: i.InAt.Station,
					Summary: fmt.Sprintf("%s, %s h", name, exporter.HoursMinutes(time.Duration(i.Seconds)*time.Second)),
				})
			})
			if err != nil {
				return err
			}
		}
		return x.calledOff(ctx, shown, event)
	})
}

// calledOff writes the punches that began work once, as far as they were corrected and
// do so no longer. Nobody's name is needed for that.
func (x *exporting) calledOff(ctx context.Context, shown map[uuid.UUID]bool, event func(exporter.CalendarEvent) error) error {
	days := x.order.days()
	days.Works = x.asked
	var off []projections.Punch
	var ids []uuid.UUID
	err := projections.EachPunch(ctx, x.q, x.a.tenant, days, x.order.Station, func(p projections.Punch) error {
		if p.CorrectedFor != "" && p.Recorded.Direction == eventschema.DirectionIn && p.Recorded.Kind != eventschema.KindVisit && !shown[p.ID] {
			off, ids = append(off, p), append(ids, p.ID)
		}
		return nil
	})
	if err != nil || len(off) == 0 {
		return err
	}
	corrections, err := projections.CorrectionsOf(ctx, x.q, x.a.tenant, ids...)
	if err != nil {
		return err
	}
	for _, p := range off {
		e := exporter.CalendarEvent{UID: p.ID.String() + "@tracekeep", Cancelled: true, Start: p.Recorded.OccurredAt, Summary: "Called off", Location: p.Station}
		for _, c := range corrections {
			if c.PunchID == p.ID {
				e.Sequence, e.Stamp = e.Sequence+1, c.CorrectedAt // the latest comes last
			}
		}
		if err := event(e); err != nil {
			return err
		}
	}
	return nil
}

// ExportRoster writes the shifts and tasks of some days as an iCalendar feed: of one
// person, or of everybody at one site. An event is known by the shift and the work
// record. It grows with every change of the shift, and what was called off, swapped or
// taken away stays as cancelled.
func (w *World) ExportRoster(ctx context.Context, by httpapi.Principal, order ExportOrder, loc *time.Location) (Exported, error) {
	x := w.export(by, order)
	first, errFirst := time.Parse(time.DateOnly, order.From)
	last, errLast := time.Parse(time.DateOnly, order.To)
	if errFirst != nil || errLast != nil {
		return Exported{}, errDay
	}
	asked := projections.ShiftsAsked{From: localtime.Midnight(first, loc), To: localtime.Midnight(last.AddDate(0, 0, 1), loc), Site: order.Station}
	if len(order.Works) > 0 {
		asked.Work = order.Works[0]
	}
	roster, err := w.roster(ctx, asked)
	if err != nil {
		return Exported{}, err
	}
	var works []uuid.UUID
	for i := range roster {
		roster[i].Places = slices.DeleteFunc(roster[i].Places, func(p projections.Place) bool { return p.AssignedPosition == 0 })
		for _, p := range roster[i].Places {
			works = append(works, p.WorkID)
		}
	}
	slices.SortFunc(works, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	works = slices.Compact(works)
	names, err := x.disclosed(ctx, works)
	if err != nil {
		return Exported{}, err
	}
	return x.feed(order.Station, func(event func(exporter.CalendarEvent) error) error {
		for _, s := range roster {
			for _, p := range s.Places {
				name, _ := x.told(names[p.WorkID])
				err := event(exporter.CalendarEvent{
					UID: s.ShiftID.String() + "." + p.WorkID.String() + "@tracekeep", Sequence: s.Revision, Stamp: s.ChangedAt,
					Cancelled: s.CancelledAt != nil || p.State != projections.PlaceAssigned, Start: s.StartsAt, End: s.EndsAt, Location: s.Site,
					Summary: fmt.Sprintf("%s, %s for %s", name, s.Kind, s.Employer),
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// feed writes a calendar that is called after a place, or just work.
func (x *exporting) feed(called string, events func(event func(exporter.CalendarEvent) error) error) (Exported, error) {
	if called == "" {
		called = "Work"
	}
	return x.write(func(to io.Writer) error {
		feed := exporter.NewCalendar(to, called)
		if err := events(func(e exporter.CalendarEvent) error {
			x.done.Rows++
			return feed.Write(e)
		}); err != nil {
			return err
		}
		return feed.Close()
	})
}
