// Package timecard decides about the punches of one work id in one year, and about
// hours that are declared without times of day.
//
// A punch is a fact that a station reports: it is recorded whatever other
// punches say, in whatever order stations deliver, and exactly once. What it
// means for hours is read later ([tracekeep/domain/hours]). A correction never
// changes the punch; it says what counts in its place.
package timecard

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrNoTime         = errors.New("the instant of the punch is required")
	ErrDirection      = errors.New("the direction must be in or out")
	ErrKind           = errors.New("the kind of punch is not known")
	ErrStation        = errors.New("the station is required")
	ErrOffset         = errors.New("a UTC offset lies between -14 and +14 hours")
	ErrCode           = errors.New("site, job and reason are codes: lower-case letters, digits and underscores")
	ErrReasonOfVisit  = errors.New("only a visit has a reason")
	ErrInTheFuture    = errors.New("the punch lies in the future")
	ErrOtherPunch     = errors.New("this punch id was used for another punch")
	ErrUnknownPunch   = errors.New("there is no such punch in this year")
	ErrNoApprover     = errors.New("a correction needs an approver")
	ErrSelfApproval   = errors.New("a correction must be approved by somebody else")
	ErrReason         = errors.New("the reason of the correction is not known")
	ErrYear           = errors.New("a corrected punch stays in its calendar year (UTC): void it and record a new one")
	ErrNothingChanges = errors.New("the correction changes nothing")
)

// ClockTolerance is how far a station's clock may run ahead of the server
// before a punch is refused as lying in the future.
const ClockTolerance = 24 * time.Hour

// State holds what counts of each punch of the year, and of each declaration.
type State struct {
	punches     map[uuid.UUID]kept
	declared    map[uuid.UUID]declaration
	corrections map[uuid.UUID]struct{}
}

// kept is one punch: as it was recorded, and as it counts now.
type kept struct{ recorded, counts counted }

type counted struct {
	void          bool
	occurredAt    time.Time
	offsetSeconds int // decides the work date
	direction     eventschema.Direction
	kind          eventschema.PunchKind
	job           string
}

// Punches is how many punches the year has, voided ones included.
func (s State) Punches() int { return len(s.punches) }

// Recorded tells whether a punch or a declaration with this id is in the year.
func (s State) Recorded(id uuid.UUID) bool {
	_, recorded := s.punches[id]
	_, declared := s.declared[id]
	return recorded || declared
}

// Press is what counts of one punch.
type Press struct {
	At        time.Time
	Direction eventschema.Direction
}

// Presses lists what counts from an instant on and before another, in order of time.
func (s State) Presses(from, before time.Time) []Press {
	var presses []Press
	for _, punch := range s.punches {
		if c := punch.counts; !c.void && !c.occurredAt.Before(from) && c.occurredAt.Before(before) {
			presses = append(presses, Press{At: c.occurredAt, Direction: c.direction})
		}
	}
	slices.SortFunc(presses, func(a, b Press) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Direction, b.Direction))
	})
	return presses
}

// Command is one of [Punch], [Correct], [Declare], [CorrectDeclared].
type Command interface{ isCommand() }

// Punch records one punch. PunchID comes from [PunchID] or from the device that
// made the punch; the same id is recorded once.
type Punch struct {
	PunchID        uuid.UUID
	WorkID         uuid.UUID
	OccurredAt     time.Time
	Zone           string
	OffsetSeconds  int
	Direction      eventschema.Direction
	Kind           eventschema.PunchKind
	Station        string
	StationClock   string
	StationCounter *int64
	Verification   string
	ReceivedAt     time.Time
	Location       eventschema.LocationOutcome
	Source         eventschema.Source
	Site           string
	Job            string
	Reason         string // of a visit
	DeviceID       uuid.UUID
	Fence          *eventschema.FenceReading
}

// Correct changes what counts of a punch. Both people are named, and they differ.
type Correct struct {
	CorrectionID  uuid.UUID
	PunchID       uuid.UUID
	WorkID        uuid.UUID
	Void          bool
	OccurredAt    time.Time
	OffsetSeconds int
	Direction     eventschema.Direction
	Kind          eventschema.PunchKind
	Job           *string // nil leaves it
	Reason        eventschema.CorrectionReason
	CorrectedBy   uuid.UUID
	ApprovedBy    uuid.UUID
	CorrectedAt   time.Time
}

