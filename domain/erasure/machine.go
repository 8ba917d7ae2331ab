package erasure

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

func (c CheckHolds) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Phase.Ended() || s.Phase.Destroyed():
		return nil, nil
	case s.Phase.Before(PhaseAssessed):
		return nil, ErrNotAssessed
	case len(c.Holds) > 0:
		if s.Phase == PhaseHeld && slices.Equal(s.Holds, c.Holds) {
			return nil, nil
		}
		return []eventschema.Event{&eventschema.HoldChecked{CaseID: s.CaseID, CheckedAt: c.CheckedAt.UTC(), Holds: c.Holds}}, nil
	case s.Phase == PhaseHeld && s.Fenced:
		return nil, ErrOrder
	}
	clear := &eventschema.HoldChecked{CaseID: s.CaseID, CheckedAt: c.CheckedAt.UTC(), Holds: []uuid.UUID{}}
	switch {
	case s.Phase == PhaseAssessed || s.Phase == PhaseHeld:
		return []eventschema.Event{clear, &eventschema.CoolingOffStarted{
			CaseID: s.CaseID, StartedAt: c.CheckedAt.UTC(), Until: c.CheckedAt.UTC().Add(max(c.CoolingOff, 0)),
		}}, nil
	case s.HoldsCheckedAt.IsZero(): // approved in the first release, which knew no holds
		return []eventschema.Event{clear}, nil
	}
	return nil, nil
}

func (c Begin) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Begun == c.Step:
		return nil, nil
	case Next(s, c.StartedAt).Step != c.Step:
		return nil, ErrOrder
	}
	return []eventschema.Event{&eventschema.ErasureStepStarted{CaseID: s.CaseID, Step: c.Step, StartedAt: c.StartedAt.UTC()}}, nil
}

// result records what came of a step whose intent is on record. A result that
// comes again, because its writer was killed after recording it, changes nothing.
func (s State) result(step eventschema.ErasureStep, done bool, event eventschema.Event) ([]eventschema.Event, error) {
	switch {
	case done:
		return nil, nil
	case s.Begun != step:
		return nil, ErrOrder
	}
	return []eventschema.Event{event}, nil
}

// passed says whether a case is at a phase or behind it on the way to its end.
func (s State) passed(phase Phase) bool {
	return !s.Phase.Before(phase) && s.Phase.Before(PhaseCancelled)
}

func (c CloseFence) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepCloseFence, s.passed(PhaseFenced), &eventschema.FenceClosed{CaseID: s.CaseID, ClosedAt: c.ClosedAt.UTC()})
}

func (c ReopenFence) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepReopenFence, !s.Fenced, &eventschema.FenceReopened{CaseID: s.CaseID, ReopenedAt: c.ReopenedAt.UTC()})
}

func (c Drained) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepDrain, s.passed(PhaseDrained), &eventschema.WritersDrained{
		CaseID: s.CaseID, DrainedAt: c.DrainedAt.UTC(), Holders: utc(c.Holders),
	})
}

func (c Reviewed) decide(s State) ([]eventschema.Event, error) {
	if c.Mentions > 0 && c.ReviewedBy == uuid.Nil || c.Left > 0 && !domain.IsCode(c.Ground) || c.Left > c.Mentions || c.Mentions > c.Texts || len(c.Taken) != c.Mentions-c.Left {
		return nil, ErrMentions
	}
	return s.result(eventschema.StepReview, s.passed(PhaseReviewed), &eventschema.MentionsReviewed{
		CaseID: s.CaseID, ReviewedAt: c.ReviewedAt.UTC(), ReviewedBy: c.ReviewedBy,
		Texts: c.Texts, Mentions: c.Mentions, Left: c.Left, Ground: c.Ground, Taken: c.Taken,
	})
}

func (c Destroyed) decide(s State) ([]eventschema.Event, error) {
	if s.Phase.Before(PhaseApproved) {
		return nil, ErrNotApproved
	}
	return s.result(eventschema.StepDestroy, s.Phase.Destroyed(), &eventschema.KeysDestroyed{
		CaseID: s.CaseID, PersonID: s.PersonID, DestroyedAt: c.DestroyedAt.UTC(), Keys: c.Keys, Lookups: c.Lookups, Retained: s.Retained,
	})
}

