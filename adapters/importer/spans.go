package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// maxSpans is how many rows with start and end one file may have. They are kept in
// memory until its end: about 300 bytes each.
const maxSpans = 500_000

// spans hands over the rows of a file in order of time. Trackers write the newest
// first, or in no order; and where one entry ends in the instant in which the next
// begins, the out must come before the in, since punches of one instant count in the
// order in which they are recorded.
type spans struct {
	from   reader
	limit  int // of rows kept
	kept   []row
	until  map[string]time.Time // end of each person's last span
	sorted bool
	given  int
	end    int64
}

func inOrder(from reader) *spans {
	return &spans{from: from, limit: maxSpans, until: map[string]time.Time{}}
}

func (s *spans) ignored() []string {
	if t, ok := s.from.(interface{ ignored() []string }); ok {
		return t.ignored()
	}
	return nil
}

// next gives rows that are no spans at once.
func (s *spans) next(rows []row) ([]row, int64, error) {
	for !s.sorted {
		before := len(rows)
		var err error
		rows, s.end, err = s.from.next(rows)
		if errors.Is(err, io.EOF) {
			s.sort()
			break
		}
		if err != nil {
			return rows, s.end, err
		}
		if r := rows[len(rows)-1]; len(rows) == before+1 && r.isPunch() {
			if len(s.kept) == s.limit {
				return rows[:before], s.end, fmt.Errorf("%w: more than %d rows with start and end; split it by month", ErrTooLarge, s.limit)
			}
			s.kept, rows = append(s.kept, r), rows[:before]
			continue
		}
		return rows, 0, nil
	}
	if s.given == len(s.kept) {
		return rows, s.end, io.EOF
	}
	r := s.kept[s.given]
	s.kept[s.given] = row{}
	s.given++
	if until := s.until[r.pin]; r.at.Before(until) && r.suspect.yields() {
		r.suspect = Overlaps
	}
	if r.end != nil && r.end.at.After(s.until[r.pin]) {
		s.until[r.pin] = r.end.at
	}
	return append(rows, r), 0, nil
}

func (s *spans) sort() {
	s.sorted = true
	if t, ok := s.from.(*table); ok && t.unsure {
		for i := range s.kept {
			if s.kept[i].suspect.yields() && s.kept[i].either {
				s.kept[i].suspect = AmbiguousDate
			}
		}
	}
	slices.SortStableFunc(s.kept, func(a, b row) int {
		if c := a.at.Compare(b.at); c != 0 || a.end == nil || b.end == nil {
			return c
		}
		return cmp.Or(a.end.at.Compare(b.end.at), cmp.Compare(a.line, b.line))
	})
}