func (Punch) isCommand()   {}
func (Correct) isCommand() {}

// PunchID derives the id of a punch that its station did not number itself:
// the same work id, station, clock reading, key and remaining columns are the
// same punch, however often and from whichever file they arrive.
func PunchID(tenant, work uuid.UUID, station, stationClock string, direction eventschema.Direction, kind eventschema.PunchKind, columns ...string) uuid.UUID {
	return derivedID(tenant, append([]string{eventschema.Hex(work), station, stationClock, string(direction), string(kind)}, columns...))
}

func derivedID(tenant uuid.UUID, parts []string) uuid.UUID {
	var name strings.Builder
	for _, part := range parts { // length-prefixed, so that no two lists share a name
		name.WriteString(strconv.Itoa(len(part)))
		name.WriteByte(':')
		name.WriteString(part)
	}
	return uuid.NewSHA1(tenant, []byte(name.String()))
}

// Decider decides for one punches stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State {
			return State{punches: map[uuid.UUID]kept{}, declared: map[uuid.UUID]declaration{}, corrections: map[uuid.UUID]struct{}{}}
		},
		Decide: decide,
		Evolve: evolve,
	}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	switch c := command.(type) {
	case Punch:
		return punch(state, c)
	case Correct:
		return correct(state, c)
	case Declare:
		return declare(state, c)
	case CorrectDeclared:
		return correctDeclared(state, c)
	}
	return nil, domain.ErrUnknownCommand
}

func punch(state State, c Punch) ([]eventschema.Event, error) {
	if known, recorded := state.punches[c.PunchID]; recorded {
		return nil, sameAsRecorded(known.recorded, c)
	}
	if c.OccurredAt.IsZero() {
		return nil, ErrNoTime
	}
	if c.OccurredAt.After(c.ReceivedAt.Add(ClockTolerance)) {
		return nil, ErrInTheFuture
	}
	if c.Station == "" {
		return nil, ErrStation
	}
	if err := errors.Join(validKey(c.Direction, c.Kind, c.OffsetSeconds), validCodes(c)); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.PunchRecorded{
		PunchID: c.PunchID, WorkID: c.WorkID, OccurredAt: c.OccurredAt.UTC(),
		Zone: c.Zone, OffsetSeconds: c.OffsetSeconds, Direction: c.Direction, Kind: c.Kind,
		Station: c.Station, StationClock: c.StationClock, StationCounter: c.StationCounter, Verification: c.Verification,
		ReceivedAt: c.ReceivedAt.UTC(), Location: c.Location, Source: c.Source,
		Site: c.Site, Job: c.Job, Reason: c.Reason, DeviceID: c.DeviceID, Fence: c.Fence,
	}}, nil
}

// sameAsRecorded refuses a punch whose id was used for another one. The id of an
// imported or pushed punch derives from what its station said; its instant may differ when
// the file was imported under another zone, and the first import stands.
func sameAsRecorded(recorded counted, c Punch) error {
	if c.Source == eventschema.SourceImport || c.Source == eventschema.SourceTerminal ||
		recorded.occurredAt.Equal(c.OccurredAt) && recorded.direction == c.Direction && recorded.kind == c.Kind {
		return nil
	}
	return ErrOtherPunch
}

