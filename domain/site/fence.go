package site

import (
	"math"

	"tracekeep/eventschema"
)

// What a reading of a fence rests on.
const (
	// earthRadius is the mean radius of the WGS 84 ellipsoid in metres (IUGG, R1).
	earthRadius = 6_371_008.8
	// SphereError is by which share a great circle on the mean sphere is longer or
	// shorter than the shortest way on the ellipsoid, at most: the meridian is most
	// curved at the equator, with a radius of 6,335,439 metres.
	SphereError = 0.0057
	// UnstatedAccuracy, in metres, is taken for a device that does not say how exactly
	// it knows where it is.
	UnstatedAccuracy = 50
	// Step and Farthest, in metres, are what is kept of a distance: it is rounded up
	// to a whole step, and Farthest stands for everything beyond. Finer, or further,
	// the distances from a few sites would lead back to the point.
	Step     = 50
	Farthest = 1000
)

// Point is a place on the ground, WGS 84.
type Point struct {
	Latitude, Longitude float64 // decimal degrees
	AccuracyMetres      float64 // 0: not stated
}

// Read says on which side of a fence a point lies, and roughly how far from it. It is
// certain only where neither the accuracy of the point nor the error of the sphere
// reaches over the edge.
func Read(fence eventschema.SiteFence, at Point) eventschema.FenceReading {
	distance := Distance(centre(fence), at)
	beyond := distance - float64(fence.RadiusMetres)
	accuracy := at.AccuracyMetres
	if accuracy <= 0 {
		accuracy = UnstatedAccuracy
	}
	reading := eventschema.FenceReading{DistanceMetres: coarse(beyond)}
	switch {
	case math.Abs(beyond) <= accuracy+distance*SphereError:
		reading.Verdict = eventschema.FenceUncertain
	case beyond < 0:
		reading.Verdict = eventschema.FenceInside
	default:
		reading.Verdict = eventschema.FenceOutside
	}
	return reading
}

// coarse rounds a distance beyond the edge up to a step; inside it is 0.
func coarse(beyond float64) int {
	if beyond <= 0 {
		return 0
	}
	return int(min(math.Ceil(beyond/Step)*Step, Farthest))
}

func centre(f eventschema.SiteFence) Point {
	return Point{Latitude: float64(f.LatitudeMicrodegrees) / microdegrees, Longitude: float64(f.LongitudeMicrodegrees) / microdegrees}
}

// Distance is the length of the great circle between two points in metres, to within
// [SphereError]. Source: the haversine formula, which keeps its digits for points that
// lie close to each other.
func Distance(a, b Point) float64 {
	radians := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	haversine := func(angle float64) float64 { return math.Pow(math.Sin(angle/2), 2) }
	from, to := radians(a.Latitude), radians(b.Latitude)
	h := haversine(to-from) + math.Cos(from)*math.Cos(to)*haversine(radians(b.Longitude-a.Longitude))
	return 2 * earthRadius * math.Atan2(math.Sqrt(h), math.Sqrt(max(1-h, 0)))
}
