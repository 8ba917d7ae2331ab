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
//   - v3 says in which site, for which job, why somebody visited, which enrolled
//     device signed it, and whether the point lay within the site's fence.
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

	// What the punch was made for, each a code of the tenant's ([Code]); empty where
	// nobody said.
	Site   string `json:"site,omitempty"`
	Job    string `json:"job,omitempty"`    // whose work begins with the punch
	Reason string `json:"reason,omitempty"` // of a visit, such as the subject

	DeviceID uuid.UUID     `json:"device_id,omitzero"` // enrolled device that signed the punch; its number is StationCounter
	Fence    *FenceReading `json:"fence,omitempty"`    // nil where no point was kept, or the site has no fence
}

// FenceReading says where the point of a punch lay from the fence of its site. It
// outlives the point, which is erased on its own (promise ST-51).
type FenceReading struct {
	Verdict        FenceVerdict `json:"verdict"`
	DistanceMetres int          `json:"distance_metres"` // from the edge of the fence, 0 inside; in steps of 50 up to 1000, which stands for all beyond, so that it leads back to no point
}

// FenceVerdict is the answer of a fence.
type FenceVerdict string

// The verdicts. A point whose accuracy reaches over the edge is on neither side.
const (
	FenceInside    FenceVerdict = "inside"
	FenceOutside   FenceVerdict = "outside"
	FenceUncertain FenceVerdict = "uncertain"
)

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
	KindVisit    PunchKind = "visit" // to a centre; time there is no work
)

// PunchKinds lists every kind.
func PunchKinds() []PunchKind {
	return []PunchKind{KindNormal, KindBreak, KindMeal, KindTransfer, KindOvertime, KindVisit}
}

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
		Type: "punch-recorded", Version: 3, New: func() Event { return new(PunchRecorded) },
		Upcasts: map[int]Upcast{1: {Data: upcastPunchRecordedV1}, 2: {Data: asStored}}, plain: plainPunch, plainSince: 2,
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
