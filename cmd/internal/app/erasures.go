package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/certificate"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// caseID is the id of the case that an idempotency key opens.
func caseID(tenant uuid.UUID, key string) uuid.UUID {
	return uuid.NewSHA1(tenant, []byte("erasure case\x00"+key))
}

// loadCase folds a case.
func (a *App) loadCase(ctx context.Context, id uuid.UUID) (*domain.Loaded[erasure.State], error) {
	return domain.Load(ctx, a.handler, eventschema.ErasureStream(a.tenant, id), erasure.Decider())
}

// RequestErasure implements [httpapi.Erasures].
func (a *App) RequestErasure(ctx context.Context, intent httpapi.Intent, r httpapi.ErasureRequest) (httpapi.ErasureReceipt, error) {
	id := caseID(a.tenant, intent.Key)
	opened, err := a.loadCase(ctx, id)
	if err != nil {
		return httpapi.ErasureReceipt{}, outward(err)
	}
	if opened.State.Phase != erasure.PhaseNone { // asked before: the code cannot be given twice
		if opened.State.PersonID != r.Person {
			return httpapi.ErasureReceipt{}, fmt.Errorf("the key opened a case of somebody else: %w", httpapi.ErrConflict)
		}
		revision := uint64(opened.Next) //nolint:gosec // the stream has an event
		return httpapi.ErasureReceipt{Receipt: httpapi.Receipt{Revision: revision, Repeated: true}, CaseID: id}, nil
	}
	if err := a.refuseErased(ctx, r.Person); err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	if err := a.refuseSecondCase(ctx, r.Person); err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	workID, err := a.workOfPerson(ctx, r.Person)
	if err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	code, err := a.claimCode()
	if err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	command := erasure.Request{
		CaseID: id, Origin: eventschema.OriginRequest, PersonID: r.Person, WorkID: workID, Purposes: r.Purposes, Items: r.Items,
		RequestedBy: intent.Principal.ID, RequestedAt: r.ReceivedAt.UTC(), ClaimHash: certificate.HashClaim(code),
	}
	command.Scope = scopeOf(r.Purposes, r.Items)
	outcome, err := domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, id), Key: "request", Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
	}, erasure.Command(command))
	if err != nil {
		return httpapi.ErasureReceipt{}, outward(err)
	}
	if outcome.Repeated { // somebody else was faster: the case carries the hash of their code
		code = ""
	}
	return httpapi.ErasureReceipt{Receipt: receipt(outcome), CaseID: id, ClaimCode: code}, nil
}

// refuseSecondCase refuses a person who has an open case.
func (a *App) refuseSecondCase(ctx context.Context, personID uuid.UUID) error {
	cases, err := projections.ErasuresOf(ctx, a.models.Querier(), a.tenant, personID)
	if err != nil {
		return outward(err)
	}
	for _, c := range cases {
		if c.State.Open() && c.Origin != eventschema.OriginRetention && c.Origin != eventschema.OriginRemoval { // a proposal of the clock keeps nobody from asking
			return &httpapi.Refusal{Code: "case_open", Message: "another erasure case of this person is open", Pointer: "/person_id"}
		}
	}
	return nil
}

func scopeOf(purposes []eventschema.Purpose, items []uuid.UUID) eventschema.ErasureScope {
	switch {
	case len(items) > 0:
		return eventschema.ScopeItem
	case len(purposes) > 0:
		return eventschema.ScopePurpose
	}
	return eventschema.ScopePerson
}

// openByPolicy opens a case that nobody asked for, once.
func (a *App) openByPolicy(ctx context.Context, command erasure.Request, actor eventschema.Actor) error {
	_, err := domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, command.CaseID), Key: "request", Actor: actor,
	}, erasure.Command(command))
	if errors.Is(err, erasure.ErrAlreadyRequested) {
		return nil
	}
	return err
}

