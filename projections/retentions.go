package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// The classes of terms, as the domain calls them.
const (
	TermAccount  = "account"
	TermWork     = "work_record"
	TermLocation = "location"

	TermCommunication = "communication"
)

// Since when is what counted, which batches were put together, and what has
// expired?
//
// A term stands from the moment it is counted from until what it is about is
// destroyed. Whether it has ended depends on the clock and the schedule, which
// are not known here.
func retentions() Projection {
	return Projection{
		Name: "retentions", Question: "Since when is what counted, which batches were put together, and what has expired?", Version: 1,
		Tables: []string{"retention_term", "retention_batch", "expired_stream"},
		Schema: `
CREATE TABLE retention_term (
	tenant_id uuid NOT NULL,
	class text COLLATE "C" NOT NULL,
	subject uuid NOT NULL,
	period text COLLATE "C" NOT NULL, -- of locations: the month of the key
	anchor timestamptz NOT NULL,
	PRIMARY KEY (tenant_id, class, subject, period)
);
CREATE INDEX retention_term_by_anchor ON retention_term (tenant_id, class, anchor);
CREATE TABLE retention_batch (
	tenant_id uuid NOT NULL,
	batch_id uuid NOT NULL,
	submitted_at timestamptz,
	submitted_by uuid,
	cases json,
	approved_at timestamptz,
	approved_by uuid,
	released json,
	left_out json,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, batch_id)
);
CREATE TABLE expired_stream (
	tenant_id uuid NOT NULL,
	stream_id uuid NOT NULL,
	category text NOT NULL,
	period text NOT NULL,
	events bigint NOT NULL,
	case_id uuid NOT NULL,
	expired_at timestamptz NOT NULL,
	position bigint NOT NULL, -- of the event that said so
	PRIMARY KEY (stream_id, category, period, tenant_id)
);`,
		Apply: applyRetentions,
	}
}

// termKey names a term.
type termKey struct {
	workKey // its subject
	class   string
	period  string
}

func applyRetentions(ctx context.Context, tx pgx.Tx, page Page) error {
	terms, ended := map[termKey]time.Time{}, map[termKey]bool{}
	whole := map[workKey]bool{}
	batches := newSaid()
	var gone expiredRows
	for i := range page.Events {
		d := &page.Events[i]
		count := func(class string, subject uuid.UUID, period string, from time.Time) {
			key := termKey{workKey{d.Meta.Tenant, subject}, class, period}
			if from.After(terms[key]) {
				terms[key] = from
			}
		}
		switch e := d.Event.(type) {
		case *eventschema.PersonClosed:
			count(TermAccount, e.PersonID, "", e.ClosedAt)
		case *eventschema.WorkEnded:
			count(TermWork, e.WorkID, "", e.Anchor())
		case *eventschema.LocationRecorded:
			count(TermLocation, e.WorkID, eventschema.LocationPeriod(e.OccurredAt), e.OccurredAt)
		case *eventschema.MessageSent:
			count(TermCommunication, e.SenderID, eventschema.NotesPeriod(e.SentAt), e.SentAt)
		case *eventschema.MessageRead:
			count(TermCommunication, e.ReaderID, eventschema.NotesPeriod(e.SentAt), e.SentAt)
		case *eventschema.KeysDestroyed:
			if wholePerson(e) {
				ended[termKey{workKey{d.Meta.Tenant, e.PersonID}, TermAccount, ""}] = true
			}
		case *eventschema.RecordsExpired:
			if e.Whole {
				whole[workKey{d.Meta.Tenant, e.RecordID}] = true
			}
			if err := gone.add(d, e, ended); err != nil {
				return err
			}
		default:
			if id, columns := saidOfBatch(d); columns != nil {
				batches.add(d, "batch_id", id, columns)
			}
		}
	}
	if err := upsertTerms(ctx, tx, terms); err != nil {
		return fmt.Errorf("upsert terms: %w", err)
	}
	if err := endTerms(ctx, tx, ended, whole); err != nil {
		return fmt.Errorf("end terms: %w", err)
	}
	if err := gone.insert(ctx, tx); err != nil {
		return fmt.Errorf("insert expired streams: %w", err)
	}
	columns := []string{"submitted_at", "submitted_by", "cases", "approved_at", "approved_by", "released", "left_out"}
	if err := batches.upsert(ctx, tx, "retention_batch", "batch_id", columns); err != nil {
		return fmt.Errorf("upsert batches: %w", err)
	}
	return nil
}

