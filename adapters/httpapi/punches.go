package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// Once documents the header that guard has checked.
type Once struct {
	Key string `header:"Idempotency-Key" required:"true" maxLength:"512" doc:"A quoted string, unique for this request: repeating the request with it has no second effect." example:"\"8e03978e-40d5-43dd-bc93-6894a57f9324\""`
}

// Fresh documents the header that guard has waited for.
type Fresh struct {
	MinPosition string `header:"X-Min-Position" pattern:"^[0-9]{1,19}$" doc:"Answer only from read models that have reached this position, as X-Position gave it."`
}

// Ack is the header of an acknowledged change.
type Ack struct {
	Position string `header:"X-Position" doc:"The place of the change in the log; send it back as X-Min-Position to read what you wrote."`
}

// ack names the place of a change, where it is known.
func ack(receipt Receipt) Ack {
	if receipt.Position == 0 {
		return Ack{}
	}
	return Ack{Position: strconv.FormatUint(receipt.Position, 10)}
}

// created is 201 for something new and 200 for what was there already.
func created(receipt Receipt) int {
	if receipt.Repeated {
		return http.StatusOK
	}
	return http.StatusCreated
}

// PunchBody is a punch as sent.
type PunchBody struct {
	PunchID        ID            `json:"punch_id,omitempty" required:"false" doc:"The id the device gave the punch; the same id is recorded once, for ever. Left out, it derives from the Idempotency-Key."`
	WorkID         ID            `json:"work_id,omitempty" required:"false" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Whose punch; or send badge."`
	Badge          string        `json:"badge,omitempty" minLength:"1" maxLength:"64" pattern:"^[!-~]+$" doc:"The badge number that the station read, in place of work_id."`
	OccurredAt     string        `json:"occurred_at,omitempty" format:"date-time" example:"2026-03-02T08:00:00+01:00" doc:"The instant claimed, with its offset; or send local_time."`
	LocalTime      string        `json:"local_time,omitempty" maxLength:"19" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$" doc:"What the clock on the wall showed in the zone. Refused in a gap of the clock, and in an overlap, where only occurred_at can tell which."`
	Zone           string        `json:"zone" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" example:"Europe/Berlin" doc:"IANA time zone of the site."`
	Direction      string        `json:"direction" enum:"in,out" example:"in"`
	Kind           string        `json:"kind,omitempty" enum:"normal,break,meal,transfer,overtime,visit" default:"normal" doc:"What the punch was pressed for."`
	Site           string        `json:"site,omitempty" maxLength:"60" pattern:"^[a-z0-9_]*$" example:"harbor_st" doc:"Code of the place, where a station serves several."`
	Job            string        `json:"job,omitempty" maxLength:"60" pattern:"^[a-z0-9_]*$" example:"night_watch" doc:"Code of what the work that begins is for."`
	Reason         string        `json:"reason,omitempty" maxLength:"60" pattern:"^[a-z0-9_]*$" example:"calculus" doc:"Code of why somebody visits; of a visit only."`
	Station        string        `json:"station" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" example:"gate-1" doc:"Where it was pressed; a phone sends app."`
	StationClock   string        `json:"station_clock,omitempty" maxLength:"40" pattern:"^[0-9TZ:+./ -]*$" example:"2026-03-02 08:00:00" doc:"What the station's own clock said, as it wrote it."`
	StationCounter *int64        `json:"station_counter,omitempty" minimum:"0" example:"1042" doc:"The station's own running number."`
	Location       *LocationBody `json:"location,omitempty" doc:"Kept only while consent to location is in force; the punch counts either way."`
	LocationDenied bool          `json:"location_denied,omitempty" doc:"The device does not give its location."`
}

// LocationBody is a point as sent, WGS 84.
type LocationBody struct {
	Latitude       float64  `json:"latitude" minimum:"-90" maximum:"90" example:"52.520008"`
	Longitude      float64  `json:"longitude" minimum:"-180" maximum:"180" example:"13.404954"`
	AccuracyMetres *float64 `json:"accuracy_metres,omitempty" minimum:"0" maximum:"100000" example:"12.5"`
}

