package eventnode

import (
	"context"
	"sync"
	"sync/atomic"
)

// watermark is the position up to which the log is on the disk, and who wants
// to know when it moves. Readers see nothing beyond it.
type watermark struct {
	durable atomic.Int64

	mu       sync.Mutex
	all      map[*watcher]struct{}
	byStream map[string]map[*watcher]struct{}
}

// watcher has a signal waiting when something it watches was committed since
// it last looked.
type watcher struct {
	stream string // empty: the whole log
	signal chan struct{}
}

func newWatermark(durable int64) *watermark {
	w := &watermark{all: map[*watcher]struct{}{}, byStream: map[string]map[*watcher]struct{}{}}
	w.durable.Store(durable)
	return w
}

func (w *watermark) position() int64 { return w.durable.Load() }

// watch registers interest in one stream, or in everything for an empty name.
// The caller must unwatch.
func (w *watermark) watch(stream string) *watcher {
	x := &watcher{stream: stream, signal: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if stream == "" {
		w.all[x] = struct{}{}
		return x
	}
	if w.byStream[stream] == nil {
		w.byStream[stream] = map[*watcher]struct{}{}
	}
	w.byStream[stream][x] = struct{}{}
	return x
}

func (w *watermark) unwatch(x *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if x.stream == "" {
		delete(w.all, x)
		return
	}
	delete(w.byStream[x.stream], x)
	if len(w.byStream[x.stream]) == 0 {
		delete(w.byStream, x.stream)
	}
}

// advance is called by the sequencer only, after the disk has everything up to
// pos; touched are the streams that changed. A round that only removed events
// wakes nobody.
func (w *watermark) advance(pos int64, touched map[string]*openStream) {
	if w.durable.Swap(pos) == pos {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for x := range w.all {
		x.wake()
	}
	if len(w.byStream) == 0 {
		return
	}
	for name := range touched {
		for x := range w.byStream[name] {
			x.wake()
		}
	}
}

func (x *watcher) wake() {
	select {
	case x.signal <- struct{}{}:
	default:
	}
}

// reach waits until the log is durable up to pos.
func (w *watermark) reach(ctx context.Context, pos int64) error {
	if w.position() >= pos {
		return nil
	}
	x := w.watch("")
	defer w.unwatch(x)
	for w.position() < pos {
		select {
		case <-x.signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
