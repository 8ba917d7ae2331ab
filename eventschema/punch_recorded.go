package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// PunchRecorded says that somebody punched. It keeps the times apart: when the
// punch is claimed to have happened (OccurredAt), what the station's own clock
// and counter said, when the server received it, and, as the event's creation
// time in the store, when it was recorded. A punch is never edited and never
// refused for what other punches say; what it means for hours is read later.
//
// History:
//   - v1 had no kind (every punch was normal), no UTC offset and no counter, and
//     said nothing about location.
//   - v2 has them. The offset of a v1 punch follows from its two times.
type PunchRecorded struct {
	PunchID    uuid.UUID `json:"punch_id"` // also the id of the event that recorded it
	WorkID     uuid.UUID `json:"work_id"`
	OccurredAt time.Time `json:"occurred_at"` // claimed instant, UTC

	Zone          string `json:"zone"`           // IANA zone of the site
	OffsetSeconds int    `json:"offset_seconds"` // UTC offset in force there at OccurredAt, seconds east

	Direction Direction `json:"direction"`
	Kind      PunchKind `json:"kind"`

	Station        string    `json:"station"`
	StationClock   string    `json:"station_clock"`             // as the station wrote it, local, no zone
	StationCounter *int64    `json:"station_counter,omitempty"` // the station's own running number, where it has one
	Verification   string    `json:"verification,omitempty"`    // how the station knew the person, as the station coded it
	ReceivedAt     time.Time `json:"received_at"`

	Location LocationOutcome `json:"location"`
	Source   Source          `json:"source"`
}

// Direction is whether a punch starts or ends work.
type Direction string

// The directions.
const (
	DirectionIn  Direction = "in"
	DirectionOut Direction = "out"
)

// PunchKind says what the punch was pressed for.
type PunchKind string

// The kinds. Overtime is the key that some stations offer; it is what was
// pressed, not what is owed.
const (
	KindNormal   PunchKind = "normal"
	KindBreak    PunchKind = "break"
	KindMeal     PunchKind = "meal"
	KindTransfer PunchKind = "transfer"
	KindOvertime PunchKind = "overtime"
)

// LocationOutcome says what became of the coordinates offered with a punch. The
// punch is kept whatever the answer (promises ST-10, ST-46, ST-47).
type LocationOutcome string

// The outcomes.
const (
	LocationNotOffered       LocationOutcome = "not_offered"
	LocationRecordedOutcome  LocationOutcome = "recorded"
	LocationDroppedNoConsent LocationOutcome = "dropped_no_consent"
	LocationDeniedByDevice   LocationOutcome = "denied_by_device"
)

// EventType implements [Event].
func (e *PunchRecorded) EventType() string { return "punch-recorded" }

// Sections implements [Event]. A punch is skeleton only.
func (e *PunchRecorded) Sections() []Section { return nil }

// StoredID makes the punch id the id of its event: the punch itself is the key
// under which nothing is recorded twice, for ever.
func (e *PunchRecorded) StoredID() uuid.UUID { return e.PunchID }

type punchRecordedV1 struct {
	PunchID      uuid.UUID `json:"punch_id"`
	WorkID       uuid.UUID `json:"work_id"`
	OccurredAt   time.Time `json:"occurred_at"`
	Zone         string    `json:"zone"`
	Direction    Direction `json:"direction"`
	Station      string    `json:"station"`
	StationClock string    `json:"station_clock"` // always 2006-01-02 15:04:05 in this version
	ReceivedAt   time.Time `json:"received_at"`
}

func punchRecorded() Definition {
	return Definition{
		Type: "punch-recorded", Version: 2, New: func() Event { return new(PunchRecorded) },
		Upcasts: map[int]Upcast{1: {Data: upcastPunchRecordedV1}}, plain: plainPunch,
	}
}

func upcastPunchRecordedV1(data json.RawMessage) (json.RawMessage, error) {
	var old punchRecordedV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	local, err := time.ParseInLocation(time.DateTime, old.StationClock, time.UTC)
	if err != nil {
		return nil, ErrPayload
	}
	return json.Marshal(PunchRecorded{
		PunchID: old.PunchID, WorkID: old.WorkID, OccurredAt: old.OccurredAt,
		Zone: old.Zone, OffsetSeconds: int(local.Sub(old.OccurredAt.UTC()) / time.Second),
		Direction: old.Direction, Kind: KindNormal,
		Station: old.Station, StationClock: old.StationClock, ReceivedAt: old.ReceivedAt,
		Location: LocationNotOffered, Source: SourceAPI,
	})
}
