package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// letters appends one event a letter and gives the position of the last.
func letters(t testing.TB, c *esdb.Client, stream, types string) uint64 {
	t.Helper()
	var events []esdb.EventData
	for _, x := range types {
		events = append(events, event(string(x), `{}`))
	}
	return appendTo(t, c, stream, esdb.AppendToStreamOptions{}, events...).CommitPosition
}

func typesOf(events []*esdb.ResolvedEvent) string {
	var b strings.Builder
	for _, e := range events {
		if e.Event == nil {
			b.WriteString("?")
			continue
		}
		b.WriteString(e.Event.EventType)
	}
	return b.String()
}

func readTypes(t testing.TB, c *esdb.Client, stream string, o esdb.ReadStreamOptions, count uint64) string {
	t.Helper()
	s, err := c.ReadStream(within(t), stream, o, count)
	return typesOf(collect(t, s, err))
}

func codeOf(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return -1
}

func readError(t testing.TB, c *esdb.Client, stream string) esdb.ErrorCode {
	t.Helper()
	s, err := c.ReadStream(within(t), stream, esdb.ReadStreamOptions{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Recv()
	return codeOf(err)
}

func TestReadStream(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "abcdef")
	const back, forth = esdb.Backwards, esdb.Forwards
	for name, tt := range map[string]struct {
		o     esdb.ReadStreamOptions
		count uint64
		want  string
	}{
		"from the start":                     {esdb.ReadStreamOptions{From: esdb.Start{}, Direction: forth}, 100, "abcdef"},
		"as many as asked":                   {esdb.ReadStreamOptions{From: esdb.Start{}, Direction: forth}, 2, "ab"},
		"the start is included":              {esdb.ReadStreamOptions{From: esdb.Revision(4), Direction: forth}, 100, "ef"},
		"beyond the end":                     {esdb.ReadStreamOptions{From: esdb.Revision(6), Direction: forth}, 100, ""},
		"forwards from the end":              {esdb.ReadStreamOptions{From: esdb.End{}, Direction: forth}, 100, ""},
		"backwards from the end":             {esdb.ReadStreamOptions{From: esdb.End{}, Direction: back}, 100, "fedcba"},
		"backwards, as many as asked":        {esdb.ReadStreamOptions{From: esdb.End{}, Direction: back}, 2, "fe"},
		"backwards, the start included":      {esdb.ReadStreamOptions{From: esdb.Revision(1), Direction: back}, 100, "ba"},
		"backwards from far beyond the end":  {esdb.ReadStreamOptions{From: esdb.Revision(1000), Direction: back}, 100, "fedcba"},
		"backwards from the start":           {esdb.ReadStreamOptions{From: esdb.Start{}, Direction: back}, 100, "a"},
		"a count beyond any number of pages": {esdb.ReadStreamOptions{From: esdb.Start{}, Direction: forth}, math.MaxUint64, "abcdef"},
		"nothing asked for":                  {esdb.ReadStreamOptions{From: esdb.Start{}, Direction: forth}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readTypes(t, c, "s", tt.o, tt.count); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := readError(t, c, "none"); got != esdb.ErrorCodeResourceNotFound {
		t.Errorf("a stream that never was: error code %v", got)
	}
}

func TestReadAllPositions(t *testing.T) {
	c := connect(t, start(t))
	a, b := letters(t, c, "s", "a"), letters(t, c, "s", "b")
	letters(t, c, "s", "c")
	if a == 0 || b <= a {
		t.Fatalf("positions %d, %d", a, b)
	}
	for name, tt := range map[string]struct {
		from esdb.AllPosition
		dir  esdb.Direction
		want string
	}{
		"forwards, the position included":     {esdb.Position{Commit: b, Prepare: b}, esdb.Forwards, "bc"},
		"forwards, from between two records":  {esdb.Position{Commit: a + 1, Prepare: a + 1}, esdb.Forwards, "bc"},
		"backwards, the position excluded":    {esdb.Position{Commit: b, Prepare: b}, esdb.Backwards, "a"},
		"backwards, from between two records": {esdb.Position{Commit: b + 1, Prepare: b + 1}, esdb.Backwards, "ba"},
		"backwards from the end":              {esdb.End{}, esdb.Backwards, "cba"},
		"backwards from the start":            {esdb.Start{}, esdb.Backwards, ""},
		"forwards from the end":               {esdb.End{}, esdb.Forwards, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: tt.from, Direction: tt.dir}, 100)
			if got := typesOf(collect(t, s, err)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// The seams between pages are invisible to a reader.
func TestReadOverManyPages(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	const events = 3 * pageRecords
	batchAppend(t, n, events, 1)
	s, err := c.ReadStream(within(t), fmt.Sprintf("punches-%032d", 0), esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, events+1)
	back := collect(t, s, err)
	s, err = c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, events+1)
	forth := collect(t, s, err)
	if len(back) != events || len(forth) != events {
		t.Fatalf("%d backwards, %d forwards, want %d", len(back), len(forth), events)
	}
	for i, e := range forth {
		if e.Event.EventNumber != uint64(i) || back[events-1-i].Event.EventNumber != uint64(i) {
			t.Fatalf("place %d holds revision %d forwards, %d backwards", i, e.Event.EventNumber, back[events-1-i].Event.EventNumber)
		}
	}
}

func TestMetadataHidesEvents(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	c := connect(t, start(t, func(cfg *Config) {
		cfg.Clock = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	}))
	set := func(stream string, change func(*esdb.StreamMetadata)) {
		t.Helper()
		var m esdb.StreamMetadata
		change(&m)
		if _, err := c.SetStreamMetadata(within(t), stream, esdb.AppendToStreamOptions{}, m); err != nil {
			t.Fatal(err)
		}
	}
	from := func(r uint64) esdb.ReadStreamOptions { return esdb.ReadStreamOptions{From: esdb.Revision(r)} }

	letters(t, c, "count", "abcde")
	set("count", func(m *esdb.StreamMetadata) { m.SetMaxCount(2) })
	letters(t, c, "cut", "abcde")
	set("cut", func(m *esdb.StreamMetadata) { m.SetTruncateBefore(3) })
	letters(t, c, "age", "ab")
	set("age", func(m *esdb.StreamMetadata) { m.SetMaxAge(10 * time.Second) })
	pass(8 * time.Second)
	letters(t, c, "age", "c")
	pass(5 * time.Second)
	for stream, want := range map[string]string{"count": "de", "cut": "de", "age": "c"} {
		if got := readTypes(t, c, stream, from(0), 100); got != want {
			t.Errorf("%s: %q, want %q", stream, got, want)
		}
	}
	if got := readTypes(t, c, "cut", from(0), 1); got != "d" {
		t.Errorf("hidden events count: %q", got)
	}
	pass(time.Minute)
	if got := readTypes(t, c, "age", from(0), 100); got != "" {
		t.Errorf("all too old: %q", got)
	}
	// The log shows everything, metadata included.
	s, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 100)
	if got := typesOf(collect(t, s, err)); got != "abcde$metadataabcde$metadataab$metadatac" {
		t.Errorf("$all: %q", got)
	}
	// Of metadata only the latest is readable, and its revision counts on.
	set("count", func(m *esdb.StreamMetadata) { m.SetMaxCount(1) })
	rs, err := c.ReadStream(within(t), "$$count", esdb.ReadStreamOptions{}, 100)
	if got := collect(t, rs, err); len(got) != 1 || got[0].Event.EventNumber != 1 {
		t.Errorf("metadata stream has %d events", len(got))
	}
}

func TestLinksAreResolved(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "target", "ab")
	letters(t, c, "gone", "x")
	if _, err := c.DeleteStream(within(t), "gone", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"1@target", "0@gone", "7@target", "0@never", "no link"} {
		appendTo(t, c, "links", esdb.AppendToStreamOptions{}, esdb.EventData{EventID: uuid.New(), EventType: "$>", ContentType: esdb.ContentTypeBinary, Data: []byte(to)})
	}
	s, err := c.ReadStream(within(t), "links", esdb.ReadStreamOptions{ResolveLinkTos: true}, 100)
	got := collect(t, s, err)
	if typesOf(got) != "b???$>" {
		t.Fatalf("%q", typesOf(got))
	}
	if got[0].Link == nil || got[0].Link.EventNumber != 0 || *got[0].Commit != got[0].Link.Position.Commit {
		t.Errorf("link %+v", got[0].Link)
	}
	if got := readTypes(t, c, "links", esdb.ReadStreamOptions{}, 100); got != "$>$>$>$>$>" {
		t.Errorf("unresolved: %q", got)
	}
}

func TestAppendIsRefused(t *testing.T) {
	c := connect(t, start(t))
	big := make([]byte, DefaultMaxAppendBytes)
	for name, tt := range map[string]struct {
		stream string
		e      esdb.EventData
		want   string
	}{
		"larger than the limit": {"s", esdb.EventData{EventID: uuid.New(), EventType: "t", Data: big}, "Maximum Append Size of 1048576 Exceeded"},
		"without a type":        {"s", esdb.EventData{EventID: uuid.New()}, "event type is empty"},
		"to the log itself":     {"$all", event("t", `{}`), "Access Denied"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.AppendToStream(within(t), tt.stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, tt.e)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
	if got := readError(t, c, "s"); got != esdb.ErrorCodeResourceNotFound {
		t.Errorf("a refused append left something: %v", got)
	}
}

// A refusal reaches the client even when it comes early in a long request.
func TestEarlyRefusalIsSeen(t *testing.T) {
	c := connect(t, start(t))
	events := make([]esdb.EventData, 200)
	for i := range events {
		events[i] = esdb.EventData{EventID: uuid.New(), EventType: "t", Data: make([]byte, 10_000)}
	}
	for range 30 {
		_, err := c.AppendToStream(within(t), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, events...)
		if err == nil || !strings.Contains(err.Error(), "Maximum Append Size") {
			t.Fatalf("%v", err)
		}
	}
}

func TestBytesComeBackAsSent(t *testing.T) {
	c := connect(t, start(t))
	sent := []esdb.EventData{
		{EventID: uuid.New(), EventType: "t", ContentType: esdb.ContentTypeJson, Data: []byte(`{"ä":"\u0000"}`), Metadata: []byte(`{"$correlationId":"c"}`)},
		{EventID: uuid.New(), EventType: "größe", ContentType: esdb.ContentTypeBinary, Data: []byte{0, 255, 1}, Metadata: []byte{9}},
		{EventID: uuid.New(), EventType: "empty", ContentType: esdb.ContentTypeBinary},
	}
	appendTo(t, c, "ünï/code", esdb.AppendToStreamOptions{}, sent...)
	s, err := c.ReadStream(within(t), "ünï/code", esdb.ReadStreamOptions{}, 10)
	for i, e := range collect(t, s, err) {
		g, w := e.Event, sent[i]
		content := "application/octet-stream"
		if w.ContentType == esdb.ContentTypeJson {
			content = "application/json"
		}
		if g.EventID != w.EventID || g.EventType != w.EventType || !slices.Equal(g.Data, w.Data) || !slices.Equal(g.UserMetadata, w.Metadata) || g.ContentType != content || g.StreamID != "ünï/code" {
			t.Errorf("got %+v, want %+v", g, w)
		}
		if d := time.Since(g.CreatedDate); d < -time.Second || d > time.Minute {
			t.Errorf("created %v ago", d)
		}
	}
}

// A client that says it understands them is told the first readable and the
// last revision of a stream; any other client would break on these messages.
func TestStreamPositionsOnRequest(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "s", "abc")
	if _, err := c.SetStreamMetadata(within(t), "s", esdb.AppendToStreamOptions{}, maxCount(1)); err != nil {
		t.Fatal(err)
	}
	read := func(from uint64, compatibility uint32) string {
		call, err := rawClient(t, n).Read(within(t), &streams.ReadReq{Options: &streams.ReadReq_Options{
			StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")},
				RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: from}}},
			CountOption:   &streams.ReadReq_Options_Count{Count: 10},
			UuidOption:    &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
			ControlOption: &streams.ReadReq_Options_ControlOption{Compatibility: compatibility},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for {
			m, err := call.Recv()
			if errors.Is(err, io.EOF) {
				return strings.Join(told, " ")
			}
			if err != nil {
				t.Fatal(err)
			}
			switch x := m.GetContent().(type) {
			case *streams.ReadResp_FirstStreamPosition:
				told = append(told, fmt.Sprint("first ", x.FirstStreamPosition))
			case *streams.ReadResp_LastStreamPosition:
				told = append(told, fmt.Sprint("last ", x.LastStreamPosition))
			case *streams.ReadResp_Event:
				told = append(told, fmt.Sprint("event ", x.Event.GetEvent().GetStreamRevision()))
			}
		}
	}
	for _, tt := range []struct {
		from          uint64
		compatibility uint32
		want          string
	}{
		{0, 0, "event 2"},
		{0, 1, "event 2 last 2"},
		{9, 1, "first 2 last 2"},
	} {
		if got := read(tt.from, tt.compatibility); got != tt.want {
			t.Errorf("from %d, compatibility %d: %q, want %q", tt.from, tt.compatibility, got, tt.want)
		}
	}
}
