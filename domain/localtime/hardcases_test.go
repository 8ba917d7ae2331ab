package localtime

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These tests compare with figures that another program computed from the IANA
// database: every change of clocks from 2016 to 2030, and hard times picked by hand.

func rows(t *testing.T, file string) (header map[string]int, records [][]string) {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "tz-hard-cases", file)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", path)
		}
		t.Skipf("%s is not here; it is needed only to check against outside figures", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	names, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	header = map[string]int{}
	for i, name := range names {
		header[name] = i
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return header, records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
}

func wall(t *testing.T, s string) Wall {
	t.Helper()
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return Of(at)
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// seconds reads an offset such as -15:56:08.
func seconds(t *testing.T, s string) int {
	t.Helper()
	total, unit := 0, 3600
	for part := range strings.SplitSeq(s[1:], ":") {
		n, err := strconv.Atoi(part)
		if err != nil {
			t.Fatal(err)
		}
		total, unit = total+n*unit, unit/60
	}
	if s[0] == '-' {
		return -total
	}
	return total
}

func TestHandPickedHardTimes(t *testing.T) {
	col, records := rows(t, "hard_local_times.csv")
	for _, r := range records {
		name := r[col["zone"]] + " " + r[col["local_time"]] + ": " + r[col["why"]]
		loc, local := zone(t, r[col["zone"]]), wall(t, r[col["local_time"]])
		got, err := Resolve(local, loc, nil)
		switch kind := r[col["kind"]]; kind {
		case "gap":
			var gap *TransitionError
			if !errors.Is(err, ErrGap) || !errors.As(err, &gap) {
				t.Errorf("%s: error = %v, want a gap", name, err)
			} else if gap.OffsetBefore != seconds(t, r[col["offset_first"]]) || gap.OffsetAfter != seconds(t, r[col["offset_second"]]) {
				t.Errorf("%s: change from %d to %d", name, gap.OffsetBefore, gap.OffsetAfter)
			}
		case "fold":
			if !errors.Is(err, ErrOverlap) {
				t.Errorf("%s: error = %v, want an overlap", name, err)
			}
			for _, which := range []string{"first", "second"} {
				offset := seconds(t, r[col["offset_"+which]])
				got, err := Resolve(local, loc, &offset)
				if want := instant(t, r[col["utc_"+which]]); err != nil || !got.At.Equal(want) {
					t.Errorf("%s: %s = %v, %v, want %v", name, which, got.At, err, want)
				}
			}
		case "normal":
			if want := instant(t, r[col["utc_first"]]); err != nil || !got.At.Equal(want) || got.OffsetSeconds != seconds(t, r[col["offset_first"]]) {
				t.Errorf("%s: got %v (%d), %v, want %v", name, got.At, got.OffsetSeconds, err, want)
			}
		default:
			t.Errorf("%s: unknown kind %q", name, kind)
		}
	}
	if len(records) < 75 {
		t.Errorf("only %d rows", len(records))
	}
}

// Around every change the last second before, the first of it, its middle, its last
// and the first second after it are asked for.
func TestEveryChangeOfClocks(t *testing.T) {
	col, records := rows(t, "transitions_2016_2030.csv")
	for _, r := range records {
		name := r[col["zone"]] + " " + r[col["utc_instant"]]
		loc, at := zone(t, r[col["zone"]]), instant(t, r[col["utc_instant"]])
		before, after := seconds(t, r[col["offset_before"]]), seconds(t, r[col["offset_after"]])
		shift := time.Duration(after-before) * time.Second
		from := at.Add(time.Duration(min(before, after)) * time.Second) // first local second that is skipped or repeated
		to := from.Add(shift.Abs())
		inside := []time.Time{from, from.Add(shift.Abs() / 2).Truncate(time.Second), to.Add(-time.Second)}
		switch r[col["kind"]] {
		case "gap":
			for _, local := range inside {
				if _, err := Resolve(Of(local), loc, nil); !errors.Is(err, ErrGap) {
					t.Errorf("%s: %v: error = %v, want a gap", name, local, err)
				}
			}
		case "fold":
			for _, local := range inside {
				if _, err := Resolve(Of(local), loc, nil); !errors.Is(err, ErrOverlap) {
					t.Errorf("%s: %v: error = %v, want an overlap", name, local, err)
				}
				for _, offset := range []int{before, after} {
					got, err := Resolve(Of(local), loc, &offset)
					if want := local.Add(-time.Duration(offset) * time.Second); err != nil || !got.At.Equal(want) {
						t.Errorf("%s: %v with %d: %v, %v", name, local, offset, got.At, err)
					}
				}
			}
		}
		for local, offset := range map[time.Time]int{from.Add(-time.Second): before, to: after} {
			got, err := Resolve(Of(local), loc, nil)
			if want := local.Add(-time.Duration(offset) * time.Second); err != nil || !got.At.Equal(want) {
				t.Errorf("%s: %v outside the change: %v, %v, want %v", name, local, got.At, err, want)
			}
		}
	}
	if len(records) < 5775 {
		t.Errorf("only %d rows", len(records))
	}
}
