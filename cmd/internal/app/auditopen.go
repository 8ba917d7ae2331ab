package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// AuditOpening says which personal values a bundle about one person is to hold in
// clear, what for and on whose word. It is recorded as a disclosure before anything
// is opened; the order of a bundle without one opens nothing.
type AuditOpening struct {
	Use        eventschema.Use // audit or legal_claim
	Disclosure disclosure.Record
	Key        string // idempotency key of the disclosure
}

var (
	errOpenOfOne = errors.New("values are opened of one person at a time: a disclosure is about one person")
	errOpenUse   = errors.New("values are opened for an audit or for a legal claim")
)

// disclose records that values are about to be given away. A person who was erased
// has none left, and is refused.
func (x *auditExport) disclose(ctx context.Context) error {
	opening := x.order.Open
	switch {
	case opening == nil:
		return nil
	case x.order.Person == uuid.Nil:
		return errOpenOfOne
	case opening.Use != eventschema.UseAudit && opening.Use != eventschema.UseLegalClaim:
		return errOpenUse
	}
	record := opening.Disclosure
	record.PersonID, record.DisclosureID = x.order.Person, uuid.NewSHA1(x.app.tenant, []byte(opening.Key))
	_, err := x.app.RecordDisclosure(ctx, httpapi.Intent{
		Principal: httpapi.Principal{Tenant: x.app.tenant, ID: record.DisclosedBy, Role: httpapi.RolePrivacy}, Key: opening.Key,
	}, record)
	if err != nil {
		return fmt.Errorf("record the disclosure: %w", err)
	}
	x.done.Disclosure = &record.DisclosureID
	return nil
}

// openValues adds the values of an event in clear that the disclosure is about.
func (x *auditExport) openValues(ctx context.Context, leaf uint64, recorded eventschema.Recorded) error {
	if x.order.Open == nil {
		return nil
	}
	decoded, err := x.app.registry.Decode(recorded)
	if errors.Is(err, eventschema.ErrUnknownEvent) {
		return nil // one of the store's own: nothing is sealed in it
	}
	if err != nil {
		return err
	}
	purposes := x.order.Open.Disclosure.Purposes
	decoded.Sealed = slices.DeleteFunc(decoded.Sealed, func(s eventschema.Sealed) bool { return !slices.Contains(purposes, s.Purpose) })
	if err := x.app.registry.Open(ctx, x.app.keys, &decoded, x.order.Open.Use); err != nil {
		return err
	}
	named, err := x.app.namedValues(ctx, decoded.Event, x.readerOfFields())
	if err != nil {
		return err
	}
	for _, n := range named {
		if !slices.Contains(purposes, n.Purpose) {
			continue
		}
		text, _ := n.Value.Personal.Reveal()
		x.done.Opened++
		err := x.writer.Open(bundle.Opened{
			Leaf: leaf, Section: n.Section, Field: n.Field, Purpose: string(n.Purpose), State: string(n.Value.State()), Value: text,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readerOfFields says as whom the bundle is given fields of the tenant's own: values of
// special categories go into one for a legal claim, which is a ground, and into no audit.
func (x *auditExport) readerOfFields() field.Reader {
	if x.order.Open.Use == eventschema.UseLegalClaim {
		return field.Reader{Role: string(httpapi.RolePrivacy), Use: eventschema.UseLegalClaim, Ground: field.GroundClaims}
	}
	return field.Reader{Role: string(httpapi.RoleAuditor), Use: eventschema.UseAudit}
}
