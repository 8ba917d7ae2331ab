package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/keyring"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// mostProbes is how many old envelopes of one stream are tried: a person has one
// stream, and a work record one for each month of locations.
const mostProbes = 50

// openVerifier connects as somebody who sees which keys there are and no key: to
// a database that was named, or to the private cluster. In any other installation
// the service looks with its own rights, and certificates say so.
func (a *App) openVerifier(ctx context.Context, cfg Config) error {
	at := cfg.Verifier
	switch {
	case at != "":
	case cfg.Keys != "":
		at, a.verifiesAs = cfg.Keys, eventschema.CredentialsSame
	default:
		if err := a.keys.AdmitVerifier(ctx); err != nil {
			return err
		}
		u, err := url.Parse(a.running.Keys)
		if err != nil {
			return fmt.Errorf("address of the key store: %w", err)
		}
		u.User = url.User(keyring.VerifierRole)
		at = u.String()
	}
	if a.verifiesAs == "" {
		a.verifiesAs = eventschema.CredentialsSeparate
	}
	verifier, err := keyring.OpenVerifier(ctx, at)
	if err != nil {
		return err
	}
	a.verifier = verifier
	a.onClose(func() error { verifier.Close(); return nil })
	return nil
}

// errNotErased says that a verification found what must not be there.
var errNotErased = errors.New("the verification found what must not be there")

// verifyErasure looks with other eyes: old envelopes must answer erased to the
// service and to the verifier, and no key and no token may be left.
func (a *App) verifyErasure(ctx context.Context, s erasure.State) (erasure.Verified, error) {
	verified := erasure.Verified{VerifiedAt: a.clock(), Credentials: a.verifiesAs}
	order, err := a.orderOf(ctx, s)
	if err != nil {
		return verified, err
	}
	verified.Keys, verified.Lookups, err = a.verifier.Remains(ctx, order, s.DestroyedAt)
	if err != nil {
		return verified, err
	}
	streams, err := a.streamsOf(ctx, order)
	if err != nil {
		return verified, err
	}
	for _, stream := range append(streams, eventschema.ErasureStream(a.tenant, s.CaseID)) {
		err := a.probe(ctx, stream, order, s, &verified)
		if err != nil && !errors.Is(err, eventstoredb.ErrStreamDeleted) { // ended since: nothing is left to open
			return verified, err
		}
	}
	whole := s.Scope == eventschema.ScopePerson
	if verified.Erased != verified.Tried || whole && verified.Tried == 0 || verified.Keys+verified.Lookups > 0 {
		return verified, fmt.Errorf("%w: %d of %d old envelopes do not answer erased, %d keys and %d tokens are left",
			errNotErased, verified.Tried-verified.Erased, verified.Tried, verified.Keys, verified.Lookups)
	}
	return verified, nil
}

// streamsOf lists the streams that hold envelopes of what an order destroys.
func (a *App) streamsOf(ctx context.Context, order keyring.Order) ([]eventschema.StreamName, error) {
	var streams []eventschema.StreamName
	for _, target := range order.Destroy {
		streams = append(streams, eventschema.PersonStream(a.tenant, target.Subject), eventschema.WorkStream(a.tenant, target.Subject))
		periods, err := projections.PeriodsOf(ctx, a.models.Querier(), a.tenant, eventschema.CategoryLocation, target.Subject)
		if err != nil {
			return nil, err
		}
		for _, period := range periods {
			streams = append(streams, eventschema.StreamName{Category: eventschema.CategoryLocation, Tenant: a.tenant, ID: target.Subject, Period: period})
		}
	}
	items, err := a.mediaDestroyed(ctx, order)
	if err != nil {
		return nil, err
	}
	for _, m := range items[:min(len(items), mostProbes)] {
		streams = append(streams, eventschema.MediaStream(a.tenant, m.ItemID))
	}
	return streams, nil
}

// probe tries the envelopes of one stream that the order makes noise.
func (a *App) probe(ctx context.Context, stream eventschema.StreamName, order keyring.Order, s erasure.State, verified *erasure.Verified) error {
	tried := 0
	for recorded, err := range a.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return err
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return err
		}
		for _, sealed := range decoded.Sealed {
			if !destroys(order, sealed) {
				continue
			}
			seen, err := a.verifier.Try(ctx, a.tenant, sealed.Envelope, s.DestroyedAt)
			if errors.Is(err, keyring.ErrNoKey) {
				continue // sealed with a key of a later consent
			}
			if err != nil {
				return err
			}
			opening, err := a.keys.Open(ctx, decoded.At(sealed), sealed.Envelope, eventschema.UseAudit)
			if err != nil {
				return fmt.Errorf("try an old envelope: %w", err)
			}
			tried++
			verified.Tried++
			if seen.State == eventschema.StateErased && opening.State == eventschema.StateErased {
				verified.Erased++
			}
		}
		if tried >= mostProbes {
			return nil
		}
	}
	return nil
}

// destroys says whether an order destroys the key of a sealed section.
func destroys(order keyring.Order, sealed eventschema.Sealed) bool {
	return slices.ContainsFunc(order.Destroy, func(t keyring.Target) bool {
		return t.Subject == sealed.Subject && (len(t.Purposes) == 0 || slices.Contains(t.Purposes, sealed.Purpose)) &&
			(len(t.Items) == 0 || slices.Contains(t.Items, sealed.Item)) &&
			(len(t.Periods) == 0 || slices.Contains(t.Periods, sealed.Period))
	})
}
