package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/forensics"
	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/erasure"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// canary is somebody who never lived. The seed gives their values and every id, so
// that a run can go on where another stopped, and none of it exists anywhere else.
type canary struct {
	seed   string
	a      *app.App
	t      *terminal
	fields []httpapi.FieldDefinition // of the tenant's own
}

// drawn is a number that the seed gives for a use.
func (c canary) drawn(use string) uint64 {
	sum := sha256.Sum256([]byte("tracekeep canary\x00" + c.seed + "\x00" + use))
	return binary.BigEndian.Uint64(sum[:])
}

// word is made of syllables that no language has so many of in a row.
func (c canary) word(use string) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	n := c.drawn(use)
	var word []byte
	for range 5 {
		word = append(word, consonants[n%uint64(len(consonants))])
		n /= uint64(len(consonants))
		word = append(word, vowels[n%uint64(len(vowels))])
		n /= uint64(len(vowels))
	}
	return string(word)
}

// registration is the canary as HR enters people. The name has what encodings
// differ in: marks, an apostrophe, letters beyond Latin-1.
func (c canary) registration(now time.Time) httpapi.Registration {
	name := fmt.Sprintf("Žofía-%s O'Ñ%s", c.word("given name"), c.word("family name"))
	return httpapi.Registration{
		LegalName: eventschema.Clear(name), PayrollName: eventschema.Clear(c.word("payroll") + " " + name),
		Email:          eventschema.Clear(c.word("mail box") + "+" + c.word("mail tag") + "@canary.example"),
		Phone:          eventschema.Clear(fmt.Sprintf("+999 %011d", c.drawn("phone")%1e11)),
		BirthDate:      eventschema.Clear(fmt.Sprintf("1891-%02d-%02d", 1+c.drawn("month")%12, 1+c.drawn("day")%28)),
		EmployeeNumber: eventschema.Clear(fmt.Sprintf("CANARY-%011d", c.drawn("number")%1e11)),
		Badge:          eventschema.Clear("canary " + c.word("badge")), ReceivedAt: now,
		Fields: c.ownValues(func(f httpapi.FieldDefinition) bool { return !f.Retired }),
	}
}

// ownValues are values in the fields of the tenant's own that can hold one by which it is
// known again: a choice stands in the definition, and a short value is found anywhere.
func (c canary) ownValues(which func(httpapi.FieldDefinition) bool) field.Values {
	values := field.Values{}
	for _, f := range c.fields {
		text := ""
		switch use := "field " + f.Code; {
		case !which(f):
		case f.Kind == eventschema.FieldText && f.MaxLength >= 10:
			text = c.word(use)
		case f.Kind == eventschema.FieldNumber && f.MaxLength >= 12:
			text = fmt.Sprintf("9%011d", c.drawn(use)%1e11)
		case f.Kind == eventschema.FieldDate:
			text = fmt.Sprintf("18%02d-%02d-%02d", 10+c.drawn(use+" year")%80, 1+c.drawn(use+" month")%12, 1+c.drawn(use+" day")%28)
		}
		if text != "" {
			values[f.Code] = eventschema.Clear(text)
		}
	}
	return values
}

// values are what must be nowhere: each value, and the parts of the name that
// stand alone as well.
func (c canary) values() (values []forensics.Value) {
	r := c.registration(time.Time{})
	for _, v := range []struct {
		label string
		value eventschema.Personal
	}{
		{"legal_name", r.LegalName}, {"payroll_name", r.PayrollName}, {"email", r.Email}, {"phone", r.Phone},
		{"birth_date", r.BirthDate}, {"employee_number", r.EmployeeNumber}, {"badge", r.Badge},
	} {
		text, _ := v.value.Reveal()
		values = append(values, forensics.Value{Label: v.label, Text: text})
	}
	own := c.ownValues(func(httpapi.FieldDefinition) bool { return true }) // also in what was retired since
	for _, code := range slices.Sorted(maps.Keys(own)) {
		text, _ := own[code].Reveal()
		values = append(values, forensics.Value{Label: "field " + code, Text: text})
	}
	for _, part := range []string{"given name", "family name", "mail box"} {
		values = append(values, forensics.Value{Label: part, Text: c.word(part)})
	}
	return values
}

func (c canary) officer(which string) uuid.UUID {
	return uuid.NewSHA1(c.a.Tenant(), []byte("canary officer\x00"+c.seed+"\x00"+which))
}

func (c canary) intent(by httpapi.Principal, step string) httpapi.Intent {
	return httpapi.Intent{Principal: by, Key: "canary " + c.seed + " " + step}
}

