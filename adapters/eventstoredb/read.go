package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"tracekeep/eventschema"
)

const (
	readPage      = 4096 // events asked for in one call
	readBatch     = 256  // events handed from the receiving goroutine to the reader
	readBehind    = 2    // batches decoded ahead of the reader
	readFailures  = 3    // in a row, before a read gives up
	backwardsPage = 16   // first page of a backwards read; later ones double
)

// ReadStream implements [domain.Store]. It yields every event from a revision
// on, in pages, and carries on by itself over a short loss of the connection.
// Errors: [domain.ErrUnavailable], [ErrStreamDeleted], [ErrDenied], [ErrFault],
// [ErrOrder], [ErrOtherTenant].
func (s *Store) ReadStream(ctx context.Context, stream string, from uint64) iter.Seq2[eventschema.Recorded, error] {
	if err := s.tenants.allow(stream); err != nil {
		return failing(err)
	}
	return s.client.scan(ctx, func() scanner { return &streamScan{stream: stream, next: from} })
}

// ReadStreamBackwards yields the events of a stream from its last one down to
// revision 0. It is meant for readers that stop early. A stream that does not
// exist yields nothing. Errors as [Store.ReadStream].
func (s *Store) ReadStreamBackwards(ctx context.Context, stream string) iter.Seq2[eventschema.Recorded, error] {
	if err := s.tenants.allow(stream); err != nil {
		return failing(err)
	}
	return s.client.scan(ctx, func() scanner { return &backwardsScan{stream: stream, size: backwardsPage} })
}

// ReadAll yields the whole log after a position, which is exclusive as a
// checkpoint is: 0 yields everything, the position of an event what came after
// that event. System events are included. It ends at the end of the log as it
// was when reached. Errors as [Store.ReadStream].
func (s *Store) ReadAll(ctx context.Context, after uint64) iter.Seq2[eventschema.Recorded, error] {
	if s.tenants != nil {
		return failing(fmt.Errorf("read the log of all tenants: %w", ErrOtherTenant))
	}
	return s.client.scan(ctx, func() scanner { return &allScan{after: after} })
}

// scanner knows where a read stands.
type scanner interface {
	// open asks for the next page from where the read stands.
	open(ctx context.Context, db *esdb.Client, count uint64) (*esdb.ReadStream, error)
	// page is how many events to ask for, 0 when the read is over.
	page() uint64
	// accept moves the read past an event. It answers false for an event that is
	// not to be yielded, and an error for one that is out of order.
	accept(eventschema.Recorded) (bool, error)
}

type streamScan struct {
	stream string
	next   uint64
}

func (s *streamScan) page() uint64 { return readPage }

func (s *streamScan) open(ctx context.Context, db *esdb.Client, count uint64) (*esdb.ReadStream, error) {
	return db.ReadStream(ctx, s.stream, esdb.ReadStreamOptions{Direction: esdb.Forwards, From: esdb.Revision(s.next)}, count)
}

func (s *streamScan) accept(e eventschema.Recorded) (bool, error) {
	if e.Revision < s.next {
		return false, fmt.Errorf("%w: revision %d, expected %d or later", ErrOrder, e.Revision, s.next)
	}
	s.next = e.Revision + 1
	return true, nil
}

type backwardsScan struct {
	stream  string
	size    uint64
	started bool
	below   uint64 // revision of the event last yielded
}

func (s *backwardsScan) page() uint64 {
	if s.started && s.below == 0 {
		return 0
	}
	return s.size
}

func (s *backwardsScan) open(ctx context.Context, db *esdb.Client, count uint64) (*esdb.ReadStream, error) {
	options := esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}
	if s.started {
		options.From = esdb.Revision(s.below - 1)
	}
	s.size = min(2*s.size, readPage)
	return db.ReadStream(ctx, s.stream, options, count)
}

func (s *backwardsScan) accept(e eventschema.Recorded) (bool, error) {
	if s.started && e.Revision >= s.below {
		return false, fmt.Errorf("%w: revision %d, expected less than %d", ErrOrder, e.Revision, s.below)
	}
	s.started, s.below = true, e.Revision
	return true, nil
}

type allScan struct {
	after   uint64
	skipped bool
}

func (s *allScan) page() uint64 { return readPage }

// The log is read from a position inclusively, so the event at it comes again.
func (s *allScan) open(ctx context.Context, db *esdb.Client, count uint64) (*esdb.ReadStream, error) {
	options := esdb.ReadAllOptions{Direction: esdb.Forwards, From: esdb.Start{}}
	s.skipped = s.after == 0
	if s.after > 0 {
		options.From = esdb.Position{Commit: s.after, Prepare: s.after}
	}
	return db.ReadAll(ctx, options, count)
}

