package eventnode

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

const killedWriters = 16

// serveUntilKilled is a node in a process of its own. It ends with its input,
// so that it does not outlive the test.
func serveUntilKilled(dir string) int {
	fmt.Println("opening")
	cfg := Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now, memTable: 1 << 20}
	markOften(&cfg)
	n, err := Open(cfg)
	if err != nil {
		fmt.Println("failed", err)
		return 1
	}
	fmt.Println("serving", n.ConnectionString())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := n.Close(); err != nil {
		fmt.Println("failed", err)
		return 1
	}
	return 0
}

// told is one line of the ledger file: what a writer was told about an append.
type told struct {
	Append  uuid.UUID
	IDs     []uuid.UUID
	Outcome string // ok, refused or unknown
	At      int64  `json:",omitempty"`
}

const (
	toldOK      = "ok"
	toldRefused = "refused"
	toldUnknown = "unknown"
)

// syncedLedger is a file that has a line on the disk before its writer goes on.
type syncedLedger struct {
	file  *os.File
	mu    sync.Mutex
	lines []byte
	next  chan struct{} // closed when the lines of now are on the disk
	wake  chan struct{}
	state map[uuid.UUID]told
	acks  atomic.Int64
}

func openLedger(path string) (*syncedLedger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	l := &syncedLedger{file: f, next: make(chan struct{}), wake: make(chan struct{}, 1), state: map[uuid.UUID]told{}}
	go l.syncLines()
	return l, nil
}

func (l *syncedLedger) syncLines() {
	for range l.wake {
		l.mu.Lock()
		lines, done := l.lines, l.next
		l.lines, l.next = nil, make(chan struct{})
		l.mu.Unlock()
		_, err := l.file.Write(lines)
		if err = errors.Join(err, l.file.Sync()); err != nil {
			fmt.Println("bad ledger:", err)
			os.Exit(1)
		}
		close(done)
	}
}

func (l *syncedLedger) write(x told) {
	line, _ := json.Marshal(x)
	l.mu.Lock()
	l.lines = append(append(l.lines, line...), '\n')
	l.state[x.Append] = x
	done := l.next
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	<-done
	if x.Outcome == toldOK {
		l.acks.Add(1)
	}
}

func (l *syncedLedger) unknown() []told {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []told
	for _, x := range l.state {
		if x.Outcome == toldUnknown {
			all = append(all, x)
		}
	}
	return all
}

// writeUntilStopped serves the test as writers: for each address it reads it
// checks what the node has, writes until the node is gone, and says so. It is a
// process of its own because the official client leaves goroutines behind when a
// node dies.
func writeUntilStopped(path string) int {
	l, err := openLedger(path)
	if err != nil {
		fmt.Println("bad ledger:", err)
		return 1
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		cfg, err := esdb.ParseConnectionString(in.Text())
		if err != nil {
			fmt.Println("bad address:", err)
			return 1
		}
		cfg.Logger = esdb.NoopLogging()
		c, err := esdb.NewClient(cfg)
		if err == nil {
			err = l.life(c)
		}
		if err != nil {
			fmt.Println("bad", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		fmt.Println("down", l.acks.Load())
	}
	return 0
}

// life checks, settles what was unknown by sending it again, and writes until
// the first call fails for another reason than a refusal.
func (l *syncedLedger) life(c *esdb.Client) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := l.checkNode(ctx, c); err != nil {
		return err
	}
	for _, x := range l.unknown() {
		if !l.send(ctx, c, x, esdb.Any{}) {
			return nil
		}
	}
	fmt.Println("checked")
	var writers sync.WaitGroup
	for range killedWriters {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				x := told{Append: uuid.New(), IDs: make([]uuid.UUID, 1+rand.IntN(3))}
				for i := range x.IDs {
					x.IDs[i] = uuid.New()
				}
				var expected esdb.ExpectedRevision = esdb.Any{}
				if rand.IntN(20) == 0 {
					expected = esdb.Revision(1 << 40) // refused
				}
				if !l.send(ctx, c, x, expected) {
					cancel()
				}
				if n%20 == 0 {
					fmt.Println("acked", l.acks.Load())
				}
			}
		})
	}
	writers.Wait()
	return nil
}

