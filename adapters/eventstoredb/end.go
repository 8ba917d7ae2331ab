package eventstoredb

import (
	"context"
	"errors"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"tracekeep/domain"
)

// End ends a stream for good: it can never be read or written again, and a
// scavenge removes all of its events but the one that ends it. last is the
// revision it must be at; a stream that went on is [domain.ErrConflict]. Ending an
// ended stream changes nothing, so an end whose outcome is unknown is repeated.
func (s *Store) End(ctx context.Context, stream string, last uint64) error {
	if err := s.tenants.allow(stream); err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, s.client.config.CallTimeout)
	defer cancel()
	op := func(ctx context.Context, db *esdb.Client) (*esdb.DeleteResult, error) {
		return db.TombstoneStream(ctx, stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Revision(last)})
	}
	_, err := repeat(ctx, s.client.config, func(patient bool) (domain.Appended, bool, error) {
		_, err := call(ctx, s.client, patient, op)
		return domain.Appended{}, err == nil || !unsent(err), translate(err)
	})
	switch {
	case errors.Is(err, ErrStreamDeleted):
		return nil
	case errors.Is(err, ErrRefused) && strings.Contains(err.Error(), "WrongExpectedVersion"): // the bare client has no code for it
		return errors.Join(domain.ErrConflict, err)
	}
	return err
}
