package httpapi

import (
	"context"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/domain/localtime"
	"tracekeep/projections"
)

type shiftsInput struct {
	Fresh
	Paging
	From   string `query:"from" format:"date" doc:"First day of the roster; goes with to."`
	To     string `query:"to" format:"date" doc:"Last day, included."`
	Zone   string `query:"zone" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" default:"UTC" doc:"IANA zone in which the days begin."`
	Site   string `query:"site" maxLength:"40" pattern:"^[a-z0-9_]+$" example:"harbor_st"`
	Open   bool   `query:"open" doc:"Only shifts with a free place."`
	WorkID ID     `query:"work_id" doc:"Only the shifts that this work record was asked about or assigned to, and with open those released to all; other people are not shown."`
}

type shiftsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Shifts        []ShiftBody `json:"shifts"`
		NextPageToken string      `json:"next_page_token,omitempty"`
	}
}

type shiftAnswer struct {
	Tagged
	Status int
	Body   *ShiftBody
}

type attendanceAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Attendance    []MarkBody `json:"attendance"`
		NextPageToken string     `json:"next_page_token,omitempty"`
	}
}

func (a *API) registerShiftReading(api huma.API) {
	huma.Register(api, a.operation("list-shifts", http.MethodGet, "/v1/shifts", "Shifts", "List shifts, or the roster of some days",
		"In order of their start; of some days, the shifts that overlap them."),
		func(ctx context.Context, in *shiftsInput) (*shiftsAnswer, error) { return a.listShifts(ctx, *in) })
	huma.Register(api, a.operation("get-shift", http.MethodGet, "/v1/shifts/{shift_id}", "Shifts", "Show a shift", ""),
		func(ctx context.Context, in *struct {
			Fresh
			NoneMatch
			ShiftID ID `path:"shift_id"`
			WorkID  ID `query:"work_id" doc:"Show the place of this work record only."`
		}) (*shiftAnswer, error) {
			return a.getShift(ctx, in.IfNoneMatch, in.ShiftID.id(), in.WorkID.id())
		})
	huma.Register(api, a.operation("list-attendance", http.MethodGet, "/v1/attendance", "Shifts", "How people came to their shifts",
		"Compares the shifts that begin on some days with the time worked, in order of work id; a page holds page_size work records. Work on no shift is unscheduled."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			DaysQuery
			Zone   string `query:"zone" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" default:"UTC" doc:"IANA zone in which the days begin."`
			WorkID ID     `query:"work_id"`
		}) (*attendanceAnswer, error) {
			return a.listAttendance(ctx, in.Paging, in.DaysQuery, in.Zone, in.WorkID)
		})
}

// instants gives the instants between which some local days lie.
func instants(from, to, zone string) (start, end time.Time, problem *Problem) {
	if problem := span(from, to); problem != nil {
		return start, end, problem
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return start, end, invalid("query/zone", "zone", "expected the IANA name of a time zone")
	}
	first, errFrom := time.Parse(time.DateOnly, from)
	last, errTo := time.Parse(time.DateOnly, to)
	if errFrom != nil || errTo != nil {
		return start, end, invalid("query/from", "format", "expected 2006-01-02")
	}
	return localtime.Midnight(first, location), localtime.Midnight(last.AddDate(0, 0, 1), location), nil
}

func (a *API) listShifts(ctx context.Context, in shiftsInput) (*shiftsAnswer, error) {
	asked := projections.ShiftsAsked{Site: in.Site, Open: in.Open, Work: in.WorkID.id(), Limit: in.Size + 1}
	var problem *Problem
	if in.From != "" || in.To != "" {
		if asked.From, asked.To, problem = instants(in.From, in.To, in.Zone); problem != nil {
			return nil, problem
		}
	}
	filter := []string{"from", in.From, "to", in.To, "zone", in.Zone, "site", in.Site, "open", strconv.FormatBool(in.Open), "work_id", string(in.WorkID)}
	asks := asking(ctx, "list-shifts", filter...)
	if in.Token != "" {
		cursor, problem := a.cursor(asks, in.Paging, 8+len(uuid.UUID{}))
		if problem != nil {
			return nil, problem
		}
		asked.AfterStart, asked.AfterID = time.UnixMicro(int64(binary.BigEndian.Uint64(cursor))).UTC(), uuid.UUID(cursor[8:]) //nolint:gosec // as it was put in
	}
	roster, err := a.inside.Shifts.Roster(ctx, caller(ctx), asked)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &shiftsAnswer{}
	answer.Body.Shifts = each(roster[:min(len(roster), in.Size)], shiftBody)
	if len(roster) <= in.Size {
		return answer, nil
	}
	last := roster[in.Size-1]
	cursor := append(binary.BigEndian.AppendUint64(nil, uint64(last.StartsAt.UnixMicro())), last.ShiftID[:]...) //nolint:gosec // read back as it is
	return answer, a.next(asks, in.Paging, cursor, filter, &answer.Link, &answer.Body.NextPageToken)
}

func (a *API) getShift(ctx context.Context, noneMatches string, shift, work uuid.UUID) (*shiftAnswer, error) {
	view, revision, err := a.inside.Shifts.ShiftNow(ctx, caller(ctx), shift)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &shiftAnswer{Tagged: Tagged{ETag: entityTag(revision)}, Status: http.StatusOK}
	if noneMatch(noneMatches, answer.ETag) {
		answer.Status = http.StatusNotModified
		return answer, nil
	}
	if work != uuid.Nil {
		view.Places = slices.DeleteFunc(view.Places, func(p projections.Place) bool { return p.WorkID != work })
	}
	body := shiftBody(view)
	answer.Body = &body
	return answer, nil
}

func (a *API) listAttendance(ctx context.Context, paging Paging, days DaysQuery, zone string, work ID) (*attendanceAnswer, error) {
	from, to, problem := instants(days.From, days.To, zone)
	if problem != nil {
		return nil, problem
	}
	asks := asking(ctx, "list-attendance", "from", days.From, "to", days.To, "zone", zone, "work_id", string(work))
	after, problem := a.cursorID(asks, paging)
	if problem != nil {
		return nil, problem
	}
	marks, err := a.inside.Shifts.Attendance(ctx, caller(ctx), from, to)
	if err != nil {
		return nil, problemOf(err)
	}
	marks = slices.DeleteFunc(marks, func(m assignment.Mark) bool { return work != "" && m.WorkID != work.id() })
	page, last, more := pageOf(marks, after, paging.Size, func(m assignment.Mark) uuid.UUID { return m.WorkID })
	answer := &attendanceAnswer{}
	answer.Body.Attendance = each(page, markBody)
	if more {
		return answer, a.nextID(asks, paging, last, asks.filter, &answer.Link, &answer.Body.NextPageToken)
	}
	return answer, nil
}