func correct(state State, c Correct) ([]eventschema.Event, error) {
	if _, done := state.corrections[c.CorrectionID]; done {
		return nil, nil
	}
	punch, known := state.punches[c.PunchID]
	current := punch.counts
	switch {
	case !known:
		return nil, ErrUnknownPunch
	case !validReason(c.Reason):
		return nil, ErrReason
	case c.ApprovedBy == uuid.Nil || c.CorrectedBy == uuid.Nil:
		return nil, ErrNoApprover
	case c.ApprovedBy == c.CorrectedBy:
		return nil, ErrSelfApproval
	}
	event := &eventschema.PunchCorrected{
		CorrectionID: c.CorrectionID, PunchID: c.PunchID, WorkID: c.WorkID, Void: c.Void,
		OccurredAt: current.occurredAt, OffsetSeconds: current.offsetSeconds, Direction: current.direction, Kind: current.kind,
		Reason: c.Reason, CorrectedBy: c.CorrectedBy, ApprovedBy: c.ApprovedBy, CorrectedAt: c.CorrectedAt.UTC(),
	}
	if !c.Void {
		if err := errors.Join(validKey(c.Direction, c.Kind, c.OffsetSeconds), validJob(c.Job)); err != nil {
			return nil, err
		}
		switch {
		case c.OccurredAt.IsZero():
			return nil, ErrNoTime
		case c.OccurredAt.UTC().Year() != current.occurredAt.Year():
			return nil, ErrYear
		case c.OccurredAt.After(c.CorrectedAt.Add(ClockTolerance)):
			return nil, ErrInTheFuture
		}
		event.OccurredAt, event.OffsetSeconds, event.Direction, event.Kind, event.Job = c.OccurredAt.UTC(), c.OffsetSeconds, c.Direction, c.Kind, c.Job
	}
	if asCorrected(current, event) == current {
		return nil, ErrNothingChanges
	}
	return []eventschema.Event{event}, nil
}

func validKey(direction eventschema.Direction, kind eventschema.PunchKind, offsetSeconds int) error {
	if direction != eventschema.DirectionIn && direction != eventschema.DirectionOut {
		return ErrDirection
	}
	switch kind {
	case eventschema.KindNormal, eventschema.KindBreak, eventschema.KindMeal, eventschema.KindTransfer, eventschema.KindOvertime, eventschema.KindVisit:
	default:
		return ErrKind
	}
	if offsetSeconds < -14*3600 || offsetSeconds > 14*3600 {
		return ErrOffset
	}
	return nil
}

func validCodes(c Punch) error {
	for _, code := range []string{c.Site, c.Job, c.Reason} {
		if code != "" && !domain.IsCode(code) {
			return ErrCode
		}
	}
	if c.Reason != "" && c.Kind != eventschema.KindVisit {
		return ErrReasonOfVisit
	}
	return nil
}

// validJob allows a code, and none.
func validJob(job *string) error {
	if job != nil && *job != "" && !domain.IsCode(*job) {
		return ErrCode
	}
	return nil
}

func validReason(reason eventschema.CorrectionReason) bool {
	switch reason {
	case eventschema.ReasonWrongKey, eventschema.ReasonWrongTime, eventschema.ReasonNotThisPunch, eventschema.ReasonOther:
		return true
	case eventschema.ReasonWrongHours, eventschema.ReasonNotWorked: // of declared hours
	}
	return false
}

// evolve updates the maps in place: a State belongs to one fold.
func evolve(state State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.PunchRecorded:
		recorded := counted{occurredAt: e.OccurredAt.UTC(), offsetSeconds: e.OffsetSeconds, direction: e.Direction, kind: e.Kind, job: e.Job}
		state.punches[e.PunchID] = kept{recorded: recorded, counts: recorded}
	case *eventschema.PunchCorrected:
		punch := state.punches[e.PunchID]
		punch.counts = asCorrected(punch.counts, e)
		state.punches[e.PunchID] = punch
		state.corrections[e.CorrectionID] = struct{}{}
	case *eventschema.HoursDeclared:
		state.declared[e.DeclarationID] = declaration{dayEnds: e.DayEnds, recorded: e.Seconds, counts: e.Seconds, job: e.Job}
	case *eventschema.DeclarationCorrected:
		d := state.declared[e.DeclarationID]
		d.counts, d.void = e.Seconds, e.Void
		if e.Job != nil {
			d.job = *e.Job
		}
		state.declared[e.DeclarationID] = d
		state.corrections[e.CorrectionID] = struct{}{}
	}
	return state
}

func asCorrected(before counted, e *eventschema.PunchCorrected) counted {
	after := counted{void: e.Void, occurredAt: e.OccurredAt.UTC(), offsetSeconds: e.OffsetSeconds, direction: e.Direction, kind: e.Kind, job: before.job}
	if e.Job != nil && !e.Void {
		after.job = *e.Job
	}
	return after
}
