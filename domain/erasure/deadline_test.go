package erasure_test

import (
	"testing"
	"time"

	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// The vectors of the mission rules, § 7.
func TestDeadlines(t *testing.T) {
	for received, want := range map[string][5]string{ // answer, lawful, consumer, extended, acknowledge ("" where there is no vector)
		"2026-01-31": {"2026-02-28", "2026-03-02", "2026-03-17", "2026-04-30", ""},
		"2026-03-05": {"2026-04-04", "2026-04-06", "2026-04-19", "2026-06-05", ""},
		"2026-05-31": {"2026-06-30", "2026-06-30", "2026-07-15", "2026-08-31", ""},
		"2026-08-31": {"2026-09-30", "2026-09-30", "2026-10-15", "2026-11-30", ""},
		"2028-01-30": {"2028-02-29", "2028-02-29", "2028-03-15", "2028-04-30", ""},
		"2026-03-02": {"2026-04-01", "2026-04-02", "2026-04-16", "2026-06-02", "2026-03-16"},
		"2026-03-06": {"2026-04-05", "2026-04-06", "2026-04-20", "2026-06-06", "2026-03-20"},
		"2026-03-07": {"2026-04-06", "2026-04-07", "2026-04-21", "2026-06-07", "2026-03-20"},
	} {
		day, err := time.Parse(time.DateOnly, received)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{day, day.Add(24*time.Hour - time.Second)} {
			d := erasure.Deadlines(at)
			got := [5]string{}
			for i, date := range []time.Time{d.Answer, d.Lawful, d.Consumer, d.Extended, d.Acknowledge} {
				got[i] = date.Format(time.DateOnly)
			}
			if want[4] == "" {
				got[4] = ""
			}
			if got != want {
				t.Errorf("received %s: %v, want %v", at, got, want)
			}
		}
	}
}

func TestAnExtensionMovesTheDueDate(t *testing.T) {
	until := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	extended := &eventschema.DeadlineExtended{CaseID: caseID, Until: until}
	if got := erasure.Decider().Fold(wasRequested).Due(); got != time.Date(2026, 7, 31, 0, 0, 0, 0, time.UTC) {
		t.Errorf("due %s", got)
	}
	if got := erasure.Decider().Fold(wasRequested, extended).Due(); got != until {
		t.Errorf("due %s after the extension", got)
	}
}
