package httpapi

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/projections"
)

// seconds cuts what is less.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// optionalID is an id in an answer, or nothing where there is none.
func optionalID(id uuid.UUID) *string {
	if id == uuid.Nil {
		return nil
	}
	text := id.String()
	return &text
}

// ExceptionRowBody is one finding about one work record.
type ExceptionRowBody struct {
	WorkID string       `json:"work_id" format:"uuid"`
	Name   PersonalBody `json:"name"`
	FindingBody
	Station      string `json:"station" doc:"Of the first punch it is about." example:"gate-1"`
	GraceSeconds int64  `json:"grace_seconds" doc:"How long after the punch it was said: what is missing may be on its way." example:"57600"`
}

// ExceptionRowBodyOf shows a finding to who holds the release of its name.
func ExceptionRowBodyOf(row ExceptionRow, release Release) ExceptionRowBody {
	return ExceptionRowBody{
		WorkID: row.WorkID.String(), Name: personalBody(row.Name, release), FindingBody: findingBody(row.Finding), Station: row.Station, GraceSeconds: seconds(row.Grace),
	}
}

// BoardRowBody is one work record that is in.
type BoardRowBody struct {
	PresenceBody
	ShiftID *string `json:"shift_id,omitempty" format:"uuid" doc:"The shift that it is in for."`
	Site    string  `json:"site,omitempty" doc:"As the punch says it, else of the shift."`
	EndsAt  *string `json:"ends_at,omitempty" format:"date-time" doc:"When the shift ends."`
	Overdue string  `json:"overdue,omitempty" enum:"shift_ended,long_presence" doc:"Why it should be out by now; left out where nothing is overdue."`
}

// BoardRowBodyOf shows who is in to who holds the release of the name.
func BoardRowBodyOf(row BoardRow, release Release) BoardRowBody {
	return BoardRowBody{
		PresenceBody: presenceBody(row.PresenceView, release), ShiftID: optionalID(row.ShiftID), Site: row.Site, EndsAt: laterTime(row.EndsAt), Overdue: string(row.Overdue),
	}
}

// PlaceCountBody is how many are in one place.
type PlaceCountBody struct {
	Code    string `json:"code" doc:"Of a site, empty for those at none that is known." example:"gate-1"`
	In      int    `json:"in" example:"12"`
	Overdue int    `json:"overdue" example:"0"`
}

// OvertimeRowBody is the week of one work record.
type OvertimeRowBody struct {
	WorkID            string       `json:"work_id" format:"uuid"`
	Name              PersonalBody `json:"name"`
	State             string       `json:"state" enum:"under,near,over" example:"near"`
	WorkedSeconds     int64        `json:"worked_seconds" example:"136800"`
	RegularSeconds    int64        `json:"regular_seconds" example:"136800"`
	OvertimeSeconds   int64        `json:"overtime_seconds" example:"0"`
	DoubleTimeSeconds int64        `json:"double_time_seconds" example:"0"`
	LeftSeconds       int64        `json:"left_seconds" doc:"What can be worked before the limit of the week; 0 where there is none." example:"7200"`
	RunningSeconds    int64        `json:"running_seconds" doc:"The part of it that is of somebody who is in now, up to now." example:"0"`
}

// OvertimeRowBodyOf shows a week to who holds the release of its name.
func OvertimeRowBodyOf(row OvertimeRow, release Release) OvertimeRowBody {
	return OvertimeRowBody{
		WorkID: row.WorkID.String(), Name: personalBody(row.Name, release), State: string(row.State), WorkedSeconds: seconds(row.Totals.Worked()),
		RegularSeconds: seconds(row.Totals.Regular), OvertimeSeconds: seconds(row.Totals.Overtime), DoubleTimeSeconds: seconds(row.Totals.DoubleTime),
		LeftSeconds: seconds(row.Left), RunningSeconds: seconds(row.Running),
	}
}

// CapsRowBody is how much of the caps one work record takes up.
type CapsRowBody struct {
	WorkID string       `json:"work_id" format:"uuid"`
	Name   PersonalBody `json:"name"`
	Caps   []CapBody    `json:"caps"`
}

// CapBody is one cap. What it does not limit has no limit and nothing left.
type CapBody struct {
	Span        string `json:"span" enum:"day,week" example:"week"`
	Counts      string `json:"counts" enum:"all,details,same_employer" doc:"Whose shifts it adds up." example:"all"`
	Employer    string `json:"employer,omitempty" doc:"Of a cap on one employer."`
	StartsAt    string `json:"starts_at" format:"date-time" example:"2026-03-02T00:00:00Z"`
	EndsAt      string `json:"ends_at" format:"date-time" example:"2026-03-09T00:00:00Z"`
	Minutes     int64  `json:"minutes" doc:"Assigned." example:"2400"`
	MostMinutes *int64 `json:"most_minutes,omitempty" example:"5400"`
	LeftMinutes *int64 `json:"left_minutes,omitempty" example:"3000"`
	Shifts      int    `json:"shifts" doc:"Assigned." example:"5"`
	MostShifts  *int   `json:"most_shifts,omitempty" example:"14"`
	LeftShifts  *int   `json:"left_shifts,omitempty" example:"9"`
}

