package httpapi_test

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/erasure"
	"tracekeep/domain/hold"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

func (c *company) RequestErasure(_ context.Context, intent httpapi.Intent, request httpapi.ErasureRequest) (httpapi.ErasureReceipt, error) {
	if err := c.exists(request.Person); err != nil {
		return httpapi.ErasureReceipt{}, err
	}
	receipt, err := c.act(intent)
	code := "K7QF-2M9D"
	if receipt.Repeated {
		code = ""
	}
	c.mu.Lock()
	c.requests = append(c.requests, request)
	c.mu.Unlock()
	return httpapi.ErasureReceipt{Receipt: receipt, CaseID: openCase, ClaimCode: code}, err
}

func (c *company) AdvanceErasure(_ context.Context, intent httpapi.Intent, erasureCase uuid.UUID, step erasure.Command) (httpapi.Receipt, error) {
	if erasureCase == closedCase {
		return httpapi.Receipt{}, httpapi.ErrConflict
	}
	if approve, ok := step.(erasure.Approve); ok && approve.ApprovedBy == principals()[tokenOf("privacy")].ID {
		return httpapi.Receipt{}, &httpapi.Refusal{Code: "same_officer", Message: "the approval must come from a second person"}
	}
	c.mu.Lock()
	c.steps = append(c.steps, step)
	c.mu.Unlock()
	return c.act(intent)
}

func (c *company) ErasureCase(_ context.Context, _ httpapi.Principal, erasureCase uuid.UUID) (httpapi.ErasureView, error) {
	if c.fail != nil {
		return httpapi.ErasureView{}, c.fail
	}
	view := httpapi.ErasureView{CaseID: erasureCase, PersonID: ada, Revision: 0, Status: erasure.PhaseRequested, Wait: erasure.WaitIdentity,
		Origin: eventschema.OriginRequest, Scope: eventschema.ScopePerson, RequestedAt: now, RequestedBy: stranger, Due: now.AddDate(0, 0, 30)}
	switch erasureCase {
	case closedCase:
		later := now.Add(time.Hour)
		view.Revision, view.Status, view.Wait, view.ApprovedAt, view.ApprovedBy, view.DestroyedAt, view.CertifiedAt = 3, erasure.PhaseCertified, "", &later, &ada, &later, &later
		view.KeysDestroyed, view.Retained = 4, []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "2033-02-28"}}
		view.Recipients = []httpapi.RecipientView{{Recipient: eventschema.Recipient{DisclosureID: stranger, Name: "payroll_bureau", DisclosedAt: now}}}
		return view, nil
	case refusedCase:
		view.Status, view.Wait, view.EndedAt, view.EndedWhy = erasure.PhaseRefused, "", &now, "legal_claims"
		return view, nil
	case openCase, ada:
		return view, nil
	}
	return httpapi.ErasureView{}, httpapi.ErrNotFound
}

func (c *company) ErasureCases(_ context.Context, by httpapi.Principal, before uint64, limit int) ([]httpapi.ErasureView, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	var page []httpapi.ErasureView
	for position := uint64(5); position > 0 && len(page) < limit; position-- {
		if before == 0 || position < before {
			view, _ := c.ErasureCase(context.Background(), by, openCase)
			view.Revision = position
			page = append(page, view)
		}
	}
	return page, nil
}

func (c *company) Certificate(_ context.Context, _ httpapi.Principal, erasureCase uuid.UUID, kind eventschema.CertificateKind) (httpapi.CertificateView, error) {
	if c.fail != nil {
		return httpapi.CertificateView{}, c.fail
	}
	if erasureCase == openCase || kind == eventschema.CertificateFinal {
		return httpapi.CertificateView{}, httpapi.ErrNotFound
	}
	return httpapi.CertificateView{CaseID: erasureCase, Kind: kind, CertifiedAt: now, Leaf: leaf, Position: 12, Certificate: "{}\n\n— sig\n"}, nil
}

func (c *company) PrintCertificate(ctx context.Context, by httpapi.Principal, erasureCase uuid.UUID, kind eventschema.CertificateKind) ([]byte, error) {
	_, err := c.Certificate(ctx, by, erasureCase, kind)
	return []byte("%PDF-1.4"), err
}

func (c *company) PlaceHold(_ context.Context, intent httpapi.Intent, order httpapi.HoldOrder) (httpapi.HoldReceipt, error) {
	receipt, err := c.act(intent)
	c.mu.Lock()
	c.held = append(c.held, order)
	c.mu.Unlock()
	return httpapi.HoldReceipt{Receipt: receipt, HoldID: someHold}, err
}

func (c *company) AdvanceHold(_ context.Context, intent httpapi.Intent, _ uuid.UUID, step hold.Command) (httpapi.Receipt, error) {
	c.mu.Lock()
	c.holdSteps = append(c.holdSteps, step)
	c.mu.Unlock()
	return c.act(intent)
}