// AdvanceErasure implements [httpapi.Erasures]. What follows a step by itself
// happens in the process that owns the data folder.
func (a *App) AdvanceErasure(ctx context.Context, intent httpapi.Intent, id uuid.UUID, step erasure.Command) (httpapi.Receipt, error) {
	var err error
	switch c := step.(type) {
	case erasure.Assess:
		c.EmploymentEnded, err = a.employmentEnded(ctx, id)
		step = c
	case erasure.Approve:
		err = a.mayApprove(ctx, id, intent.Principal.ID)
		c.ApprovedAt = a.clock() // the machine's part may have taken a moment
		step = c
	}
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	return acknowledge(domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, id), Key: intent.Key,
		Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}, step))
}

// employmentEnded is when the account of the person of a case was closed; zero
// while it is open. A case about a work record knows no person.
func (a *App) employmentEnded(ctx context.Context, id uuid.UUID) (ended time.Time, err error) {
	loaded, err := a.loadCase(ctx, id)
	if err != nil || loaded.State.PersonID == uuid.Nil {
		return time.Time{}, err
	}
	for recorded, err := range a.store.ReadStream(ctx, eventschema.PersonStream(a.tenant, loaded.State.PersonID).String(), 0) {
		if err != nil {
			return time.Time{}, err
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return time.Time{}, err
		}
		if closed, ok := decoded.Event.(*eventschema.PersonClosed); ok {
			ended = closed.ClosedAt
		}
	}
	return ended, nil
}

// ErasureCase implements [httpapi.Erasures].
func (a *App) ErasureCase(ctx context.Context, _ httpapi.Principal, id uuid.UUID) (httpapi.ErasureView, error) {
	loaded, err := a.loadCase(ctx, id)
	if err != nil {
		return httpapi.ErasureView{}, outward(err)
	}
	s := loaded.State
	if s.Phase == erasure.PhaseNone {
		return httpapi.ErasureView{}, httpapi.ErrNotFound
	}
	view := httpapi.ErasureView{
		CaseID: s.CaseID, PersonID: s.PersonID, RecordID: s.RecordID, Revision: uint64(loaded.Next), Status: s.Phase, //nolint:gosec // the stream has an event
		Origin: s.Origin, Scope: s.Scope, Purposes: s.Purposes, Items: s.Items, RequestedAt: s.RequestedAt, RequestedBy: s.RequestedBy,
		Destroys: s.Targets, Retained: s.Retained, KeysDestroyed: len(s.Keys), EndedWhy: s.Reason + string(s.Ground),
		AssessedAt: some(s.AssessedAt), CoolingUntil: some(s.CoolingUntil), ApprovedAt: some(s.ApprovedAt), DestroyedAt: some(s.DestroyedAt),
		CertifiedAt: some(s.Effective.At), FinalAt: some(s.Final.At), EndedAt: some(s.EndedAt),
	}
	if wait := erasure.Next(s, a.clock()).Wait; wait != erasure.WaitNothing {
		view.Wait = wait
	}
	if s.Origin == eventschema.OriginRequest {
		view.Due = s.Due()
	}
	if s.Phase == erasure.PhaseHeld {
		view.Holds = s.Holds
	}
	if s.ApprovedBy != uuid.Nil {
		view.ApprovedBy = &s.ApprovedBy
	}
	if s.Effective.Certificate != "" {
		view.CertificateLeaf = &s.Effective.Leaf
	}
	if view.Recipients, err = a.recipientsOf(ctx, s); err != nil {
		return httpapi.ErasureView{}, outward(err)
	}
	return view, nil
}

