package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// trials puts the envelopes of what was erased to the service, and to every key
// that is at hand. An envelope of somebody who lives must open in the same way, or
// what does not open shows nothing.
func (i *investigator) trials(ctx context.Context) error {
	old, err := i.oldEnvelopes(ctx)
	if err != nil {
		return err
	}
	if len(old) == 0 {
		i.invalid("the person has no envelope that was erased")
	}
	living, err := i.livingEnvelope(ctx)
	if err != nil {
		return err
	}
	if len(living) == 0 {
		i.invalid("nobody else is registered whose values open, so that it cannot be shown that keys open anything")
	}
	if err := i.askService(ctx, old, living); err != nil {
		return err
	}
	now, err := i.keys.CopyNow(ctx, "the key store as it is")
	if err != nil {
		return err
	}
	copies := append([]*keyring.Copy{now}, i.Copies...)
	for _, c := range copies {
		opened, err := i.try(ctx, c, old, living, false)
		if err != nil {
			return err
		}
		if c == now && len(living) > 0 && opened.Control == 0 {
			i.invalid("the keys of the living open nothing")
		}
	}
	if i.Before == nil {
		return nil
	}
	opened, err := i.try(ctx, i.Before, old, living, true)
	if err == nil && opened.Opened < len(old) && opened.Unlocked {
		i.invalid("the keys from before the erasure open %d of %d envelopes", opened.Opened, len(old))
	}
	return err
}

// try tries one copy with everything that unwraps its epochs, and answers the sum.
func (i *investigator) try(ctx context.Context, c *keyring.Copy, old, living []keyring.Probe, expected bool) (sum TrialMade, err error) {
	trials, err := i.keys.Try(ctx, c, i.Escrows, slices.Concat(old, living), func(done, all int) {
		i.Progress("keys: "+c.Name, int64(done), int64(all))
	})
	if err != nil {
		return sum, err
	}
	for _, t := range trials {
		made := TrialMade{Keys: t.Copy, Epoch: t.Epoch, With: t.With, Unlocked: t.Unlock == "", Why: t.Unlock, Tried: t.Keys, Old: len(old), Expected: expected}
		for _, probe := range t.Opened {
			if probe < len(old) {
				made.Opened++
			} else {
				made.Control++
			}
		}
		sum.Opened, sum.Control, sum.Unlocked = sum.Opened+made.Opened, sum.Control+made.Control, sum.Unlocked || made.Unlocked
		i.evidence.Trials = append(i.evidence.Trials, made)
	}
	return sum, nil
}

// askService opens the envelopes as the service does for an audit, which may see
// the most.
func (i *investigator) askService(ctx context.Context, old, living []keyring.Probe) error {
	made := TrialMade{Keys: "the service, for an audit", Unlocked: true, Old: len(old)}
	for n, probe := range slices.Concat(old, living) {
		opening, err := i.keys.Open(ctx, probe.At, probe.Envelope, eventschema.UseAudit)
		if err != nil {
			return fmt.Errorf("ask the service for an old envelope: %w", err)
		}
		switch {
		case n >= len(old):
			if opening.State == eventschema.StateClear {
				made.Control++
			}
		case opening.State == eventschema.StateClear:
			made.Opened++
		case opening.State != eventschema.StateErased:
			i.invalid("the service answers %s, not erased, to an old envelope", opening.State)
		}
	}
	if len(living) > 0 && made.Control == 0 {
		i.invalid("the service opens nothing of the living")
	}
	i.evidence.Trials = append(i.evidence.Trials, made)
	return nil
}

// oldEnvelopes collects the envelopes that the cases of the person made noise.
func (i *investigator) oldEnvelopes(ctx context.Context) (old []keyring.Probe, err error) {
	cases, err := i.destroyedCases(ctx, i.Subject)
	if err != nil {
		return nil, err
	}
	for _, s := range cases {
		order, err := i.orderOf(ctx, s)
		if err != nil {
			return nil, err
		}
		streams, err := i.streamsOf(ctx, order)
		if err != nil {
			return nil, err
		}
		for _, stream := range append(streams, eventschema.ErasureStream(i.tenant, s.CaseID)) {
			found, err := i.envelopesIn(ctx, stream, func(sealed eventschema.Sealed) bool { return destroys(order, sealed) })
			if err != nil {
				return nil, err
			}
			old = append(old, found...)
		}
	}
	return old, nil
}

// destroyedCases lists the cases of a person whose keys are destroyed.
func (a *App) destroyedCases(ctx context.Context, person uuid.UUID) (states []erasure.State, err error) {
	cases, err := projections.ErasuresOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		loaded, err := a.loadCase(ctx, c.CaseID)
		if err != nil {
			return nil, err
		}
		if !loaded.State.DestroyedAt.IsZero() {
			states = append(states, loaded.State)
		}
	}
	return states, nil
}

// RefuseLiving refuses a person of whom nothing was erased.
func (a *App) RefuseLiving(ctx context.Context, person uuid.UUID) error {
	cases, err := a.destroyedCases(ctx, person)
	if err == nil && len(cases) == 0 {
		err = errNothingErased
	}
	return err
}

// envelopesIn collects the envelopes of a stream that are wanted, the first
// [mostProbes].
func (i *investigator) envelopesIn(ctx context.Context, stream eventschema.StreamName, wanted func(eventschema.Sealed) bool) (found []keyring.Probe, err error) {
	for recorded, err := range i.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return nil, err
		}
		decoded, err := i.registry.Decode(recorded)
		if err != nil {
			return nil, err
		}
		for _, sealed := range decoded.Sealed {
			if wanted(sealed) {
				found = append(found, keyring.Probe{At: decoded.At(sealed), Envelope: sealed.Envelope})
			}
		}
		if len(found) >= mostProbes {
			return found[:mostProbes], nil
		}
	}
	return found, nil
}

// livingEnvelope finds an envelope of somebody whose name opens.
func (i *investigator) livingEnvelope(ctx context.Context) (found []keyring.Probe, err error) {
	const page = 100
	for after := uuid.Nil; ; {
		people, err := projections.People(ctx, i.models.Querier(), i.tenant, after, page)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			after = p.ID
			view, err := i.openPerson(ctx, p, eventschema.UseAudit, map[uuid.UUID]*uint64{})
			if err != nil {
				return nil, err
			}
			if p.ID == i.Subject || view.LegalName.State() != eventschema.StateClear {
				continue
			}
			return i.envelopesIn(ctx, eventschema.PersonStream(i.tenant, p.ID), func(sealed eventschema.Sealed) bool {
				return sealed.Purpose == eventschema.PurposeIdentity && sealed.Subject == p.ID
			})
		}
		if len(people) < page {
			return nil, nil
		}
	}
}