// send appends and writes down what came of it; false: the node is gone.
func (l *syncedLedger) send(ctx context.Context, c *esdb.Client, x told, expected esdb.ExpectedRevision) bool {
	events := make([]esdb.EventData, len(x.IDs))
	for i, id := range x.IDs {
		data, _ := json.Marshal(part{x.Append, i, len(x.IDs)})
		events[i] = esdb.EventData{EventID: id, EventType: typePart, ContentType: esdb.ContentTypeJson, Data: data, Metadata: make([]byte, 200)}
	}
	type answer struct {
		w   *esdb.WriteResult
		err error
	}
	answers := make(chan answer, 1)
	go func() { // the client may never come back from a dead node
		w, err := c.AppendToStream(ctx, fmt.Sprintf("killed-%d", x.Append[0]%8), esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
		answers <- answer{w, err}
	}()
	x.Outcome = toldUnknown
	alive := false
	select {
	case a := <-answers:
		switch {
		case a.err == nil:
			x.Outcome, x.At, alive = toldOK, int64(a.w.CommitPosition), true
		case codeOf(a.err) == esdb.ErrorCodeWrongExpectedVersion:
			x.Outcome, alive = toldRefused, true
		}
	case <-ctx.Done():
	}
	l.write(x)
	return alive
}

// checkNode reads everything and holds it against the ledger.
func (l *syncedLedger) checkNode(ctx context.Context, c *esdb.Client) error {
	s, err := c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Start{}}, 1<<40)
	if err != nil {
		return err
	}
	defer s.Close()
	var found []record
	for {
		e, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		found = append(found, record{pos: int64(e.Event.Position.Commit), id: e.Event.EventID, typ: []byte(e.Event.EventType), data: e.Event.Data})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return checkTold(l.state, found)
}

// checkTold: what was acknowledged is there, what was refused is not, what is
// unknown is there whole or not at all, nothing is there twice or from nowhere.
func checkTold(state map[uuid.UUID]told, log []record) error {
	expect := newLedger()
	known := map[uuid.UUID]string{}
	for _, x := range state {
		for _, id := range x.IDs {
			known[id] = x.Outcome
			if x.Outcome == toldOK {
				expect.acked[id] = x.At
			}
		}
	}
	for _, r := range log {
		if how := known[r.id]; string(r.typ) == typePart && how != toldOK && how != toldUnknown {
			return fmt.Errorf("event %s is there, its append was told %q", r.id, how)
		}
	}
	return expect.check(log)
}

// childProcess is a process that talks in lines.
type childProcess struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func startChild(t *testing.T, env string) *childProcess {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &childProcess{cmd: exec.CommandContext(t.Context(), binary)}
	p.cmd.Env = append(os.Environ(), env)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	return p
}

// await gives the rest of the next line with this first word. A line that
// begins with bad or failed is an error of the test.
func (p *childProcess) await(t *testing.T, word string) string {
	t.Helper()
	for p.lines.Scan() {
		first, rest, _ := strings.Cut(p.lines.Text(), " ")
		switch first {
		case word:
			return rest
		case "bad", "failed":
			t.Fatal(p.lines.Text())
		}
	}
	t.Fatalf("the process ended before it said %q", word)
	return ""
}

// A node that is killed again and again under load loses nothing that it
// acknowledged, writes nothing twice although what is unknown is sent again, and
// starts each time by itself.
func TestKilledUnderLoad(t *testing.T) {
	kills := times(3, 20, 100)
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	writers := startChild(t, asWriters+"="+path)
	r := rand.New(rand.NewPCG(20, 26))
	var slowest time.Duration
	acked := 0
	for kill := range kills {
		began := time.Now()
		node := startChild(t, asNode+"="+dir)
		node.await(t, "opening")
		if r.IntN(5) == 0 && kill > 0 { // while it recovers from the kill before
			kill9(t, node)
			continue
		}
		address := node.await(t, "serving")
		slowest = max(slowest, time.Since(began))
		if _, err := fmt.Fprintln(writers.in, address); err != nil {
			t.Fatal(err)
		}
		writers.await(t, "checked")
		for until := acked + 50 + r.IntN(400); acked < until; {
			acked, _ = strconv.Atoi(writers.await(t, "acked"))
		}
		kill9(t, node)
		acked, _ = strconv.Atoi(writers.await(t, "down"))
	}
	if err := errors.Join(writers.in.Close(), writers.cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d appends acknowledged, the slowest start from process to serving took %v", kills, acked, slowest)
	if least := kills * 100; acked < least {
		t.Errorf("only %d appends were acknowledged, %d are the goal", acked, least)
	}
	checkKilled(t, dir, path)
}

func kill9(t *testing.T, p *childProcess) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // says that it was killed
	_ = p.in.Close()
}

// checkKilled holds the folder, without a node, against the ledger as the file
// has it.
func checkKilled(t *testing.T, dir, path string) {
	t.Helper()
	report, defects := verified(t, dir)
	for _, d := range defects {
		t.Error(d)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	state := map[uuid.UUID]told{}
	lines := json.NewDecoder(f)
	for {
		var x told
		if err := lines.Decode(&x); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		state[x.Append] = x
	}
	s, err := openStore(Config{Dir: dir, Clock: time.Now}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	log, err := wholeLog(s)
	if err = errors.Join(err, checkTold(state, log), checkInvariants(s, log), s.close()); err != nil {
		t.Error(err)
	}
	if len(log) == 0 || int64(len(log)) != report.Events {
		t.Errorf("verified %d events, there are %d", report.Events, len(log))
	}
}
