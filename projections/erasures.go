package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which erasures were asked for, how far is each, and what became of them?
//
// The state is that of the latest event that gives one. A step that a hold took
// back keeps its time here: it is when the step was last taken.
func erasures() Projection {
	return Projection{
		Name: "erasures", Question: "Which erasures were asked for, how far is each, and what became of them?", Version: 3,
		Tables: []string{"erasure"},
		Schema: `
CREATE TABLE erasure (
	tenant_id uuid NOT NULL,
	case_id uuid NOT NULL,
	person_id uuid,
	record_id uuid, -- of a case about a work record
	origin text,
	scope text,
	purposes json,
	periods json,
	anchor timestamptz, -- from which ended retention was counted
	due_on text,
	batch_id uuid, -- with which it was approved
	claim_hash text,
	requested_at timestamptz,
	requested_by uuid,
	extended_until timestamptz,
	assessed_at timestamptz,
	cooling_until timestamptz,
	approved_at timestamptz,
	approved_by uuid,
	destroyed_at timestamptz,
	destroyed_keys integer,
	destroyed_lookups integer,
	retained json, -- as in the event; read whole
	recipients json,
	notified integer, -- recipients told, or known to be out of reach
	certified_at timestamptz,
	leaf bigint,
	leaf_position bigint,
	certificate text,
	final_at timestamptz,
	final_certificate text,
	ended_at timestamptz, -- cancelled or refused
	ended_why text,
	state text,
	position bigint NOT NULL, -- of the latest event of the case
	PRIMARY KEY (tenant_id, case_id)
);
CREATE INDEX erasure_by_person ON erasure (tenant_id, person_id);
CREATE INDEX erasure_by_record ON erasure (tenant_id, record_id);
CREATE INDEX erasure_by_approval ON erasure (tenant_id, approved_by, approved_at);`,
		Apply: applyErasures,
	}
}

// erasureColumns are the columns that a page may say something about.
func erasureColumns() []string {
	return []string{
		"person_id", "record_id", "origin", "scope", "purposes", "periods", "anchor", "due_on", "batch_id", "claim_hash", "requested_at", "requested_by", "extended_until", "assessed_at",
		"cooling_until", "approved_at", "approved_by", "destroyed_at", "destroyed_keys", "destroyed_lookups", "retained", "recipients",
		"certified_at", "leaf", "leaf_position", "certificate", "final_at", "final_certificate", "ended_at", "ended_why", "state",
	}
}

func applyErasures(ctx context.Context, tx pgx.Tx, page Page) error {
	cases := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		if id, columns := saidOfErasure(d); columns != nil {
			cases.add(d, "case_id", id, columns)
		}
	}
	if err := cases.upsert(ctx, tx, "erasure", "case_id", erasureColumns(), "notified"); err != nil {
		return fmt.Errorf("upsert erasures: %w", err)
	}
	return nil
}

