package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Store keeps streams through a [Client]. It is safe for concurrent use and has
// nothing to close.
type Store struct {
	client  *Client
	tenants tenants
}

var _ domain.Store = (*Store)(nil)

// NewStore makes a store on a client.
func NewStore(client *Client, options ...StoreOption) *Store {
	s := &Store{client: client}
	for _, option := range options {
		option(&s.tenants)
	}
	return s
}

// StoreOption narrows a [Store] or [Bulk].
type StoreOption func(*tenants)

// OnlyTenants makes the store refuse, with [ErrOtherTenant], every stream that
// does not belong to one of the tenants, and reading the whole log.
func OnlyTenants(ids ...uuid.UUID) StoreOption {
	return func(t *tenants) {
		if *t == nil {
			*t = tenants{}
		}
		for _, id := range ids {
			(*t)[id] = struct{}{}
		}
	}
}

// tenants is the set a store is for; nil means all, system streams included.
type tenants map[uuid.UUID]struct{}

func (t tenants) allow(stream string) error {
	if t == nil {
		return nil
	}
	name, err := eventschema.ParseStreamName(stream)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOtherTenant, err)
	}
	if _, ours := t[name.Tenant]; !ours {
		return ErrOtherTenant
	}
	return nil
}

// Append implements [domain.Store]. An append whose outcome is unknown is
// repeated with the same ids and the same expectation until ctx ends, which the
// store answers as it did the first time. Beside the errors of the interface it
// returns [ErrStreamDeleted], [ErrDenied], [ErrRefused] and [ErrOtherTenant].
func (s *Store) Append(ctx context.Context, stream string, expected domain.Expected, events []eventschema.Proposed) (domain.Appended, error) {
	if err := s.tenants.allow(stream); err != nil {
		return domain.Appended{}, err
	}
	revision, err := revisionOf(expected)
	if err != nil {
		return domain.Appended{}, err
	}
	data := make([]esdb.EventData, len(events))
	for i, e := range events {
		data[i] = esdb.EventData{EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Metadata}
	}
	return s.client.append(ctx, stream, revision, data)
}

func revisionOf(expected domain.Expected) (esdb.ExpectedRevision, error) {
	switch {
	case expected == domain.NoStream:
		return esdb.NoStream{}, nil
	case expected == domain.AnyRevision:
		return esdb.Any{}, nil
	case expected >= 0:
		return esdb.Revision(uint64(expected)), nil //nolint:gosec // not negative
	default:
		return nil, fmt.Errorf("%w: expected revision %d", ErrRefused, expected)
	}
}

func (c *Client) append(ctx context.Context, stream string, expected esdb.ExpectedRevision, events []esdb.EventData) (domain.Appended, error) {
	if len(events) == 0 {
		return domain.Appended{}, fmt.Errorf("%w: append of no events", ErrRefused)
	}
	for _, e := range events {
		if e.EventID == uuid.Nil {
			return domain.Appended{}, fmt.Errorf("%w: event without an id", ErrRefused) // the bare client would invent one
		}
	}
	ctx, cancel := withTimeout(ctx, c.config.CallTimeout)
	defer cancel()
	op := func(ctx context.Context, db *esdb.Client) (*esdb.WriteResult, error) {
		return db.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
	}
	return repeat(ctx, c.config, func(patient bool) (domain.Appended, bool, error) {
		written, err := call(ctx, c, patient, op)
		if err != nil {
			return domain.Appended{}, !unsent(err), translate(err)
		}
		return domain.Appended{Revision: written.NextExpectedVersion, Position: written.CommitPosition}, true, nil
	})
}

// repeat runs attempts of an append until one has a certain outcome or ctx ends.
// attempt is told whether to wait for a connection, and says whether anything
// may have been sent.
func repeat(ctx context.Context, config Config, attempt func(patient bool) (domain.Appended, bool, error)) (domain.Appended, error) {
	pause := &pauses{low: 5 * time.Millisecond, high: 500 * time.Millisecond, jitter: config.Jitter}
	unknown := false
	for {
		appended, sent, err := attempt(unknown)
		if err == nil {
			return appended, nil
		}
		if !errors.Is(err, domain.ErrUnavailable) && !errors.Is(err, ErrFault) {
			return domain.Appended{}, err
		}
		unknown = unknown || sent
		again := !errors.Is(err, errClosed) && (unknown || worthwhile(err))
		if again && ctx.Err() == nil && pause.wait(ctx) {
			continue
		}
		if unknown {
			return domain.Appended{}, fmt.Errorf("%w: %w", domain.ErrUnknownOutcome, err)
		}
		return domain.Appended{}, err
	}
}

func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}
