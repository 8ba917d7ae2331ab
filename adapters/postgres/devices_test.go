package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// eventsOfDevice tells the life of the n-th phone: invited, enrolled, a batch with a
// punch that was refused, the same batch again, replaced by another install.
func eventsOfDevice(n int, at time.Time) []other {
	phone, work := id("device", n), id("work", n)
	batch := eventschema.BatchReceived{
		BatchID: id("device batch", n), DeviceID: phone, WorkID: work, Sequence: 1, Punches: 3, FirstCounter: 1, LastCounter: 3, SentAt: at, ReceivedAt: at,
		Refused: []eventschema.RefusedPunch{{Counter: 2, OccurredAt: at.AddDate(1, 0, 0), Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal, Code: "in_the_future"}},
	}
	again := batch
	again.ReceivedAt = at.AddDate(0, 0, 1)
	enrolled := eventschema.DeviceEnrolled{DeviceID: phone, WorkID: work, Station: "app", PublicKey: "a1", EnrolledAt: at, EnrolledBy: work}
	newer := enrolled
	newer.DeviceID, newer.Replaces, newer.PublicKey = id("device", 1000+n), phone, "b2"
	return []other{
		{eventschema.CategoryDevice, work, &eventschema.DeviceInvited{DeviceID: phone, WorkID: work, Station: "app", CodeHash: "c0de", InvitedAt: at, InvitedBy: work, ExpiresAt: at.AddDate(0, 0, 1)}},
		{eventschema.CategoryDevice, work, &enrolled},
		{eventschema.CategoryBatches, work, &batch},
		{eventschema.CategoryBatches, work, &again},
		{eventschema.CategoryDevice, work, &eventschema.DeviceRevoked{DeviceID: phone, WorkID: work, Reason: eventschema.RevokedReplaced, RevokedAt: at.AddDate(0, 0, 2), RevokedBy: work}},
		{eventschema.CategoryDevice, work, &newer},
	}
}

// devicePunch is a punch of the n-th phone.
func devicePunch(n int, counter int64, name string, at, received time.Time) *eventschema.PunchRecorded {
	return &eventschema.PunchRecorded{
		PunchID: id("device punch "+name, int(counter)), WorkID: id("work", n), OccurredAt: at, Zone: "UTC", Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal,
		Station: "app", StationCounter: &counter, ReceivedAt: received, Location: eventschema.LocationNotOffered, Source: eventschema.SourceDevice, DeviceID: id("device", n),
	}
}

