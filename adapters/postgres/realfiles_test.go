package postgres_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// realFiles is where the exports of two real terminals lie, from this folder.
const realFiles = "../../../shared/data/zkteco-attlog-two-devices"

// The reference figures of the two files come with them; they were counted by
// another program.
//
// promise: ST-21
func TestTheHoursOfTwoRealTerminalsAreTheReferenceFigures(t *testing.T) {
	if _, err := os.Stat(realFiles); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the real files are required in CI: ../shared/data/zkteco-attlog-two-devices is absent")
		}
		t.Skip("the real files are not here: ../shared/data/zkteco-attlog-two-devices is absent")
	}
	for _, c := range []struct {
		file                                            string
		lines, doubles, intervals, noOut, noIn, repeats int
		hours                                           float64
	}{
		{"device1_1_attlog.dat", 11902, 0, 4897, 1419, 399, 290, 35003.8961},
		{"device2_2_attlog.dat", 32849, 1, 13904, 2977, 1504, 559, 67621.9636},
	} {
		t.Run(c.file, func(t *testing.T) {
			h := newHistory(t)
			lines, doubles := readTerminal(t, h, c.file)
			if lines != c.lines || doubles != c.doubles {
				t.Fatalf("%d lines and %d exact duplicates, want %d and %d", lines, doubles, c.lines, c.doubles)
			}
			models := open(t)
			for from := 0; from < len(h.log); from += 1_000 {
				apply(t, models, h.log[from:min(from+1_000, len(h.log))])
			}
			live := digest(t, models)
			checkFigures(t, h, models.Querier(), c.intervals, c.noOut, c.noIn, c.repeats, c.hours)
			if _, err := models.Rebuild(t.Context(), h.all(), nil); err != nil {
				t.Fatal(err)
			}
			for table, sum := range digest(t, models) {
				if live[table] != sum {
					t.Errorf("%s differs between live pages and a rebuild", table)
				}
			}
		})
	}
}

func checkFigures(t *testing.T, h *history, q projections.Querier, intervals, noOut, noIn, repeats int, wantHours float64) {
	t.Helper()
	days := projections.Days{From: "2000-01-01", To: "2100-01-01"}
	byDay, err := projections.HoursByDay(t.Context(), q, h.tenant, days)
	if err != nil {
		t.Fatal(err)
	}
	var count int
	var seconds int64
	for _, d := range byDay {
		count, seconds = count+d.Intervals, seconds+d.Seconds
	}
	if count != intervals {
		t.Errorf("%d intervals, want %d", count, intervals)
	}
	if got := float64(seconds) / 3600; math.Abs(got-wantHours) > 0.0001 {
		t.Errorf("%.4f hours, want %.4f", got, wantHours)
	}
	exceptions, err := projections.ExceptionsOf(t.Context(), q, h.tenant, days, clock("2026-01-01T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[hours.ExceptionCode]int{}
	for _, e := range exceptions {
		codes[e.Code]++
	}
	for code, want := range map[hours.ExceptionCode]int{hours.MissingOut: noOut, hours.MissingIn: noIn, hours.RepeatPunch: repeats} {
		if codes[code] != want {
			t.Errorf("%d %s, want %d", codes[code], code, want)
		}
	}
}

// readTerminal makes a punch of every line: PIN, local time, how verified, which
// key. A line that was there before, byte for byte, is the same punch.
func readTerminal(t *testing.T, h *history, file string) (lines, doubles int) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(realFiles, file))
	if err != nil {
		t.Fatal(err)
	}
	manila, err := time.LoadLocation("Asia/Manila")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		lines++
		if seen[line] {
			doubles++
			continue
		}
		seen[line] = true
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) < 4 {
			t.Fatalf("line %d has %d fields", lines, len(fields))
		}
		pin, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatalf("line %d: no PIN", lines)
		}
		at, err := time.ParseInLocation(time.DateTime, fields[1], manila)
		if err != nil {
			t.Fatalf("line %d: no time", lines)
		}
		direction, kind := eventschema.DirectionIn, eventschema.KindNormal
		if fields[3] == "1" || fields[3] == "5" {
			direction = eventschema.DirectionOut
		}
		if fields[3] == "4" || fields[3] == "5" {
			kind = eventschema.KindOvertime
		}
		punch := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s %s", file, line))
		h.punch(id(file, pin), punch, at.UTC(), direction, kind)
	}
	return lines, doubles
}
