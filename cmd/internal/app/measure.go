package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/importer"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/postgres"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// CountEvents reads the whole log through the client and does nothing with it:
// the rate that a rebuild is held against.
func (a *App) CountEvents(ctx context.Context) (uint64, error) {
	var count uint64
	for _, err := range a.whole.ReadAll(ctx, 0) {
		if err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

// RecordMany records so many punches of one work record, a minute apart, the
// way an import does. It is for measuring.
func (a *App) RecordMany(ctx context.Context, work uuid.UUID, count int) error {
	correlation, err := a.newID()
	if err != nil {
		return err
	}
	sink := &clockImport{
		app: a, actor: eventschema.Actor{ID: a.operator, Role: importActorRole},
		correlation: correlation, cards: newCardCache(importCards),
	}
	at := a.clock().UTC().Truncate(time.Minute).Add(-time.Duration(count) * time.Minute)
	batch := make([]importer.Punch, 0, 1000)
	for i := range count {
		direction := eventschema.DirectionIn
		if i%2 == 1 {
			direction = eventschema.DirectionOut
		}
		at = at.Add(time.Minute)
		batch = append(batch, importer.Punch{
			Work: work, At: at, Zone: "UTC", Direction: direction, Kind: eventschema.KindNormal, StationClock: at.Format(time.DateTime),
		})
		if len(batch) == cap(batch) || i == count-1 {
			if _, _, err := sink.Record(ctx, "bench", batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

// RegisterMany registers so many people, the way an import does. It is for
// measuring.
func (a *App) RegisterMany(ctx context.Context, count int) error {
	correlation, err := a.newID()
	if err != nil {
		return err
	}
	sink := &clockImport{app: a, actor: eventschema.Actor{ID: a.operator, Role: importActorRole}, correlation: correlation}
	for done := 0; done < count; {
		var newcomers []newcomer
		for range min(1000, count-done) {
			n, err := sink.draw("bench", strconv.Itoa(done), importer.Person{
				Name: "Somebody Measured " + strconv.Itoa(done), Email: strconv.Itoa(done) + "@bench.example",
			})
			if err != nil {
				return err
			}
			newcomers = append(newcomers, n)
			done++
		}
		if err := sink.admitAll(ctx, newcomers); err != nil {
			return err
		}
		if _, err := sink.enterAll(ctx, newcomers); err != nil {
			return err
		}
	}
	return nil
}

// OpenKeys opens the key store of the folder once more, as another process
// would. The caller closes it. It is for measuring.
func (a *App) OpenKeys(ctx context.Context) (*keyring.Keyring, error) {
	store, err := a.keyStore(Config{})
	if err != nil {
		return nil, err
	}
	return keyring.Open(ctx, store)
}

// ReadModelsURL is where the read models are, for measuring and for tests.
func (a *App) ReadModelsURL() string { return a.running.ReadModels }

// CopyBare writes the rows of every read model once more, into tables without keys,
// and answers how long Postgres took for it: what no way of filling them undercuts
// that writes a row where it stands. It is for measuring.
func (a *App) CopyBare(ctx context.Context) (took time.Duration, err error) {
	conn, err := pgx.Connect(ctx, a.running.ReadModels)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for _, p := range projections.All() {
		for _, table := range p.Tables {
			spent, err := copyBare(ctx, conn, pgx.Identifier{a.models.Schema(), table}.Sanitize())
			if err != nil {
				return took, fmt.Errorf("copy %s: %w", table, err)
			}
			took += spent
		}
	}
	return took, nil
}

func copyBare(ctx context.Context, conn *pgx.Conn, table string) (took time.Duration, err error) {
	file, err := os.CreateTemp("", "tracekeep-rows-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if _, err := conn.PgConn().CopyTo(ctx, file, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
		return 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	begun := time.Now()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE TABLE bare_rows (LIKE "+table+")"); err != nil {
			return err
		}
		_, err := tx.Conn().PgConn().CopyFrom(ctx, file, "COPY bare_rows FROM STDIN (FORMAT binary)")
		return err
	})
	took = time.Since(begun)
	if err == nil {
		_, err = conn.Exec(ctx, "DROP TABLE bare_rows")
	}
	return took, err
}

// Fill fills the read models from the log and from punches behind it that are in no
// log, the way a rebuild does. The folder is good for asking afterwards and for nothing
// else. It is for measuring.
func (a *App) Fill(ctx context.Context, punches iter.Seq[*eventschema.PunchRecorded], progress func(postgres.Progress)) error {
	_, err := a.models.Rebuild(ctx, func(yield func(eventschema.Recorded, error) bool) {
		var last eventschema.Recorded
		for e, err := range a.whole.ReadAll(ctx, 0) {
			if last = e; !yield(e, err) {
				return
			}
		}
		at := eventschema.Envelope{Metadata: eventschema.Metadata{
			Tenant: a.tenant, Actor: eventschema.Actor{ID: a.operator, Role: importActorRole}, Salt: make([]byte, eventschema.SaltBytes),
		}}
		for p := range punches {
			at.Stream, at.EventID = eventschema.PunchesStream(a.tenant, p.WorkID, p.OccurredAt).String(), p.PunchID
			at.Metadata.CorrelationID, at.Metadata.CausationID = p.PunchID, p.PunchID
			proposed, err := a.registry.Encode(ctx, a.keys, p, at)
			last = eventschema.Recorded{
				Stream: at.Stream, Revision: last.Position, Position: last.Position + measuredStep, ID: proposed.ID, Type: proposed.Type,
				ContentType: eventschema.ContentTypeJSON, Created: p.ReceivedAt, Data: proposed.Data, Metadata: proposed.Metadata,
			}
			if !yield(last, err) || err != nil {
				return
			}
		}
	}, progress)
	return err
}

// measuredStep is about what a punch takes in the log.
const measuredStep = 512

// ReadModelsSchema is where in their database the read models stand, for measuring.
func (a *App) ReadModelsSchema() string { return a.models.Schema() }
