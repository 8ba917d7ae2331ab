package eventnode

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func bytesOf(t testing.TB, files vfs.FS, name string) []byte {
	t.Helper()
	f, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// However it is written, a log holds what was written, then nothing but zeros, and
// it rarely changes its size.
func TestLogsGrowInStepsOfZeros(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 0))
		files := steppedLogs{vfs.NewMem(), newLogSizes()}
		f, err := files.Create("000007.log", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		sizes := map[int64]bool{}
		for range 1 + r.IntN(12) {
			p := bytes.Repeat([]byte{byte(1 + r.IntN(255))}, r.IntN(logStep/3))
			if n, err := f.Write(bytes.Clone(p)); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			want = append(want, p...)
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			sizes[info.Size()] = true
		}
		got := bytesOf(t, files, "000007.log")
		if !bytes.HasPrefix(got, want) || !bytes.Equal(got[len(want):], make([]byte, len(got)-len(want))) {
			t.Fatalf("seed %d: of %d bytes the file differs", seed, len(want))
		}
		if most := 2 + len(want)/logStep; len(sizes) > most {
			t.Errorf("seed %d: %d sizes for %d bytes", seed, len(sizes), len(want))
		}
	}
}

// The bytes of an old log may be those of events that were scavenged.
func TestALogIsNeverMadeFromAnOldOne(t *testing.T) {
	files := steppedLogs{vfs.NewMem(), newLogSizes()}
	old, err := files.Create("000007.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Write([]byte("scavenged")); err != nil {
		t.Fatal(err)
	}
	if _, err := files.ReuseForWrite("000007.log", "000009.log", vfs.WriteCategoryUnspecified); err != nil {
		t.Fatal(err)
	}
	if got := bytesOf(t, files, "000009.log"); len(got) != 0 {
		t.Errorf("the new log begins with %d bytes", len(got))
	}
	if _, err := files.Stat("000007.log"); err == nil {
		t.Error("the old log is still there")
	}
}

// Tables and other files are written as ever.
func TestOnlyLogsGrowInSteps(t *testing.T) {
	files := steppedLogs{vfs.NewMem(), newLogSizes()}
	f, err := files.Create("000008.sst", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("table")); err != nil {
		t.Fatal(err)
	}
	if got := bytesOf(t, files, "000008.sst"); string(got) != "table" {
		t.Errorf("%d bytes", len(got))
	}
}
