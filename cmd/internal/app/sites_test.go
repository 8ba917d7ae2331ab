package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/hours"
	"tracekeep/domain/site"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// harbor is a site with a fence of 150 metres around the point of [point].
func (h *house) harbor() {
	h.t.Helper()
	h.steers(site.Define{
		Code: "harbor", Zone: "Europe/Berlin", Fence: &eventschema.SiteFence{LatitudeMicrodegrees: 52_520_008, LongitudeMicrodegrees: 13_404_954, RadiusMetres: 150},
		Stations: []string{"gate-1"}, DefinedAt: h.clock(), DefinedBy: uuid.New(),
	})
}

func (h *house) steers(command site.Command) {
	h.t.Helper()
	if _, err := h.SteerSite(h.t.Context(), h.as(httpapi.RoleHR), command); err != nil {
		h.t.Fatal(err)
	}
}

// punchAt records a punch at a point and answers it as the log has it.
func (h *house) punchAt(work uuid.UUID, at *httpapi.Location, change func(*httpapi.PunchEntry)) *eventschema.PunchRecorded {
	h.t.Helper()
	entry := punchEntry(work, h.clock())
	entry.Location = at
	if change != nil {
		change(&entry)
	}
	if _, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), entry); err != nil {
		h.t.Fatal(err)
	}
	for _, d := range h.streamOf(eventschema.PunchesStream(h.Tenant(), work, entry.OccurredAt)) {
		if e, ok := d.Event.(*eventschema.PunchRecorded); ok && e.PunchID == entry.PunchID {
			return e
		}
	}
	h.t.Fatal("the punch is not in the log")
	return nil
}

func location(latitude, longitude, accuracy string) *httpapi.Location {
	return &httpapi.Location{Latitude: eventschema.Clear(latitude), Longitude: eventschema.Clear(longitude), AccuracyMetres: eventschema.Clear(accuracy)}
}

