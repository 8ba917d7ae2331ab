package eventnode

import (
	"maps"
	"slices"
)

const (
	// touchedWidth is the size of the finest part of the log that is told apart.
	touchedWidth = 1 << 20
	touchedParts = 8192
	// touchedGap: parts that lie closer than this many parts are compacted
	// together, because a table is larger than that in any case.
	touchedGap = 16
)

// touched remembers roughly where in the log records were removed. What it
// remembers does not grow with their number: with too many parts, parts become
// wider.
type touched struct {
	width int64
	parts map[int64]struct{}
}

// add notes the positions from first to last; 0 to 0 is nothing.
func (t *touched) add(first, last int64) {
	if last == 0 {
		return
	}
	if t.parts == nil {
		t.width, t.parts = touchedWidth, map[int64]struct{}{}
	}
	for (last-first)/t.width >= touchedParts {
		t.widen()
	}
	for part := first / t.width; part <= last/t.width; part++ {
		t.parts[part] = struct{}{}
	}
	for len(t.parts) > touchedParts {
		t.widen()
	}
}

func (t *touched) widen() {
	wider := make(map[int64]struct{}, len(t.parts)/2)
	for part := range t.parts {
		wider[part/2] = struct{}{}
	}
	t.width, t.parts = t.width*2, wider
}

// ranges are the keys of the parts, in order.
func (t *touched) ranges() []keyRange {
	var all []keyRange
	parts := slices.Sorted(maps.Keys(t.parts))
	for i := 0; i < len(parts); {
		first, last := parts[i], parts[i]
		for i++; i < len(parts) && parts[i]-last <= touchedGap; i++ {
			last = parts[i]
		}
		all = append(all, keyRange{logKey(first * t.width), logKey((last + 1) * t.width)})
	}
	return all
}
