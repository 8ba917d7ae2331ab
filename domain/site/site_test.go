package site_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/site"
	"tracekeep/eventschema"
)

var (
	officer = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e01")
	january = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
)

func fence(latitude, longitude, radius int) *eventschema.SiteFence {
	return &eventschema.SiteFence{LatitudeMicrodegrees: latitude, LongitudeMicrodegrees: longitude, RadiusMetres: radius}
}

func TestSites(t *testing.T) {
	around := fence(14_599_512, 120_984_222, 150)
	define := func(change func(*site.Define)) site.Define {
		c := site.Define{Code: "centre", Zone: "Asia/Manila", Fence: around, Stations: []string{"gate-2", "gate-1"}, DefinedAt: january.In(time.FixedZone("PST", 8*3600)), DefinedBy: officer}
		if change != nil {
			change(&c)
		}
		return c
	}
	defined := &eventschema.SiteDefined{Site: "centre", Zone: "Asia/Manila", Fence: around, Stations: []string{"gate-1", "gate-2"}, DefinedAt: january, DefinedBy: officer}
	other := &eventschema.SiteDefined{Site: "depot", Zone: "Asia/Manila", Stations: []string{"gate-9"}, DefinedAt: january, DefinedBy: officer}
	closed := &eventschema.SiteClosed{Site: "centre", ClosedAt: january, ClosedBy: officer}
	change := func(c site.Change) site.Change {
		c.Code, c.ChangedAt, c.ChangedBy = "centre", january, officer
		return c
	}
	changed := func(zone string, fence *eventschema.SiteFence, stations ...string) []eventschema.Event {
		return []eventschema.Event{&eventschema.SiteChanged{Site: "centre", Zone: zone, Fence: fence, Stations: stations, ChangedAt: january, ChangedBy: officer}}
	}
	given := []eventschema.Event{defined}
	domaintest.Run(t, site.Decider(), map[string]domaintest.Case[site.Command]{
		"a site is defined, its stations in order":            {When: define(nil), Then: []eventschema.Event{defined}},
		"defining it again in the same words changes nothing": {Given: given, When: define(nil)},
		"defining it again in other words is refused":         {Given: given, When: define(func(c *site.Define) { c.Fence = nil }), Refused: site.ErrTaken},
		"the code of a closed site is not used again":         {Given: []eventschema.Event{defined, closed}, When: define(nil), Refused: site.ErrClosed},
		"a site may be without a fence and without stations":  {When: site.Define{Code: "centre", Zone: "UTC", DefinedAt: january, DefinedBy: officer}, Then: []eventschema.Event{&eventschema.SiteDefined{Site: "centre", Zone: "UTC", DefinedAt: january, DefinedBy: officer}}},
		"a code is no name":                                   {When: define(func(c *site.Define) { c.Code = "Wren's desk" }), Refused: site.ErrCode},
		"a zone is a name":                                    {When: define(func(c *site.Define) { c.Zone = "UTC+8 (Manila)" }), Refused: site.ErrZone},
		"the zone of the machine is none":                     {When: define(func(c *site.Define) { c.Zone = "Local" }), Refused: site.ErrZone},
		"no zone is none":                                     {When: define(func(c *site.Define) { c.Zone = "" }), Refused: site.ErrZone},
		"north of the pole is nowhere":                        {When: define(func(c *site.Define) { c.Fence = fence(90_000_001, 0, 100) }), Refused: site.ErrPlace},
		"west of the antimeridian is nowhere":                 {When: define(func(c *site.Define) { c.Fence = fence(0, -180_000_001, 100) }), Refused: site.ErrPlace},
		"nine metres are no fence":                            {When: define(func(c *site.Define) { c.Fence = fence(0, 0, 9) }), Refused: site.ErrRadius},
		"more than fifty kilometres are no fence":             {When: define(func(c *site.Define) { c.Fence = fence(0, 0, 50_001) }), Refused: site.ErrRadius},
		"a station is named once":                             {When: define(func(c *site.Define) { c.Stations = []string{"a", "b", "a"} }), Refused: site.ErrStation},
		"a station has a name":                                {When: define(func(c *site.Define) { c.Stations = []string{""} }), Refused: site.ErrStation},
		"a station belongs to one site":                       {Given: []eventschema.Event{other}, When: define(func(c *site.Define) { c.Stations = []string{"gate-9"} }), Refused: site.ErrStations},
		"a station that is taken stays where it is":           {Given: given, When: site.Define{Code: "annex", Zone: "UTC", Stations: []string{"gate-1"}, DefinedBy: officer}, Refused: site.ErrStations},
		"somebody answers for a site":                         {When: define(func(c *site.Define) { c.DefinedBy = uuid.Nil }), Refused: site.ErrNoActor},
		"a change leaves what it does not name":               {Given: given, When: change(site.Change{Zone: "UTC"}), Then: changed("UTC", around, "gate-1", "gate-2")},
		"a fence is moved":                                    {Given: given, When: change(site.Change{Fence: fence(1, 2, 30)}), Then: changed("Asia/Manila", fence(1, 2, 30), "gate-1", "gate-2")},
		"a fence is taken away":                               {Given: given, When: change(site.Change{NoFence: true}), Then: changed("Asia/Manila", nil, "gate-1", "gate-2")},
		"stations are added and removed":                      {Given: given, When: change(site.Change{Add: []string{"gate-0"}, Remove: []string{"gate-2", "gate-7"}}), Then: changed("Asia/Manila", around, "gate-0", "gate-1")},
		"a station that is there already is not added twice":  {Given: given, When: change(site.Change{Add: []string{"gate-1"}})},
		"a change cannot take a station from another site":    {Given: []eventschema.Event{defined, other}, When: change(site.Change{Add: []string{"gate-9"}}), Refused: site.ErrStations},
		"a change to what it is changes nothing":              {Given: given, When: change(site.Change{Zone: "Asia/Manila"})},
		"a changed fence is sane too":                         {Given: given, When: change(site.Change{Fence: fence(0, 0, 1)}), Refused: site.ErrRadius},
		"what was never defined does not change":              {When: change(site.Change{Zone: "UTC"}), Refused: site.ErrUnknown},
		"what is closed does not change":                      {Given: []eventschema.Event{defined, closed}, When: change(site.Change{Zone: "UTC"}), Refused: site.ErrClosed},
		"a site is closed":                                    {Given: given, When: site.Close{Code: "centre", ClosedAt: january, ClosedBy: officer}, Then: []eventschema.Event{closed}},
		"closing twice changes nothing":                       {Given: []eventschema.Event{defined, closed}, When: site.Close{Code: "centre", ClosedAt: january, ClosedBy: officer}},
		"what was never defined is not closed":                {When: site.Close{Code: "centre", ClosedBy: officer}, Refused: site.ErrUnknown},
		"somebody answers for closing a site":                 {Given: given, When: site.Close{Code: "centre"}, Refused: site.ErrNoActor},
		"an event of another stream defines nothing":          {Given: []eventschema.Event{&eventschema.WorkOpened{}}, When: site.Close{Code: "centre"}, Refused: site.ErrUnknown},
		"the stations of a closed site go to another":         {Given: []eventschema.Event{defined, closed}, When: site.Define{Code: "annex", Zone: "UTC", Stations: []string{"gate-1"}, DefinedAt: january, DefinedBy: officer}, Then: []eventschema.Event{&eventschema.SiteDefined{Site: "annex", Zone: "UTC", Stations: []string{"gate-1"}, DefinedAt: january, DefinedBy: officer}}},
	})
}

func TestThePunchSaysItsSiteOrElseItsStationDoes(t *testing.T) {
	state := site.Decider().Fold(
		&eventschema.SiteDefined{Site: "centre", Zone: "UTC", Stations: []string{"gate-1"}},
		&eventschema.SiteDefined{Site: "depot", Zone: "UTC", Stations: []string{"gate-2"}},
		&eventschema.SiteDefined{Site: "gone", Zone: "UTC", Stations: []string{"gate-3"}},
		&eventschema.SiteClosed{Site: "gone"},
	)
	for rule, c := range map[string]struct{ code, station, want string }{
		"the station's":                     {"", "gate-1", "centre"},
		"the code goes before the station":  {"depot", "gate-1", "depot"},
		"a closed site is none":             {"gone", "gate-1", ""},
		"the station of a closed site":      {"", "gate-3", ""},
		"a station that belongs to nothing": {"", "app", ""},
		"a code that nobody defined":        {"attic", "gate-1", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			if got, found := state.Of(c.code, c.station); found != (c.want != "") || found && got.Code != c.want {
				t.Errorf("%q %v, want %q", got.Code, found, c.want)
			}
		})
	}
}
