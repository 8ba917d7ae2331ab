package timecard

import (
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Refusals of declared hours.
var (
	ErrHours              = errors.New("declared hours are more than none and at most 24 on a day")
	ErrWorkDate           = errors.New("declared hours need a work date, 2006-01-02, and when it ends")
	ErrOtherDeclaration   = errors.New("this declaration id was used for other hours")
	ErrUnknownDeclaration = errors.New("there is no such declaration in this year")
)

// longestDay bounds what can be declared for one day: no more than it has.
const longestDay = int64(24 * time.Hour / time.Second)

// declaration is what counts of declared hours, beside what was declared.
type declaration struct {
	dayEnds          time.Time
	recorded, counts int64 // seconds
	void             bool
	job              string
}

// Declare records hours that somebody worked on a day, at unknown times.
// DeclarationID comes from [DeclarationID]; the same id is recorded once.
type Declare struct {
	DeclarationID uuid.UUID
	WorkID        uuid.UUID
	WorkDate      string
	Zone          string
	DayEnds       time.Time
	Seconds       int64
	Job           string // code; no part of DeclarationID
	Origin        string
	ReceivedAt    time.Time
	Source        eventschema.Source
}

// CorrectDeclared changes what counts of declared hours. Both people are named, and
// they differ. With a Job, no Seconds leave the hours as
// they count.
type CorrectDeclared struct {
	CorrectionID  uuid.UUID
	DeclarationID uuid.UUID
	WorkID        uuid.UUID
	Void          bool
	Seconds       int64
	Job           *string // nil leaves it
	Reason        eventschema.CorrectionReason
	CorrectedBy   uuid.UUID
	ApprovedBy    uuid.UUID
	CorrectedAt   time.Time
}

func (Declare) isCommand()         {}
func (CorrectDeclared) isCommand() {}

// DeclarationID derives the id of a declaration from what its file says: the same
// work id, origin, date, hours and remaining columns are the same entry, however
// often and from whichever file it arrives. nth tells entries apart that are the
// same in all of that, counted from 1 within the file.
func DeclarationID(tenant, work uuid.UUID, origin, workDate string, seconds int64, nth int, columns ...string) uuid.UUID {
	return derivedID(tenant, append([]string{
		"declared", eventschema.Hex(work), origin, workDate, strconv.FormatInt(seconds, 10), strconv.Itoa(nth),
	}, columns...))
}

// StreamDate is the instant by which a work date belongs to a stream of punches.
func StreamDate(workDate string) (time.Time, error) {
	date, err := time.Parse(time.DateOnly, workDate)
	if err != nil {
		return time.Time{}, ErrWorkDate
	}
	return date, nil
}

func declare(state State, c Declare) ([]eventschema.Event, error) {
	if known, recorded := state.declared[c.DeclarationID]; recorded {
		if known.recorded != c.Seconds {
			return nil, ErrOtherDeclaration
		}
		return nil, nil
	}
	if _, err := StreamDate(c.WorkDate); err != nil || c.DayEnds.IsZero() {
		return nil, ErrWorkDate
	}
	switch {
	case c.Seconds <= 0 || c.Seconds > longestDay:
		return nil, ErrHours
	case c.Origin == "":
		return nil, ErrStation
	case validJob(&c.Job) != nil:
		return nil, ErrCode
	case c.DayEnds.After(c.ReceivedAt.Add(24*time.Hour + ClockTolerance)):
		return nil, ErrInTheFuture
	}
	return []eventschema.Event{&eventschema.HoursDeclared{
		DeclarationID: c.DeclarationID, WorkID: c.WorkID, WorkDate: c.WorkDate, Zone: c.Zone, DayEnds: c.DayEnds.UTC(), Seconds: c.Seconds,
		Job: c.Job, Origin: c.Origin, ReceivedAt: c.ReceivedAt.UTC(), Source: c.Source,
	}}, nil
}

func correctDeclared(state State, c CorrectDeclared) ([]eventschema.Event, error) {
	if _, done := state.corrections[c.CorrectionID]; done {
		return nil, nil
	}
	known, declared := state.declared[c.DeclarationID]
	if c.Void {
		c.Seconds, c.Job = known.counts, nil
	} else if c.Seconds == 0 && c.Job != nil && !known.void {
		c.Seconds = known.counts
	}
	switch {
	case !declared:
		return nil, ErrUnknownDeclaration
	case c.Reason != eventschema.ReasonWrongHours && c.Reason != eventschema.ReasonNotWorked && c.Reason != eventschema.ReasonOther:
		return nil, ErrReason
	case c.ApprovedBy == uuid.Nil || c.CorrectedBy == uuid.Nil:
		return nil, ErrNoApprover
	case c.ApprovedBy == c.CorrectedBy:
		return nil, ErrSelfApproval
	case c.Seconds <= 0 || c.Seconds > longestDay:
		return nil, ErrHours
	case validJob(c.Job) != nil:
		return nil, ErrCode
	case c.Void == known.void && c.Seconds == known.counts && (c.Job == nil || *c.Job == known.job):
		return nil, ErrNothingChanges
	}
	return []eventschema.Event{&eventschema.DeclarationCorrected{
		CorrectionID: c.CorrectionID, DeclarationID: c.DeclarationID, WorkID: c.WorkID, DayEnds: known.dayEnds, Void: c.Void, Seconds: c.Seconds, Job: c.Job,
		Reason: c.Reason, CorrectedBy: c.CorrectedBy, ApprovedBy: c.ApprovedBy, CorrectedAt: c.CorrectedAt.UTC(),
	}}, nil
}
