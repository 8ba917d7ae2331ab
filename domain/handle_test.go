package domain_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/person"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// noise hides a section in a way that only tests of other packages must be able to undo.
type noise struct{ err error }

func (n noise) Seal(context.Context, eventschema.Coordinates, []byte) ([]byte, error) {
	return []byte("noise"), n.err
}

var (
	tenant   = uuid.MustParse("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
	personID = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	stream   = eventschema.PersonStream(tenant, personID)
	january  = time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC)

	register person.Command = person.Register{PersonID: personID, LegalName: eventschema.Clear("Wren Okafor"), RegisteredAt: january}
)

func correct(name string) person.Command {
	return person.Correct{PersonID: personID, LegalName: eventschema.Clear(name), Reason: "typo", CorrectedAt: january}
}

func newHandler(t *testing.T) (*domain.Handler, *memory) {
	t.Helper()
	registry, err := eventschema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	store := &memory{streams: map[string][]eventschema.Recorded{}}
	return &domain.Handler{Store: store, Registry: registry, Sealer: noise{}, Random: rand.Reader}, store
}

func as(key string) domain.Request { return domain.Request{Stream: stream, Key: key} }

// must handles a command that is part of the past.
func must(t *testing.T, h *domain.Handler, request domain.Request, command person.Command) domain.Outcome {
	t.Helper()
	outcome, err := domain.Handle(t.Context(), h, person.Decider(), request, command)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func TestAHandledCommandIsStored(t *testing.T) {
	h, store := newHandler(t)
	outcome := must(t, h, as("register"), register)
	if len(outcome.Events) != 1 || outcome.Revision != 0 || outcome.Position != 100 || outcome.Repeated {
		t.Errorf("outcome %+v", outcome)
	}
	stored := store.streams[stream.String()]
	if len(stored) != 1 || stored[0].Type != "person-registered.v2" {
		t.Errorf("stored %+v", stored)
	}
}

func TestARepeatedCommandStoresNothingAndAnswersAsBefore(t *testing.T) {
	h, store := newHandler(t)
	must(t, h, as("register"), register)
	must(t, h, as("fix 1"), correct("Wren Okafor-Lind"))
	outcome := must(t, h, as("fix 1"), correct("Wren Okafor-Lind"))
	if !outcome.Repeated || len(outcome.Events) != 0 || outcome.Revision != 1 {
		t.Errorf("outcome %+v", outcome)
	}
	if n := len(store.streams[stream.String()]); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	must(t, h, as("fix 2"), correct("Wren Okafor-Lind"))
	if n := len(store.streams[stream.String()]); n != 3 {
		t.Errorf("the same words under another key are another command: %d events, want 3", n)
	}
}

func TestACommandThatChangesNothingStoresNothing(t *testing.T) {
	h, store := newHandler(t)
	must(t, h, as("register"), register)
	must(t, h, as("close"), person.Close{PersonID: personID, Reason: "left", ClosedAt: january})
	outcome := must(t, h, as("close again"), person.Close{PersonID: personID, Reason: "left", ClosedAt: january})
	if len(outcome.Events) != 0 || outcome.Revision != 1 || outcome.Repeated || store.appends != 2 {
		t.Errorf("outcome %+v after %d appends", outcome, store.appends)
	}
}

func TestALostRaceIsDecidedAgainOnWhatHappened(t *testing.T) {
	h, store := newHandler(t)
	must(t, h, as("register"), register)
	store.before = func(attempt int) error {
		if attempt == 2 { // the first append of the command below
			store.before = nil
			must(t, h, as("faster"), person.Close{PersonID: personID, Reason: "left", ClosedAt: january})
		}
		return nil
	}
	_, err := domain.Handle(t.Context(), h, person.Decider(), as("slower"), correct("Wren Okafor-Lind"))
	if !errors.Is(err, person.ErrClosed) {
		t.Errorf("answers %v: the second decision must see the faster command", err)
	}
}

func TestALostRaceAgainstOneselfIsARepetition(t *testing.T) {
	h, store := newHandler(t)
	must(t, h, as("register"), register)
	store.before = func(int) error {
		store.before = nil
		must(t, h, as("fix"), correct("Wren Okafor-Lind"))
		return nil
	}
	if outcome := must(t, h, as("fix"), correct("Wren Okafor-Lind")); !outcome.Repeated || outcome.Revision != 1 {
		t.Errorf("outcome %+v", outcome)
	}
}

func TestACommandThatLosesEveryRaceGivesUp(t *testing.T) {
	h, store := newHandler(t)
	store.before = func(int) error { return domain.ErrConflict }
	_, err := domain.Handle(t.Context(), h, person.Decider(), as("register"), register)
	if !errors.Is(err, domain.ErrBusy) || store.appends != 8 {
		t.Errorf("answers %v after %d attempts, want ErrBusy after 8", err, store.appends)
	}
}

func TestManyWritersOfOneStreamLoseNothing(t *testing.T) {
	h, store := newHandler(t)
	must(t, h, as("register"), register)
	var done sync.WaitGroup
	for n := range 4 {
		done.Go(func() {
			for {
				_, err := domain.Handle(context.Background(), h, person.Decider(), as(fmt.Sprint("fix ", n)), correct("Wren"))
				if !errors.Is(err, domain.ErrBusy) {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	done.Wait()
	if n := len(store.streams[stream.String()]); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
}

func TestWhatHandleRefuses(t *testing.T) {
	fault := errors.New("fault")
	for rule, c := range map[string]struct {
		prepare func(*domain.Handler, *memory)
		request domain.Request
		command person.Command
		want    error
	}{
		"a refusal is the decider's own":            {nil, as("x"), register, person.ErrAlreadyRegistered},
		"a command without a key":                   {nil, as(""), correct("Wren"), domain.ErrNoKey},
		"a command meant for the revision there is": {nil, domain.Request{Stream: stream, Key: "x", IfRevision: new(uint64)}, correct("Wren"), nil},
		"a command meant for another revision":      {nil, domain.Request{Stream: stream, Key: "x", IfRevision: ptr(uint64(7))}, correct("Wren"), domain.ErrStale},
		"a store that cannot be read":               {func(_ *domain.Handler, m *memory) { m.readErr = domain.ErrUnavailable }, as("x"), correct("Wren"), domain.ErrUnavailable},
		"an append of unknown outcome":              {func(_ *domain.Handler, m *memory) { m.before = func(int) error { return domain.ErrUnknownOutcome } }, as("x"), correct("Wren"), domain.ErrUnknownOutcome},
		"a sealer without the key":                  {func(h *domain.Handler, _ *memory) { h.Sealer = noise{fault} }, as("x"), correct("Wren"), fault},
		"no randomness for the salt":                {func(h *domain.Handler, _ *memory) { h.Random = bytes.NewReader(make([]byte, 31)) }, as("x"), correct("Wren"), io.ErrUnexpectedEOF},
		"an event of a later release in the past":   {func(_ *domain.Handler, m *memory) { m.streams[stream.String()][0].Type = "person-registered.v9" }, as("x"), correct("Wren"), eventschema.ErrUnknownVersion},
		"an event of somebody else in the stream":   {func(_ *domain.Handler, m *memory) { m.streams[stream.String()][0].Type = "invoice-paid.v1" }, as("x"), correct("Wren"), eventschema.ErrUnknownEvent},
		"a past that cannot be read is not skipped": {func(_ *domain.Handler, m *memory) { m.streams[stream.String()][0].Data = []byte("{") }, as("x"), correct("Wren"), eventschema.ErrPayload},
	} {
		t.Run(rule, func(t *testing.T) {
			h, store := newHandler(t)
			must(t, h, as("register"), register)
			if c.prepare != nil {
				c.prepare(h, store)
			}
			_, err := domain.Handle(t.Context(), h, person.Decider(), c.request, c.command)
			if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Errorf("answers %v, want %v", err, c.want)
			}
			if n := len(store.streams[stream.String()]); c.want != nil && n != 1 {
				t.Errorf("refused, and the stream has %d events", n)
			}
		})
	}
}

func ptr[T any](value T) *T { return &value }

func TestARepetitionIsNotStale(t *testing.T) {
	work, punchID := uuid.New(), uuid.New()
	punches := eventschema.PunchesStream(tenant, work, january)
	h, _ := newHandler(t)
	handle := func(request domain.Request, command timecard.Command) domain.Outcome {
		outcome, err := domain.Handle(t.Context(), h, timecard.Decider(), request, command)
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	handle(domain.Request{Stream: punches, Key: "punch"}, timecard.Punch{
		PunchID: punchID, WorkID: work, OccurredAt: january, ReceivedAt: january, Direction: "in", Kind: "normal", Station: "gate-1",
	})
	fix := timecard.Correct{
		CorrectionID: uuid.New(), PunchID: punchID, WorkID: work, OccurredAt: january, Direction: "out", Kind: "normal",
		Reason: eventschema.ReasonWrongKey, CorrectedBy: uuid.New(), ApprovedBy: uuid.New(), CorrectedAt: january,
	}
	seen := domain.Request{Stream: punches, Key: "fix", IfRevision: new(uint64), EventID: fix.CorrectionID}
	first := handle(seen, fix)
	if again := handle(seen, fix); len(again.Events) != 0 || again.Revision != 1 || !again.Repeated || again.Position != first.Position {
		t.Errorf("outcome %+v after %+v", again, first)
	}
}

// The salt hides an event from whoever guesses it: two alike events differ.
func TestEveryEventHasASaltOfItsOwn(t *testing.T) {
	h, store := newHandler(t)
	d := person.Decider()
	loaded, err := domain.Load(t.Context(), h, stream, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := domain.Advance(t.Context(), h, d, loaded, as("all"), register, correct("a"), correct("a"), correct("a")); err != nil {
		t.Fatal(err)
	}
	must(t, h, as("one more"), correct("a"))
	salts := map[string]bool{}
	for _, event := range store.streams[stream.String()] {
		meta := metadataOf(t, event)
		if len(meta.Salt) != eventschema.SaltBytes {
			t.Errorf("salt of %d bytes", len(meta.Salt))
		}
		salts[string(meta.Salt)] = true
	}
	if len(salts) != 5 {
		t.Errorf("%d salts for 5 events", len(salts))
	}
}

func metadataOf(t *testing.T, event eventschema.Recorded) eventschema.Metadata {
	t.Helper()
	var meta eventschema.Metadata
	if err := json.Unmarshal(event.Metadata, &meta); err != nil {
		t.Fatal(err)
	}
	return meta
}

func TestIdsFollowFromTheKey(t *testing.T) {
	actor := eventschema.Actor{ID: uuid.New(), Role: "hr_officer"}
	h, store := newHandler(t)
	request := as("register")
	request.Actor = actor
	must(t, h, request, register)
	request = as("fix")
	request.CorrelationID = uuid.New()
	must(t, h, request, correct("a"))
	request.Key, request.CausationID = "fix again", uuid.New()
	must(t, h, request, correct("b"))

	stored := store.streams[stream.String()]
	for i, key := range []string{"register", "fix", "fix again"} {
		if want := domain.EventID(tenant, stream, key, 0); stored[i].ID != want {
			t.Errorf("event of %q has id %s, want %s", key, stored[i].ID, want)
		}
	}
	first, second, third := metadataOf(t, stored[0]), metadataOf(t, stored[1]), metadataOf(t, stored[2])
	if first.Tenant != tenant || first.Actor != actor {
		t.Errorf("tenant %s, actor %+v", first.Tenant, first.Actor)
	}
	if derived := domain.EventID(tenant, stream, "register", -1); first.CorrelationID != derived || first.CausationID != derived {
		t.Errorf("without a correlation id one is derived from the key, got %s and %s", first.CorrelationID, first.CausationID)
	}
	if second.CorrelationID != request.CorrelationID || second.CausationID != request.CorrelationID {
		t.Errorf("without a causation id the correlation id is the cause, got %s and %s", second.CorrelationID, second.CausationID)
	}
	if third.CausationID != request.CausationID {
		t.Errorf("causation %s, want %s", third.CausationID, request.CausationID)
	}
}

func TestEventIDsDifferInEveryPart(t *testing.T) {
	other := eventschema.PersonStream(tenant, uuid.New())
	seen := map[uuid.UUID]string{}
	for name, id := range map[string]uuid.UUID{
		"itself":                             domain.EventID(tenant, stream, "key", 0),
		"another tenant":                     domain.EventID(personID, stream, "key", 0),
		"another stream":                     domain.EventID(tenant, other, "key", 0),
		"another key":                        domain.EventID(tenant, stream, "kez", 0),
		"the next event":                     domain.EventID(tenant, stream, "key", 1),
		"a key that ends in a digit":         domain.EventID(tenant, stream, "key1", 0),
		"an event with two digits":           domain.EventID(tenant, stream, "key", 10),
		"the correlation":                    domain.EventID(tenant, stream, "key", -1),
		"a key that ends like an index":      domain.EventID(tenant, stream, "key\x000", 0),
		"a key and index that join the same": domain.EventID(tenant, stream, "key\x00", 0),
	} {
		if twin, taken := seen[id]; taken {
			t.Errorf("%s has the id of %s", name, twin)
		}
		seen[id] = name
	}
}

func TestAPunchBringsItsOwnID(t *testing.T) {
	work, punchID := uuid.New(), uuid.New()
	punches := eventschema.PunchesStream(tenant, work, january)
	h, store := newHandler(t)
	var press timecard.Command = timecard.Punch{
		PunchID: punchID, WorkID: work, OccurredAt: january, ReceivedAt: january, Direction: "in", Kind: "normal", Station: "gate-1",
	}
	if _, err := domain.Handle(t.Context(), h, timecard.Decider(), domain.Request{Stream: punches, Key: "any"}, press); err != nil {
		t.Fatal(err)
	}
	if got := store.streams[punches.String()][0].ID; got != punchID {
		t.Errorf("stored under %s, want %s: the punch is the key under which nothing is recorded twice", got, punchID)
	}
}

func TestAdvanceDecidesManyCommandsOnOneRead(t *testing.T) {
	h, store := newHandler(t)
	d := person.Decider()
	loaded, err := domain.Load(t.Context(), h, stream, d)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Next != domain.NoStream {
		t.Errorf("an empty stream expects %d", loaded.Next)
	}
	outcome, err := domain.Advance(t.Context(), h, d, loaded, as("first"), register, correct("a"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{2, uint64(1), uint64(101)}, []any{len(outcome.Events), outcome.Revision, outcome.Position}); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if !loaded.State.Registered || loaded.Next != 1 {
		t.Errorf("loaded is at %d, %+v", loaded.Next, loaded.State)
	}
	if _, err = domain.Advance(t.Context(), h, d, loaded, as("second"), correct("b")); err != nil {
		t.Fatal(err)
	}
	if store.appends != 2 || len(store.streams[stream.String()]) != 3 {
		t.Errorf("%d appends, %d events", store.appends, len(store.streams[stream.String()]))
	}
}

func TestAdvanceStoresAllOrNothing(t *testing.T) {
	h, store := newHandler(t)
	d := person.Decider()
	loaded, err := domain.Load(t.Context(), h, stream, d)
	if err != nil {
		t.Fatal(err)
	}
	_, err = domain.Advance(t.Context(), h, d, loaded, as("all"), register, person.Command(person.Correct{PersonID: personID}))
	if !errors.Is(err, person.ErrReason) || store.appends != 0 {
		t.Errorf("answers %v after %d appends", err, store.appends)
	}
	store.before = func(int) error { return domain.ErrConflict }
	if _, err = domain.Advance(t.Context(), h, d, loaded, as("all"), register); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("answers %v, want the conflict: only Handle decides again", err)
	}
}