func some(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// recipientsOf lists whom the values of a case were disclosed to: as the case has
// it, and before it came so far as the register of disclosures does.
func (a *App) recipientsOf(ctx context.Context, s erasure.State) ([]httpapi.RecipientView, error) {
	recipients := s.Recipients
	if s.Phase.Before(erasure.PhasePursued) {
		var err error
		if recipients, err = a.disclosedTo(ctx, s); err != nil {
			return nil, err
		}
	}
	views := make([]httpapi.RecipientView, 0, len(recipients))
	for _, r := range recipients {
		views = append(views, httpapi.RecipientView{Recipient: r, Outcome: s.Notified[r.DisclosureID]})
	}
	return views, nil
}

// disclosedTo lists the recipients on record of what a case erases.
func (a *App) disclosedTo(ctx context.Context, s erasure.State) ([]eventschema.Recipient, error) {
	recipients := []eventschema.Recipient{}
	if s.PersonID == uuid.Nil {
		return recipients, nil
	}
	disclosures, err := projections.DisclosuresOf(ctx, a.models.Querier(), a.tenant, s.PersonID)
	if err != nil {
		return nil, err
	}
	for _, d := range disclosures {
		concerns := func(p eventschema.Purpose) bool {
			return s.Scope == eventschema.ScopePerson || slices.Contains(s.Purposes, p)
		}
		if slices.ContainsFunc(d.Purposes, concerns) {
			recipients = append(recipients, eventschema.Recipient{DisclosureID: d.DisclosureID, Name: d.Recipient, Reference: d.Reference, DisclosedAt: d.DisclosedAt})
		}
	}
	return recipients, nil
}

// ErasureCases implements [httpapi.Erasures].
func (a *App) ErasureCases(ctx context.Context, _ httpapi.Principal, before uint64, limit int) ([]httpapi.ErasureView, error) {
	cases, err := projections.Erasures(ctx, a.models.Querier(), a.tenant, before, limit)
	if err != nil {
		return nil, outward(err)
	}
	views := make([]httpapi.ErasureView, len(cases))
	for i, c := range cases {
		views[i] = caseInList(c, a.clock())
	}
	return views, nil
}

func caseInList(c projections.Erasure, now time.Time) httpapi.ErasureView {
	view := httpapi.ErasureView{
		CaseID: c.CaseID, PersonID: c.PersonID, RecordID: c.RecordID, Revision: c.Position, Status: erasure.Phase(c.State), Origin: c.Origin,
		Scope: c.Scope, Purposes: c.Purposes, AssessedAt: c.AssessedAt, Retained: c.Retained, CoolingUntil: c.CoolingUntil,
		ApprovedAt: c.ApprovedAt, ApprovedBy: c.ApprovedBy, DestroyedAt: c.DestroyedAt, KeysDestroyed: c.Keys,
		CertifiedAt: c.CertifiedAt, FinalAt: c.FinalAt, EndedAt: c.EndedAt, EndedWhy: c.EndedWhy,
	}
	if c.RequestedAt != nil {
		view.RequestedAt = *c.RequestedAt
	}
	if c.RequestedBy != nil {
		view.RequestedBy = *c.RequestedBy
	}
	if c.Origin == eventschema.OriginRequest {
		view.Due = erasure.Deadlines(view.RequestedAt).Answer
		if c.ExtendedUntil != nil {
			view.Due = *c.ExtendedUntil
		}
	}
	if c.State.Certified() {
		view.CertificateLeaf = &c.Leaf
	}
	for _, r := range c.Recipients {
		view.Recipients = append(view.Recipients, httpapi.RecipientView{Recipient: r})
	}
	view.Wait = waitIn(c, now)
	return view
}

// waitIn is whom a case of the register waits for, as its state tells.
func waitIn(c projections.Erasure, now time.Time) erasure.Wait {
	asked := c.Origin == eventschema.OriginRequest
	switch {
	case c.State == projections.ErasureRequested:
		return erasure.WaitIdentity
	case c.State == projections.ErasureIdentified && asked:
		return erasure.WaitScope
	case c.State == projections.ErasureHeld:
		return erasure.WaitHold
	case c.State == projections.ErasureCoolingOff && c.CoolingUntil != nil && now.Before(*c.CoolingUntil):
		return erasure.WaitCoolingOff
	case c.State == projections.ErasureCoolingOff && c.Origin != eventschema.OriginWithdrawal && c.Origin != eventschema.OriginRemoval:
		return erasure.WaitApproval
	}
	return ""
}
