package eventschema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// readsAlike wants plain to read what encoding/json reads, bit for bit, or
// nothing at all. It says whether plain read both.
func readsAlike(t interface{ Fatalf(string, ...any) }, data, metadata []byte) bool {
	punch, want := new(PunchRecorded), new(PunchRecorded)
	read := plainPunch(data, punch)
	if err := unmarshalObject(data, want); read && (err != nil || !reflect.DeepEqual(want, punch)) {
		t.Fatalf("of %s\nplain reads %+v\nencoding/json %+v %v", data, *punch, *want, err)
	}
	if !read && !reflect.DeepEqual(punch, new(PunchRecorded)) {
		t.Fatalf("of %s plain reads a part", data)
	}
	var m, wanted Metadata
	readMetadata := plainMetadata(metadata, &m)
	if err := unmarshalObject(metadata, &wanted); readMetadata && (err != nil || !reflect.DeepEqual(wanted, m)) {
		t.Fatalf("of %s\nplain reads %+v\nencoding/json %+v %v", metadata, m, wanted, err)
	}
	if !readMetadata && !reflect.DeepEqual(m, Metadata{}) {
		t.Fatalf("of %s plain reads a part", metadata)
	}
	return read && readMetadata
}

// goldenPunch is a punch and its metadata as a release stored them.
func goldenPunch(t testing.TB) (data, metadata []byte) {
	text, err := os.ReadFile(filepath.Join("testdata", "payloads", "punch-recorded.v3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var stored struct{ Data, Metadata json.RawMessage }
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	return stored.Data, stored.Metadata
}

func FuzzPlainReadsLikeJSON(f *testing.F) {
	data, metadata := goldenPunch(f)
	if !readsAlike(f, data, metadata) {
		f.Fatal("plain does not read what Encode writes")
	}
	f.Add(data, metadata)
	for _, change := range [][2]string{
		{`"offset_seconds":28800`, `"offset_seconds":-0`}, {`"offset_seconds":28800`, `"offset_seconds":01`}, {`"offset_seconds":28800`, `"offset_seconds":1e3`},
		{`"offset_seconds":28800`, `"offset_seconds":9223372036854775808`}, {`Z"`, `+08:00"`}, {`{"punch_id"`, `{"punch_id":null,"punch_id"`},
		{`"in"`, `"\u0069n"`}, {`"in"`, "\"i\nt\""}, {`"in"`, "\"\xff\""}, {`,"fence":{`, `,"fence":{ `}, {`150}`, `150,"x":1}`}, {`,"zone"`, ` ,"zone"`}, {`"source"`, `"Source"`}, {`}`, `} `}, {`}`, `}}`},
	} {
		if !strings.Contains(string(data), change[0]) {
			f.Fatalf("%s is not in %s", change[0], data)
		}
		f.Add([]byte(strings.Replace(string(data), change[0], change[1], 1)), []byte(strings.Replace(string(metadata), change[0], change[1], 1)))
	}
	f.Fuzz(func(t *testing.T, data, metadata []byte) { readsAlike(t, data, metadata) })
}

func TestPlainReadsLikeJSONAlsoWhatIsSpoilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Custom(func(t *rapid.T) uuid.UUID { return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")) })
		at := rapid.Custom(func(t *rapid.T) time.Time {
			zone := time.FixedZone("", rapid.SampledFrom([]int{0, 0, 28800, -16200}).Draw(t, "zone"))
			return time.Unix(rapid.Int64Range(-1e9, 9e9).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).In(zone)
		})
		ordinary := rapid.StringMatching(`[ -!#-%'-;=?-\[\]-~]{0,12}`)
		text := rapid.OneOf(ordinary, ordinary, ordinary, rapid.String()).Draw
		punch := PunchRecorded{
			PunchID: id.Draw(t, "punch"), WorkID: id.Draw(t, "work"), OccurredAt: at.Draw(t, "occurred"), Zone: text(t, "zone"),
			OffsetSeconds: rapid.OneOf(rapid.IntRange(-50400, 50400), rapid.Int()).Draw(t, "offset"),
			Direction:     rapid.SampledFrom([]Direction{DirectionIn, DirectionOut, "", "IN"}).Draw(t, "direction"), Kind: PunchKind(text(t, "kind")),
			Station: text(t, "station"), StationClock: text(t, "clock"), Verification: text(t, "verification"), ReceivedAt: at.Draw(t, "received"),
			Location: LocationOutcome(text(t, "location")), Source: Source(text(t, "source")),
		}
		if rapid.Bool().Draw(t, "counted") {
			n := rapid.OneOf(rapid.Int64Range(-1e6, 1e6), rapid.Int64()).Draw(t, "counter")
			punch.StationCounter = &n
		}
		if rapid.Bool().Draw(t, "of a device") {
			punch.Site, punch.Job, punch.Reason, punch.DeviceID = text(t, "site"), text(t, "job"), text(t, "reason"), id.Draw(t, "device")
			punch.Fence = &FenceReading{Verdict: FenceVerdict(text(t, "verdict")), DistanceMetres: rapid.IntRange(-10, 1e9).Draw(t, "metres")}
		}
		data, err := json.Marshal(punch)
		if err != nil {
			t.Fatal(err)
		}
		metadata, err := json.Marshal(Metadata{
			CorrelationID: id.Draw(t, "correlation"), CausationID: id.Draw(t, "causation"), Tenant: id.Draw(t, "tenant"),
			Actor: Actor{ID: id.Draw(t, "actor"), Role: text(t, "role")}, Salt: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "salt"),
		})
		if err != nil {
			t.Fatal(err)
		}
		readsAlike(t, data, metadata)
		spoil := func(b []byte) []byte {
			i := rapid.IntRange(0, len(b)-1).Draw(t, "place")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				b[i] = rapid.Byte().Draw(t, "byte")
			case 1:
				b = append(b[:i], b[i+1:]...)
			case 2:
				b = append(b[:i], append([]byte{rapid.SampledFrom([]byte(" \n\"\\,:{}0-9eé")).Draw(t, "byte")}, b[i:]...)...)
			default:
				b = b[:i]
			}
			return b
		}
		readsAlike(t, spoil(data), spoil(metadata))
	})
}

func BenchmarkDecode(b *testing.B) {
	registry, err := NewRegistry()
	if err != nil {
		b.Fatal(err)
	}
	data, metadata := goldenPunch(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Decode(Recorded{Type: "punch-recorded.v3", Data: data, Metadata: metadata}); err != nil {
			b.Fatal(err)
		}
	}
}
