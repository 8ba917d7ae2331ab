package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// erasureActor is the actor of the steps that the machine takes by itself.
const erasureActor = "erasure"

// caseID is the id of the case that an idempotency key opens.
func caseID(tenant uuid.UUID, key string) uuid.UUID {
	return uuid.NewSHA1(tenant, []byte("erasure case\x00"+key))
}

// RequestErasure implements [httpapi.Erasures].
func (a *App) RequestErasure(ctx context.Context, intent httpapi.Intent, personID uuid.UUID, receivedAt time.Time) (httpapi.ErasureReceipt, error) {
	id := caseID(a.tenant, intent.Key)
	stream := eventschema.ErasureStream(a.tenant, id)
	opened, err := domain.Load(ctx, a.handler, stream, erasure.Decider())
	if err != nil {
		return httpapi.ErasureReceipt{}, outward(err)
	}
	if opened.State.Phase != erasure.PhaseNone { // asked before: the code cannot be given twice
		if opened.State.PersonID != personID {
			return httpapi.ErasureReceipt{}, fmt.Errorf("the key opened a case of somebody else: %w", httpapi.ErrConflict)
		}
		revision := uint64(opened.Next) //nolint:gosec // the stream has an event
		return httpapi.ErasureReceipt{Receipt: httpapi.Receipt{Revision: revision, Repeated: true}, CaseID: id}, nil
	}
	if err := a.refuseErased(ctx, personID); err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	if err := a.refuseSecondCase(ctx, personID); err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	workID, err := a.workOfPerson(ctx, personID)
	if err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	code, err := a.claimCode()
	if err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	hash := sha256.Sum256([]byte(code))
	outcome, err := domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: stream, Key: "request", Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
	}, erasure.Command(erasure.Request{
		CaseID: id, PersonID: personID, WorkID: workID, Scope: eventschema.ScopePerson,
		RequestedBy: intent.Principal.ID, RequestedAt: receivedAt.UTC(), ClaimHash: hex.EncodeToString(hash[:]),
	}))
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
		if c.State != projections.ErasureCertified {
			return &httpapi.Refusal{Code: "case_open", Message: "another erasure case of this person is open", Pointer: "/person_id"}
		}
	}
	return nil
}

// ApproveErasure implements [httpapi.Erasures]. The destruction follows by
// itself in the process that owns the data folder.
func (a *App) ApproveErasure(ctx context.Context, intent httpapi.Intent, id uuid.UUID, receivedAt time.Time) (httpapi.Receipt, error) {
	return acknowledge(domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, id), Key: intent.Key,
		Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}, erasure.Command(erasure.Approve{ApprovedBy: intent.Principal.ID, ApprovedAt: receivedAt.UTC()})))
}

// workOfPerson opens the link from a person to their work record. It answers
// [httpapi.ErrNotFound] for a person who was never registered.
func (a *App) workOfPerson(ctx context.Context, personID uuid.UUID) (uuid.UUID, error) {
	for recorded, err := range a.store.ReadStream(ctx, eventschema.PersonStream(a.tenant, personID).String(), 0) {
		if err != nil {
			return uuid.Nil, outward(err)
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return uuid.Nil, err
		}
		registered, ok := decoded.Event.(*eventschema.PersonRegistered)
		if !ok {
			continue
		}
		if err := a.registry.Open(ctx, a.keys, &decoded, eventschema.UseService); err != nil {
			return uuid.Nil, outward(err)
		}
		return idOf(registered.WorkID)
	}
	return uuid.Nil, httpapi.ErrNotFound
}

// errLink says that the link from a person to the work record cannot be read.
var errLink = errors.New("the link to the work record cannot be read")

// idOf reads an id that was kept as a personal value. An absent or erased one
// is the nil id; one that cannot be read now is an error.
func idOf(value eventschema.Personal) (uuid.UUID, error) {
	switch value.State() {
	case eventschema.StateClear:
		text, _ := value.Reveal()
		id, err := eventschema.ParseHex(text)
		if err != nil {
			return uuid.Nil, errLink
		}
		return id, nil
	case eventschema.StateAbsent, eventschema.StateErased:
		return uuid.Nil, nil
	case eventschema.StateSealed, eventschema.StateRestricted, eventschema.StateHeld, eventschema.StateUnavailable:
		return uuid.Nil, fmt.Errorf("%w: it is %s", errLink, value.State())
	}
	return uuid.Nil, errLink
}

