package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// Codes of what is wrong with a single punch of a batch, beside those of the rules
// of punches and of whose punch it is.
const (
	claimOtherWork = "not_of_this_device" // a phone punches for nobody else
	claimNobody    = "exactly_one"        // a kiosk says whose punch it is, by badge or work id
	claimErased    = "erased"
	claimErasing   = "being_erased"
	claimCounter   = "bad_counter"
	claimTime      = "bad_time"
	claimZone      = "bad_zone"
	claimClock     = "bad_clock"
	claimLocation  = "bad_location"
)

// plan parts what may be recorded by stream, and refuses the rest.
func (t *intake) plan(ctx context.Context) (map[eventschema.StreamName][]claimed, []eventschema.StreamName, error) {
	works, err := t.works(ctx)
	if err != nil {
		return nil, nil, err
	}
	fenced, err := t.fenced(ctx, works)
	if err != nil {
		return nil, nil, err
	}
	streams := map[eventschema.StreamName][]claimed{}
	var order []eventschema.StreamName
	seen := map[uuid.UUID]bool{}
	for place, p := range t.batch.Punches {
		c, code := t.claim(place, p, works[place])
		if code == "" {
			code = fenced[c.work]
		}
		if code != "" {
			t.refuse(place, p, c, code)
			continue
		}
		if seen[c.entry.PunchID] { // twice in one batch
			t.verdicts[place] = httpapi.PunchVerdict{Counter: p.Counter, Verdict: httpapi.VerdictAlready, PunchID: c.entry.PunchID}
			continue
		}
		seen[c.entry.PunchID] = true
		name := eventschema.PunchesStream(t.app.tenant, c.work, c.entry.OccurredAt)
		if streams[name] == nil {
			order = append(order, name)
		}
		streams[name] = append(streams[name], c)
	}
	return streams, order, nil
}

// refuse gives the verdict and keeps the claim: times and directions that are none,
// and codes that may be anything, are left out.
func (t *intake) refuse(place int, p devicebatch.Punch, c claimed, code string) {
	t.verdicts[place] = httpapi.PunchVerdict{Counter: p.Counter, Verdict: httpapi.VerdictRefused, Code: code}
	kept := eventschema.RefusedPunch{Counter: p.Counter, OccurredAt: c.entry.OccurredAt, Code: code}
	if d := eventschema.Direction(p.Direction); d == eventschema.DirectionIn || d == eventschema.DirectionOut {
		kept.Direction = d
	}
	if slices.Contains(eventschema.PunchKinds(), c.entry.Kind) {
		kept.Kind = c.entry.Kind
	}
	t.refused = append(t.refused, kept)
}

// owned is whose punch something is, or why that is not known.
type owned struct {
	work uuid.UUID
	code string
}

// works finds whose punches they are, all badges at once.
func (t *intake) works(ctx context.Context) ([]owned, error) {
	of := make([]owned, len(t.batch.Punches))
	if !t.kiosk() {
		for i, p := range t.batch.Punches {
			of[i].work = t.device.WorkID
			if p.Badge != "" || p.WorkID != uuid.Nil && p.WorkID != t.device.WorkID {
				of[i].code = claimOtherWork
			}
		}
		return of, nil
	}
	var values []string
	for _, p := range t.batch.Punches {
		if p.Badge != "" {
			values = append(values, badgeToken(t.device.Station, p.Badge), p.Badge)
		}
	}
	slices.Sort(values)
	found, err := t.app.keys.Find(ctx, t.app.tenant, tokenBadge, slices.Compact(values)...)
	if err != nil {
		return nil, err
	}
	exists := map[uuid.UUID]error{}
	for i, p := range t.batch.Punches {
		switch {
		case (p.Badge == "") == (p.WorkID == uuid.Nil):
			of[i].code = claimNobody
		case p.Badge != "":
			of[i].work, of[i].code = workOfBadge(found, t.device.Station, p.Badge)
		default:
			if _, asked := exists[p.WorkID]; !asked {
				exists[p.WorkID] = t.app.requireWork(ctx, p.WorkID)
			}
			of[i].work = p.WorkID
			if err := exists[p.WorkID]; errors.Is(err, errUnknownWork) {
				of[i].code = errUnknownWork.Code
			} else if err != nil {
				return nil, err
			}
		}
	}
	return of, nil
}

// workOfBadge looks for a station's own PIN before a badge that is valid everywhere.
func workOfBadge(found map[string]keyring.Found, station, badge string) (uuid.UUID, string) {
	for _, value := range []string{badgeToken(station, badge), badge} {
		if who, known := found[value]; known {
			return who.Work, ""
		}
	}
	return uuid.Nil, errUnknownBadge.Code
}

