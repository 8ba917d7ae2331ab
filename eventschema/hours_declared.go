package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoursDeclared says how long somebody worked on a day, where nobody knows from
// when to when: time sheets and trackers that keep hours only. It is no punch, and
// no time of day is made up for it: its hours count in what is worked and owed, and
// rules that go by the clock say that they could not judge them. It stands in the
// punches stream of the year of its date.
//
// History:
//   - v1 knew no job.
//   - v2 may name one.
type HoursDeclared struct {
	DeclarationID uuid.UUID `json:"declaration_id"` // also the id of the event that recorded it
	WorkID        uuid.UUID `json:"work_id"`
	WorkDate      string    `json:"work_date"` // 2006-01-02, local date at the site
	Zone          string    `json:"zone"`      // IANA zone of the site
	DayEnds       time.Time `json:"day_ends"`  // when WorkDate ends there, UTC: before it the hours were not all worked
	Seconds       int64     `json:"seconds"`
	Job           string    `json:"job,omitempty"` // code; empty: none was named

	Origin     string    `json:"origin"` // by what it was declared, as a station is named
	ReceivedAt time.Time `json:"received_at"`
	Source     Source    `json:"source"`
}

// DeclarationCorrected says that declared hours count differently from now on. What
// was declared stays as it was recorded. The date does not change: hours of another
// day are voided here and declared there.
//
// History:
//   - v1 left the job of the hours as it was.
//   - v2 may say another one.
type DeclarationCorrected struct {
	CorrectionID  uuid.UUID `json:"correction_id"`
	DeclarationID uuid.UUID `json:"declaration_id"`
	WorkID        uuid.UUID `json:"work_id"`
	DayEnds       time.Time `json:"day_ends"` // that of what was declared

	// Void takes the declaration out of the count. Otherwise Seconds is what counts
	// in place of what was declared.
	Void    bool    `json:"void"`
	Seconds int64   `json:"seconds"`
	Job     *string `json:"job,omitempty"` // code; empty: for no job. nil leaves what counted

	Reason      CorrectionReason `json:"reason"`
	CorrectedBy uuid.UUID        `json:"corrected_by"`
	ApprovedBy  uuid.UUID        `json:"approved_by"`
	CorrectedAt time.Time        `json:"corrected_at"`
}

// The reasons for corrections of declared hours, beside [ReasonOther].
const (
	ReasonWrongHours CorrectionReason = "wrong_hours"
	ReasonNotWorked  CorrectionReason = "not_worked" // declared by mistake, twice, or for somebody else
)

// EventType implements [Event].
func (e *HoursDeclared) EventType() string { return "hours-declared" }

// Sections implements [Event]. A declaration is skeleton only.
func (e *HoursDeclared) Sections() []Section { return nil }

// StoredID makes the declaration id the id of its event: nothing is declared twice,
// for ever.
func (e *HoursDeclared) StoredID() uuid.UUID { return e.DeclarationID }

// EventType implements [Event].
func (e *DeclarationCorrected) EventType() string { return "declaration-corrected" }

// Sections implements [Event].
func (e *DeclarationCorrected) Sections() []Section { return nil }

// StoredID makes the correction id the id of its event.
func (e *DeclarationCorrected) StoredID() uuid.UUID { return e.CorrectionID }

func hoursDeclared() Definition {
	return Definition{Type: "hours-declared", Version: 2, New: func() Event { return new(HoursDeclared) }, Upcasts: map[int]Upcast{1: {Data: asStored}}}
}

func declarationCorrected() Definition {
	return Definition{
		Type: "declaration-corrected", Version: 2, New: func() Event { return new(DeclarationCorrected) }, Upcasts: map[int]Upcast{1: {Data: asStored}},
	}
}