// forward takes a case as far as it can go: each step is an effect that may be
// repeated, then the event that records it. It may be killed anywhere and called
// again at any time.
func (a *App) forward(ctx context.Context, id uuid.UUID) error {
	for {
		loaded, err := domain.Load(ctx, a.handler, eventschema.ErasureStream(a.tenant, id), erasure.Decider())
		if err != nil {
			return fmt.Errorf("erasure case %s: %w", id, err)
		}
		switch loaded.State.Phase {
		case erasure.PhaseApproved:
			err = a.destroyKeys(ctx, loaded.State)
		case erasure.PhaseDestroyed:
			err = a.certify(ctx, loaded.State)
		case erasure.PhaseNone, erasure.PhaseRequested, erasure.PhaseCertified:
			return nil
		}
		if err != nil {
			return fmt.Errorf("erasure case %s, %s: %w", id, loaded.State.Phase, err)
		}
	}
}

// destroyKeys is the point of no return. The key store destroys everything in
// one transaction and remembers the receipt by case, so a crash between the
// destruction and its event loses nothing.
func (a *App) destroyKeys(ctx context.Context, state erasure.State) error {
	destroyed, done, err := a.keys.ReceiptOf(ctx, a.tenant, state.CaseID)
	if err != nil {
		return err
	}
	if !done {
		order, err := a.orderOf(ctx, state)
		if err != nil {
			return err
		}
		if destroyed, err = a.keys.Destroy(ctx, order); err != nil {
			return fmt.Errorf("destroy keys: %w", err)
		}
	}
	a.directory.forget()
	keys := make([]eventschema.DestroyedKey, 0, len(destroyed.Keys))
	for _, k := range destroyed.Keys {
		keys = append(keys, eventschema.DestroyedKey{KeyID: k.ID, Purpose: k.Purpose, Check: k.Check, Epoch: k.Epoch})
	}
	_, err = domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, state.CaseID), Key: "keys destroyed",
		Actor: eventschema.Actor{ID: a.operator, Role: erasureActor},
	}, erasure.Command(erasure.Destroyed{
		DestroyedAt: destroyed.DestroyedAt, Keys: keys, Lookups: destroyed.Lookups,
		Retained: retainedAfterErasure(),
	}))
	return err
}

// retainedAfterErasure says what the erasure of a person leaves, on which ground
// and until when, as the register has it.
func retainedAfterErasure() []eventschema.Retained {
	var retained []eventschema.Retained
	for _, activity := range eventschema.Register() {
		if activity.AtErasure == eventschema.ErasureRestricts {
			retained = append(retained, activity.Retained())
		}
	}
	return retained
}

// orderOf says what the case destroys: everything of the person, the locations
// of their work record, and for the rest of that record the ordinary use.
func (a *App) orderOf(ctx context.Context, state erasure.State) (keyring.Order, error) {
	workID, err := a.workOfCase(ctx, state)
	if err != nil {
		return keyring.Order{}, err
	}
	order := keyring.Order{
		Tenant: a.tenant, Case: state.CaseID,
		Destroy: []keyring.Target{{Subject: state.PersonID}},
		Erase:   []uuid.UUID{state.PersonID},
	}
	if workID != uuid.Nil {
		order.Destroy = append(order.Destroy, keyring.Target{Subject: workID, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}})
		order.Restrict = append(order.Restrict, workID)
	}
	return order, nil
}

// workOfCase opens the link that the request sealed under the key that the case
// will destroy.
func (a *App) workOfCase(ctx context.Context, state erasure.State) (uuid.UUID, error) {
	for recorded, err := range a.store.ReadStream(ctx, eventschema.ErasureStream(a.tenant, state.CaseID).String(), 0) {
		if err != nil {
			return uuid.Nil, err
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return uuid.Nil, err
		}
		requested, ok := decoded.Event.(*eventschema.ErasureRequested)
		if !ok {
			continue
		}
		if err := a.registry.Open(ctx, a.keys, &decoded, eventschema.UseService); err != nil {
			return uuid.Nil, err
		}
		return idOf(requested.WorkID)
	}
	return uuid.Nil, erasure.ErrNotRequested
}

// runErasures takes cases forward one at a time, beginning with those a crash
// left half-way. A case that cannot go on now waits while the others go on.
func (a *App) runErasures(ctx context.Context) error {
	register, err := a.ErasureRegister(ctx)
	if err != nil {
		return fmt.Errorf("list unfinished erasures: %w", err)
	}
	for _, c := range register {
		if c.State == string(projections.ErasureApproved) || c.State == string(projections.ErasureDestroyed) {
			a.cases.add(c.Case)
		}
	}
	failures := map[uuid.UUID]int{}
	for {
		id, any := a.cases.take()
		if !any {
			select {
			case <-ctx.Done():
				return nil
			case <-a.cases.news:
			}
			continue
		}
		switch err := a.forward(ctx, id); {
		case err == nil:
			delete(failures, id)
		case ctx.Err() == nil:
			failures[id]++
			pause := casePause(failures[id])
			a.log.Warn("erasure case cannot go on yet", zap.Stringer("case", id), zap.Duration("again_in", pause), zap.Error(err))
			time.AfterFunc(pause, func() { a.cases.add(id) })
		}
		a.stuck.Store(int64(len(failures)))
	}
}