// The point goes with the consent; what the fence said of it stays, in every read
// model, after a rebuild and in what is exported.
//
// promise: ST-51
func TestWhatTheFenceSaidOutlivesThePoint(t *testing.T) {
	h := openHouse(t)
	h.harbor()
	who := h.register("Ada Example")
	consent := h.consents(who.WorkID)
	far := h.punchAt(who.WorkID, location("52.523", "13.404954", "12"), nil) // 333 metres north
	h.seesPoint(who, eventschema.StateClear)
	h.certified(h.withdraws(consent))
	h.caughtUp()
	h.seesPoint(who, eventschema.StateErased)

	points := h.streamOf(eventschema.LocationStream(h.Tenant(), who.WorkID, far.OccurredAt))
	if len(points) != 1 {
		t.Fatalf("%d points", len(points))
	}
	if err := h.registry.Open(t.Context(), h.keys, &points[0], eventschema.UseAudit); err != nil {
		t.Fatal(err)
	}
	if state := points[0].Event.(*eventschema.LocationRecorded).Latitude.State(); state != eventschema.StateErased {
		t.Errorf("the point is %s", state)
	}
	want := eventschema.FenceReading{Verdict: eventschema.FenceOutside, DistanceMetres: 200}
	for _, when := range []string{"before a rebuild", "after it"} {
		kept, err := projections.PunchByID(t.Context(), h.ReadModels(), h.Tenant(), far.PunchID)
		if err != nil || kept.Fence == nil || *kept.Fence != want || kept.Site != "harbor" {
			t.Errorf("%s: %+v %+v %v", when, kept, kept.Fence, err)
		}
		if when == "before a rebuild" {
			if _, err := h.Rebuild(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	day := far.OccurredAt
	file := filepath.Join(t.TempDir(), "punches.csv")
	if _, err := h.Today().ExportPunches(t.Context(), h.as(httpapi.RoleHR), ExportOrder{
		What: "punches", From: day.AddDate(0, 0, -1).Format(time.DateOnly), To: day.AddDate(0, 0, 1).Format(time.DateOnly), File: file,
		Why: disclosure.Record{Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: "payroll", DisclosedAt: day, DisclosedBy: uuid.New()},
	}, TableFormat{Format: exporter.CSV}); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(file) //nolint:gosec // the test's own
	if err != nil || !strings.Contains(string(table), "harbor,,,,outside,200") || strings.Contains(string(table), "52.5") {
		t.Errorf("%v\n%s", err, table)
	}
}

// seesPoint says that the one point of a person is in their location history, with its
// purpose and what the fence said, in a state; and that seeing it is on record.
func (h *house) seesPoint(who httpapi.PersonReceipt, want eventschema.State) {
	h.t.Helper()
	h.caughtUp()
	self := httpapi.Principal{Tenant: h.Tenant(), ID: uuid.New(), Role: httpapi.RoleWorker, Person: who.PersonID, Work: who.WorkID}
	points, err := h.LocationHistory(h.t.Context(), self, who.PersonID, 0, 10)
	if err != nil || len(points) != 1 {
		h.t.Fatalf("%d points: %v", len(points), err)
	}
	p := points[0]
	if p.Latitude.State() != want || p.Longitude.State() != want || p.AccuracyMetres.State() != want || p.Purpose != eventschema.PurposeLocation || p.Site != "harbor" || p.Fence == nil {
		h.t.Errorf("%s %+v, want %s", p.Latitude.State(), p, want)
	}
	if p.Latitude.Of.Subject != who.PersonID && want == eventschema.StateClear {
		h.t.Errorf("a reading would name %+v, not the person", p.Latitude.Of)
	}
	release, err := h.RecordReading(h.t.Context(), self, "list-location-history", p.Values()...)
	if err != nil {
		h.t.Fatal(err)
	}
	text, shown := p.Latitude.Reveal(release)
	if shown != (want == eventschema.StateClear) || shown && text != "52.523" {
		h.t.Errorf("shown %v %q", shown, text)
	}
	h.caughtUp()
	readings, err := h.ReadingsOf(h.t.Context(), self, who.PersonID, 0, 10)
	if err != nil || len(readings) == 0 || len(readings[0].Shown) != 3 || readings[0].Operation != "list-location-history" {
		h.t.Errorf("on record: %+v %v", readings, err)
	}
}

// promise: ST-48
func TestALocationHistorySaysWhatBecameOfEachPoint(t *testing.T) {
	h := openHouse(t)
	h.harbor()
	who, other := h.register("Ada Example"), h.register("Ben Example")
	consent := h.consents(who.WorkID)
	h.consents(other.WorkID)
	h.punchAt(who.WorkID, location("52.523", "13.404954", "12"), nil)
	h.punchAt(who.WorkID, nil, nil)
	h.punchAt(other.WorkID, point(), nil)
	h.seesPoint(who, eventschema.StateClear) // and neither the punch without a point nor that of somebody else
	held := h.hold(who.PersonID, eventschema.PurposeLocation)
	h.withdraws(consent)
	h.caughtUp()
	until(t, func() bool {
		points, err := h.LocationHistory(t.Context(), h.as(httpapi.RolePrivacy), who.PersonID, 0, 10)
		return err == nil && points[0].Latitude.State() == eventschema.StateHeld
	})
	h.seesPoint(who, eventschema.StateHeld)
	h.lift(held)
	h.erase(who.PersonID)
	if _, err := h.LocationHistory(t.Context(), h.as(httpapi.RolePrivacy), who.PersonID, 0, 10); !errors.As(err, new(*httpapi.Erased)) {
		t.Errorf("of somebody erased: %v", err)
	}
	if _, err := h.LocationHistory(t.Context(), h.as(httpapi.RolePrivacy), uuid.New(), 0, 10); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

// A fence is read of a point that is kept, and of no other; whatever it says, and
// whether there is one, the punch is recorded.
//
// promise: ST-10
// promise: ST-47
func TestAFenceIsReadOfAPointThatIsKeptAndBlocksNobody(t *testing.T) {
	h := openHouse(t)
	h.harbor()
	h.steers(site.Define{Code: "depot", Zone: "Europe/Berlin", DefinedAt: h.clock(), DefinedBy: uuid.New()})
	who, private := h.register("Ada Example"), h.register("Ben Example")
	h.consents(who.WorkID)
	elsewhere := location("-33.8688", "151.2093", "5")
	for rule, c := range map[string]struct {
		work   uuid.UUID
		at     *httpapi.Location
		change func(*httpapi.PunchEntry)
		site   string
		kept   eventschema.LocationOutcome
		fence  *eventschema.FenceReading
	}{
		"inside, at the site of the station": {who.WorkID, location("52.520008", "13.404954", "20"), nil, "harbor", eventschema.LocationRecordedOutcome,
			&eventschema.FenceReading{Verdict: eventschema.FenceInside}},
		"at the other end of the world": {who.WorkID, elsewhere, nil, "harbor", eventschema.LocationRecordedOutcome,
			&eventschema.FenceReading{Verdict: eventschema.FenceOutside, DistanceMetres: site.Farthest}},
		"a point that may be anywhere": {who.WorkID, location("52.520008", "13.404954", "900"), nil, "harbor", eventschema.LocationRecordedOutcome,
			&eventschema.FenceReading{Verdict: eventschema.FenceUncertain}},
		"the punch says another site, which has no fence": {who.WorkID, elsewhere, func(p *httpapi.PunchEntry) { p.Site = "depot" }, "depot", eventschema.LocationRecordedOutcome, nil},
		"a site that nobody defined":                      {who.WorkID, elsewhere, func(p *httpapi.PunchEntry) { p.Site = "attic" }, "attic", eventschema.LocationRecordedOutcome, nil},
		"a station of no site":                            {who.WorkID, elsewhere, func(p *httpapi.PunchEntry) { p.Station = "app" }, "", eventschema.LocationRecordedOutcome, nil},
		"no point was offered":                            {who.WorkID, nil, nil, "harbor", eventschema.LocationNotOffered, nil},
		"the device does not give one":                    {who.WorkID, nil, func(p *httpapi.PunchEntry) { p.LocationDenied = true }, "harbor", eventschema.LocationDeniedByDevice, nil},
		"nobody consented to the point":                   {private.WorkID, elsewhere, nil, "harbor", eventschema.LocationDroppedNoConsent, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			got := h.punchAt(c.work, c.at, c.change)
			if got.Site != c.site || got.Location != c.kept || (got.Fence == nil) != (c.fence == nil) || got.Fence != nil && *got.Fence != *c.fence {
				t.Errorf("%q %s %+v, want %q %s %+v", got.Site, got.Location, got.Fence, c.site, c.kept, c.fence)
			}
		})
	}
	imported := clockImport{app: h.App, actor: eventschema.Actor{ID: uuid.New(), Role: importActorRole}, source: eventschema.SourceImport, cards: newCardCache(importCards)}
	for station, want := range map[string]string{"gate-1": "harbor", "gate-7": ""} {
		at := h.clock().AddDate(0, 0, -7).UTC().Truncate(time.Second)
		if n, _, err := imported.Record(t.Context(), station, []importer.Punch{{Work: private.WorkID, At: at, Zone: "UTC", Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal, StationClock: at.Format(time.DateTime)}}); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		events := h.streamOf(eventschema.PunchesStream(h.Tenant(), private.WorkID, at))
		if got := events[len(events)-1].Event.(*eventschema.PunchRecorded); got.Site != want || got.Station != station {
			t.Errorf("imported from %s: %+v", station, got)
		}
	}
	h.wantFenceFindings(who.WorkID, 1, 1)
	h.wantFenceFindings(private.WorkID, 0, 0)
	t.Run("a punch is read by the fence that stood when it came", func(t *testing.T) { readAsItStood(t, h, who) })
}

// wantFenceFindings counts what HR is shown of the fences of a work record.
func (h *house) wantFenceFindings(work uuid.UUID, outside, uncertain int) {
	h.t.Helper()
	h.caughtUp()
	now := h.clock().UTC()
	paired, err := h.Today().exceptionsByWork(h.t.Context(), projections.Days{
		Works: []uuid.UUID{work}, From: now.AddDate(0, 0, -1).Format(time.DateOnly), To: now.AddDate(0, 0, 1).Format(time.DateOnly),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	found := map[hours.ExceptionCode]int{}
	for _, f := range hours.DefaultReview().Review(paired[work], now) {
		found[f.Code]++
	}
	if found[hours.OutsideFence] != outside || found[hours.UncertainFence] != uncertain {
		h.t.Errorf("found %v, want %d outside and %d uncertain", found, outside, uncertain)
	}
}

func readAsItStood(t *testing.T, h *house, who httpapi.PersonReceipt) {
	here := location("52.523", "13.404954", "12")
	verdict := func() (string, eventschema.FenceVerdict) {
		t.Helper()
		got := h.punchAt(who.WorkID, here, nil)
		if got.Fence == nil {
			return got.Site, ""
		}
		return got.Site, got.Fence.Verdict
	}
	if at, said := verdict(); at != "harbor" || said != eventschema.FenceOutside {
		t.Errorf("%s %s", at, said)
	}
	h.steers(site.Change{Code: "harbor", ChangedAt: h.clock(), ChangedBy: uuid.New(), Fence: &eventschema.SiteFence{LatitudeMicrodegrees: 52_520_008, LongitudeMicrodegrees: 13_404_954, RadiusMetres: 600}})
	if at, said := verdict(); at != "harbor" || said != eventschema.FenceInside {
		t.Errorf("with a wider fence: %s %s", at, said)
	}
	h.steers(site.Close{Code: "harbor", ClosedAt: h.clock(), ClosedBy: uuid.New()})
	if at, said := verdict(); at != "" || said != "" {
		t.Errorf("after the site was closed: %s %s", at, said)
	}
	if _, err := h.SteerSite(t.Context(), h.as(httpapi.RoleHR), site.Define{Code: "annex", Zone: "Europe/Atlantis", DefinedAt: h.clock(), DefinedBy: uuid.New()}); refusalCode(err) != "bad_zone" {
		t.Errorf("a zone that no list has: %v", err)
	}
}