// saidOfErasure is what an event says of its case, by column.
func saidOfErasure(d *eventschema.Decoded) (uuid.UUID, map[string]any) {
	switch e := d.Event.(type) {
	case *eventschema.ErasureRequested:
		return e.CaseID, map[string]any{
			"state": ErasureRequested, "person_id": nonNil(e.PersonID), "record_id": nonNil(e.RecordID), "origin": storable(string(e.Origin)),
			"scope": storable(string(e.Scope)), "purposes": list(e.Purposes), "periods": list(e.Periods), "due_on": storable(e.DueOn), "anchor": nonZero(e.Anchor), "claim_hash": storable(e.ClaimHash),
			"requested_at": e.RequestedAt, "requested_by": e.RequestedBy,
		}
	case *eventschema.IdentityVerified:
		return e.CaseID, map[string]any{"state": ErasureIdentified}
	case *eventschema.ScopeAssessed:
		said := map[string]any{"assessed_at": e.AssessedAt, "retained": list(e.Retained), "state": ErasureAssessed}
		if e.Policy == "first_release" { // the case was approved before anybody assessed it
			delete(said, "state")
		}
		return e.CaseID, said
	case *eventschema.HoldChecked:
		if len(e.Holds) == 0 {
			return e.CaseID, map[string]any{}
		}
		return e.CaseID, map[string]any{"state": ErasureHeld}
	case *eventschema.CoolingOffStarted:
		return e.CaseID, map[string]any{"state": ErasureCoolingOff, "cooling_until": e.Until}
	case *eventschema.ErasureApproved:
		return e.CaseID, map[string]any{"state": ErasureApproved, "approved_at": e.ApprovedAt, "approved_by": nonNil(e.ApprovedBy), "batch_id": nonNil(e.BatchID)}
	case *eventschema.ErasureCancelled:
		return e.CaseID, map[string]any{"state": ErasureCancelled, "ended_at": e.CancelledAt, "ended_why": storable(e.Reason)}
	case *eventschema.ErasureRefused:
		return e.CaseID, map[string]any{"state": ErasureRefused, "ended_at": e.RefusedAt, "ended_why": storable(string(e.Ground))}
	case *eventschema.DeadlineExtended:
		return e.CaseID, map[string]any{"extended_until": e.Until}
	}
	return saidOfResult(d)
}

// saidOfResult is what the result of a step says.
func saidOfResult(d *eventschema.Decoded) (uuid.UUID, map[string]any) {
	switch e := d.Event.(type) {
	case *eventschema.ErasureStepStarted:
		return e.CaseID, map[string]any{}
	case *eventschema.FenceClosed:
		return e.CaseID, map[string]any{"state": ErasureFenced}
	case *eventschema.FenceReopened:
		return e.CaseID, map[string]any{}
	case *eventschema.WritersDrained:
		return e.CaseID, map[string]any{"state": ErasureDrained}
	case *eventschema.MentionsReviewed:
		return e.CaseID, map[string]any{"state": ErasureReviewed}
	case *eventschema.KeysDestroyed:
		return e.CaseID, map[string]any{
			"state": ErasureDestroyed, "person_id": nonNil(e.PersonID), "destroyed_at": e.DestroyedAt, "destroyed_keys": len(e.Keys),
			"destroyed_lookups": e.Lookups, "retained": list(e.Retained),
		}
	case *eventschema.CachesQuiesced:
		return e.CaseID, map[string]any{"state": ErasureQuiesced}
	case *eventschema.ReadModelsScrubbed:
		return e.CaseID, map[string]any{"state": ErasureScrubbed}
	case *eventschema.CopiesPursued:
		return e.CaseID, map[string]any{"state": ErasurePursued, "recipients": list(e.Recipients)}
	case *eventschema.RecipientNotified:
		return e.CaseID, map[string]any{"notified": 1}
	case *eventschema.ErasureVerified:
		return e.CaseID, map[string]any{"state": ErasureVerified}
	case *eventschema.RecordsExpired:
		return e.CaseID, map[string]any{"state": ErasureExpired}
	case *eventschema.ErasureCertified:
		if e.Kind == eventschema.CertificateFinal {
			return e.CaseID, map[string]any{"state": ErasureFinal, "final_at": e.CertifiedAt, "final_certificate": storable(e.Certificate)}
		}
		return e.CaseID, map[string]any{
			"state": ErasureCertified, "person_id": nonNil(e.PersonID), "certified_at": e.CertifiedAt, "certificate": storable(e.Certificate),
			"leaf": e.Leaf, "leaf_position": e.Position,
		}
	case *eventschema.EpochsRetired:
		return e.CaseID, map[string]any{"state": ErasureRetired}
	}
	return uuid.Nil, nil
}

// ErasureState is how far a case has come.
type ErasureState string