// casePause grows from 100 ms to 10 s.
func casePause(failures int) time.Duration {
	return min(50*time.Millisecond<<min(failures, 10), 10*time.Second)
}

// reconcileKeys destroys again what a restored copy of the key store brought
// back, before anything is served from it.
func (a *App) reconcileKeys(ctx context.Context) error {
	register, err := a.ErasureRegister(ctx)
	if err != nil {
		return err
	}
	var record []keyring.Destroyed
	for _, c := range register {
		loaded, err := domain.Load(ctx, a.handler, eventschema.ErasureStream(a.tenant, c.Case), erasure.Decider())
		if err != nil {
			return err
		}
		if loaded.State.DestroyedAt.IsZero() {
			continue
		}
		d := keyring.Destroyed{Case: c.Case, Person: c.Person, At: loaded.State.DestroyedAt}
		for _, k := range loaded.State.Keys {
			d.Keys = append(d.Keys, keyring.DestroyedKey{ID: k.KeyID, Purpose: k.Purpose, Check: k.Check, Epoch: k.Epoch})
		}
		record = append(record, d)
	}
	if len(record) == 0 {
		return nil
	}
	revived, err := a.keys.Reconcile(ctx, a.tenant, record)
	if err != nil {
		return err
	}
	if revived > 0 {
		a.log.Error("the key store was older than the erasures on record; its keys were destroyed again", zap.Int("keys", revived))
	}
	return nil
}

// noticeErasures queues every case that has news in a page of the log.
func (a *App) noticeErasures(page []eventschema.Recorded) {
	for _, recorded := range page {
		if !strings.HasPrefix(recorded.Stream, eventschema.CategoryErasure+"-") {
			continue
		}
		if name, err := eventschema.ParseStreamName(recorded.Stream); err == nil && name.Tenant == a.tenant {
			a.cases.add(name.ID)
		}
	}
}

// AwaitCertificate waits for the certificate of a case, also when another
// process executes it.
func (a *App) AwaitCertificate(ctx context.Context, id uuid.UUID) (httpapi.CertificateView, error) {
	const pause = 20 * time.Millisecond
	for {
		certificate, err := a.Certificate(ctx, httpapi.Principal{Tenant: a.tenant}, id)
		if !errors.Is(err, httpapi.ErrNotFound) {
			return certificate, err
		}
		select {
		case <-ctx.Done():
			return httpapi.CertificateView{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// ErasureCase implements [httpapi.Erasures].
func (a *App) ErasureCase(ctx context.Context, by httpapi.Principal, id uuid.UUID) (httpapi.ErasureView, error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.ErasureStream(a.tenant, id), erasure.Decider())
	if err != nil {
		return httpapi.ErasureView{}, outward(err)
	}
	s := loaded.State
	if s.Phase == erasure.PhaseNone {
		return httpapi.ErasureView{}, httpapi.ErrNotFound
	}
	view := httpapi.ErasureView{
		CaseID: s.CaseID, PersonID: s.PersonID, Revision: uint64(loaded.Next), Scope: s.Scope, //nolint:gosec // the stream has an event
		RequestedAt: s.RequestedAt, RequestedBy: s.RequestedBy, KeysDestroyed: len(s.Keys), Retained: s.Retained,
	}
	if s.ApprovedBy != uuid.Nil {
		view.ApprovedBy, view.ApprovedAt = &s.ApprovedBy, &s.ApprovedAt
	}
	if !s.DestroyedAt.IsZero() {
		view.DestroyedAt = &s.DestroyedAt
	}
	if s.Phase == erasure.PhaseCertified {
		view.CertifiedAt = &s.CertifiedAt
	}
	return view, nil
}

// Certificate implements [httpapi.Erasures].
func (a *App) Certificate(ctx context.Context, by httpapi.Principal, id uuid.UUID) (httpapi.CertificateView, error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.ErasureStream(a.tenant, id), erasure.Decider())
	if err != nil {
		return httpapi.CertificateView{}, outward(err)
	}
	s := loaded.State
	if s.Phase != erasure.PhaseCertified {
		return httpapi.CertificateView{}, httpapi.ErrNotFound
	}
	return httpapi.CertificateView{CaseID: id, CertifiedAt: s.CertifiedAt, Leaf: s.Leaf, Position: s.Position, Certificate: s.Certificate}, nil
}
