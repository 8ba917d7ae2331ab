package eventnode

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// sealedText is a manifest as it would be written if nobody checked it.
func sealedText(t testing.TB, m BackupManifest) []byte {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(sealedManifest{SHA256: hashOf(body), Manifest: body})
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func someManifest() BackupManifest {
	return BackupManifest{
		Format: backupFormat, Store: storeFormat, Node: uuid.MustParse("7f0f3c5e-9c1b-4a44-8a59-0c1d2e3f4a5b"), Position: 77,
		Taken: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC),
		Files: []BackupFile{
			{Name: "000004.log", Size: 3, SHA256: hashOf([]byte("log"))},
			{Name: "000005.sst", Size: 5, SHA256: hashOf([]byte("table"))},
		},
	}
}

func TestManifestIsTakenOnlyAsItWasWritten(t *testing.T) {
	b, err := someManifest().encode()
	if err != nil {
		t.Fatal(err)
	}
	if m, err := decodeManifest(b); err != nil || m.name() != "20260301T120000.000000005Z-77" || m.Bytes() != 8 {
		t.Fatalf("%+v (%v)", m, err)
	}
	for i := range b {
		b[i] ^= 1 << (i % 8)
		if _, err := decodeManifest(b); err == nil {
			t.Fatalf("byte %d changed unnoticed", i)
		}
		b[i] ^= 1 << (i % 8)
	}
	for name, change := range map[string]func(*BackupManifest){
		"another format":                func(m *BackupManifest) { m.Format = "x" },
		"of another store":              func(m *BackupManifest) { m.Store = "x" },
		"no files":                      func(m *BackupManifest) { m.Files = nil },
		"a name that leads out":         func(m *BackupManifest) { m.Files[0].Name = "../000004.log" },
		"an absolute name":              func(m *BackupManifest) { m.Files[0].Name = "/000004.log" },
		"a name of no store":            func(m *BackupManifest) { m.Files[0].Name = "bashrc" },
		"a hash that is a path":         func(m *BackupManifest) { m.Files[0].SHA256 = "../../x" },
		"a size below nothing":          func(m *BackupManifest) { m.Files[0].Size = -1 },
		"a file twice":                  func(m *BackupManifest) { m.Files[1] = m.Files[0] },
		"a position below nothing":      func(m *BackupManifest) { m.Position = -1 },
		"a time that is not in UTC":     func(m *BackupManifest) { m.Taken = m.Taken.In(time.FixedZone("x", 3600)) },
		"files in another order":        func(m *BackupManifest) { m.Files[0], m.Files[1] = m.Files[1], m.Files[0] },
		"a hash in capitals":            func(m *BackupManifest) { m.Files[0].SHA256 = strings.ToUpper(m.Files[0].SHA256) },
		"a name with a line break":      func(m *BackupManifest) { m.Files[0].Name = "000004.log\n" },
		"a name that is hidden":         func(m *BackupManifest) { m.Files[0].Name = ".log" },
		"a name in a folder of its own": func(m *BackupManifest) { m.Files[0].Name = "a/000004.log" },
	} {
		m := someManifest()
		change(&m)
		if _, err := decodeManifest(sealedText(t, m)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// FuzzBackupManifest feeds the decoder with anything: what it takes is sound,
// and encodes to the same bytes.
func FuzzBackupManifest(f *testing.F) {
	b, err := someManifest().encode()
	if err != nil {
		f.Fatal(err)
	}
	body, err := json.Marshal(someManifest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add(body, true)
	f.Add([]byte(`{"sha256":"","manifest":null}`), false)
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal { // let the fuzzer past the hash
			sealed, err := json.Marshal(sealedManifest{SHA256: hashOf(b), Manifest: b})
			if err != nil {
				return
			}
			b = append(sealed, '\n')
		}
		m, err := decodeManifest(b)
		if err != nil {
			return
		}
		if err := m.validate(); err != nil {
			t.Fatal(err)
		}
		if again, err := m.encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s became %s (%v)", b, again, err)
		}
	})
}

// FuzzReceivedBackup lets a node answer anything: nothing is written outside the
// folder of backups, and nothing that is not as the manifest says becomes part of
// a backup.
func FuzzReceivedBackup(f *testing.F) {
	manifest, err := someManifest().encode()
	if err != nil {
		f.Fatal(err)
	}
	answer := func(entries ...string) []byte {
		var b bytes.Buffer
		archive := tar.NewWriter(&b)
		for i := 0; i+1 < len(entries); i += 2 {
			_ = archive.WriteHeader(&tar.Header{Name: entries[i], Mode: 0o600, Size: int64(len(entries[i+1]))})
			_, _ = archive.Write([]byte(entries[i+1]))
		}
		_ = archive.Close()
		return b.Bytes()
	}
	whole := answer(manifestEntry, string(manifest), hashOf([]byte("log")), "log", hashOf([]byte("table")), "table")
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(answer(manifestEntry, string(manifest), hashOf([]byte("log")), "lag"))
	f.Add(answer(manifestEntry, string(manifest), "../x", "log"))
	f.Add(answer("x", "y"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		disk := vfs.NewMem()
		target, err := openTarget(disk, "backups")
		if err != nil {
			t.Fatal(err)
		}
		defer target.close()
		var report BackupReport
		fetch := func(context.Context, []byte) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(answer)), nil
		}
		m, err := target.receive(t.Context(), fetch, BackupOptions{}.withDefaults(), &report)
		if err == nil {
			sound, err := target.sound(t.Context(), m, func(int64, int64) {})
			if err != nil || !sound {
				t.Fatalf("what was received does not hold: %v", err)
			}
		}
		if outside, err := disk.List("/"); err != nil || len(outside) != 1 {
			t.Fatalf("written outside: %v (%v)", outside, err)
		}
		if errors.Is(err, ErrUnknownFormat) && len(target.has) > 0 {
			t.Fatal("a foreign backup left something")
		}
	})
}