type punchAnswer struct {
	Ack
	Status int
	Body   struct {
		PunchID    string `json:"punch_id" format:"uuid"`
		Position   uint64 `json:"position" doc:"The place in the log." example:"48213"`
		OccurredAt string `json:"occurred_at" format:"date-time" doc:"The instant, UTC." example:"2026-03-02T07:00:00Z"`
		Location   string `json:"location" enum:"not_offered,recorded,dropped_no_consent,denied_by_device" example:"not_offered" doc:"What became of the coordinates."`
	}
}

// CorrectionBody is a correction of a punch as sent.
type CorrectionBody struct {
	WorkID          ID      `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`
	PunchOccurredAt string  `json:"punch_occurred_at" format:"date-time" example:"2026-03-02T07:00:00Z" doc:"The instant of the punch as it was recorded."`
	Void            bool    `json:"void,omitempty" doc:"Take the punch out of the count; then no new values are sent."`
	OccurredAt      string  `json:"occurred_at,omitempty" format:"date-time" example:"2026-03-02T08:05:00+01:00"`
	LocalTime       string  `json:"local_time,omitempty" maxLength:"19" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"`
	Zone            string  `json:"zone,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" example:"Europe/Berlin"`
	Direction       string  `json:"direction,omitempty" enum:"in,out" example:"in"`
	Kind            string  `json:"kind,omitempty" enum:"normal,break,meal,transfer,overtime,visit" example:"normal"`
	Job             *string `json:"job,omitempty" maxLength:"60" pattern:"^[a-z0-9_]*$" example:"night_watch" doc:"Code of the job that counts; empty for none. Left out, the job stays."`
	Reason          string  `json:"reason" enum:"wrong_key,wrong_time,not_the_punch,other" example:"wrong_time"`
	ApprovedBy      ID      `json:"approved_by" example:"b2a4c1de-1111-4222-8333-444455556666" doc:"Who approved it: somebody else than who corrects. Recorded as named; accounts, which could check it, come later."`
}

type correctionAnswer struct {
	Ack
	Status int
	Body   struct {
		CorrectionID string `json:"correction_id" format:"uuid"`
		PunchID      string `json:"punch_id" format:"uuid"`
		Position     uint64 `json:"position" example:"48214"`
	}
}

func (a *API) registerPunches(api huma.API) {
	huma.Register(api, a.operation("record-punch", http.MethodPost, "/v1/punches", "Punches",
		"Record a punch", "By work id, or by the badge that a station read."),
		func(ctx context.Context, in *struct {
			Once
			Body PunchBody
		}) (*punchAnswer, error) {
			return a.recordPunch(ctx, in.Body)
		})
	huma.Register(api, a.operation("correct-punch", http.MethodPost, "/v1/punches/{punch_id}/corrections", "Punches",
		"Correct a punch", "The punch stays as it was recorded; the correction says what counts instead."),
		func(ctx context.Context, in *struct {
			Once
			PunchID ID `path:"punch_id"`
			Body    CorrectionBody
		}) (*correctionAnswer, error) {
			return a.correctPunch(ctx, in.PunchID.id(), in.Body)
		})
}