// CapsRowBodyOf shows caps to who holds the release of their name.
func CapsRowBodyOf(row CapsRow, release Release) CapsRowBody {
	return CapsRowBody{WorkID: row.WorkID.String(), Name: personalBody(row.Name, release), Caps: each(row.Uses, capBody)}
}

func capBody(u assignment.Use) CapBody {
	body := CapBody{
		Span: "day", Counts: string(u.Cap.Counts), Employer: u.Employer, StartsAt: rfc3339(u.Start), EndsAt: rfc3339(u.End), Minutes: int64(u.Time / time.Minute), Shifts: u.Shifts,
	}
	if u.Cap.Week {
		body.Span = "week"
	}
	if left, limited := u.TimeLeft(); limited {
		most, minutes := int64(u.Cap.Time/time.Minute), int64(left/time.Minute)
		body.MostMinutes, body.LeftMinutes = &most, &minutes
	}
	if left, limited := u.ShiftsLeft(); limited {
		body.MostShifts, body.LeftShifts = &u.Cap.Shifts, &left
	}
	return body
}

// WorkHistoryBody is everything one work record did.
type WorkHistoryBody struct {
	WorkID       string          `json:"work_id" format:"uuid"`
	Name         PersonalBody    `json:"name"`
	TotalSeconds int64           `json:"total_seconds" doc:"Worked, in all." example:"28800"`
	Total        string          `json:"total" example:"08:00"`
	Months       []MonthBody     `json:"months"`
	Jobs         []JobBody       `json:"jobs"`
	Shifts       []PastShiftBody `json:"shifts"`
}

// MonthBody is what was worked in one month.
type MonthBody struct {
	Month   string `json:"month" example:"2026-03"`
	Seconds int64  `json:"seconds" example:"576000"`
	Time    string `json:"time" example:"160:00"`
	Days    int    `json:"days" example:"20"`
}

// JobBody adds up the shifts of one kind at one site for one employer.
type JobBody struct {
	Kind          string `json:"kind" enum:"duty,detail,task" example:"detail"`
	Employer      string `json:"employer" example:"customer_0042"`
	Site          string `json:"site" example:"harbor_st"`
	Shifts        int    `json:"shifts" example:"3"`
	Planned       int64  `json:"planned_minutes" example:"1440"`
	WorkedMinutes int64  `json:"worked_minutes" example:"1432"`
}

// PastShiftBody is one shift and what came of it.
type PastShiftBody struct {
	ShiftID  string `json:"shift_id" format:"uuid"`
	Kind     string `json:"kind" enum:"duty,detail,task" example:"detail"`
	Employer string `json:"employer" example:"customer_0042"`
	Site     string `json:"site" example:"harbor_st"`
	StartsAt string `json:"starts_at" format:"date-time" example:"2026-03-02T12:00:00Z"`
	EndsAt   string `json:"ends_at" format:"date-time" example:"2026-03-02T20:00:00Z"`
	State    string `json:"state" example:"completed"`
	AttendedBody
}

// AttendedBody is how somebody came to a shift.
type AttendedBody struct {
	Attendance    string `json:"attendance,omitempty" example:"on_time"`
	LateMinutes   int64  `json:"late_minutes" example:"0"`
	WorkedMinutes int64  `json:"worked_minutes" example:"478"`
}

func attendedBody(m assignment.Mark) AttendedBody {
	return AttendedBody{Attendance: string(m.Attendance), LateMinutes: int64(m.Late / time.Minute), WorkedMinutes: int64(m.Worked / time.Minute)}
}

// WorkHistoryBodyOf shows a history to who holds the release of its name.
func WorkHistoryBodyOf(view WorkHistoryView, release Release) WorkHistoryBody {
	return WorkHistoryBody{
		WorkID: view.WorkID.String(), Name: personalBody(view.Name, release), TotalSeconds: view.Seconds, Total: clock(view.Seconds),
		Months: each(view.Months, func(m Month) MonthBody {
			return MonthBody{Month: m.Month, Seconds: m.Seconds, Time: clock(m.Seconds), Days: m.Days}
		}),
		Jobs: each(view.Jobs, func(j Job) JobBody {
			return JobBody{
				Kind: string(j.Kind), Employer: j.Employer, Site: j.Site, Shifts: j.Shifts, Planned: int64(j.Planned / time.Minute), WorkedMinutes: int64(j.Worked / time.Minute),
			}
		}),
		Shifts: each(view.Shifts, pastShiftBody),
	}
}

