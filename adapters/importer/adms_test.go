package importer

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The bodies that terminals push, as the tests of a server quote them.
func TestBodiesThatTerminalsPushed(t *testing.T) {
	counted := map[string]int{}
	for line := range strings.Lines(string(realFile(t, "zkteco-adms/bodies_and_urls.jsonl"))) {
		var body struct{ Text, Test string }
		if err := json.Unmarshal([]byte(line), &body); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(body.Text, "\t") || strings.Contains(body.Text, "PIN=") {
			continue
		}
		o := formatted(t, "adms", body.Text)
		sum, err := Run(t.Context(), o, newNotebook("1", "100", "123", "200", "300", "456", "789", "888", "999"))
		if err != nil {
			t.Errorf("%s: %v", body.Test, err)
		}
		counted["bodies"]++
		counted["taken"] += int(sum.Accepted)
		for reason, n := range sum.RejectsByReason {
			counted[string(reason)] += int(n)
		}
	}
	if want := map[string]int{"bodies": 20, "taken": 24, "bad_time": 2, "bad_pin": 1, "broken_line": 1, "bad_state": 1}; !maps.Equal(counted, want) {
		t.Errorf("got %v, want %v", counted, want)
	}
}

func TestPushedRecords(t *testing.T) {
	for rule, c := range map[string]struct {
		text string
		want []string
	}{
		"the state comes before the verification": {"7\t2026-05-04 08:00:00\t1\t15\t0", []string{"06:00 out"}},
		"ten fields of newer firmware":            {"7\t2026-05-04 08:00:00\t0\t25\t0\t0\t0\t0\t0\t0", []string{"06:00 in"}},
		"an offset of its own":                    {"7\t2026-05-04 08:00:00\t0\t1\t0\t0\t0\t0\t0\t0\t+28800\t", []string{"00:00 in"}},
		"two fields: in and out are derived":      {"7\t2026-05-04 08:00:00\n7\t2026-05-04 12:00:00", []string{"06:00 in", "10:00 out"}},
		"state 255: in and out are derived":       {"7\t2026-05-04 08:00:00\t255\t1", []string{"06:00 in"}},
		"a Unix time":                             {"7\t1777874400\t0\t1\t0", []string{"06:00 in"}},
		"pairs":                                   {"PIN=7\tDateTime=2026-05-04 08:00:00\tVerified=1\tStatus=1", []string{"06:00 out"}},
		"pairs with blanks":                       {"PIN=7 DateTime=2026-05-04 08:00:00 Verified=1 Status=1", []string{"06:00 out"}},
		"lines in a form":                         {"data=7%092026-05-04+08%3A00%3A00%090%091%0A7%092026-05-04+12%3A00%3A00%091%091", []string{"06:00 in", "10:00 out"}},
		"a batch that comes again in one body":    {"7\t2026-05-04 08:00:00\t0\t1\n7\t2026-05-04 08:00:00\t0\t1", []string{"06:00 in"}},
		"a template of a finger is not taken":     {"FP PIN=7\tFID=0\tSize=4\tValid=1\tTMP=AAAA\n7\t2026-05-04 08:00:00", []string{"06:00 in", "1 biometric"}},
		"a reset clock":                           {"7\t2000-01-01 00:00:12\t0\t1", []string{"1 station_clock_reset"}},
		"a date that never was, with an offset":   {"7\t2026-02-30 08:00:00\t0\t1\t0\t0\t0\t0\t0\t0\t+28800", []string{"1 bad_time"}},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := took(t, formatted(t, "adms", c.text), newNotebook("7")); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