// The states, in order; a case may end in the last two from any before destroyed.
const (
	ErasureRequested  ErasureState = "requested"
	ErasureIdentified ErasureState = "identity_verified"
	ErasureAssessed   ErasureState = "scope_assessed"
	ErasureHeld       ErasureState = "held"
	ErasureCoolingOff ErasureState = "cooling_off"
	ErasureApproved   ErasureState = "approved"
	ErasureFenced     ErasureState = "fence_closed"
	ErasureDrained    ErasureState = "writers_drained"
	ErasureReviewed   ErasureState = "mentions_reviewed"
	ErasureDestroyed  ErasureState = "destroyed" // the point of no return is passed
	ErasureQuiesced   ErasureState = "caches_quiesced"
	ErasureScrubbed   ErasureState = "read_models_scrubbed"
	ErasurePursued    ErasureState = "copies_pursued"
	ErasureVerified   ErasureState = "verified"
	ErasureExpired    ErasureState = "records_expired"
	ErasureCertified  ErasureState = "certified"
	ErasureRetired    ErasureState = "epochs_retired"
	ErasureFinal      ErasureState = "final"
	ErasureCancelled  ErasureState = "cancelled"
	ErasureRefused    ErasureState = "refused"
)

// Certified says whether the case has its effective certificate.
func (s ErasureState) Certified() bool {
	return s == ErasureCertified || s == ErasureRetired || s == ErasureFinal
}

// Open says whether a case is still on its way to a certificate or an end.
func (s ErasureState) Open() bool {
	return !s.Certified() && s != ErasureCancelled && s != ErasureRefused
}

// Erasure is one case of the register.
type Erasure struct {
	CaseID        uuid.UUID
	PersonID      uuid.UUID // nil for a case about a work record
	RecordID      uuid.UUID
	Origin        eventschema.ErasureOrigin
	Scope         eventschema.ErasureScope
	Purposes      []eventschema.Purpose
	Periods       []string
	Anchor        *time.Time // of ended retention
	DueOn         string
	BatchID       uuid.UUID // nil unless approved with a batch
	State         ErasureState
	ClaimHash     string
	RequestedAt   *time.Time
	RequestedBy   *uuid.UUID
	ExtendedUntil *time.Time
	AssessedAt    *time.Time
	CoolingUntil  *time.Time
	ApprovedAt    *time.Time
	ApprovedBy    *uuid.UUID // nil also where a policy approved
	DestroyedAt   *time.Time
	Keys          int // destroyed
	Lookups       int // removed
	Retained      []eventschema.Retained
	Recipients    []eventschema.Recipient
	Notified      int // of the recipients
	CertifiedAt   *time.Time
	// Leaf and LeafPosition are the place of the destruction in the trail;
	// meaningless before CertifiedAt.
	Leaf             uint64
	LeafPosition     uint64
	Certificate      string // a signed note
	FinalAt          *time.Time
	FinalCertificate string
	EndedAt          *time.Time
	EndedWhy         string // a reason code, or the ground of a refusal
	Position         uint64 // of the latest event of the case
}

const erasureQuery = `
SELECT case_id, COALESCE(person_id, ` + noID + `), COALESCE(record_id, ` + noID + `), COALESCE(origin, ''), COALESCE(scope, ''), purposes,
	COALESCE(periods, '[]'), anchor, COALESCE(due_on, ''), COALESCE(batch_id, ` + noID + `),
	COALESCE(state, ''), COALESCE(claim_hash, ''), requested_at, requested_by, extended_until, assessed_at, cooling_until, approved_at, approved_by,
	destroyed_at, COALESCE(destroyed_keys, 0), COALESCE(destroyed_lookups, 0), retained, recipients, COALESCE(notified, 0),
	certified_at, COALESCE(leaf, 0), COALESCE(leaf_position, 0), COALESCE(certificate, ''), final_at, COALESCE(final_certificate, ''),
	ended_at, COALESCE(ended_why, ''), position
FROM erasure WHERE tenant_id = $1 `

