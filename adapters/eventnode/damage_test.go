package eventnode

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// image is a folder, file by file.
type image map[string][]byte

func imageOf(t *testing.T, files vfs.FS, dir string) image {
	t.Helper()
	names, err := files.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	img := image{}
	for _, name := range names {
		b, err := readFile(files, files.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		img[name] = b
	}
	return img
}

func (img image) disk(t *testing.T) *vfs.MemFS {
	t.Helper()
	disk := vfs.NewMem()
	err := disk.MkdirAll("store", 0o700)
	for name, b := range img {
		err = errors.Join(err, writeFile(disk, disk.PathJoin("store", name), bytes.Clone(b)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// files are the names of the files that hold anything, in order.
func (img image) files() []string {
	names := slices.Sorted(maps.Keys(img))
	return slices.DeleteFunc(names, func(name string) bool { return len(img[name]) == 0 })
}

func damageConfig(disk vfs.FS) Config {
	return Config{FS: disk, Dir: "store", Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable, CacheBytes: 1 << 20, block: 1 << 10}.withDefaults()
}

// contents is everything the engine shows: the whole of every key space.
func contents(s *store) (map[string]string, error) {
	all := map[string]string{}
	for _, space := range keySpaces {
		err := s.each(space, "contents", func(key, value []byte) error {
			all[string(key)] = string(value)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// damaged is what became of a damaged folder.
type damaged struct {
	refused  error // by the node: when opened, or when read
	verified []Defect
	verify   error
	shown    map[string]string
	last     int64
}

func examine(t *testing.T, img image) (d damaged) {
	t.Helper()
	_, d.verify = Verify(t.Context(), VerifyConfig{Dir: "store", FS: img.disk(t), CacheBytes: 1 << 20, Found: func(x Defect) {
		d.verified = append(d.verified, x)
	}})
	s, err := openStore(damageConfig(img.disk(t)))
	if err != nil {
		d.refused = err
		return d
	}
	d.last = s.last
	d.shown, d.refused = contents(s)
	if err := s.db.Close(); d.refused == nil {
		d.refused = err
	}
	return d
}

// found: the node or the verification says so, and where.
func (d damaged) found() bool { return d.refused != nil || d.verify != nil || len(d.verified) > 0 }

// places: whoever reports it names a file, a position or a stream.
func (d damaged) places(img image) error {
	var texts []string
	for _, x := range d.verified {
		texts = append(texts, x.String())
	}
	for _, err := range []error{d.refused, d.verify} {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	said := strings.Join(texts, "\n")
	for _, place := range []string{"position", "stream", "file 0", "file ", "wal ", "marker", markFile, "MANIFEST", "OPTIONS"} {
		if strings.Contains(said, place) {
			return nil
		}
	}
	for name := range img {
		if strings.Contains(said, strings.TrimSuffix(name, filepath.Ext(name))) {
			return nil
		}
	}
	return fmt.Errorf("no place is named: %s", said)
}

// atRest is the folder of a node that was stopped.
func atRest(t *testing.T) image { return imageOf(t, vfs.Default, variedFolder(t)) }

// killed is the folder of a node that was killed under load.
func killed(t *testing.T) image {
	t.Helper()
	disk := vfs.NewCrashableMem()
	n := start(t, markOften, quickTicks, func(c *Config) {
		c.FS, c.Dir, c.memTable, c.CacheBytes, c.block = disk, "store", crashMemTable, crashCache, 1<<10
	})
	c := connect(t, n)
	createGroup(t, c, "s0", "g", esdb.Start{}, nil)
	for i := range 60 {
		e := event("t", `{}`)
		e.Metadata = bytes.Repeat([]byte{byte(i)}, 3000)
		appendTo(t, c, fmt.Sprint("s", i%3), esdb.AppendToStreamOptions{}, e, event("u", `{}`))
	}
	return imageOf(t, disk.CrashClone(vfs.CrashCloneCfg{}), "store")
}

// folders are what damage is done to. mayLose: the end of what a killed node
// wrote may be taken for torn, if it is after what the mark covers.
var folders = map[string]struct {
	make    func(t *testing.T) image
	mayLose bool
}{
	"stopped": {atRest, false},
	"killed":  {killed, true},
}

// judge says what is wrong with how damage was met, and in which way it was met.
func judge(good damaged, d damaged, img image, mark int64, mayLose bool) (how string, err error) {
	switch {
	case d.found() && d.refused == nil && !maps.Equal(d.shown, good.shown) && !mayLose:
		return "", errors.New("the node shows something else and does not say so, only verify does")
	case d.found():
		return "found", d.places(img)
	case maps.Equal(d.shown, good.shown):
		return "without effect", nil
	case mayLose && d.last >= mark && prefix(d, good):
		return "taken for a torn end", nil
	}
	return "", fmt.Errorf("silent: %d keys up to position %d in place of %d up to %d, mark %d", len(d.shown), d.last, len(good.shown), good.last, mark)
}

// prefix: of the log everything is there up to where it ends.
func prefix(d, good damaged) bool {
	for key, value := range good.shown {
		if pos, ok := positionOf([]byte(key)); ok && pos <= d.last && d.shown[key] != value {
			return false
		}
	}
	return true
}

func markOf(t *testing.T, img image) int64 {
	t.Helper()
	m, err := decodeMark(img[markFile])
	if err != nil {
		t.Fatal(err)
	}
	return m.Position
}

// Whichever bit of whichever file changes while the node is down, it refuses to
// start, or verifying names the damage, or nothing is different. The log of a
// killed node may end earlier, never before what the mark covers.
func TestFlippedBitsInFilesAreNeverSilent(t *testing.T) {
	for folder, x := range folders {
		t.Run(folder, func(t *testing.T) {
			img := x.make(t)
			good, mark, files := examine(t, img), markOf(t, img), img.files()
			if good.found() || len(good.shown) == 0 {
				t.Fatalf("the good folder: %v, %v, %v", good.refused, good.verify, good.verified)
			}
			how := map[string]int{}
			for seed := range uint64(times(5, 500, 25_000)) {
				r := rand.New(rand.NewPCG(seed, 11))
				name := files[int(seed)%len(files)]
				bad := maps.Clone(img)
				b := bytes.Clone(img[name])
				at := r.IntN(len(b))
				b[at] ^= 1 << r.IntN(8)
				bad[name] = b
				was, err := judge(good, examine(t, bad), bad, mark, x.mayLose)
				if err != nil {
					t.Errorf("seed %d, byte %d of %d of %s: %v", seed, at, len(b), name, err)
				}
				how[was]++
			}
			t.Logf("%v in %v", how, files)
			if how["found"] == 0 {
				t.Error("no flip was found")
			}
		})
	}
}

// mishaps are what else happens to files.
var mishaps = map[string]func(img image, name string, b []byte){
	"removed":           func(img image, name string, _ []byte) { delete(img, name) },
	"emptied":           func(img image, name string, _ []byte) { img[name] = nil },
	"cut in half":       func(img image, name string, b []byte) { img[name] = b[:len(b)/2] },
	"one byte shorter":  func(img image, name string, b []byte) { img[name] = b[:max(len(b)-1, 0)] },
	"longer by zeros":   func(img image, name string, b []byte) { img[name] = append(bytes.Clone(b), make([]byte, 5000)...) },
	"longer by garbage": func(img image, name string, b []byte) { img[name] = append(bytes.Clone(b), seededBytes(1, 5000)...) },
	"full of zeros":     func(img image, name string, b []byte) { img[name] = make([]byte, len(b)) },
	"a sector of zeros": func(img image, name string, b []byte) {
		c := bytes.Clone(b)
		clear(c[len(c)/3 : min(len(c)/3+512, len(c))])
		img[name] = c
	},
	"there twice": func(img image, name string, b []byte) {
		img[strings.Replace(name, "0000", "0099", 1)] = b
	},
	"under another name": func(img image, name string, b []byte) {
		delete(img, name)
		img[strings.Replace(name, "0000", "0099", 1)] = b
	},
	"in place of another": func(img image, name string, b []byte) {
		for _, other := range slices.Sorted(maps.Keys(img)) {
			if other != name && filepath.Ext(other) == filepath.Ext(name) {
				img[name], img[other] = img[other], b
				return
			}
		}
	},
}

// Whichever file is missing, cut, emptied, longer, doubled, renamed or swapped
// with another, it is as with flipped bits.
func TestDamagedFilesAreNeverSilent(t *testing.T) {
	for folder, x := range folders {
		t.Run(folder, func(t *testing.T) {
			img := x.make(t)
			good, mark := examine(t, img), markOf(t, img)
			how := map[string]int{}
			names := slices.Sorted(maps.Keys(img))
			if raceDetector {
				names = names[:min(len(names), 2)]
			}
			for _, name := range names {
				for mishap, do := range mishaps {
					bad := maps.Clone(img)
					do(bad, name, img[name])
					was, err := judge(good, examine(t, bad), bad, mark, x.mayLose)
					if err != nil {
						t.Errorf("%s is %s: %v", name, mishap, err)
					}
					how[was]++
				}
			}
			t.Logf("%v in %v", how, names)
		})
	}
}

// Damage in a table under a running node is told to whoever reads it, as what it
// is.
func TestDamagedBlockIsToldToClients(t *testing.T) {
	dir := variedFolder(t)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables (%v)", err)
	}
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/4] ^= 1 // in the log, and not at its end
		if err := os.WriteFile(table, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s, err := connect(t, n).ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for err == nil {
		_, err = s.Recv()
	}
	if !strings.Contains(err.Error(), "DataLoss") {
		t.Errorf("the client is told %v", err)
	}
}
