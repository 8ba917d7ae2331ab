package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tracekeep/domain"
	"tracekeep/domain/consent"
	"tracekeep/domain/erasure"
	"tracekeep/domain/person"
	"tracekeep/domain/timecard"
	"tracekeep/domain/work"
	"tracekeep/eventschema"
)

// Replayed says what reading the whole log again found.
type Replayed struct {
	Events       uint64            `json:"events"`
	System       uint64            `json:"system_events"` // the store's own
	Streams      int               `json:"streams"`
	LastPosition uint64            `json:"last_position"`
	ByType       map[string]uint64 `json:"by_type"`
	Seconds      float64           `json:"seconds"`
}

// fold takes the events of one stream in order.
type fold func(eventschema.Event)

// Replay reads the log from the beginning, decodes every event and folds it with
// the decider of its stream. An event that cannot be decoded, or a stream whose
// revisions are not dense, stops it with the position. until limits it to what
// was recorded up to an instant; the zero time does not.
func (a *App) Replay(ctx context.Context, until time.Time, progress func(done uint64)) (Replayed, error) {
	started := a.clock()
	replayed := Replayed{ByType: map[string]uint64{}}
	folds := map[string]fold{}
	next := map[string]uint64{}
	for recorded, err := range a.whole.ReadAll(ctx, 0) {
		if err != nil {
			return replayed, fmt.Errorf("replay: %w", err)
		}
		if !until.IsZero() && recorded.Created.After(until) {
			break
		}
		if strings.HasPrefix(recorded.Type, "$") {
			replayed.System++
			continue
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return replayed, fmt.Errorf("replay: %w", err)
		}
		if want := next[recorded.Stream]; recorded.Revision != want {
			return replayed, fmt.Errorf("replay: position %d: revision %d of %s, want %d", recorded.Position, recorded.Revision, recorded.Stream, want)
		}
		next[recorded.Stream] = recorded.Revision + 1
		if folds[recorded.Stream] == nil {
			folds[recorded.Stream] = foldOf(recorded.Stream)
		}
		folds[recorded.Stream](decoded.Event)
		replayed.Events++
		replayed.ByType[recorded.Type]++
		replayed.LastPosition = recorded.Position
		if progress != nil && replayed.Events%1000 == 0 {
			progress(replayed.Events)
		}
	}
	replayed.Streams = len(folds)
	replayed.Seconds = a.clock().Sub(started).Seconds()
	return replayed, nil
}

func foldOf(stream string) fold {
	category, _, _ := strings.Cut(stream, "-")
	switch category {
	case eventschema.CategoryPerson:
		return folding(person.Decider())
	case eventschema.CategoryWork:
		return folding(work.Decider())
	case eventschema.CategoryPunches:
		return folding(timecard.Decider())
	case eventschema.CategoryConsent:
		return folding(consent.Decider())
	case eventschema.CategoryErasure:
		return folding(erasure.Decider())
	}
	return func(eventschema.Event) {}
}

func folding[S, C any](d domain.Decider[S, C]) fold {
	state := d.Initial()
	return func(event eventschema.Event) { state = d.Evolve(state, event) }
}

// StoredEvent is an event as stored, for an auditor's eyes.
type StoredEvent struct {
	Stream     string          `json:"stream"`
	Revision   uint64          `json:"revision"`
	Position   uint64          `json:"position"`
	ID         string          `json:"event_id"`
	Type       string          `json:"type"`
	RecordedAt time.Time       `json:"recorded_at"`
	Data       json.RawMessage `json:"data"`
	Metadata   json.RawMessage `json:"metadata"`
}

// ReplayStream gives the events of one stream as stored.
func (a *App) ReplayStream(ctx context.Context, stream string, take func(StoredEvent) error) error {
	for recorded, err := range a.store.ReadStream(ctx, stream, 0) {
		if err != nil {
			return fmt.Errorf("replay %s: %w", stream, err)
		}
		err = take(StoredEvent{
			Stream: recorded.Stream, Revision: recorded.Revision, Position: recorded.Position, ID: recorded.ID.String(),
			Type: recorded.Type, RecordedAt: recorded.Created, Data: recorded.Data, Metadata: recorded.Metadata,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
