package eventnode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
)

// ErrScavenging is what a second scavenge of the same node is told.
var ErrScavenging = errors.New("a scavenge is running already")

// The phases of a scavenge, in their order.
const (
	ScavengeRemoves  = "removing"   // Done and Total count streams
	ScavengeCompacts = "compacting" // bytes of tables
	ScavengeWaits    = "waiting"    // for backups that are being taken; nothing is counted
	ScavengeCleans   = "cleaning"   // files that must be gone
)

// The results of a scavenge, in the words of a real node.
const (
	ScavengeInProgress  = "InProgress"
	ScavengeSuccess     = "Success"
	ScavengeStopped     = "Stopped"
	ScavengeFailed      = "Failed"
	ScavengeInterrupted = "Interrupted" // the node went down; the next scavenge does the rest
)

// ScavengeOptions say how a scavenge works.
type ScavengeOptions struct {
	// ThrottlePercent is how much of its time the scavenge works; it rests in
	// between, so that writers and readers have the disk. 0 means 100.
	ThrottlePercent int
	// Progress is told how far it is, from one goroutine and not more often than
	// there is news; it must not block. May be nil.
	Progress func(ScavengeProgress)
}

// Validate says what is wrong with the options.
func (o ScavengeOptions) Validate() error {
	if o.ThrottlePercent < 0 || o.ThrottlePercent > 100 {
		return fmt.Errorf("ThrottlePercent is %d, allowed are 1 to 100", o.ThrottlePercent)
	}
	return nil
}

// pause is how long to rest after some work.
func (o ScavengeOptions) pause(worked time.Duration) time.Duration {
	return worked * time.Duration(100-o.ThrottlePercent) / time.Duration(o.ThrottlePercent)
}

// ScavengeProgress is how far a scavenge is within its phase.
type ScavengeProgress struct {
	ID     uuid.UUID `json:"scavenge_id"`
	Phase  string    `json:"phase"`
	Done   int64     `json:"done"`
	Total  int64     `json:"total"`
	Events int64     `json:"events"` // removed so far
}

// ScavengeReport is what a scavenge freed.
type ScavengeReport struct {
	ID uuid.UUID `json:"scavenge_id"`
	// Position is the end of the log when the scavenge began; what was hidden
	// there at that moment is gone, whatever was hidden later stays.
	Position int64 `json:"position"`
	// Resumed: an earlier scavenge had not ended. What that one removed is
	// counted here.
	Resumed    bool          `json:"resumed"`
	Events     int64         `json:"events"`
	Streams    int64         `json:"streams"`     // that lost events
	EventBytes int64         `json:"event_bytes"` // of the records removed, not compressed
	DiskBefore int64         `json:"disk_before"` // bytes of all files of the folder
	DiskAfter  int64         `json:"disk_after"`
	Took       time.Duration `json:"took_ns"`
}

// Scavenge removes from the folder what readers of streams cannot see any more:
// events that $maxCount, $maxAge or $tb hide, except the last of each stream;
// events of a stream that was ended, and of its metadata, except the tombstone.
// Positions and revisions of the others stay. Writers and readers go on.
//
// When it returns without an error, no file of the folder holds a byte of the
// removed events. It ends early with ctx; what it removed so far stays removed,
// and the next scavenge does the rest, also after a crash. It fails with
// ErrScavenging while another one runs, and with ErrClosed.
func (n *Node) Scavenge(ctx context.Context, o ScavengeOptions) (ScavengeReport, error) {
	run, err := n.scavenges.start(ctx, o)
	if err != nil {
		return ScavengeReport{}, err
	}
	<-run.done
	return run.report, run.err
}

