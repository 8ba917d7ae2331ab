package domain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// attempts bounds how often a command is decided again after a conflict.
const attempts = 8

// ErrStale refuses a command that was meant for another revision of its stream.
var ErrStale = errors.New("the stream is not at the revision the command was meant for")

// ErrNoKey refuses a command without an idempotency key: two such commands could
// not be told apart, and the second would be lost as a repetition of the first.
var ErrNoKey = errors.New("an idempotency key is required")

// ErrBusy refuses a command that lost every race for its stream.
var ErrBusy = errors.New("the stream is too busy, try again")

// Handler joins deciders to a store. Its parts are safe for concurrent use, and
// so is it.
type Handler struct {
	Store    Store
	Registry *eventschema.Registry
	Sealer   eventschema.Sealer
	Random   io.Reader // salts of the trail
}

// Request is what a command needs beside its own content: where it goes, who
// sends it, and the key under which repeating it has no second effect.
type Request struct {
	Stream eventschema.StreamName
	Key    string // idempotency key, unique per tenant and intent
	Actor  eventschema.Actor
	// CorrelationID and CausationID follow EventStoreDB's conventions. A nil
	// correlation id is replaced by one derived from Key.
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	// IfRevision, when set, is the revision the sender saw. A command that was
	// not handled before is refused with [ErrStale] at any other.
	IfRevision *uint64
	// EventID is set for a command whose event brings its own id, a punch for
	// example: the id, not the key, then says what was handled before.
	EventID uuid.UUID
	// Before, when set, runs after the decision and before its events are
	// appended, for what must be stored first. It runs again when the command is
	// decided again, and must be idempotent. It does not run for a refusal.
	Before func(ctx context.Context) error
}

// Loaded is a folded stream and the revision its next append expects.
type Loaded[State any] struct {
	State State
	Next  Expected
	seen  map[uuid.UUID]Appended // places of the stream's events, for commands that come again
}

// Outcome says what became of a command.
type Outcome struct {
	Events   []eventschema.Event // none when the command had been handled before or changed nothing
	Revision uint64              // of the stream's last event afterwards
	Position uint64              // of the last event appended, of the first one when Repeated; 0 when nothing was
	Repeated bool                // the same command had been handled before
}

// Load reads and folds a stream. Personal values stay sealed.
func Load[S, C any](ctx context.Context, h *Handler, stream eventschema.StreamName, d Decider[S, C]) (*Loaded[S], error) {
	loaded := &Loaded[S]{State: d.Initial(), Next: NoStream, seen: map[uuid.UUID]Appended{}}
	for recorded, err := range h.Store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		decoded, err := h.Registry.Decode(recorded)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		loaded.State = d.Evolve(loaded.State, decoded.Event)
		loaded.Next = Expected(recorded.Revision)
		loaded.seen[recorded.ID] = Appended{Revision: recorded.Revision, Position: recorded.Position}
	}
	return loaded, nil
}

// Advance decides commands one after the other on a loaded stream and appends
// all their events in one append. On success it moves loaded forward, so that a
// caller with many commands for one stream reads it once. On [ErrConflict] or
// any other error loaded must be thrown away.
func Advance[S, C any](ctx context.Context, h *Handler, d Decider[S, C], loaded *Loaded[S], request Request, commands ...C) (Outcome, error) {
	var events []eventschema.Event
	state := loaded.State
	for _, command := range commands {
		decided, err := d.Decide(state, command)
		if err != nil {
			return Outcome{}, err
		}
		for _, event := range decided {
			state = d.Evolve(state, event)
		}
		events = append(events, decided...)
	}
	if len(events) == 0 {
		return Outcome{Revision: uint64(max(loaded.Next, 0))}, nil
	}
	if request.Before != nil {
		if err := request.Before(ctx); err != nil {
			return Outcome{}, err
		}
	}
	proposed, err := h.encode(ctx, request, events)
	if err != nil {
		return Outcome{}, err
	}
	appended, err := h.Store.Append(ctx, request.Stream.String(), loaded.Next, proposed)
	if err != nil {
		return Outcome{}, fmt.Errorf("append to %s: %w", request.Stream, err)
	}
	loaded.State, loaded.Next = state, Expected(appended.Revision)
	for i := range proposed {
		loaded.seen[proposed[i].ID] = Appended{Revision: appended.Revision - uint64(len(proposed)-1-i), Position: appended.Position}
	}
	return Outcome{Events: events, Revision: appended.Revision, Position: appended.Position}, nil
}

