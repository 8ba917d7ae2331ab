package ledger

import (
	"fmt"
	"testing"

	"tracekeep/eventschema"
)

// benchPage is the size of a page on a busy day.
const benchPage = 5000

// BenchmarkAppend reports leaves a second, each page durable before the next.
func BenchmarkAppend(b *testing.B) {
	for _, page := range []int{1, 100, benchPage} {
		b.Run(fmt.Sprintf("page=%d", page), func(b *testing.B) {
			l, err := Open(testConfig(b.TempDir()))
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			events := history(60, page)
			last := uint64(0)
			b.ResetTimer()
			for range b.N {
				for i := range events {
					last++
					events[i].Position = last
				}
				if err := l.Append(b.Context(), events); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(page)/b.Elapsed().Seconds(), "leaves/s")
		})
	}
}

func benchLog(b *testing.B, n int) (*Ledger, []eventschema.Recorded) {
	b.Helper()
	events := history(61, n)
	l, err := Open(testConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	appendAll(b, l, events, benchPage)
	return l, events
}

// BenchmarkVerify reports events a second of a whole verification from memory.
func BenchmarkVerify(b *testing.B) {
	l, events := benchLog(b, 200_000)
	b.ResetTimer()
	for range b.N {
		if report := verifyTest(b, l.dir, l.VerifierKey(), events); !report.OK {
			b.Fatal(report.Findings)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkProve(b *testing.B) {
	l, events := benchLog(b, 200_000)
	b.ResetTimer()
	for i := range b.N {
		if _, err := l.Prove(b.Context(), events[i*7919%len(events)].Position); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyInclusion(b *testing.B) {
	l, events := benchLog(b, 20_000)
	made, err := l.Prove(b.Context(), events[777].Position)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		if err := VerifyInclusion(made, events[777], l.VerifierKey()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is a restart after a crash with a full journal.
func BenchmarkOpenAfterCrash(b *testing.B) {
	l, _ := benchLog(b, 60_000)
	for range b.N {
		b.StopTimer()
		dir := copyDir(b, l.dir)
		b.StartTimer()
		again, err := Open(testConfig(dir))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
