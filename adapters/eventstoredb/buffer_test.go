package eventstoredb

import (
	"context"
	"errors"
	"testing"
	"time"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

func at(position uint64) eventschema.Recorded {
	return eventschema.Recorded{Position: position, Revision: position, Type: "t", Data: []byte("x")}
}

func resumed(t *testing.T, b *buffer, after uint64) uint64 {
	t.Helper()
	_, term, err := b.resume(t.Context(), func(place) (place, error) { return place{started: after > 0, position: after}, nil })
	if err != nil {
		t.Fatal(err)
	}
	return term
}

// promise: I3
func TestPositionsNeverGoBack(t *testing.T) {
	b := newBuffer(SubscriberConfig{Pages: true}.withDefaults())
	term := resumed(t, b, 10)
	for position, want := range map[uint64]error{10: ErrOrder, 9: ErrOrder} {
		if err := b.put(t.Context(), term, at(position)); !errors.Is(err, want) {
			t.Errorf("position %d after 10: %v", position, err)
		}
	}
	for _, position := range []uint64{11, 20} {
		if err := b.put(t.Context(), term, at(position)); err != nil {
			t.Errorf("position %d: %v", position, err)
		}
	}
	if err := b.put(t.Context(), term, at(20)); !errors.Is(err, ErrOrder) {
		t.Errorf("position 20 again: %v", err)
	}
}

// A subscription that was replaced must not put what it still receives behind
// what its successor brings.
func TestAReplacedSubscriptionIsNotListenedTo(t *testing.T) {
	b := newBuffer(SubscriberConfig{Pages: true}.withDefaults())
	old := resumed(t, b, 0)
	current := resumed(t, b, 0)
	if err := b.put(t.Context(), old, at(50)); !errors.Is(err, errLeftBehind) {
		t.Errorf("got %v", err)
	}
	b.caughtUp(old)
	if b.live {
		t.Error("the replaced subscription declared the end of the log")
	}
	if err := b.put(t.Context(), current, at(1)); err != nil {
		t.Error(err)
	}
}

// promise: at most two pages are in memory: one delivered, one filling.
func TestAFullPageStopsTheReceiver(t *testing.T) {
	for name, config := range map[string]SubscriberConfig{
		"by events": {MaxPage: 4}, "by bytes": {MaxPageBytes: 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuffer(config.withDefaults())
			term := resumed(t, b, 0)
			for position := range uint64(4) {
				if err := b.put(t.Context(), term, at(position+1)); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := b.put(ctx, term, at(5)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the fifth of four: %v", err)
			}
			page, _, err := b.take(t.Context())
			if err != nil || len(page.Events) != 4 {
				t.Fatalf("%d events, %v", len(page.Events), err)
			}
			if err := b.put(t.Context(), term, at(5)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestResumeWaitsForTheLastAcknowledgement(t *testing.T) {
	b := newBuffer(SubscriberConfig{}.withDefaults())
	term := resumed(t, b, 0)
	if err := b.put(t.Context(), term, at(7)); err != nil {
		t.Fatal(err)
	}
	page, _, err := b.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	asked := func(place) (place, error) { t.Error("asked too early"); return place{}, nil }
	if _, _, err := b.resume(ctx, asked); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("resumed under a page being applied: %v", err)
	}
	b.acknowledged(page.Events[0], page.Last)
	b.delivered()
	start, _, err := b.resume(t.Context(), func(done place) (place, error) { return done, nil })
	if err != nil || start.position != 7 {
		t.Errorf("resumes at %d, %v", start.position, err)
	}
}

func TestBreaker(t *testing.T) {
	refused := func(b *breaker[*int]) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := b.acquire(ctx, false)
		return err
	}
	b, connection, cause := newBreaker[*int](), new(int), errors.New("connection refused")
	if err := refused(b); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("while connecting callers wait: %v", err)
	}
	b.open(cause)
	if err := refused(b); !errors.Is(err, cause) || !errors.Is(err, errNotNow) {
		t.Errorf("while open callers are refused: %v", err)
	}
	patient := make(chan *int)
	go func() {
		got, _ := b.acquire(context.Background(), true)
		patient <- got
	}()
	b.connected(connection)
	if got := <-patient; got != connection {
		t.Error("the patient caller did not get the connection")
	}
	if err := refused(b); err != nil {
		t.Errorf("while connected: %v", err)
	}
	b.shut()
	if err := refused(b); !errors.Is(err, errClosed) || !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPausesGrowAndStayWithinBounds(t *testing.T) {
	for draw, want := range map[float64][]time.Duration{
		0: {50, 100, 200, 400, 400, 400}, 0.999999999: {99, 199, 399, 799, 799, 799},
	} {
		p := &pauses{low: 100, high: 800, jitter: func() float64 { return draw }}
		for i, w := range want {
			if got := p.draw(); got != w {
				t.Errorf("jitter %g, pause %d: %d, want %d", draw, i, got, w)
			}
		}
		if p.reset(); p.draw() != want[0] {
			t.Error("reset does not start over")
		}
	}
}
