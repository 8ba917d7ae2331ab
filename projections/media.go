package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which photos and documents are kept of whom?
func media() Projection {
	return Projection{
		Name: "media", Question: "Which photos and documents are kept of whom?", Version: 1,
		Tables: []string{"media", "media_section"}, Personal: []string{"media_section.envelope"},
		Schema: `
CREATE TABLE media (
	tenant_id uuid NOT NULL,
	item_id uuid NOT NULL,
	person_id uuid,
	class text,
	media_type text,
	sha256 text,
	stored_bytes bigint,
	attached_at timestamptz,
	attached_by uuid,
	removal_requested_at timestamptz,
	removed_at timestamptz,
	removed_under uuid,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, item_id)
);
CREATE INDEX media_by_person ON media (tenant_id, person_id, attached_at, item_id);
CREATE TABLE media_section (
	tenant_id uuid NOT NULL,
	item_id uuid NOT NULL,
	position bigint NOT NULL,
	section text COLLATE "C" NOT NULL,` + sealedColumns + `
);`,
		Indexes: `ALTER TABLE media_section ADD PRIMARY KEY (tenant_id, item_id, position, section);`,
		Apply:   applyMedia,
	}
}

func applyMedia(ctx context.Context, tx pgx.Tx, page Page) error {
	rows, sections := newSaid(), sealedRows("media_section", "item_id")
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.MediaAttached:
			rows.add(d, "item_id", e.ItemID, map[string]any{
				"person_id": e.PersonID, "class": storable(string(e.Class)), "media_type": storable(string(e.MediaType)), "sha256": storable(e.SHA256),
				"stored_bytes": e.StoredBytes, "attached_at": e.AttachedAt, "attached_by": e.AttachedBy,
			})
			addSealed(sections, d, e.ItemID)
		case *eventschema.MediaRemovalRequested:
			rows.add(d, "item_id", e.ItemID, map[string]any{"removal_requested_at": e.RequestedAt})
		case *eventschema.MediaRemoved:
			rows.add(d, "item_id", e.ItemID, map[string]any{"removed_at": e.RemovedAt, "removed_under": e.CaseID})
		}
	}
	err := rows.upsert(ctx, tx, "media", "item_id", []string{
		"person_id", "class", "media_type", "sha256", "stored_bytes", "attached_at", "attached_by", "removal_requested_at", "removed_at", "removed_under",
	})
	if err != nil {
		return fmt.Errorf("upsert media: %w", err)
	}
	if err := sections.write(ctx, tx); err != nil {
		return fmt.Errorf("insert sections of media: %w", err)
	}
	return nil
}

// Media is one photo or document.
type Media struct {
	ItemID             uuid.UUID
	PersonID           uuid.UUID
	Class              eventschema.MediaClass
	MediaType          eventschema.MediaType
	SHA256             string
	StoredBytes        int64
	AttachedAt         time.Time // UTC
	AttachedBy         uuid.UUID
	RemovalRequestedAt *time.Time
	RemovedAt          *time.Time
	RemovedUnder       uuid.UUID // the case; nil while it is kept
	Position           uint64
	Sections           []SealedSection
}

// MediaOf lists the photos and documents of a person, those removed included, oldest
// first.
func MediaOf(ctx context.Context, q Querier, tenant, person uuid.UUID) ([]Media, error) {
	return queryMedia(ctx, q, tenant, `person_id = $2 ORDER BY attached_at, item_id`, person)
}

// MediaByID finds one photo or document, or answers [ErrNotFound].
func MediaByID(ctx context.Context, q Querier, tenant, item uuid.UUID) (Media, error) {
	return one(queryMedia(ctx, q, tenant, `item_id = $2`, item))
}

// MediaAfter lists everything that was ever attached, by item id, after the one given, at
// most limit: to hold files against it. Sections are left out.
func MediaAfter(ctx context.Context, q Querier, tenant, after uuid.UUID, limit int) ([]Media, error) {
	return mediaRows(ctx, q, tenant, `item_id > $2 ORDER BY item_id LIMIT $3`, after, limit)
}

func queryMedia(ctx context.Context, q Querier, tenant uuid.UUID, which string, args ...any) ([]Media, error) {
	found, err := mediaRows(ctx, q, tenant, which, args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make(uuids, len(found))
	for i := range found {
		ids[i] = found[i].ItemID
	}
	sections, err := querySections(ctx, q, tenant, "media_section", "item_id", ids)
	for i := range found {
		found[i].Sections = sections[found[i].ItemID]
		for j := range found[i].Sections {
			found[i].Sections[j].At.Item = found[i].ItemID
		}
	}
	return found, err
}

func mediaRows(ctx context.Context, q Querier, tenant uuid.UUID, which string, args ...any) ([]Media, error) {
	rows, err := q.Query(ctx, `
SELECT item_id, person_id, class, media_type, sha256, stored_bytes, attached_at, attached_by, removal_requested_at, removed_at, COALESCE(removed_under, `+noID+`), position
FROM media WHERE tenant_id = $1 AND attached_at IS NOT NULL AND `+which, append([]any{tenant}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("query media: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Media, err error) {
		var position int64
		err = row.Scan(&m.ItemID, &m.PersonID, &m.Class, &m.MediaType, &m.SHA256, &m.StoredBytes, &m.AttachedAt, &m.AttachedBy,
			&m.RemovalRequestedAt, &m.RemovedAt, &m.RemovedUnder, &position)
		m.Position, m.AttachedAt, m.RemovalRequestedAt, m.RemovedAt = uint64(position), m.AttachedAt.UTC(), utc(m.RemovalRequestedAt), utc(m.RemovedAt)
		return m, err
	})
}
