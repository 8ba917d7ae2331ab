package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which messages came in for whom, and who has opened them?
//
// One row for each message, with its sealed text, and one for each recipient. A
// message that was taken back keeps its row and, as noise, its text. What has come of
// age goes with the stream it stood in: a message with its deliveries, and a receipt by
// itself where the message stays.
func messages() Projection {
	return Projection{
		Name: "messages", Question: "Which messages came in for whom, and who has opened them?", Version: 1,
		Tables:   []string{"message", "message_delivery"},
		Personal: []string{"message.envelope"},
		Schema: `
CREATE TABLE message (
	tenant_id uuid NOT NULL,
	message_id uuid NOT NULL,
	sender_id uuid NOT NULL,
	month text COLLATE "C" NOT NULL, -- of the stream, as in its name
	audience text NOT NULL,
	shift_id uuid,
	site text NOT NULL,
	sent_at timestamptz NOT NULL,
	deleted_at timestamptz,
	position bigint NOT NULL, -- of the event that sent it
	stream text NOT NULL,
	event_id uuid NOT NULL,
	event_type text NOT NULL,
	schema_version integer NOT NULL,
	section text NOT NULL,
	period text NOT NULL, -- of the key
	envelope bytea NOT NULL,
	PRIMARY KEY (tenant_id, message_id)
);
CREATE INDEX message_by_sender ON message (sender_id, position);
CREATE TABLE message_delivery (
	tenant_id uuid NOT NULL,
	message_id uuid NOT NULL,
	recipient_id uuid NOT NULL,
	sender_id uuid NOT NULL,
	month text COLLATE "C" NOT NULL,
	position bigint NOT NULL,
	read_at timestamptz,
	PRIMARY KEY (recipient_id, tenant_id, message_id)
);
CREATE INDEX message_delivery_by_message ON message_delivery (message_id);
CREATE INDEX message_delivery_by_sender ON message_delivery (sender_id, month);`,
		Apply: applyMessages, expire: expireMessages,
	}
}

func applyMessages(ctx context.Context, tx pgx.Tx, page Page) error {
	var sent []*eventschema.Decoded
	var read []*eventschema.MessageRead
	var tenants, ids, readTenants uuids
	var deleted []time.Time
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.MessageSent:
			sent = append(sent, d)
		case *eventschema.MessageRead:
			read = append(read, e)
			readTenants.add(d.Meta.Tenant)
		case *eventschema.MessageDeleted:
			tenants.add(d.Meta.Tenant)
			ids.add(e.MessageID)
			deleted = append(deleted, e.DeletedAt)
		}
	}
	if err := insertMessages(ctx, tx, sent); err != nil {
		return fmt.Errorf("insert messages: %w", err)
	}
	if err := insertDeliveries(ctx, tx, sent); err != nil {
		return fmt.Errorf("insert deliveries: %w", err)
	}
	if len(ids) > 0 {
		if _, err := tx.Exec(ctx, `
UPDATE message m SET deleted_at = d.at FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS d (tenant_id, message_id, at)
WHERE m.tenant_id = d.tenant_id AND m.message_id = d.message_id`, tenants, ids, deleted); err != nil {
			return fmt.Errorf("mark messages as deleted: %w", err)
		}
	}
	if err := markRead(ctx, tx, readTenants, read); err != nil {
		return fmt.Errorf("mark messages as read: %w", err)
	}
	return nil
}