func (c *company) Hold(_ context.Context, _ httpapi.Principal, id uuid.UUID) (httpapi.HoldView, error) {
	if id != someHold {
		return httpapi.HoldView{}, httpapi.ErrNotFound
	}
	return httpapi.HoldView{InForce: true, State: hold.State{
		Placed: true, HoldID: id, MatterID: stranger, PersonID: ada, Reason: eventschema.HoldDispute, PlacedAt: now, PlacedBy: stranger,
		ConfirmBy: now.Add(time.Hour), ReviewBy: now.AddDate(0, 6, 0),
	}}, c.fail
}

func (c *company) ListHolds(ctx context.Context, by httpapi.Principal, open bool, before uint64, limit int) ([]httpapi.HoldView, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	var page []httpapi.HoldView
	for position := uint64(5); position > 0 && len(page) < limit; position-- {
		if before == 0 || position < before {
			view, _ := c.Hold(ctx, by, someHold)
			view.Revision = position
			if !open {
				view.EndedAt = now
			}
			page = append(page, view)
		}
	}
	return page, nil
}

func (c *company) Restrict(_ context.Context, intent httpapi.Intent, _ httpapi.RestrictionOrder) (httpapi.RestrictionReceipt, error) {
	receipt, err := c.act(intent)
	return httpapi.RestrictionReceipt{Receipt: receipt, CaseID: openCase}, err
}

func (c *company) AdvanceRestriction(_ context.Context, intent httpapi.Intent, _ uuid.UUID, step restriction.Command) (httpapi.Receipt, error) {
	c.mu.Lock()
	c.restrictionSteps = append(c.restrictionSteps, step)
	c.mu.Unlock()
	return c.act(intent)
}

func (c *company) ListRestrictions(_ context.Context, by httpapi.Principal, _ uint64, _ int) ([]httpapi.RestrictionView, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	return []httpapi.RestrictionView{{Position: 7, State: restriction.State{
		CaseID: openCase, PersonID: ada, Ground: eventschema.RestrictionObjection, RequestedAt: now, RestrictedAt: now, RestrictedBy: stranger,
	}}}, nil
}

func (c *company) RecordDisclosure(_ context.Context, intent httpapi.Intent, record disclosure.Record) (httpapi.Receipt, error) {
	if err := c.exists(record.PersonID); err != nil {
		return httpapi.Receipt{}, err
	}
	c.mu.Lock()
	c.disclosed = append(c.disclosed, record)
	c.mu.Unlock()
	return c.act(intent)
}

func (c *company) DisclosuresOf(context.Context, httpapi.Principal, uuid.UUID) ([]httpapi.DisclosureView, error) {
	return []httpapi.DisclosureView{{Position: 7, Record: disclosure.Record{
		DisclosureID: stranger, PersonID: ada, Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: "payroll",
		Purposes: []eventschema.Purpose{eventschema.PurposeWork}, DisclosedAt: now, DisclosedBy: stranger,
	}}}, c.fail
}

func (c *company) RetentionDue(_ context.Context, by httpapi.Principal) ([]httpapi.RetentionItem, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	return []httpapi.RetentionItem{
		{CaseID: openCase, Class: "account", PersonID: ada, WorkID: adasWork, Anchor: now.AddDate(0, 0, -10), DueOn: "2026-02-27", Days: 3, Status: "cooling_off", BatchID: stranger},
		{CaseID: closedCase, Class: "location", WorkID: adasWork, Periods: []string{"2025-02"}, Anchor: now.AddDate(-1, 0, 0), DueOn: "2026-03-02", Status: "held", Matters: []uuid.UUID{stranger}},
	}, nil
}

func (c *company) SubmitRetention(_ context.Context, intent httpapi.Intent, cases []uuid.UUID) (httpapi.RetentionBatchReceipt, error) {
	receipt, err := c.act(intent)
	return httpapi.RetentionBatchReceipt{Receipt: receipt, BatchID: someHold, Cases: max(len(cases), 1), Held: 1}, err
}

func (c *company) ApproveRetention(_ context.Context, intent httpapi.Intent, _ uuid.UUID) (httpapi.Receipt, error) {
	return c.act(intent)
}

func (c *company) RetentionBatch(_ context.Context, by httpapi.Principal, batch uuid.UUID) (httpapi.RetentionBatchView, error) {
	if c.fail != nil || by.Tenant != tenant || batch != someHold {
		return httpapi.RetentionBatchView{}, errors.Join(c.fail, httpapi.ErrNotFound)
	}
	return httpapi.RetentionBatchView{
		BatchID: batch, SubmittedAt: now, SubmittedBy: stranger, Cases: []uuid.UUID{openCase, closedCase}, ApprovedAt: now, ApprovedBy: ada,
		Released: []uuid.UUID{openCase}, LeftOut: []eventschema.LeftOut{{CaseID: closedCase, Matters: []uuid.UUID{stranger}}},
	}, nil
}