// wholePerson says whether a destruction took a whole person: the identity goes
// with nothing less.
func wholePerson(e *eventschema.KeysDestroyed) bool {
	for _, key := range e.Keys {
		if key.Purpose == eventschema.PurposeIdentity {
			return e.PersonID != uuid.Nil
		}
	}
	return false
}

func saidOfBatch(d *eventschema.Decoded) (uuid.UUID, map[string]any) {
	switch e := d.Event.(type) {
	case *eventschema.RetentionBatchSubmitted:
		return e.BatchID, map[string]any{"submitted_at": e.SubmittedAt, "submitted_by": e.SubmittedBy, "cases": list(e.Cases)}
	case *eventschema.RetentionBatchApproved:
		return e.BatchID, map[string]any{
			"approved_at": e.ApprovedAt, "approved_by": e.ApprovedBy, "released": list(e.Cases), "left_out": list(e.LeftOut),
		}
	}
	return uuid.Nil, nil
}

func upsertTerms(ctx context.Context, tx pgx.Tx, terms map[termKey]time.Time) error {
	if len(terms) == 0 {
		return nil
	}
	var tenants, subjects uuids
	var classes, periods []string
	var anchors []time.Time
	for key, from := range terms {
		if from.IsZero() {
			continue
		}
		tenants.add(key.tenant)
		subjects.add(key.work)
		classes, periods, anchors = append(classes, key.class), append(periods, key.period), append(anchors, from)
	}
	_, err := tx.Exec(ctx, `
INSERT INTO retention_term AS t (tenant_id, class, subject, period, anchor)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[])
ON CONFLICT (tenant_id, class, subject, period) DO UPDATE SET anchor = GREATEST(t.anchor, EXCLUDED.anchor)`,
		tenants, classes, subjects, periods, anchors)
	return err
}

// endTerms deletes single terms, and all terms of whole work records.
func endTerms(ctx context.Context, tx pgx.Tx, ended map[termKey]bool, whole map[workKey]bool) error {
	var tenants, subjects, tenantsOfWhole, records uuids
	var classes, periods []string
	for key := range ended {
		tenants.add(key.tenant)
		subjects.add(key.work)
		classes, periods = append(classes, key.class), append(periods, key.period)
	}
	for key := range whole {
		tenantsOfWhole.add(key.tenant)
		records.add(key.work)
	}
	if len(tenants) > 0 {
		if _, err := tx.Exec(ctx, `
DELETE FROM retention_term t USING unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) AS e (tenant_id, class, subject, period)
WHERE t.tenant_id = e.tenant_id AND t.class = e.class AND t.subject = e.subject AND t.period = e.period`, tenants, classes, subjects, periods); err != nil {
			return err
		}
	}
	if len(records) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
DELETE FROM retention_term t USING unnest($1::uuid[], $2::uuid[]) AS e (tenant_id, subject)
WHERE t.tenant_id = e.tenant_id AND t.subject = e.subject`, tenantsOfWhole, records)
	return err
}

// expiredRows are streams that ended.
type expiredRows struct {
	tenants, ids, cases uuids
	categories, periods []string
	events, positions   []int64
	times               []time.Time
}

func (r *expiredRows) add(d *eventschema.Decoded, e *eventschema.RecordsExpired, ended map[termKey]bool) error {
	for _, stream := range e.Streams {
		name, err := eventschema.ParseStreamName(stream.Stream)
		if err != nil {
			return fmt.Errorf("expired stream at position %d: %w", d.Position, err)
		}
		r.tenants.add(d.Meta.Tenant)
		r.ids.add(name.ID)
		r.cases.add(e.CaseID)
		r.categories, r.periods = append(r.categories, name.Category), append(r.periods, name.Period)
		r.events, r.positions, r.times = append(r.events, int64(stream.Events)), append(r.positions, int64(d.Position)), append(r.times, e.ExpiredAt)
		class := map[string]string{
			eventschema.CategoryLocation: TermLocation, eventschema.CategoryMessage: TermCommunication, eventschema.CategoryReceipt: TermCommunication,
		}[name.Category]
		if month, err := time.Parse("200601", name.Period); err == nil && class != "" {
			ended[termKey{workKey{d.Meta.Tenant, name.ID}, class, month.Format("2006-01")}] = true
		}
	}
	return nil
}

func (r *expiredRows) insert(ctx context.Context, tx pgx.Tx) error {
	if len(r.ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
INSERT INTO expired_stream (tenant_id, stream_id, category, period, events, case_id, expired_at, position)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::uuid[], $7::timestamptz[], $8::bigint[])
ON CONFLICT DO NOTHING`, r.tenants, r.ids, r.categories, r.periods, r.events, r.cases, r.times, r.positions)
	return err
}