func insertMessages(ctx context.Context, tx pgx.Tx, sent []*eventschema.Decoded) error {
	if len(sent) == 0 {
		return nil
	}
	var tenants, ids, senders, events uuids
	var months, audiences, sites, streams, types, sections, periods []string
	var shifts []*uuid.UUID
	var times []time.Time
	var positions []int64
	var versions []int32
	var envelopes [][]byte
	for _, d := range sent {
		e := d.Event.(*eventschema.MessageSent)
		name, err := eventschema.ParseStreamName(d.Stream)
		if err != nil || len(d.Sealed) != 1 {
			return fmt.Errorf("message at position %d: %w", d.Position, eventschema.ErrPayload)
		}
		at := d.At(d.Sealed[0])
		tenants.add(d.Meta.Tenant)
		ids.add(e.MessageID)
		senders.add(e.SenderID)
		events.add(at.EventID)
		months, audiences, sites = append(months, name.Period), append(audiences, storable(string(e.Audience))), append(sites, storable(e.Site))
		streams, types, sections, periods = append(streams, at.Stream), append(types, at.EventType), append(sections, at.Section), append(periods, at.Period)
		shifts, times, positions = append(shifts, optional(e.ShiftID)), append(times, e.SentAt), append(positions, int64(d.Position))
		versions, envelopes = append(versions, int32(at.SchemaVersion)), append(envelopes, d.Sealed[0].Envelope)
	}
	_, err := tx.Exec(ctx, `
INSERT INTO message (tenant_id, message_id, sender_id, event_id, month, audience, site, stream, event_type, section, period, shift_id, sent_at, position, schema_version, envelope)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
	$12::uuid[], $13::timestamptz[], $14::bigint[], $15::integer[], $16::bytea[]) ON CONFLICT DO NOTHING`,
		tenants, ids, senders, events, months, audiences, sites, streams, types, sections, periods, shifts, times, positions, versions, envelopes)
	return err
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func insertDeliveries(ctx context.Context, tx pgx.Tx, sent []*eventschema.Decoded) error {
	var tenants, ids, recipients, senders uuids
	var months []string
	var positions []int64
	for _, d := range sent {
		e := d.Event.(*eventschema.MessageSent)
		for _, to := range e.To {
			tenants.add(d.Meta.Tenant)
			ids.add(e.MessageID)
			recipients.add(to)
			senders.add(e.SenderID)
			months, positions = append(months, e.SentAt.UTC().Format("200601")), append(positions, int64(d.Position))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
INSERT INTO message_delivery (tenant_id, message_id, recipient_id, sender_id, month, position)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[]) ON CONFLICT DO NOTHING`, tenants, ids, recipients, senders, months, positions)
	return err
}

// markRead notes receipts. One whose message has come of age has nothing to be noted at.
func markRead(ctx context.Context, tx pgx.Tx, tenants uuids, read []*eventschema.MessageRead) error {
	var ids, readers uuids
	var times []time.Time
	for _, e := range read {
		ids.add(e.MessageID)
		readers.add(e.ReaderID)
		times = append(times, e.ReadAt)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
UPDATE message_delivery d SET read_at = r.at FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) AS r (tenant_id, message_id, reader_id, at)
WHERE d.tenant_id = r.tenant_id AND d.message_id = r.message_id AND d.recipient_id = r.reader_id`, tenants, ids, readers, times)
	return err
}

// expireMessages deletes the messages of months that have come of age, with their
// deliveries; and of a reader whose month has, the receipts.
func expireMessages(ctx context.Context, tx pgx.Tx, e *expired) error {
	const gone = ` unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS gone (tenant_id, id, category, period) WHERE gone.tenant_id = t.tenant_id AND gone.period = t.month`
	for _, sql := range []string{
		`DELETE FROM message t USING` + gone + ` AND gone.id = t.sender_id AND gone.category = '` + eventschema.CategoryMessage + `'`,
		`DELETE FROM message_delivery t USING` + gone + ` AND gone.id = t.sender_id AND gone.category = '` + eventschema.CategoryMessage + `'`,
		`UPDATE message_delivery t SET read_at = NULL FROM` + gone + ` AND gone.id = t.recipient_id AND gone.category = '` + eventschema.CategoryReceipt + `'`,
	} {
		if _, err := tx.Exec(ctx, sql, e.of, e.ids, e.categories, e.periods); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM message_delivery t USING unnest($1::uuid[], $2::uuid[]) AS gone (tenant_id, work_id)
WHERE t.tenant_id = gone.tenant_id AND t.recipient_id = gone.work_id`, e.tenants, e.works)
	return err
}

// Message is one message, as somebody who wrote or received it sees it.
type Message struct {
	MessageID, SenderID uuid.UUID
	Audience            eventschema.Audience
	ShiftID             uuid.UUID // nil unless it went to a shift
	Site                string
	SentAt              time.Time // UTC
	DeletedAt           *time.Time
	ReadAt              *time.Time // by the recipient who asks
	Recipients, Read    int        // of a message as its sender sees it
	Position            uint64
	At                  eventschema.Coordinates // of the text
	Envelope            []byte
}

// MessagesAsked says whose messages are asked for: those of an inbox, or those that
// somebody sent. One message may be named.
type MessagesAsked struct {
	Recipient, Sender uuid.UUID // one of them
	Unread            bool      // of an inbox
	Message           uuid.UUID
	Before            uint64 // only those sent before this position; 0: from the end
	Limit             int
}

const messageColumns = `m.message_id, m.sender_id, m.audience, COALESCE(m.shift_id, ` + noID + `), m.site, m.sent_at, m.deleted_at, m.position,
	m.stream, m.event_id, m.event_type, m.schema_version, m.section, m.period, m.envelope`

// Messages lists messages, the newest first.
func Messages(ctx context.Context, q Querier, tenant uuid.UUID, asked MessagesAsked) ([]Message, error) {
	sql := `SELECT ` + messageColumns + `, d.read_at, 0::bigint, 0::bigint FROM message_delivery d JOIN message m USING (tenant_id, message_id)
WHERE d.tenant_id = $1 AND d.recipient_id = $2 AND (NOT $3 OR d.read_at IS NULL AND m.deleted_at IS NULL)`
	who := asked.Recipient
	if asked.Sender != uuid.Nil {
		who = asked.Sender
		sql = `SELECT ` + messageColumns + `, NULL::timestamptz, (SELECT count(*) FROM message_delivery d WHERE d.tenant_id = m.tenant_id AND d.message_id = m.message_id),
	(SELECT count(*) FROM message_delivery d WHERE d.tenant_id = m.tenant_id AND d.message_id = m.message_id AND d.read_at IS NOT NULL)
FROM message m WHERE m.tenant_id = $1 AND m.sender_id = $2 AND NOT $3`
	}
	rows, err := q.Query(ctx, sql+` AND ($4::uuid IS NULL OR m.message_id = $4) AND ($5::bigint = 0 OR m.position < $5) ORDER BY m.position DESC LIMIT $6`,
		tenant, who, asked.Unread, nonNil(asked.Message), int64(asked.Before), asked.Limit)
	if err != nil {
		return nil, fmt.Errorf("query messages: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Message, error) { return scanMessage(row, tenant) })
}

func scanMessage(row pgx.CollectableRow, tenant uuid.UUID) (m Message, err error) {
	var position int64
	at := &m.At
	err = row.Scan(&m.MessageID, &m.SenderID, &m.Audience, &m.ShiftID, &m.Site, &m.SentAt, &m.DeletedAt, &position,
		&at.Stream, &at.EventID, &at.EventType, &at.SchemaVersion, &at.Section, &at.Period, &m.Envelope, &m.ReadAt, &m.Recipients, &m.Read)
	m.Position, m.SentAt, m.DeletedAt, m.ReadAt = uint64(position), m.SentAt.UTC(), utc(m.DeletedAt), utc(m.ReadAt)
	at.Tenant, at.Subject, at.Purpose, at.Item = tenant, m.SenderID, eventschema.PurposeNotes, m.MessageID
	return m, err
}

// EachMessage tells every message that was not taken back, a page at a time by its
// position, whoever wrote it.
func EachMessage(ctx context.Context, q Querier, tenant uuid.UUID, tell func(Message) error) error {
	const page = 500
	for after := int64(-1); ; {
		rows, err := q.Query(ctx, `SELECT `+messageColumns+`, NULL::timestamptz, 0::bigint, 0::bigint FROM message m
WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.position > $2 ORDER BY m.position LIMIT $3`, tenant, after, page)
		if err != nil {
			return fmt.Errorf("query messages: %w", err)
		}
		some, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Message, error) { return scanMessage(row, tenant) })
		if err != nil {
			return fmt.Errorf("query messages: %w", err)
		}
		for _, m := range some {
			if err := tell(m); err != nil {
				return err
			}
			after = int64(m.Position)
		}
		if len(some) < page {
			return nil
		}
	}
}

// HasWritten says whether somebody ever sent a message to somebody else that is still
// there.
func HasWritten(ctx context.Context, q Querier, tenant, sender, to uuid.UUID) (wrote bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM message_delivery WHERE tenant_id = $1 AND sender_id = $2 AND recipient_id = $3)`, tenant, sender, to).Scan(&wrote)
	if err != nil {
		return false, fmt.Errorf("query who wrote to whom: %w", err)
	}
	return wrote, nil
}