func pastShiftBody(s PastShift) PastShiftBody {
	return PastShiftBody{
		ShiftID: s.ShiftID.String(), Kind: string(s.Kind), Employer: s.Employer, Site: s.Site, StartsAt: rfc3339(s.StartsAt), EndsAt: rfc3339(s.EndsAt),
		State: string(s.State), AttendedBody: attendedBody(s.Mark),
	}
}

// ShiftBody is one shift and its people.
type ShiftBody struct {
	ShiftID       string      `json:"shift_id" format:"uuid"`
	RosterID      *string     `json:"roster_id,omitempty" format:"uuid" doc:"The weekly pattern that it was made from."`
	Kind          string      `json:"kind" enum:"duty,detail,task" example:"detail"`
	Employer      string      `json:"employer" example:"customer_0042"`
	Site          string      `json:"site" example:"harbor_st"`
	Zone          string      `json:"zone" example:"Europe/Berlin"`
	StartsLocal   string      `json:"starts_local" doc:"By the clock of the site." example:"2026-03-09T07:00"`
	EndsLocal     string      `json:"ends_local" example:"2026-03-09T15:00"`
	StartsAt      string      `json:"starts_at" format:"date-time" example:"2026-03-09T06:00:00Z"`
	EndsAt        string      `json:"ends_at" format:"date-time" example:"2026-03-09T14:00:00Z"`
	Headcount     int         `json:"headcount" example:"2"`
	Assigned      int         `json:"assigned" example:"1"`
	Qualification string      `json:"qualification,omitempty" doc:"What everybody on it must have."`
	State         string      `json:"state" enum:"planned,offered,bidding,released_to_all,filled,cancelled,completed" example:"offered"`
	RespondBy     *string     `json:"respond_by,omitempty" format:"date-time"`
	People        []PlaceBody `json:"people" doc:"Who was asked or assigned; asked about one work record, that one only."`
}

// PlaceBody is one person and one shift.
type PlaceBody struct {
	WorkID   string `json:"work_id" format:"uuid"`
	State    string `json:"state" enum:"offered,accepted,declined,bid,assigned,unassigned,swapped_away" example:"assigned"`
	Strategy string `json:"strategy,omitempty"`
	Rank     int    `json:"rank,omitempty"`
	Points   int    `json:"points,omitempty"`
	AttendedBody
}

func shiftBody(s RosterShift) ShiftBody {
	local := func(text string) string { return strings.Replace(text, " ", "T", 1) }
	return ShiftBody{
		ShiftID: s.ShiftID.String(), RosterID: optionalID(s.RosterID), Kind: string(s.Kind), Employer: s.Employer, Site: s.Site, Zone: s.Zone,
		StartsLocal: local(s.StartsLocal), EndsLocal: local(s.EndsLocal), StartsAt: rfc3339(s.StartsAt), EndsAt: rfc3339(s.EndsAt), Headcount: s.Headcount,
		Assigned: s.Assigned, Qualification: s.Qualification, State: string(s.State()), RespondBy: optionalTime(s.RespondBy),
		People: each(s.Places, func(p projections.Place) PlaceBody {
			return PlaceBody{
				WorkID: p.WorkID.String(), State: string(p.State), Strategy: string(p.Strategy), Rank: p.Rank, Points: p.Points,
				AttendedBody: AttendedBody{Attendance: string(p.Attendance), LateMinutes: p.LateMinutes, WorkedMinutes: p.WorkedMinutes},
			}
		}),
	}
}

// MarkBody compares one person's shift with the time worked.
type MarkBody struct {
	WorkID  string  `json:"work_id" format:"uuid"`
	ShiftID *string `json:"shift_id,omitempty" format:"uuid" doc:"Left out for work that belongs to no shift."`
	AttendedBody
	EarlyLeaveMinutes int64   `json:"early_leave_minutes" example:"0"`
	StartsAt          string  `json:"starts_at" format:"date-time" example:"2026-03-02T12:00:00Z"`
	EndsAt            *string `json:"ends_at,omitempty" format:"date-time"`
	ArrivedAt         *string `json:"arrived_at,omitempty" format:"date-time"`
	LeftAt            *string `json:"left_at,omitempty" format:"date-time"`
	GraceVersion      int     `json:"grace_version" example:"1"`
}

func markBody(m assignment.Mark) MarkBody {
	return MarkBody{
		WorkID: m.WorkID.String(), ShiftID: optionalID(m.ShiftID), AttendedBody: attendedBody(m), EarlyLeaveMinutes: int64(m.EarlyLeave / time.Minute),
		StartsAt: rfc3339(m.Start), EndsAt: laterTime(m.End), ArrivedAt: laterTime(m.Arrived), LeftAt: laterTime(m.Left), GraceVersion: m.GraceVersion,
	}
}
