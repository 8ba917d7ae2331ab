package site_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"tracekeep/domain/site"
	"tracekeep/eventschema"
)

// The lengths of a degree are those of the WGS 84 ellipsoid (NGA.STND.0036).
func TestDistancesAreOffByTheStatedErrorAtMost(t *testing.T) {
	for name, c := range map[string]struct {
		from, to site.Point
		metres   float64
	}{
		"a degree of latitude at the equator":           {site.Point{Latitude: -0.5}, site.Point{Latitude: 0.5}, 110_574.4},
		"a degree of latitude half-way to the pole":     {site.Point{Latitude: 44.5, Longitude: 7}, site.Point{Latitude: 45.5, Longitude: 7}, 111_131.8},
		"a degree of latitude at the pole":              {site.Point{Latitude: 89}, site.Point{Latitude: 90, Longitude: 123}, 111_693.9},
		"a degree of longitude at the equator":          {site.Point{}, site.Point{Longitude: 1}, 111_319.5},
		"over the antimeridian at the equator":          {site.Point{Longitude: 179.5}, site.Point{Longitude: -179.5}, 111_319.5},
		"two degrees of latitude over the north pole":   {site.Point{Latitude: 89, Longitude: 10}, site.Point{Latitude: 89, Longitude: -170}, 2 * 111_693.9},
		"two degrees of latitude over the south pole":   {site.Point{Latitude: -89, Longitude: 10}, site.Point{Latitude: -89, Longitude: -170}, 2 * 111_693.9},
		"the pole is one point at every longitude":      {site.Point{Latitude: 90, Longitude: 10}, site.Point{Latitude: 90, Longitude: -60}, 0},
		"180 degrees east and west are the same":        {site.Point{Latitude: 12, Longitude: 180}, site.Point{Latitude: 12, Longitude: -180}, 0},
		"half-way round the earth, along the meridians": {site.Point{Latitude: 90}, site.Point{Latitude: -90}, 20_003_931.5},
	} {
		t.Run(name, func(t *testing.T) {
			got := site.Distance(c.from, c.to)
			if math.Abs(got-c.metres) > c.metres*site.SphereError+1e-6 {
				t.Errorf("%.1f metres, want %.1f", got, c.metres)
			}
		})
	}
}

func TestAFenceIsRead(t *testing.T) {
	const inside, outside, uncertain = eventschema.FenceInside, eventschema.FenceOutside, eventschema.FenceUncertain
	metre := 1 / 111_195.08 // of latitude, in degrees of the sphere
	for rule, c := range map[string]struct {
		metresNorth, accuracy float64
		verdict               eventschema.FenceVerdict
		distance              int
	}{
		"in the middle": {0, 10, inside, 0},
		"well inside":   {80, 10, inside, 0},
		"inside, but the accuracy reaches over the edge":  {92, 10, uncertain, 0},
		"outside, but the accuracy reaches over the edge": {108, 10, uncertain, 50},
		"one metre beyond the accuracy is outside":        {112, 10, outside, 50},
		"exactly a step": {149.9, 10, outside, 50},
		"a little more than a step is the next one":         {151, 10, outside, 100},
		"nine hundred metres":                               {990, 10, outside, 900},
		"a kilometre stands for everything beyond":          {250_000, 10, outside, 1000},
		"a device that does not say is taken to be inexact": {140, 0, uncertain, 50},
		"and no more than that":                             {151.5, 0, outside, 100},
		"an accuracy of kilometres says nothing":            {390, 5000, uncertain, 300},
		"the error of the sphere counts as well":            {110.5, 10, uncertain, 50},
	} {
		t.Run(rule, func(t *testing.T) {
			got := site.Read(*fence(0, 0, 100), site.Point{Latitude: c.metresNorth * metre, AccuracyMetres: c.accuracy})
			if want := (eventschema.FenceReading{Verdict: c.verdict, DistanceMetres: c.distance}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// at is the point in a direction and distance from another, on the mean sphere.
func at(from site.Point, bearing, metres float64) site.Point {
	const degree = math.Pi / 180
	angle, latitude := metres/6_371_008.8, from.Latitude*degree
	north := math.Asin(math.Sin(latitude)*math.Cos(angle) + math.Cos(latitude)*math.Sin(angle)*math.Cos(bearing))
	east := from.Longitude*degree + math.Atan2(math.Sin(bearing)*math.Sin(angle)*math.Cos(latitude), math.Cos(angle)-math.Sin(latitude)*math.Sin(north))
	return site.Point{Latitude: north / degree, Longitude: math.Remainder(east/degree, 360)}
}

// Whatever is kept of two points of the same step is the same, wherever around the
// site they lie: the reading leads back to a ring of fifty metres, and beyond a
// kilometre to nothing.
func TestAReadingTellsNoMoreThanTheStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := *fence(rapid.IntRange(-90_000_000, 90_000_000).Draw(t, "latitude"), rapid.IntRange(-180_000_000, 180_000_000).Draw(t, "longitude"),
			rapid.IntRange(site.SmallestRadius, site.LargestRadius).Draw(t, "radius"))
		centre := site.Point{Latitude: float64(f.LatitudeMicrodegrees) / 1e6, Longitude: float64(f.LongitudeMicrodegrees) / 1e6}
		step := rapid.IntRange(0, 2*site.Farthest/site.Step).Draw(t, "step")
		read := func(which string) eventschema.FenceReading {
			beyond := float64(step*site.Step) + rapid.Float64Range(0.01, site.Step-0.01).Draw(t, "beyond "+which)
			p := at(centre, rapid.Float64Range(0, 2*math.Pi).Draw(t, "bearing "+which), float64(f.RadiusMetres)+beyond)
			p.AccuracyMetres = 1
			return site.Read(f, p)
		}
		one, other := read("one"), read("other")
		if one.DistanceMetres != other.DistanceMetres || one.DistanceMetres != min((step+1)*site.Step, site.Farthest) {
			t.Fatalf("step %d: %+v and %+v", step, one, other)
		}
		for _, r := range []eventschema.FenceReading{one, other} {
			if reach := 1 + site.SphereError*float64(f.RadiusMetres+(step+1)*site.Step); r.Verdict != eventschema.FenceOutside && float64(step*site.Step) > reach {
				t.Fatalf("step %d of a radius of %d: %+v", step, f.RadiusMetres, r)
			}
		}
	})
}

func TestInsideIsInsideInEveryDirection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		radius := rapid.IntRange(site.SmallestRadius, site.LargestRadius).Draw(t, "radius")
		f := *fence(rapid.IntRange(-90_000_000, 90_000_000).Draw(t, "latitude"), rapid.IntRange(-180_000_000, 180_000_000).Draw(t, "longitude"), radius)
		centre := site.Point{Latitude: float64(f.LatitudeMicrodegrees) / 1e6, Longitude: float64(f.LongitudeMicrodegrees) / 1e6}
		p := at(centre, rapid.Float64Range(0, 2*math.Pi).Draw(t, "bearing"), rapid.Float64Range(0, 0.8).Draw(t, "share")*float64(radius))
		p.AccuracyMetres = 0.1 * float64(radius)
		if got := site.Read(f, p); got != (eventschema.FenceReading{Verdict: eventschema.FenceInside}) {
			t.Fatalf("%+v", got)
		}
	})
}