// withCanary plants a canary, or finds the one of an earlier run, and erases it.
func (c forensicsCommand) withCanary(ctx context.Context, t *terminal, a *app.App, what *app.Investigation) error {
	if c.Canary == "" {
		seed := make([]byte, 16)
		if _, err := io.ReadFull(t.random, seed); err != nil {
			return fmt.Errorf("draw a canary: %w", err)
		}
		c.Canary = hex.EncodeToString(seed)
	}
	fields, err := a.DefinedFields(ctx, operator(a))
	if err != nil {
		return err
	}
	bird := canary{seed: c.Canary, a: a, t: t, fields: fields}
	id, err := bird.plant(ctx)
	if err != nil {
		return fmt.Errorf("plant a canary: %w", err)
	}
	view, err := a.ErasureCase(ctx, operator(a), id)
	if err != nil {
		return err
	}
	what.Subject, what.Values = view.PersonID, bird.values()
	if view.DestroyedAt == nil {
		if what.Before, err = a.Keys().CopyNow(ctx, "the key store before the erasure"); err != nil {
			return err
		}
	}
	view, err = bird.erase(ctx, view, c.Wait)
	if err != nil {
		return err
	}
	if view.CertifiedAt == nil {
		until := "it is held"
		if view.CoolingUntil != nil {
			until = "it cools off until " + view.CoolingUntil.Format(time.RFC3339)
		}
		return &coded{code: exitInvalid, err: fmt.Errorf("case %s of the canary is not certified: %s. Go on then with: tracekeep forensics --data %s --canary %s",
			id, until, c.Data, c.Canary)}
	}
	return a.CatchUp(ctx, nil)
}

// plant registers the canary and opens its case, or finds the case.
func (c canary) plant(ctx context.Context) (id uuid.UUID, err error) {
	person := uuid.NewSHA1(c.a.Tenant(), []byte("person\x00"+c.intent(operator(c.a), "register").Key))
	request := func() (httpapi.ErasureReceipt, error) {
		return c.a.RequestErasure(ctx, c.intent(officer(c.a, c.officer("first")), "request"), httpapi.ErasureRequest{Person: person, ReceivedAt: c.t.clock()})
	}
	asked, err := request()
	if !errors.Is(err, httpapi.ErrNotFound) {
		return asked.CaseID, err
	}
	registered, err := c.a.RegisterPerson(ctx, c.intent(operator(c.a), "register"), c.registration(c.t.clock()))
	if err != nil {
		return uuid.Nil, err
	}
	person = registered.PersonID
	if err := c.a.CatchUp(ctx, nil); err != nil {
		return uuid.Nil, err
	}
	asked, err = request()
	return asked.CaseID, err
}

// erase takes the case as far as it goes: to its certificate unless it cools off
// or is held.
func (c canary) erase(ctx context.Context, view httpapi.ErasureView, wait time.Duration) (httpapi.ErasureView, error) {
	first, second := c.officer("first"), c.officer("second")
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		now := c.t.clock()
		var err error
		switch {
		case view.Status == erasure.PhaseRequested:
			_, err = c.a.AdvanceErasure(ctx, c.intent(officer(c.a, first), "verify"), view.CaseID, erasure.VerifyIdentity{VerifiedBy: first, VerifiedAt: now, Method: eventschema.IdentityInPerson})
		case view.Status == erasure.PhaseIdentified:
			_, err = c.a.AdvanceErasure(ctx, c.intent(officer(c.a, first), "assess"), view.CaseID, erasure.Assess{AssessedBy: first, AssessedAt: now})
		case view.Status == erasure.PhaseAssessed, view.Wait == erasure.WaitApproval: // the machine's part may be under way
			_, err = c.a.AdvanceErasure(ctx, c.intent(officer(c.a, second), "approve"), view.CaseID, erasure.Approve{ApprovedBy: second, ApprovedAt: now})
		case view.Wait == erasure.WaitCoolingOff, view.Wait == erasure.WaitHold:
			return view, nil
		default:
			if _, err := c.a.AwaitCertificate(waiting, view.CaseID); err != nil {
				return view, fmt.Errorf("wait for the certificate of the canary: %w", err)
			}
			return c.a.ErasureCase(ctx, operator(c.a), view.CaseID)
		}
		var refusal *httpapi.Refusal
		if errors.As(err, &refusal) && refusal.Code == "cooling_off" {
			err = nil // the case says until when
		}
		if err != nil {
			return view, err
		}
		if view, err = c.a.ErasureCase(ctx, operator(c.a), view.CaseID); err != nil {
			return view, err
		}
	}
}
