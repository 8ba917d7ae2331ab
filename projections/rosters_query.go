package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tracekeep/eventschema"
)

// Shift is one planned shift.
type Shift struct {
	ShiftID       uuid.UUID
	RosterID      uuid.UUID // nil for a shift of its own
	Kind          eventschema.ShiftKind
	Employer      string
	Site          string
	Zone          string
	StartsLocal   string // 2006-01-02 15:04
	EndsLocal     string
	StartsAt      time.Time // UTC
	EndsAt        time.Time
	Headcount     int
	Qualification string
	Strategy      eventschema.Strategy // of the latest offer, empty before one
	RespondBy     *time.Time
	CancelledAt   *time.Time
	CompletedAt   *time.Time
	Assigned      int       // how many places are taken
	Revision      int       // of the latest event of the shift, which grows with every change
	ChangedAt     time.Time // by that event, UTC
	Position      uint64
}

// ShiftsAsked says which shifts are asked for. A zero bound, an empty site, no ids
// and the nil work id ask for all.
type ShiftsAsked struct {
	From, To time.Time // shifts that overlap; To is not included
	Site     string
	IDs      []uuid.UUID
	Open     bool      // only those with a free place, neither cancelled nor completed
	Work     uuid.UUID // only those that somebody was asked about or assigned to; with Open also those released to all
	// A page: the shifts behind a start and an id, at most Limit of them. 0 is no limit.
	AfterStart time.Time
	AfterID    uuid.UUID
	Limit      int
}

// limit is the bound of a query, and nothing where there is none.
func (a ShiftsAsked) limit() any {
	if a.Limit <= 0 {
		return nil
	}
	return a.Limit
}

// Shifts lists shifts by start and id.
func Shifts(ctx context.Context, q Querier, tenant uuid.UUID, asked ShiftsAsked) ([]Shift, error) {
	var ids uuids
	if len(asked.IDs) > 0 {
		ids = uuidsOf(asked.IDs)
	}
	rows, err := q.Query(ctx, `
SELECT * FROM (
	SELECT shift_id, COALESCE(roster_id, `+noID+`), COALESCE(kind, ''), COALESCE(employer, ''), COALESCE(site, ''), COALESCE(zone, ''),
		COALESCE(starts_local, ''), COALESCE(ends_local, ''), starts_at, ends_at, COALESCE(headcount, 0) AS headcount, COALESCE(qualification, ''),
		COALESCE(strategy, ''), respond_by, cancelled_at, completed_at,
		(SELECT count(*) FROM shift_place p WHERE p.tenant_id = s.tenant_id AND p.shift_id = s.shift_id AND p.state = '`+string(PlaceAssigned)+`') AS assigned,
		revision, changed_at, position
	FROM shift s
	WHERE tenant_id = $1 AND starts_at < $3 AND ends_at > $2 AND ($4 = '' OR site = $4) AND ($5::uuid[] IS NULL OR shift_id = ANY($5))
		AND (starts_at, shift_id) > ($8, $9)
		AND ($7::uuid IS NULL OR $6 AND strategy = '`+string(eventschema.StrategyRelease)+`' OR EXISTS (
			SELECT FROM shift_place p WHERE p.tenant_id = s.tenant_id AND p.shift_id = s.shift_id AND p.work_id = $7 AND `+stands+`))) s
WHERE NOT $6 OR cancelled_at IS NULL AND completed_at IS NULL AND assigned < headcount
ORDER BY starts_at, shift_id LIMIT $10`, tenant, bound(asked.From, pgtype.NegativeInfinity), until(asked.To), asked.Site, ids, asked.Open,
		nonNil(asked.Work), bound(asked.AfterStart, pgtype.NegativeInfinity), asked.AfterID, asked.limit())
	if err != nil {
		return nil, fmt.Errorf("query shifts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Shift, err error) {
		var position int64
		err = row.Scan(&s.ShiftID, &s.RosterID, &s.Kind, &s.Employer, &s.Site, &s.Zone, &s.StartsLocal, &s.EndsLocal, &s.StartsAt, &s.EndsAt,
			&s.Headcount, &s.Qualification, &s.Strategy, &s.RespondBy, &s.CancelledAt, &s.CompletedAt, &s.Assigned, &s.Revision, &s.ChangedAt, &position)
		s.ChangedAt = s.ChangedAt.UTC()
		s.Position, s.StartsAt, s.EndsAt = uint64(position), s.StartsAt.UTC(), s.EndsAt.UTC()
		s.RespondBy, s.CancelledAt, s.CompletedAt = utc(s.RespondBy), utc(s.CancelledAt), utc(s.CompletedAt)
		return s, err
	})
}

