package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/field"
	"tracekeep/domain/person"
	"tracekeep/domain/work"
	"tracekeep/eventschema"
)

// tokenBadge is the kind of blind-index tokens of badges and PINs.
const tokenBadge = "badge"

// badgeToken is the value under which a PIN of a station is found. A PIN means
// nothing without its station: the same PIN on two stations may be two people.
func badgeToken(station, pin string) string { return station + "\x00" + pin }

// newcomer is a person about to be registered: ids made at random, keys not yet made.
type newcomer struct {
	person, work uuid.UUID
	name, birth  eventschema.Personal
	email, phone eventschema.Personal
	payroll      eventschema.Personal
	number       eventschema.Personal
	source       eventschema.Source
	tokens       []keyring.Token
	fields       field.Setting // of the tenant's own
}

// keysOf lists the keys a person needs from the first day on, as the register
// has it, and those of the values that are given on it.
func (n newcomer) keysOf(tenant uuid.UUID) []keyring.Ref {
	var refs []keyring.Ref
	for _, purpose := range eventschema.KeysMade(eventschema.AtRegistration) {
		ref := keyring.Ref{Tenant: tenant, Subject: n.person, Purpose: purpose}
		if activity, _ := eventschema.Activity(purpose); activity.Key == eventschema.PerWork {
			ref.Subject = n.work
		}
		refs = append(refs, ref)
	}
	if len(n.fields.Defined.Only(n.fields.Wanted, eventschema.PurposeThirdParty)) > 0 {
		refs = append(refs, keyring.Ref{Tenant: tenant, Subject: n.person, Purpose: eventschema.PurposeThirdParty})
	}
	return refs
}

// RegisterPerson implements [httpapi.People]. The key of the intent names the
// person, so that a request sent again, even after an erasure, never makes
// somebody new. The work id is random.
func (a *App) RegisterPerson(ctx context.Context, intent httpapi.Intent, r httpapi.Registration) (httpapi.PersonReceipt, error) {
	n := newcomer{
		person: uuid.NewSHA1(a.tenant, []byte("person\x00"+intent.Key)),
		name:   r.LegalName, birth: r.BirthDate, email: r.Email, phone: r.Phone,
		payroll: r.PayrollName, number: r.EmployeeNumber, source: eventschema.SourceAPI,
	}
	if err := a.refuseErased(ctx, n.person); err != nil {
		return httpapi.PersonReceipt{}, err
	}
	var err error
	if n.fields, err = a.wantedFields(ctx, r.Fields); err != nil {
		return httpapi.PersonReceipt{}, outward(err)
	}
	known, err := a.workOfPerson(ctx, n.person)
	switch {
	case err == nil:
		n.work = known
	case !errors.Is(err, httpapi.ErrNotFound):
		return httpapi.PersonReceipt{}, err
	default:
		if err := n.fields.Defined.Check(n.fields.Wanted); err != nil { // before anything is made for them
			return httpapi.PersonReceipt{}, outward(err)
		}
		if err := a.admit(ctx, &n, r.Badge); err != nil {
			return httpapi.PersonReceipt{}, outward(err)
		}
	}
	outcome, err := a.enterPerson(ctx, a.handler, n, intent.Principal.Actor(), intent.CorrelationID)
	if err != nil {
		return httpapi.PersonReceipt{}, outward(err)
	}
	if err := a.openWork(ctx, a.handler, n, intent.Principal.Actor()); err != nil {
		return httpapi.PersonReceipt{}, outward(err)
	}
	return httpapi.PersonReceipt{Receipt: receipt(outcome), PersonID: n.person, WorkID: n.work}, nil
}

// wantedFields are values of the tenant's own fields beside the fields there are.
func (a *App) wantedFields(ctx context.Context, wanted field.Values) (field.Setting, error) {
	if len(wanted) == 0 {
		return field.Setting{}, nil
	}
	defined, err := a.currentFields(ctx)
	return field.Setting{Defined: defined, Wanted: wanted}, err
}

// admit draws the work id of a newcomer, makes the keys and enters the badge.
// After a crash in between, the request sent again draws another work id, which
// the badge then finds.
func (a *App) admit(ctx context.Context, n *newcomer, badge eventschema.Personal) error {
	var err error
	if n.work, err = a.newID(); err != nil {
		return err
	}
	if err := a.keys.Create(ctx, n.keysOf(a.tenant)...); err != nil {
		return fmt.Errorf("make the keys of a person: %w", err)
	}
	pin, given := badge.Reveal()
	if !given {
		return nil
	}
	err = a.keys.Index(ctx, keyring.Token{Tenant: a.tenant, Kind: tokenBadge, Value: pin, Person: n.person, Work: n.work})
	if err != nil {
		return fmt.Errorf("enter the badge of a person: %w", err)
	}
	return nil
}