func TestTheDevicesAreListedWithWhatTheySentAndWhatIsMissing(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	q := models.Querier()
	for _, o := range eventsOfDevice(1, at) {
		h.add(o.stream(h.tenant), o.event)
	}
	for _, counter := range []int64{7, 3} {
		h.add(eventschema.PunchesStream(h.tenant, id("work", 1), at), devicePunch(1, counter, "", at.Add(time.Duration(counter)*time.Minute), at))
	}
	apply(t, models, h.log)
	got, err := projections.Devices(t.Context(), q, h.tenant, id("work", 1), 0, 10)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	seen, revoked, expires := at, at.AddDate(0, 0, 2), at.AddDate(0, 0, 1)
	want := []projections.Device{
		{DeviceID: id("device", 1001), OwnerID: id("work", 1), WorkID: id("work", 1), Station: "app", Replaces: id("device", 1), EnrolledAt: &at, EnrolledBy: id("work", 1)},
		{DeviceID: id("device", 1), OwnerID: id("work", 1), WorkID: id("work", 1), Station: "app", InvitedAt: &at, ExpiresAt: &expires, EnrolledAt: &at, EnrolledBy: id("work", 1),
			RevokedAt: &revoked, Reason: eventschema.RevokedReplaced, Batches: 1, Punches: 2, Refused: 1, Counter: 7, Missing: 4, LastSeen: &seen},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(projections.Device{}, "Position")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if of, err := projections.Devices(t.Context(), q, h.tenant, id("work", 2), 0, 10); err != nil || len(of) > 0 {
		t.Errorf("of somebody else: %+v %v", of, err)
	}
	missing, err := projections.MissingCounters(t.Context(), q, h.tenant, 10)
	if diff := cmp.Diff([]projections.Missing{{DeviceID: id("device", 1), From: 1, To: 1}, {DeviceID: id("device", 1), From: 4, To: 6}}, missing); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	refused, err := projections.RefusedPunches(t.Context(), q, h.tenant, 10)
	if err != nil || len(refused) != 1 || refused[0].Code != "in_the_future" || refused[0].BatchID != id("device batch", 1) || !refused[0].OccurredAt.Equal(at.AddDate(1, 0, 0)) {
		t.Errorf("refused: %+v %v", refused, err)
	}
	h.add(eventschema.PunchesStream(h.tenant, id("work", 1), at), devicePunch(1, 2, "", at, at))
	apply(t, models, h.log[len(h.log)-1:])
	if refused, err := projections.RefusedPunches(t.Context(), q, h.tenant, 10); err != nil || len(refused) > 0 {
		t.Errorf("a refused punch that came in again and was recorded still waits for a look: %+v %v", refused, err)
	}
	owner, err := projections.OwnerOfDevice(t.Context(), q, h.tenant, id("device", 1001))
	if err != nil || owner != id("work", 1) {
		t.Errorf("owner %s %v", owner, err)
	}
}

var bounds = projections.ArrivalBounds{LateAfter: time.Hour, Clock: 5 * time.Minute, SamePress: 30 * time.Minute}

// promise: ST-54
func TestWhatIsOddAboutAPunchOfADeviceIsSaid(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	type punch struct {
		counter      int64
		at, received time.Duration
		skew         time.Duration // of the batch it came with
	}
	for rule, row := range map[string]struct {
		punches []punch
		want    map[int][]projections.Doubt // by place
	}{
		"in time and in order":                       {[]punch{{1, 0, time.Minute, 0}, {2, time.Hour, 61 * time.Minute, 0}}, nil},
		"late is after an hour":                      {[]punch{{1, 0, time.Hour, 0}, {2, 1, time.Hour + 2, 0}}, nil},
		"an hour and a moment is late":               {[]punch{{1, 0, time.Hour + time.Second, 0}}, map[int][]projections.Doubt{0: {projections.DoubtLate}}},
		"claimed later than it came":                 {[]punch{{1, 6 * time.Minute, 0, 0}}, map[int][]projections.Doubt{0: {projections.DoubtFuture}}},
		"by no more than clocks may differ":          {[]punch{{1, 5 * time.Minute, 0, 0}}, nil},
		"a clock that was ahead when the batch left": {[]punch{{1, 0, 0, 6 * time.Minute}}, map[int][]projections.Doubt{0: {projections.DoubtSkew}}},
		"or behind":                                    {[]punch{{1, 0, 0, -6 * time.Minute}}, map[int][]projections.Doubt{0: {projections.DoubtSkew}}},
		"a clock that was put back":                    {[]punch{{1, 30 * time.Minute, 40 * time.Minute, 0}, {2, 20 * time.Minute, 40 * time.Minute, 0}}, map[int][]projections.Doubt{1: {projections.DoubtClockWentBack}}},
		"the same, and the later one came in first":    {[]punch{{2, 20 * time.Minute, 40 * time.Minute, 0}, {1, 30 * time.Minute, 40 * time.Minute, 0}}, map[int][]projections.Doubt{0: {projections.DoubtClockWentBack}}},
		"a counter used for two punches, both of them": {[]punch{{1, 0, 0, 0}, {1, time.Minute, time.Minute, 0}}, map[int][]projections.Doubt{0: {projections.DoubtCounterTwice}, 1: {projections.DoubtCounterTwice}}},
		"several at once":                              {[]punch{{1, 0, 2 * time.Hour, 10 * time.Minute}}, map[int][]projections.Doubt{0: {projections.DoubtLate, projections.DoubtSkew}}},
	} {
		t.Run(rule, func(t *testing.T) {
			h.tenant = id("tenant of "+rule, 1) // a world of its own in the same tables
			before := len(h.log)
			want := map[uuid.UUID][]projections.Doubt{}
			for i, p := range row.punches {
				received := at.Add(p.received)
				h.add(eventschema.BatchesStream(h.tenant, id("work", 1), at, false), &eventschema.BatchReceived{
					BatchID: id("correlation", len(h.log)+1), DeviceID: id("device", 1), Sequence: int64(i), SentAt: received.Add(p.skew), ReceivedAt: received,
				})
				event := devicePunch(1, p.counter, string(rune('a'+i)), at.Add(p.at), received)
				h.add(eventschema.PunchesStream(h.tenant, id("work", 1), at), event)
				if doubts := row.want[i]; doubts != nil {
					want[event.PunchID] = doubts
				}
			}
			apply(t, models, h.log[before:])
			arrivals, err := projections.DoubtfulArrivals(t.Context(), models.Querier(), h.tenant, bounds, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			got := map[uuid.UUID][]projections.Doubt{}
			for _, a := range arrivals {
				got[a.PunchID] = a.Doubts
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// promise: ST-54
func TestAPunchThatContradictsWhatWasEnteredByHandIsShownWithBoth(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	work := id("work", 1)
	manual := func(name string, at time.Time, direction eventschema.Direction, of uuid.UUID) *eventschema.PunchRecorded {
		return &eventschema.PunchRecorded{PunchID: id(name, 1), WorkID: of, OccurredAt: at, Zone: "UTC", Direction: direction, Kind: eventschema.KindNormal, Station: "office",
			ReceivedAt: at.Add(time.Hour), Location: eventschema.LocationNotOffered, Source: eventschema.SourceManual}
	}
	correction := func(of uuid.UUID, void bool, to time.Time) *eventschema.PunchCorrected {
		return &eventschema.PunchCorrected{CorrectionID: id("correction of", int(to.Unix())), PunchID: of, WorkID: work, Void: void, OccurredAt: to, Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal,
			Reason: eventschema.ReasonOther, CorrectedBy: id("actor", 1), ApprovedBy: id("actor", 2), CorrectedAt: to}
	}
	entry := manual("entry", at, eventschema.DirectionIn, work)
	phone := devicePunch(1, 1, "", at.Add(4*time.Minute), at.Add(50*time.Hour))
	night := devicePunch(1, 9, "", at.Add(-10*time.Hour), at.Add(-10*time.Hour)) // another punch, which a correction moved to the morning
	fromFile := *phone
	fromFile.Source, fromFile.DeviceID, fromFile.StationCounter = eventschema.SourceImport, uuid.Nil, nil
	atNewYear := manual("entry", clock("2026-01-01T00:05:00Z"), eventschema.DirectionIn, work)
	oldYear := devicePunch(1, 1, "", clock("2025-12-31T23:55:00Z"), at)
	for rule, row := range map[string]struct {
		log  []eventschema.Event
		kind projections.ConflictKind
		open bool
	}{
		"an entry, and the punch comes later":             {[]eventschema.Event{entry, phone}, projections.ConflictEntry, true},
		"the punch, and an entry comes later":             {[]eventschema.Event{phone, entry}, projections.ConflictEntry, true},
		"a file of a clock says the same":                 {[]eventschema.Event{entry, &fromFile}, projections.ConflictEntry, true},
		"at the turn of the year":                         {[]eventschema.Event{atNewYear, oldYear}, projections.ConflictEntry, true},
		"put right by voiding the entry":                  {[]eventschema.Event{entry, phone, correction(entry.PunchID, true, at.Add(60*time.Hour))}, projections.ConflictEntry, false},
		"put right by voiding the punch":                  {[]eventschema.Event{entry, phone, correction(phone.PunchID, true, at.Add(60*time.Hour))}, projections.ConflictEntry, false},
		"somebody looked and moved one":                   {[]eventschema.Event{entry, phone, correction(phone.PunchID, false, at.Add(5*time.Hour))}, projections.ConflictEntry, false},
		"an entry that was corrected before is not":       {[]eventschema.Event{entry, correction(entry.PunchID, false, at.Add(time.Minute)), phone}, projections.ConflictEntry, true},
		"another direction":                               {[]eventschema.Event{manual("entry", at, eventschema.DirectionOut, work), phone}, "", false},
		"another time of day":                             {[]eventschema.Event{manual("entry", at.Add(-27*time.Minute), eventschema.DirectionIn, work), phone}, "", false},
		"somebody else":                                   {[]eventschema.Event{manual("entry", at, eventschema.DirectionIn, id("work", 2)), phone}, "", false},
		"two entries contradict no punch":                 {[]eventschema.Event{entry, manual("entry too", at, eventschema.DirectionIn, work)}, "", false},
		"a correction had made up for it":                 {[]eventschema.Event{night, correction(night.PunchID, false, at), phone}, projections.ConflictCorrection, true},
		"and it was put right":                            {[]eventschema.Event{night, correction(night.PunchID, false, at), phone, correction(night.PunchID, true, at.Add(60*time.Hour))}, projections.ConflictCorrection, false},
		"a correction that knew of the punch contradicts": {[]eventschema.Event{night, phone, correction(night.PunchID, false, at)}, "", false},
		"a correction of the punch itself":                {[]eventschema.Event{phone, correction(phone.PunchID, false, at)}, "", false},
		"a voided punch says no time":                     {[]eventschema.Event{night, correction(night.PunchID, true, at), phone}, "", false},
	} {
		t.Run(rule, func(t *testing.T) {
			h.tenant = id("tenant of "+rule, 1) // a world of its own in the same tables
			before := len(h.log)
			for _, event := range row.log {
				h.add(eventschema.PunchesStream(h.tenant, work, at), event)
			}
			apply(t, models, h.log[before:])
			got, err := projections.Conflicts(t.Context(), models.Querier(), h.tenant, bounds, true, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[projections.ConflictKind]projections.Conflict{}
			for _, c := range got {
				kinds[c.Kind] = c
			}
			c, found := kinds[row.kind]
			if found != (row.kind != "") || row.kind == "" && len(got) > 0 || c.Open != row.open {
				t.Fatalf("%+v", got)
			}
			open, err := projections.Conflicts(t.Context(), models.Querier(), h.tenant, bounds, false, 0, 10)
			if err != nil || len(open) > 0 != row.open {
				t.Errorf("open: %+v %v", open, err)
			}
			if row.kind == projections.ConflictEntry && rule != "at the turn of the year" && (!c.ByHandAt.Equal(entry.OccurredAt) || !c.PunchAt.Equal(phone.OccurredAt)) {
				t.Errorf("both values are to be seen: %+v", c)
			}
		})
	}
}
