// Package projections says what people want to know: one file, one question.
//
// A projection owns a few tables and fills them from pages of events. It is
// told every event once, in the order of the log, inside the transaction that
// also moves its checkpoint. It works on sets: a page is folded in memory and
// written with arrays or COPY, never one statement for each event. It never
// opens a sealed section: personal values stay the ciphertext they are in the
// log, with the coordinates that a reader needs to open them, so a rebuild
// gives the same bytes before and after an erasure.
//
// Tables are named without a schema. The connection's search_path decides
// where they stand, so that a rebuild can fill the same tables beside the live
// ones. Every query asks for the tenant. A question about a whole tenant has an
// index that begins with it. An id that is asked for by itself is random and
// tells rows apart sooner than the tenant, which is the same in millions of
// rows, so it comes first in its key, and an index that is not a key leaves the
// tenant out: sorting for indexes is the largest part of finishing a rebuild.
package projections

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tracekeep/eventschema"
)

// ErrNotFound says that the tenant has no such row. It does not say whether
// another tenant has.
var ErrNotFound = errors.New("not in the read model")

// Page is a run of events in the order of the log, without the store's own
// system events. Last is the position up to which the log was read, which may
// lie behind the last event. [NewPage] makes one.
type Page struct {
	Events []eventschema.Decoded
	Last   uint64
	// repeated are the positions at which a punch is recorded that the log has
	// recorded before: found by punches, left out by hours.
	repeated map[uint64]bool
}

// NewPage makes a page for one transaction.
func NewPage(events []eventschema.Decoded, last uint64) Page {
	return Page{Events: events, Last: last, repeated: map[uint64]bool{}}
}

// Projection is one read model.
type Projection struct {
	Name     string // stable: the checkpoint is kept under it
	Question string // what it answers, for people
	// Version counts the shapes and meanings of the tables. A change of either
	// needs a new version, and a new version needs a rebuild.
	Version int
	// Schema makes the tables, Keys and then Indexes what else belongs to them. A
	// load makes Keys when all pages are in, to settle by, and Indexes after that:
	// making one at once is cheaper than keeping it. What is updated while loading
	// has all of its indexes in Schema.
	Schema, Keys, Indexes string
	Tables                []string
	// Personal names the columns (table.column) that hold sealed personal values.
	Personal []string
	// Apply adds a page. The caller runs it in a transaction of its own order,
	// once for each event, after every projection that stands earlier in [All]:
	// hours reads the punches as they are after the page.
	Apply func(ctx context.Context, tx pgx.Tx, page Page) error
	// newLoader, where set, makes what takes the place of Apply while empty tables
	// are filled from the whole log.
	newLoader func(*Load, Projection) Loader
	// expire, where set, deletes what the tables say of what has come of age.
	expire func(context.Context, pgx.Tx, *expired) error
	// byRecordTime says that a moment of the past is one of its questions.
	byRecordTime bool
}

// All lists the read models in the order in which a page is applied.
func All() []Projection {
	all := []Projection{
		punches(), workedHours(), declaredHours(), people(), consents(), erasures(), holds(), restrictions(), disclosures(), readings(), payPeriods(), correctionRequests(),
		rosters(), classes(), marks(), sites(), fields(), media(), retentions(), terminals(), arrivals(), devices(), auditFeed(),
	}
	for i := range all {
		all[i] = all[i].forgetting()
	}
	return all
}

// Querier is what a query needs of a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// workKey names a work record of a tenant.
type workKey struct{ tenant, work uuid.UUID }

// uuids are ids in the form that pgx sends without a detour over text.
type uuids [][16]byte

func (u *uuids) add(id uuid.UUID) { *u = append(*u, id) }

func uuidsOf(ids []uuid.UUID) uuids {
	out := make(uuids, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// storable keeps a text that Postgres would refuse from stopping the read
// models: a zero byte is legal in an event and not in a text column.
func storable(text string) string {
	if strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}

// storableOrNil keeps what was not said apart from an empty text.
func storableOrNil(text *string) *string {
	if text == nil {
		return nil
	}
	kept := storable(*text)
	return &kept
}

// bound is an instant for a range; the zero time stands for the infinity given.
func bound(at time.Time, infinity pgtype.InfinityModifier) pgtype.Timestamptz {
	if at.IsZero() {
		return pgtype.Timestamptz{InfinityModifier: infinity, Valid: true}
	}
	return pgtype.Timestamptz{Time: at, Valid: true}
}

// until is the open end of a range of instants: the zero time is no end.
func until(at time.Time) pgtype.Timestamptz { return bound(at, pgtype.Infinity) }

// stored is an instant as Postgres keeps it, in whole microseconds.
func stored(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	in := at.UTC()
	return &in
}

// one turns the answer of a query for a single row into a row or [ErrNotFound].
func one[T any](rows []T, err error) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	if len(rows) == 0 {
		return none, ErrNotFound
	}
	return rows[0], nil
}
