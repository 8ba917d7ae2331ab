package eventnode

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"
)

// variedFolder is the folder of a stopped node that has a bit of everything.
func variedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	n := start(t, quickTicks, func(c *Config) { c.Dir, c.memTable, c.block = dir, crashMemTable, 1<<10 })
	c := connect(t, n)
	for i := range 40 {
		letters(t, c, fmt.Sprint("s", i%3), strings.Repeat("abcdefghij", 3))
	}
	letters(t, c, "deleted", "abc")
	letters(t, c, "ended", "ab")
	if _, err := c.SetStreamMetadata(within(t), "s1", esdb.AppendToStreamOptions{}, maxCount(7)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetStreamMetadata(within(t), "only-metadata", esdb.AppendToStreamOptions{}, maxCount(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteStream(within(t), "deleted", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	letters(t, c, "deleted", "d")
	if _, err := c.TombstoneStream(within(t), "ended", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	createGroup(t, c, "s0", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.CheckpointUpperBound = 1 }))
	s := consume(t, c, "s0", "g", 3)
	for range 5 {
		if err := s.Ack(receive(t, s).Event); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Close(), c.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verified(t *testing.T, dir string) (VerifyReport, []Defect) {
	t.Helper()
	var defects []Defect
	report, err := Verify(t.Context(), VerifyConfig{Dir: dir, CacheBytes: 1 << 20, Found: func(d Defect) { defects = append(defects, d) }})
	if err != nil {
		t.Fatal(err)
	}
	if int(report.Defects) != len(defects) {
		t.Errorf("%d defects counted, %d reported", report.Defects, len(defects))
	}
	return report, defects
}

// fingerprint is what a folder holds, byte for byte.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n", path, len(b))
		h.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// A folder that holds is verified whole, and not a byte of it changes.
func TestVerifyFindsNothingWrongInAGoodFolder(t *testing.T) {
	dir := variedFolder(t)
	before := fingerprint(t, dir)
	report, defects := verified(t, dir)
	for _, d := range defects {
		t.Error(d)
	}
	if report.Events < 1200 || report.Streams < 10 || report.Tables == 0 || report.Position == 0 {
		t.Errorf("verified only %+v", report)
	}
	if fingerprint(t, dir) != before {
		t.Error("the folder changed")
	}
	// So does a backup that has no lock file and cannot be written to.
	if err := errors.Join(os.Remove(filepath.Join(dir, "LOCK")), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	before = fingerprint(t, dir)
	if report, _ := verified(t, dir); report.Defects > 0 || fingerprint(t, dir) != before {
		t.Errorf("a backup has %d defects or changed", report.Defects)
	}
}

func TestVerifyRefuses(t *testing.T) {
	n := start(t)
	if _, err := Verify(t.Context(), VerifyConfig{Dir: n.cfg.Dir}); !errors.Is(err, ErrLocked) {
		t.Errorf("a running node: %v", err)
	}
	if _, err := Verify(t.Context(), VerifyConfig{Dir: t.TempDir()}); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Verify(t.Context(), VerifyConfig{Dir: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	foreign := t.TempDir()
	put(t, foreign, []byte("k"), []byte("v"))
	if _, err := Verify(t.Context(), VerifyConfig{Dir: foreign}); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("a folder of another program: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ended, VerifyConfig{Dir: variedFolder(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("after it was called off: %v", err)
	}
}

// behind opens the folder of a stopped node with the engine alone, as nobody
// does, and takes the mark away that would tell.
func behind(t *testing.T, dir string, change func(s *store) error) {
	t.Helper()
	db, err := pebble.Open(dir, engineOptions(Config{Dir: dir, memTable: crashMemTable}.withDefaults(), nil))
	if err != nil {
		t.Fatal(err)
	}
	s := &store{db: db}
	if err := errors.Join(s.readEnd(), change(s), db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, markFile)); err != nil {
		t.Fatal(err)
	}
}

// place finds the number of a stream and the position of one of its events.
func (s *store) place(t *testing.T, stream string, rev int64) (head, int64) {
	t.Helper()
	h, found, err := s.loadHead(stream)
	if err != nil || !found {
		t.Fatalf("%s: %v, %v", stream, found, err)
	}
	pos, err := s.positionAt(h.no, rev)
	if err != nil {
		t.Fatal(err)
	}
	return h, pos
}

var logicalDefects = map[string]struct {
	plant func(t *testing.T, s *store) error
	want  []DefectKind
	says  string
}{
	"a changed byte of a record": {func(t *testing.T, s *store) error {
		_, pos := s.place(t, "s0", 5)
		raw, err := s.get(logKey(pos))
		raw[40] ^= 1
		return errors.Join(err, s.db.Set(logKey(pos), raw, nil))
	}, []DefectKind{DefectRecord}, "checksum"},
	"a record under another position": {func(t *testing.T, s *store) error {
		_, pos := s.place(t, "s0", 5)
		raw, err := s.get(logKey(pos))
		return errors.Join(err, s.db.Set(logKey(pos+1), raw, nil), s.db.Delete(logKey(pos), nil))
	}, []DefectKind{DefectRecord, DefectIndex}, ""},
	"a record without index entry": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 5)
		return s.db.Delete(streamKey(h.no, 5), nil)
	}, []DefectKind{DefectIndex, DefectRevision}, "s0@5"},
	"an index entry without record": {func(t *testing.T, s *store) error {
		_, pos := s.place(t, "s0", 5)
		return s.db.Delete(logKey(pos), nil)
	}, []DefectKind{DefectIndex}, "s0@5"},
	"both gone": {func(t *testing.T, s *store) error {
		h, pos := s.place(t, "s0", 5)
		return errors.Join(s.db.Delete(logKey(pos), nil), s.db.Delete(streamKey(h.no, 5), nil))
	}, []DefectKind{DefectRevision}, "s0@5"},
	"the last event of a stream gone": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 5)
		_, pos := s.place(t, "s0", h.last)
		return errors.Join(s.db.Delete(logKey(pos), nil), s.db.Delete(streamKey(h.no, h.last), nil))
	}, []DefectKind{DefectHead}, "s0"},
	"an index entry of another event": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 5)
		_, other := s.place(t, "s1", 5)
		return s.db.Set(streamKey(h.no, 5), binary.BigEndian.AppendUint64(nil, uint64(other)), nil)
	}, []DefectKind{DefectIndex}, "s0@5"},
	"an index entry too many": {func(t *testing.T, s *store) error {
		h, pos := s.place(t, "s0", 5)
		return s.db.Set(streamKey(h.no, h.last+1), binary.BigEndian.AppendUint64(nil, uint64(pos)), nil)
	}, []DefectKind{DefectHead, DefectIndex}, "s0"},
	"a damaged head": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 5)
		b := h.encode()
		b[9] ^= 1
		return s.db.Set(headKey(h.no), b, nil)
	}, []DefectKind{DefectHead}, "s0"},
	"an old head": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 5)
		h.last--
		return s.db.Set(headKey(h.no), h.encode(), nil)
	}, []DefectKind{DefectHead}, "s0"},
	"a head that says another time": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 5)
		h.asOf--
		return s.db.Set(headKey(h.no), h.encode(), nil)
	}, []DefectKind{DefectHead}, "s0"},
	"a head that forgot the end of the stream": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "ended", 0)
		h.tombstoned = false
		return s.db.Set(headKey(h.no), h.encode(), nil)
	}, []DefectKind{DefectHead}, "ended"},
	"a head that forgot its metadata": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s1", 0)
		h.meta = streamMeta{}
		return s.db.Set(headKey(h.no), h.encode(), nil)
	}, []DefectKind{DefectHead}, "$$s1"},
	"a head with metadata of another stream": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 0)
		other, _ := s.place(t, "s1", 0)
		h.metaPos = other.metaPos
		h.asOf = max(h.asOf, h.metaPos)
		return s.db.Set(headKey(h.no), h.encode(), nil)
	}, []DefectKind{DefectHead}, "s0"},
	"a stream without head": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s0", 0)
		return s.db.Delete(headKey(h.no), nil)
	}, []DefectKind{DefectHead}, "s0"},
	"the last stream without head": {func(t *testing.T, s *store) error {
		return s.db.Delete(headKey(s.lastStream), nil)
	}, []DefectKind{DefectHead, DefectName}, "has no head"},
	"a stream without name": {func(_ *testing.T, s *store) error {
		return s.db.Delete(nameKey("s0"), nil)
	}, []DefectKind{DefectName}, "s0"},
	"a name of another stream": {func(t *testing.T, s *store) error {
		h, _ := s.place(t, "s1", 0)
		return s.db.Set(nameKey("s0"), binary.BigEndian.AppendUint64(nil, h.no), nil)
	}, []DefectKind{DefectName}, "s0"},
	"a name too many": {func(_ *testing.T, s *store) error {
		return s.db.Set(nameKey("nobody"), binary.BigEndian.AppendUint64(nil, s.lastStream+1), nil)
	}, []DefectKind{DefectName}, "nobody"},
	"damaged settings of a group": {func(_ *testing.T, s *store) error {
		key := groupKey(groupID("s0", "g"))
		b, err := s.get(key)
		b[len(b)/2] ^= 1
		return errors.Join(err, s.db.Set(key, b, nil))
	}, []DefectKind{DefectGroup}, "s0::g"},
	"a key of no space": {func(_ *testing.T, s *store) error {
		return s.db.Set([]byte("zebra"), nil, nil)
	}, []DefectKind{DefectKey}, "zebra"},
	"a key of no stream": {func(_ *testing.T, s *store) error {
		return s.db.Set([]byte("s?"), nil, nil)
	}, []DefectKind{DefectKey}, "s?"},
	"creation time goes back": {func(t *testing.T, s *store) error {
		_, pos := s.place(t, "s0", 5)
		r, err := s.readRecord(pos)
		r.ticks -= 1 << 40
		return errors.Join(err, s.db.Set(logKey(pos), encodeRecord(r), nil))
	}, []DefectKind{DefectOrder}, "s0@5"},
	"a checkpoint of nowhere": {func(t *testing.T, s *store) error {
		set := &groupSettings{Stream: "s0", Group: "g"}
		h, _ := s.place(t, set.checkpointStream(), 0)
		_, pos := s.place(t, set.checkpointStream(), h.last)
		r, err := s.readRecord(pos)
		r.data = []byte(`"nowhere"`)
		return errors.Join(err, s.db.Set(logKey(pos), encodeRecord(r), nil))
	}, []DefectKind{DefectGroup}, "s0::g"},
}

// Whatever key is missing, changed or too many, verifying names it, and a node
// without a mark to go by refuses the folder.
func TestVerifyNamesEveryDefectOfKeys(t *testing.T) {
	good := variedFolder(t)
	for name, x := range logicalDefects {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			behind(t, dir, func(s *store) error { return x.plant(t, s) })
			_, defects := verified(t, dir)
			var kinds []DefectKind
			said := false
			for _, d := range defects {
				kinds = append(kinds, d.Kind)
				said = said || strings.Contains(d.String(), x.says)
			}
			slices.Sort(kinds)
			for _, want := range x.want {
				if !slices.Contains(kinds, want) {
					t.Errorf("found %v, want %v", kinds[:min(4, len(kinds))], x.want)
				}
			}
			if !said || len(defects) > 4 {
				t.Errorf("found %d: %v, which does not say %q and no more", len(defects), defects[:min(4, len(defects))], x.says)
			}
			n, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable, CacheBytes: 1 << 20})
			if x.want[0] == DefectOrder { // Import may take such times
				if err == nil {
					err = n.Close()
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("opened: %v", err)
			}
			if err == nil {
				n.Close()
			}
		})
	}
}