// fenced says why punches of some work records are taken no more.
func (t *intake) fenced(ctx context.Context, of []owned) (map[uuid.UUID]string, error) {
	var works []uuid.UUID
	for _, o := range of {
		if o.code == "" && !slices.Contains(works, o.work) {
			works = append(works, o.work)
		}
	}
	status, err := t.app.keys.Status(ctx, t.app.tenant, works...)
	if err != nil {
		return nil, err
	}
	codes := map[uuid.UUID]string{}
	for work, s := range status {
		switch s.Fence {
		case keyring.FenceErased, keyring.FenceRestricted:
			codes[work] = claimErased
		case keyring.FenceClosing:
			codes[work] = claimErasing
		}
	}
	return codes, nil
}

// claim reads one punch, or answers the code of what is wrong with it.
func (t *intake) claim(place int, p devicebatch.Punch, of owned) (c claimed, code string) {
	c = claimed{place: place, work: of.work}
	c.entry = httpapi.PunchEntry{
		Work: of.work, Zone: p.Zone, Direction: eventschema.Direction(p.Direction), Kind: eventschema.PunchKind(p.Kind),
		Station: t.device.Station, StationClock: p.Clock, StationCounter: &p.Counter, Site: p.Site, Job: p.Job, Reason: p.Reason,
		LocationDenied: p.LocationDenied, ReceivedAt: t.received,
	}
	if c.entry.Kind == "" {
		c.entry.Kind = eventschema.KindNormal
	}
	if c.entry.Site == "" {
		c.entry.Site = t.device.Site
	}
	at, err := time.Parse(time.RFC3339Nano, p.OccurredAt)
	if err != nil || at.UTC().Year() < 2000 || at.UTC().Year() > 2099 {
		return c, claimTime
	}
	c.entry.OccurredAt = at.UTC()
	if p.Counter < 1 {
		return c, claimCounter
	}
	if of.code != "" {
		return c, of.code
	}
	location, err := time.LoadLocation(p.Zone)
	if err != nil || p.Zone == "" || p.Zone == "Local" {
		return c, claimZone
	}
	_, c.entry.OffsetSeconds = at.In(location).Zone()
	if len(p.Clock) > 40 || strings.Trim(p.Clock, "0123456789TZ:+./ -") != "" {
		return c, claimClock
	}
	if !c.setLocation(p) {
		return c, claimLocation
	}
	c.entry.PunchID = t.punchID(c)
	if _, err := timecard.Decider().Decide(timecard.Decider().Initial(), t.punch(c, eventschema.LocationNotOffered, nil)); err != nil {
		return c, codeOf(err)
	}
	return c, ""
}

func (c *claimed) setLocation(p devicebatch.Punch) bool {
	if p.Location == nil {
		return true
	}
	l := *p.Location
	if p.LocationDenied || l.Latitude < -90 || l.Latitude > 90 || l.Longitude < -180 || l.Longitude > 180 {
		return false
	}
	text := func(f float64) eventschema.Personal { return eventschema.Clear(strconv.FormatFloat(f, 'f', -1, 64)) }
	point := &httpapi.Location{Latitude: text(l.Latitude), Longitude: text(l.Longitude)}
	if l.AccuracyMetres != nil {
		if *l.AccuracyMetres < 0 || *l.AccuracyMetres > 100_000 {
			return false
		}
		point.AccuracyMetres = text(*l.AccuracyMetres)
	}
	c.entry.Location = point
	return true
}

// punchID names a punch by all that the device said of it but the point and the
// badge, which an id in the clear must not confirm. So the same punch is recorded
// once in whatever batch it comes, and another one under the same counter is
// another punch: both are kept, and shown as doubtful.
func (t *intake) punchID(c claimed) uuid.UUID {
	e := c.entry
	return timecard.PunchID(t.app.tenant, c.work, e.Station, e.StationClock, e.Direction, e.Kind,
		"device", eventschema.Hex(t.device.ID), strconv.FormatInt(*e.StationCounter, 10), e.OccurredAt.Format(time.RFC3339Nano), e.Zone, e.Site, e.Job, e.Reason)
}

// codeOf is the code of a rule that refused.
func codeOf(err error) string {
	var refusal *httpapi.Refusal
	if errors.As(outward(err), &refusal) {
		return refusal.Code
	}
	return "refused"
}