// ErasureByCase finds one case, or answers [ErrNotFound].
func ErasureByCase(ctx context.Context, q Querier, tenant, erasureCase uuid.UUID) (Erasure, error) {
	return one(scanErasures(q.Query(ctx, erasureQuery+`AND case_id = $2`, tenant, erasureCase)))
}

// ErasuresOf lists the cases of one person, the latest first.
func ErasuresOf(ctx context.Context, q Querier, tenant, person uuid.UUID) ([]Erasure, error) {
	return scanErasures(q.Query(ctx, erasureQuery+`AND person_id = $2 ORDER BY position DESC`, tenant, person))
}

// ErasuresOfRecord lists the cases about one work record, the latest first.
func ErasuresOfRecord(ctx context.Context, q Querier, tenant, record uuid.UUID) ([]Erasure, error) {
	return scanErasures(q.Query(ctx, erasureQuery+`AND record_id = $2 ORDER BY position DESC`, tenant, record))
}

// Erasures lists the register, the case with the latest event first, at most
// limit of them. before is the position to continue at, or 0 to start.
func Erasures(ctx context.Context, q Querier, tenant uuid.UUID, before uint64, limit int) ([]Erasure, error) {
	return scanErasures(q.Query(ctx, erasureQuery+`AND ($2 = 0 OR position < $2) ORDER BY position DESC LIMIT $3`, tenant, int64(before), limit))
}

// ApprovalsBy counts the cases that somebody approved since an instant. Ended
// retention is approved in batches, which are counted by themselves.
func ApprovalsBy(ctx context.Context, q Querier, tenant, officer uuid.UUID, since time.Time) (n int, err error) {
	row := q.QueryRow(ctx, `SELECT count(*) FROM erasure WHERE tenant_id = $1 AND approved_by = $2 AND approved_at > $3 AND batch_id IS NULL`, tenant, officer, since)
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("count approvals: %w", err)
	}
	return n, nil
}

// DestroyedFor counts the cases, but for one and for those of batches, that somebody approved and whose
// keys were destroyed since an instant.
func DestroyedFor(ctx context.Context, q Querier, tenant, officer, butFor uuid.UUID, since time.Time) (n int, err error) {
	row := q.QueryRow(ctx, `SELECT count(*) FROM erasure WHERE tenant_id = $1 AND approved_by = $2 AND case_id <> $3 AND destroyed_at > $4 AND batch_id IS NULL`,
		tenant, officer, butFor, since)
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("count destructions: %w", err)
	}
	return n, nil
}

func scanErasures(rows pgx.Rows, err error) ([]Erasure, error) {
	if err != nil {
		return nil, fmt.Errorf("query erasures: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Erasure, err error) {
		var leaf, leafPosition, position int64
		err = row.Scan(&e.CaseID, &e.PersonID, &e.RecordID, &e.Origin, &e.Scope, &e.Purposes, &e.Periods, &e.Anchor, &e.DueOn, &e.BatchID, &e.State, &e.ClaimHash, &e.RequestedAt, &e.RequestedBy,
			&e.ExtendedUntil, &e.AssessedAt, &e.CoolingUntil, &e.ApprovedAt, &e.ApprovedBy, &e.DestroyedAt, &e.Keys, &e.Lookups, &e.Retained,
			&e.Recipients, &e.Notified, &e.CertifiedAt, &leaf, &leafPosition, &e.Certificate, &e.FinalAt, &e.FinalCertificate,
			&e.EndedAt, &e.EndedWhy, &position)
		e.Leaf, e.LeafPosition, e.Position = uint64(leaf), uint64(leafPosition), uint64(position)
		for _, at := range []**time.Time{
			&e.Anchor, &e.RequestedAt, &e.ExtendedUntil, &e.AssessedAt, &e.CoolingUntil, &e.ApprovedAt, &e.DestroyedAt, &e.CertifiedAt, &e.FinalAt, &e.EndedAt,
		} {
			*at = utc(*at)
		}
		return e, err
	})
}