func (s *allScan) accept(e eventschema.Recorded) (bool, error) {
	if !s.skipped && e.Position == s.after {
		s.skipped = true
		return false, nil
	}
	if e.Position <= s.after {
		return false, fmt.Errorf("%w: position %d after %d", ErrOrder, e.Position, s.after)
	}
	s.after = e.Position
	return true, nil
}

// scan reads page by page. A page that ends in the middle because the
// connection was lost is asked for again from where it ended.
func (c *Client) scan(ctx context.Context, start func() scanner) iter.Seq2[eventschema.Recorded, error] {
	return func(yield func(eventschema.Recorded, error) bool) {
		s := start()
		pause := &pauses{low: 5 * time.Millisecond, high: 100 * time.Millisecond, jitter: c.config.Jitter}
		for failures := 0; ; {
			want := s.page()
			if want == 0 {
				return
			}
			var got uint64
			stopped, err := c.readPage(ctx, s, want, func(e eventschema.Recorded) (bool, error) {
				got, failures = got+1, 0
				wanted, err := s.accept(e)
				return err == nil && (!wanted || yield(e, nil)), err
			})
			switch {
			case stopped:
				return
			case err == nil && got < want:
				return
			case err != nil:
				failures++
				if !worthwhile(err) || failures >= readFailures || !pause.wait(ctx) {
					yield(eventschema.Recorded{}, err)
					return
				}
			}
		}
	}
}

// readPage receives one page and hands each event to take until that answers
// false. It reports whether take stopped it without an error.
func (c *Client) readPage(ctx context.Context, s scanner, want uint64, take func(eventschema.Recorded) (bool, error)) (stopped bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan []eventschema.Recorded, readBehind)
	ended := make(chan error, 1)
	go func() {
		_, err := call(ctx, c, false, func(ctx context.Context, db *esdb.Client) (struct{}, error) {
			return struct{}{}, receive(ctx, db, s, want, batches)
		})
		ended <- err
	}()
	idle := time.NewTimer(c.config.CallTimeout)
	defer idle.Stop()
	for {
		select {
		case batch := <-batches:
			for _, e := range batch {
				if ok, err := take(e); !ok {
					return err == nil, err
				}
			}
			idle.Reset(c.config.CallTimeout)
			continue
		case err = <-ended:
		case <-idle.C:
			return false, fmt.Errorf("%w: no event for %s", errNotNow, c.config.CallTimeout)
		}
		return drain(batches, take, translate(err))
	}
}

// drain takes what was received before the page ended.
func drain(batches <-chan []eventschema.Recorded, take func(eventschema.Recorded) (bool, error), ended error) (bool, error) {
	for {
		select {
		case batch := <-batches:
			for _, e := range batch {
				if ok, err := take(e); !ok {
					return err == nil, err
				}
			}
		default:
			return false, ended
		}
	}
}

// receive runs beside the reader. The last batch is in the channel before it returns.
func receive(ctx context.Context, db *esdb.Client, s scanner, want uint64, batches chan<- []eventschema.Recorded) error {
	page, err := s.open(ctx, db, want)
	if err != nil {
		return err
	}
	defer page.Close()
	var batch []eventschema.Recorded
	flush := func() bool {
		select {
		case batches <- batch:
			batch = make([]eventschema.Recorded, 0, readBatch)
			return true
		case <-ctx.Done():
			return false
		}
	}
	for {
		resolved, err := page.Recv()
		if err != nil {
			if len(batch) > 0 && !flush() {
				return ctx.Err()
			}
			return endOfPage(err)
		}
		batch = append(batch, recorded(resolved))
		if len(batch) == readBatch && !flush() {
			return ctx.Err()
		}
	}
}

// endOfPage turns the two ways in which a page ends well into nil.
func endOfPage(err error) error {
	var bare *esdb.Error
	if errors.Is(err, io.EOF) || errors.As(err, &bare) && bare.IsErrorCode(esdb.ErrorCodeResourceNotFound) {
		return nil
	}
	return err
}

// recorded keeps an event as the store holds it. Links are not resolved, so the
// event is the record at the position.
func recorded(resolved *esdb.ResolvedEvent) eventschema.Recorded {
	e := resolved.OriginalEvent()
	return eventschema.Recorded{
		Stream: e.StreamID, Revision: e.EventNumber, Position: e.Position.Commit,
		ID: e.EventID, Type: e.EventType, ContentType: e.ContentType, Created: e.CreatedDate,
		Data: e.Data, Metadata: e.UserMetadata,
	}
}

func failing(err error) iter.Seq2[eventschema.Recorded, error] {
	return func(yield func(eventschema.Recorded, error) bool) { yield(eventschema.Recorded{}, err) }
}