func (a *API) recordPunch(ctx context.Context, body PunchBody) (*punchAnswer, error) {
	if (body.WorkID == "") == (body.Badge == "") {
		return nil, invalid("/work_id", "exactly_one", "exactly one of work_id and badge")
	}
	if body.Location != nil && body.LocationDenied {
		return nil, invalid("/location_denied", "contradiction", "a location is sent and denied at once")
	}
	at, offset, problem := instant(body.OccurredAt, body.LocalTime, body.Zone)
	if problem != nil {
		return nil, problem
	}
	what := intent(ctx)
	punch := PunchEntry{
		PunchID: body.PunchID.id(), Work: body.WorkID.id(), Badge: eventschema.Clear(body.Badge),
		OccurredAt: at, OffsetSeconds: offset, Zone: body.Zone,
		Direction: eventschema.Direction(body.Direction), Kind: eventschema.PunchKind(body.Kind),
		Station: body.Station, StationClock: body.StationClock, StationCounter: body.StationCounter, Site: body.Site, Job: body.Job, Reason: body.Reason,
		Location: body.Location.point(), LocationDenied: body.LocationDenied, ReceivedAt: a.config.Clock().UTC(),
	}
	if punch.PunchID == uuid.Nil {
		punch.PunchID = derivedID(what)
	}
	receipt, err := a.inside.Punches.RecordPunch(ctx, what, punch)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &punchAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt)}
	answer.Body.PunchID, answer.Body.Position = receipt.PunchID.String(), receipt.Position
	answer.Body.OccurredAt, answer.Body.Location = rfc3339(receipt.OccurredAt), string(receipt.Location)
	return answer, nil
}

func (l *LocationBody) point() *Location {
	if l == nil {
		return nil
	}
	text := func(f float64) eventschema.Personal { return eventschema.Clear(strconv.FormatFloat(f, 'f', -1, 64)) }
	point := &Location{Latitude: text(l.Latitude), Longitude: text(l.Longitude)}
	if l.AccuracyMetres != nil {
		point.AccuracyMetres = text(*l.AccuracyMetres)
	}
	return point
}

func (a *API) correctPunch(ctx context.Context, punch uuid.UUID, body CorrectionBody) (*correctionAnswer, error) {
	recorded, problem := parseInstant("/punch_occurred_at", body.PunchOccurredAt)
	if problem != nil {
		return nil, problem
	}
	what := intent(ctx)
	correction := PunchCorrection{
		CorrectionID: derivedID(what), PunchID: punch, Work: body.WorkID.id(), RecordedAs: recorded, Void: body.Void,
		Reason: eventschema.CorrectionReason(body.Reason), ApprovedBy: body.ApprovedBy.id(), ReceivedAt: a.config.Clock().UTC(),
	}
	newValues := body.OccurredAt != "" || body.LocalTime != "" || body.Direction != "" || body.Kind != "" || body.Zone != "" || body.Job != nil
	switch {
	case body.Void && newValues:
		return nil, invalid("/void", "contradiction", "a void punch has no new values")
	case !body.Void && body.Direction == "":
		return nil, invalid("/direction", "required", "new values or void are required")
	case !body.Void:
		at, offset, problem := instant(body.OccurredAt, body.LocalTime, body.Zone)
		if problem != nil {
			return nil, problem
		}
		correction.OccurredAt, correction.OffsetSeconds = at, offset
		correction.Direction, correction.Kind, correction.Job = eventschema.Direction(body.Direction), eventschema.PunchKind(body.Kind), body.Job
		if correction.Kind == "" {
			correction.Kind = eventschema.KindNormal
		}
	}
	receipt, err := a.inside.Punches.CorrectPunch(ctx, what, correction)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &correctionAnswer{Ack: ack(receipt), Status: created(receipt)}
	answer.Body.CorrectionID, answer.Body.PunchID = correction.CorrectionID.String(), punch.String()
	answer.Body.Position = receipt.Position
	return answer, nil
}

// derivedID is the id that one intent always names.
func derivedID(what Intent) uuid.UUID {
	return uuid.NewSHA1(what.Principal.Tenant, []byte("httpapi\x00"+what.Key))
}

func localTimeProblem(err error) *Problem {
	code, message := "local_time", "there is no such local time"
	switch {
	case errors.Is(err, localtime.ErrGap):
		code, message = "nonexistent_local_time", "the clocks were put forward over this local time"
	case errors.Is(err, localtime.ErrOverlap):
		code, message = "ambiguous_local_time", "the clocks were put back over this local time: send occurred_at with an offset"
	}
	return kindRefused.because("", Fault{Pointer: "/local_time", Code: code, Message: message})
}
