package eventnode

import (
	"bytes"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func bytesOf(t rapid.TB, files vfs.FS, name string) []byte {
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
	rapid.Check(t, func(t *rapid.T) {
		files := steppedLogs{vfs.NewMem(), newLogSizes()}
		f, err := files.Create("000007.log", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		sizes := map[int]bool{}
		for range rapid.IntRange(1, 20).Draw(t, "writes") {
			p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, logStep/4).Draw(t, "length"))
			if n, err := f.Write(bytes.Clone(p)); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			want = append(want, p...)
			got := bytesOf(t, files, "000007.log")
			sizes[len(got)] = true
			if !bytes.HasPrefix(got, want) || len(bytes.Trim(got[len(want):], "\x00")) > 0 {
				t.Fatalf("after %d bytes the file differs", len(want))
			}
		}
		if most := 1 + len(want)/logStep; len(sizes) > most+1 {
			t.Errorf("%d sizes for %d bytes", len(sizes), len(want))
		}
	})
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