// Scavenge does to a folder that no node has open what Node.Scavenge does. It
// does not serve; of cfg everything counts except the addresses.
func Scavenge(ctx context.Context, cfg Config, o ScavengeOptions) (report ScavengeReport, err error) {
	if err := errors.Join(cfg.Validate(), o.Validate()); err != nil {
		return ScavengeReport{}, err
	}
	cfg = cfg.withDefaults()
	st, err := openExisting(cfg)
	if err != nil {
		return ScavengeReport{}, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	q := newSequencer(st, cfg, nil, nil)
	go q.run()
	go q.settle()
	defer func() {
		close(q.stop)
		<-q.done
	}()
	return newScavenger(st, q, cfg, cfg.Listen, o).run(ctx)
}

// scavenger is one scavenge at work.
type scavenger struct {
	store     *store
	sequencer *sequencer
	clock     func() time.Time
	log       *zap.Logger
	endpoint  string // the node, as its events name it
	options   ScavengeOptions

	id      uuid.UUID
	state   scavengeState
	resumed bool
	now     int64 // the time at which the ages of events are measured
	touched touched
	page    page
}

func newScavenger(st *store, q *sequencer, cfg Config, endpoint string, o ScavengeOptions) *scavenger {
	if o.ThrottlePercent == 0 {
		o.ThrottlePercent = 100
	}
	if o.Progress == nil {
		o.Progress = func(ScavengeProgress) {}
	}
	return &scavenger{
		store: st, sequencer: q, clock: cfg.Clock, log: cfg.Log, endpoint: endpoint, options: o,
		id: uuid.New(),
	}
}

func (v *scavenger) run(ctx context.Context) (ScavengeReport, error) {
	began := v.clock()
	before, err := v.store.diskUsage()
	if err != nil {
		return ScavengeReport{}, err
	}
	if err := v.begin(ctx); err != nil {
		return ScavengeReport{}, err
	}
	err = v.removeHidden(ctx)
	if err == nil {
		err = v.eraseBytes(ctx)
	}
	after, sizeErr := v.store.diskUsage()
	report := ScavengeReport{
		ID: v.id, Position: v.state.Position, Resumed: v.resumed,
		Events: v.state.Events, Streams: v.state.Streams, EventBytes: v.state.Bytes,
		DiskBefore: before, DiskAfter: after, Took: v.clock().Sub(began),
	}
	return report, errors.Join(err, sizeErr, v.end(ctx, report, err))
}

// begin takes over what an unfinished scavenge left.
func (v *scavenger) begin(ctx context.Context) error {
	last, err := v.store.loadScavenge()
	if err != nil {
		return err
	}
	v.state = scavengeState{ID: v.id, Result: ScavengeInProgress, Pending: last.Pending, Records: last.Records, Span: last.Span}
	if v.resumed = last.Result == ScavengeInProgress; v.resumed {
		v.state.Events, v.state.Streams, v.state.Bytes = last.Events, last.Streams, last.Bytes
	}
	// Positions that an earlier life removed are known by their bounds only.
	v.touched.add(last.Pending.FirstPosition, last.Pending.LastPosition)
	if err := v.tellStarted(ctx); err != nil {
		return err
	}
	v.state.Position = v.store.mark.position()
	v.now = v.clock().UnixNano() / nanosecondsTick
	return v.note(ctx)
}

// end notes and tells how the scavenge went. One that ends because its node
// closes counts as interrupted, and notes nothing.
func (v *scavenger) end(ctx context.Context, report ScavengeReport, failure error) error {
	if errors.Is(context.Cause(ctx), ErrClosed) {
		return nil
	}
	switch {
	case failure == nil:
		v.state.Result = ScavengeSuccess
	case ctx.Err() != nil:
		v.state.Result = ScavengeStopped
	default:
		v.state.Result = ScavengeFailed
	}
	return errors.Join(v.tellEnded(ctx, report, failure), v.note(ctx))
}

// note writes the state of the scavenge.
func (v *scavenger) note(ctx context.Context) error {
	return v.submit(ctx, &writeRequest{removal: &removal{state: &v.state}})
}

// submit waits until the request is on the disk, whatever happens to ctx: until
// then the state belongs to the sequencer.
func (v *scavenger) submit(ctx context.Context, r *writeRequest) error {
	_, err := v.sequencer.write(context.WithoutCancel(ctx), r)
	return err
}

// rest leaves the disk to others, so long that the throttle holds.
func (v *scavenger) rest(ctx context.Context, began time.Time) error {
	pause := v.options.pause(v.clock().Sub(began))
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