// Place is what is known of one person and one shift.
type Place struct {
	ShiftID          uuid.UUID
	WorkID           uuid.UUID
	State            PlaceState
	Strategy         eventschema.Strategy
	Rank             int
	Points           int
	AssignedPosition uint64 // of the latest assignment, 0 for none
	Attendance       eventschema.Attendance
	LateMinutes      int64
	WorkedMinutes    int64
	Rating           eventschema.QualityRating
}

// stands says of a place p of a shift s whether what was said last still counts: what
// was asked and answered before the shift was moved does not, a place that is taken is
// kept until something else is said.
const stands = `(p.position > COALESCE(s.moved_position, 0) OR p.state = '` + string(PlaceAssigned) + `')`

// PlacesOf lists the people of some shifts, by shift, rank and work id. Whoever was
// only asked before a shift was moved is not among them.
func PlacesOf(ctx context.Context, q Querier, tenant uuid.UUID, shifts []uuid.UUID) ([]Place, error) {
	rows, err := q.Query(ctx, `
SELECT p.shift_id, p.work_id, p.state, COALESCE(p.strategy, ''), COALESCE(p.rank, 0), COALESCE(p.points, 0), COALESCE(p.assigned_position, 0),
	COALESCE(p.attendance, ''), COALESCE(p.late_minutes, 0), COALESCE(p.worked_minutes, 0), COALESCE(p.rating, '')
FROM shift_place p JOIN shift s USING (tenant_id, shift_id)
WHERE p.tenant_id = $1 AND p.shift_id = ANY($2) AND `+stands+`
ORDER BY p.shift_id, COALESCE(p.rank, 0), p.work_id`, tenant, uuidsOf(shifts))
	if err != nil {
		return nil, fmt.Errorf("query places: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Place, err error) {
		var position int64
		err = row.Scan(&p.ShiftID, &p.WorkID, &p.State, &p.Strategy, &p.Rank, &p.Points, &position, &p.Attendance, &p.LateMinutes, &p.WorkedMinutes, &p.Rating)
		p.AssignedPosition = uint64(position)
		return p, err
	})
}

// Assignment is a shift that somebody is assigned to.
type Assignment struct {
	WorkID   uuid.UUID
	ShiftID  uuid.UUID
	Kind     eventschema.ShiftKind
	Employer string
	Site     string
	StartsAt time.Time // UTC
	EndsAt   time.Time
	Position uint64 // of the event that assigned it, or moved it since
}

// AssignmentsOf lists what people are assigned to between two instants, of every
// employer, by work id and start. No ids ask for everybody. A shift that was
// cancelled binds nobody, and a task takes up no time.
func AssignmentsOf(ctx context.Context, q Querier, tenant uuid.UUID, works []uuid.UUID, from, to time.Time) ([]Assignment, error) {
	var ids uuids
	if len(works) > 0 {
		ids = uuidsOf(works)
	}
	rows, err := q.Query(ctx, `
SELECT p.work_id, p.shift_id, COALESCE(s.kind, ''), COALESCE(s.employer, ''), COALESCE(s.site, ''), s.starts_at, s.ends_at,
	GREATEST(p.assigned_position, s.moved_position, 0)
FROM shift_place p JOIN shift s USING (tenant_id, shift_id)
WHERE p.tenant_id = $1 AND ($2::uuid[] IS NULL OR p.work_id = ANY($2)) AND p.state = '`+string(PlaceAssigned)+`'
	AND s.starts_at < $4 AND s.ends_at > $3 AND s.cancelled_at IS NULL
	AND s.kind IS DISTINCT FROM '`+string(eventschema.ShiftTask)+`'
ORDER BY p.work_id, s.starts_at, p.shift_id`, tenant, ids, bound(from, pgtype.NegativeInfinity), until(to))
	if err != nil {
		return nil, fmt.Errorf("query assignments: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Assignment, err error) {
		var position int64
		err = row.Scan(&a.WorkID, &a.ShiftID, &a.Kind, &a.Employer, &a.Site, &a.StartsAt, &a.EndsAt, &position)
		a.StartsAt, a.EndsAt, a.Position = a.StartsAt.UTC(), a.EndsAt.UTC(), uint64(position)
		return a, err
	})
}
