package person_test

import (
	"testing"

	"tracekeep/domain/person"
)

func TestWhoIsOver(t *testing.T) {
	for rule, c := range map[string]struct {
		born, on    string
		over, known bool
	}{
		"the day before the birthday":                       {"2008-03-02", "2026-03-01", false, true},
		"the birthday itself":                               {"2008-03-02", "2026-03-02", true, true},
		"the month before":                                  {"2008-03-02", "2026-02-28", false, true},
		"long after":                                        {"1949-12-31", "2026-01-01", true, true},
		"born on 29 February, on 28 February":               {"2008-02-29", "2026-02-28", false, true},
		"born on 29 February, on 1 March":                   {"2008-02-29", "2026-03-01", true, true},
		"born on 29 February, on 29 February":               {"2008-02-29", "2028-02-29", true, true},
		"a birth date that is a year says nothing":          {"2008", "2026-03-01", false, false},
		"no birth date says nothing":                        {"", "2026-03-01", false, false},
		"a birth date that is to come says nothing":         {"2027-01-01", "2026-03-01", false, false},
		"a day that no calendar has says nothing":           {"2008-02-30", "2026-03-01", false, false},
		"nothing is said on a day that no calendar has too": {"2008-02-28", "2026-02-29", false, false},
	} {
		t.Run(rule, func(t *testing.T) {
			if over, known := person.IsOver(c.born, 18, c.on); over != c.over || known != c.known {
				t.Errorf("over %v, known %v", over, known)
			}
		})
	}
}