func (c Quiesced) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepQuiesce, s.passed(PhaseQuiesced), &eventschema.CachesQuiesced{
		CaseID: s.CaseID, QuiescedAt: c.QuiescedAt.UTC(), Holders: utc(c.Holders),
	})
}

func (c Scrubbed) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepScrub, s.passed(PhaseScrubbed), &eventschema.ReadModelsScrubbed{
		CaseID: s.CaseID, ScrubbedAt: c.ScrubbedAt.UTC(), Position: c.Position,
	})
}

func (c Pursued) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepPursue, s.passed(PhasePursued), &eventschema.CopiesPursued{
		CaseID: s.CaseID, PursuedAt: c.PursuedAt.UTC(), Files: c.Files, Devices: c.Devices, Recipients: c.Recipients,
	})
}

func (c Verified) decide(s State) ([]eventschema.Event, error) {
	if c.Erased != c.Tried || c.Keys > 0 || c.Lookups > 0 {
		return nil, ErrNotVerifiedYet
	}
	return s.result(eventschema.StepVerify, s.passed(PhaseVerified), &eventschema.ErasureVerified{
		CaseID: s.CaseID, VerifiedAt: c.VerifiedAt.UTC(), Credentials: c.Credentials,
		Tried: c.Tried, Erased: c.Erased, Keys: c.Keys, Lookups: c.Lookups,
	})
}

func (c Expired) decide(s State) ([]eventschema.Event, error) {
	return s.result(eventschema.StepExpire, s.passed(PhaseExpired), &eventschema.RecordsExpired{
		CaseID: s.CaseID, RecordID: s.RecordID, ExpiredAt: c.ExpiredAt.UTC(), Whole: s.WholeRecord(), Streams: c.Streams,
	})
}

// WholeRecord says whether the case is about a work record that has come of age
// altogether.
func (s State) WholeRecord() bool {
	return s.Origin == eventschema.OriginRetention && s.RecordID != uuid.Nil && slices.Contains(s.Purposes, eventschema.PurposeWork)
}

func (c Certify) decide(s State) ([]eventschema.Event, error) {
	event := &eventschema.ErasureCertified{
		CaseID: s.CaseID, PersonID: s.PersonID, Kind: c.Kind, CertifiedAt: c.CertifiedAt.UTC(),
		Leaf: c.Leaf, Position: c.Position, Certificate: c.Certificate,
	}
	switch {
	case !s.Phase.Destroyed():
		return nil, ErrNotDestroyed
	case c.Kind == eventschema.CertificateFinal:
		return s.result(eventschema.StepFinalise, s.passed(PhaseFinal), event)
	}
	return s.result(eventschema.StepCertify, s.passed(PhaseCertified), event)
}

func (c Retired) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.passed(PhaseRetired):
		return nil, nil
	case s.Phase != PhaseCertified:
		return nil, ErrOrder
	}
	event := &eventschema.EpochsRetired{CaseID: s.CaseID, Epochs: c.Epochs}
	var epochs []int
	for _, epoch := range c.Epochs {
		epochs = append(epochs, epoch.Epoch)
		if epoch.RetiredAt.After(event.RetiredAt) {
			event.RetiredAt = epoch.RetiredAt.UTC()
		}
	}
	for _, needed := range s.WrappedBy() {
		if !slices.Contains(epochs, needed) {
			return nil, ErrOrder
		}
	}
	if event.RetiredAt.IsZero() { // nothing was destroyed, so nothing waits
		event.RetiredAt = s.DestroyedAt
	}
	return []eventschema.Event{event}, nil
}

// WrappedBy lists the epochs whose keys wrapped what the case destroyed.
func (s State) WrappedBy() []int {
	var epochs []int
	for _, key := range s.Keys {
		epochs = append(epochs, key.Epoch)
	}
	slices.Sort(epochs)
	return slices.Compact(epochs)
}

func utc(holders eventschema.KeyHolders) eventschema.KeyHolders {
	if !holders.BoundedBy.IsZero() {
		holders.BoundedBy = holders.BoundedBy.In(time.UTC)
	}
	return holders
}