// enterPerson appends the registration. Registering a person again is not an
// error here: the ids say that it is the same one.
func (a *App) enterPerson(ctx context.Context, h *domain.Handler, n newcomer, actor eventschema.Actor, correlation uuid.UUID) (domain.Outcome, error) {
	return domain.Handle(ctx, h, person.Decider(), domain.Request{
		Stream: eventschema.PersonStream(a.tenant, n.person), Key: "register", Actor: actor, CorrelationID: correlation,
	}, person.Command(person.Register{
		PersonID: n.person, WorkID: n.work, LegalName: n.name, BirthDate: n.birth,
		Email: n.email, Phone: n.phone, Source: n.source, RegisteredAt: a.clock().UTC(), Fields: n.fields,
	}))
}

// openWork appends the work record under a correlation id of its own: sharing
// one with the registration would link the two for ever.
func (a *App) openWork(ctx context.Context, h *domain.Handler, n newcomer, actor eventschema.Actor) error {
	payroll := n.payroll
	if payroll.State() == eventschema.StateAbsent {
		payroll = n.name
	}
	_, err := domain.Handle(ctx, h, work.Decider(), domain.Request{
		Stream: eventschema.WorkStream(a.tenant, n.work), Key: "open", Actor: actor,
	}, work.Command(work.Open{WorkID: n.work, PayrollName: payroll, EmployeeNumber: n.number, OpenedAt: a.clock().UTC(), Fields: n.fields}))
	return err
}

// CorrectPerson implements [httpapi.People]. Contact values may be given anew
// after the earlier ones were erased: they get a key of their own.
func (a *App) CorrectPerson(ctx context.Context, intent httpapi.Intent, c httpapi.PersonCorrection) (httpapi.Receipt, error) {
	var keys []keyring.Ref
	if c.Email.State() != eventschema.StateAbsent || c.Phone.State() != eventschema.StateAbsent {
		keys = append(keys, keyring.Ref{Tenant: a.tenant, Subject: c.PersonID, Purpose: eventschema.PurposeContact})
	}
	return a.handlePerson(ctx, intent, c.PersonID, person.Command(person.Correct{
		PersonID: c.PersonID, LegalName: c.LegalName, BirthDate: c.BirthDate, Email: c.Email, Phone: c.Phone,
		Reason: c.Reason, CorrectedAt: c.ReceivedAt.UTC(),
	}), keys...)
}

// ClosePerson implements [httpapi.People].
func (a *App) ClosePerson(ctx context.Context, intent httpapi.Intent, c httpapi.PersonClosure) (httpapi.Receipt, error) {
	return a.handlePerson(ctx, intent, c.PersonID, person.Close{PersonID: c.PersonID, Reason: c.Reason, ClosedAt: c.ClosedAt.UTC()})
}

func (a *App) handlePerson(ctx context.Context, intent httpapi.Intent, id uuid.UUID, command person.Command, keys ...keyring.Ref) (httpapi.Receipt, error) {
	if err := a.refuseErased(ctx, id); err != nil {
		return httpapi.Receipt{}, err
	}
	return acknowledge(domain.Handle(ctx, a.handler, person.Decider(), domain.Request{
		Stream: eventschema.PersonStream(a.tenant, id), Key: intent.Key, Actor: actorIn(intent.Principal, id),
		CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
		Before: func(ctx context.Context) error { return a.keys.Create(ctx, keys...) },
	}, command))
}

// errBeingErased asks a caller to come again: within moments the subject is
// erased, or the case that closed it was stopped.
var errBeingErased = fmt.Errorf("the subject is being erased: %w", httpapi.ErrUnavailable)

// refuseErased answers *[httpapi.Erased] for a subject that was erased, and for a
// work record whose person was. Restricted processing refuses nothing here:
// storing is what it leaves (GDPR Art. 18(2)).
func (a *App) refuseErased(ctx context.Context, subject uuid.UUID) error {
	status, err := a.keys.Status(ctx, a.tenant, subject)
	if err != nil {
		return outward(err)
	}
	switch s := status[subject]; s.Fence {
	case keyring.FenceErased, keyring.FenceRestricted: // the fence of a work record whose person is erased
		return a.erased(ctx, s.Case)
	case keyring.FenceClosing:
		return errBeingErased
	}
	return nil
}

// acknowledge answers a command that was handled, or says why it was not.
func acknowledge(outcome domain.Outcome, err error) (httpapi.Receipt, error) {
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	return receipt(outcome), nil
}

func receipt(outcome domain.Outcome) httpapi.Receipt {
	return httpapi.Receipt{
		Position: outcome.Position, Revision: outcome.Revision,
		Repeated: outcome.Repeated || len(outcome.Events) == 0,
	}
}