// Handle loads the stream, decides the command, appends, and decides again when
// somebody else was faster. A command whose key was handled before answers with
// Repeated and appends nothing. A refusal is returned as the decider's sentinel.
func Handle[S, C any](ctx context.Context, h *Handler, d Decider[S, C], request Request, command C) (Outcome, error) {
	if request.Key == "" {
		return Outcome{}, ErrNoKey
	}
	first := request.EventID
	if first == uuid.Nil {
		first = EventID(request.Stream.Tenant, request.Stream, request.Key, 0)
	}
	for range attempts {
		loaded, err := Load(ctx, h, request.Stream, d)
		if err != nil {
			return Outcome{}, err
		}
		if place, handled := loaded.seen[first]; handled {
			return repeat(d, loaded, request, command, place)
		}
		if request.IfRevision != nil && loaded.Next != Expected(*request.IfRevision) {
			return Outcome{}, ErrStale
		}
		outcome, err := Advance(ctx, h, d, loaded, request, command)
		if errors.Is(err, ErrConflict) {
			continue
		}
		return outcome, err
	}
	return Outcome{}, fmt.Errorf("append to %s: %w", request.Stream, ErrBusy)
}

// Note appends what commands of one request say wherever their stream stands: for
// facts that depend on nothing before them. It reads nothing, so many of them can
// be noted side by side, and repeating it notes them again unless the key says so.
func Note[S, C any](ctx context.Context, h *Handler, d Decider[S, C], request Request, commands ...C) (Outcome, error) {
	if request.Key == "" {
		return Outcome{}, ErrNoKey
	}
	loaded := &Loaded[S]{State: d.Initial(), Next: AnyRevision, seen: map[uuid.UUID]Appended{}}
	return Advance(ctx, h, d, loaded, request, commands...)
}

// repeat answers a command that was handled before. A key stands for one
// intent; an id that a client chose may be used for another, which the decider
// refuses.
func repeat[S, C any](d Decider[S, C], loaded *Loaded[S], request Request, command C, place Appended) (Outcome, error) {
	if request.EventID != uuid.Nil {
		if _, err := d.Decide(loaded.State, command); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{Revision: uint64(loaded.Next), Position: place.Position, Repeated: true}, nil
}

// EventID derives the id of the i-th event of a command from the idempotency
// key, so that a command sent twice names the same events.
func EventID(tenant uuid.UUID, stream eventschema.StreamName, key string, i int) uuid.UUID {
	return uuid.NewSHA1(tenant, []byte(stream.String()+"\x00"+key+"\x00"+strconv.Itoa(i)))
}

// identified is implemented by events that bring the id they are stored under.
type identified interface{ StoredID() uuid.UUID }

func (h *Handler) encode(ctx context.Context, request Request, events []eventschema.Event) ([]eventschema.Proposed, error) {
	correlation := request.CorrelationID
	if correlation == uuid.Nil {
		correlation = EventID(request.Stream.Tenant, request.Stream, request.Key, -1)
	}
	causation := request.CausationID
	if causation == uuid.Nil {
		causation = correlation
	}
	salts := make([]byte, eventschema.SaltBytes*len(events))
	if _, err := io.ReadFull(h.Random, salts); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	proposed := make([]eventschema.Proposed, 0, len(events))
	for i, event := range events {
		id := EventID(request.Stream.Tenant, request.Stream, request.Key, i)
		if own, ok := event.(identified); ok {
			id = own.StoredID()
		}
		p, err := h.Registry.Encode(ctx, h.Sealer, event, eventschema.Envelope{
			Stream: request.Stream.String(), EventID: id,
			Metadata: eventschema.Metadata{
				CorrelationID: correlation, CausationID: causation, Tenant: request.Stream.Tenant,
				Actor: request.Actor, Salt: salts[i*eventschema.SaltBytes : (i+1)*eventschema.SaltBytes],
			},
		})
		if err != nil {
			return nil, err
		}
		proposed = append(proposed, p)
	}
	return proposed, nil
}
