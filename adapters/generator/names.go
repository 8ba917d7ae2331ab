package generator

// name puts together the invented name of the person with this number, from 0. The
// first sixty thousand people have distinct names; then names come back, as in life.
func name(from []locale, number int) string {
	l := from[number%len(from)]
	rest := number / len(from)
	given := l.given[rest%len(l.given)]
	// Each round of given names shifts the family names, so that a small office has many.
	family := l.family[(rest+rest/len(l.given))%len(l.family)]
	if round := rest / (len(l.given) * len(l.family)); round > 0 {
		other := 1 + (round-1)%(len(l.given)-1) // never the same given name twice
		given += l.join + l.given[(rest+other)%len(l.given)]
	}
	if l.familyFirst {
		return family + l.join + given
	}
	return given + l.join + family
}
