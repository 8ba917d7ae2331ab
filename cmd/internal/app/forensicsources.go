package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tracekeep/adapters/forensics"
)

// folders searches every file of the data folder, one source for each store in it.
func (i *investigator) folders(ctx context.Context) error {
	if err := i.checkpoint(ctx); err != nil {
		return err
	}
	entries, err := os.ReadDir(i.folder.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := i.searchBelow(ctx, "files: "+entry.Name(), i.folder.path(entry.Name()), mustHold(entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mustHold says whether a store of the data folder holds the ids of people in clear.
func mustHold(name string) bool { return name == "events" || name == "postgres" }

// searchBelow searches a file, or every file below a folder.
func (i *investigator) searchBelow(ctx context.Context, source, root string, must bool) error {
	read := SourceRead{Source: source, Must: must}
	total, err := sizeBelow(root)
	if err != nil {
		return err
	}
	done := int64(0)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != root:
			return nil // a store removed it meanwhile
		case err != nil:
			return err
		case !entry.Type().IsRegular():
			return ctx.Err()
		}
		name, err := filepath.Rel(filepath.Dir(root), path)
		if err != nil {
			return err
		}
		found, err := i.searchFile(ctx, path, func(n int64) {
			done += n
			i.Progress(source, done, total)
		})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case errors.Is(err, fs.ErrPermission):
			read.Left = append(read.Left, LeftUnread{Place: name, Why: "it may not be read"})
			i.invalid("%s may not be read", name)
			return nil
		case err != nil:
			return err
		}
		read.count(name, found)
		return nil
	})
	i.evidence.Sources = append(i.evidence.Sources, read)
	return err
}

func sizeBelow(root string) (total int64, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && path != root {
				return nil
			}
			return err
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total, err
}

// dumpMagic begins a dump that pg_restore reads.
const dumpMagic = "PGDMP"

// searchFile searches a file, and what pg_restore makes of a dump: its rows are
// compressed in pieces.
func (i *investigator) searchFile(ctx context.Context, path string, progress func(int64)) (forensics.Found, error) {
	found, err := i.needles.SearchFile(ctx, path, progress)
	if err != nil || i.Restorer == "" || !beginsWith(path, dumpMagic) {
		return found, err
	}
	restore := exec.CommandContext(ctx, i.Restorer, "--file=-", path) //nolint:gosec // the binary beside the Postgres in use
	text, err := restore.StdoutPipe()
	if err != nil {
		return found, err
	}
	if err := restore.Start(); err != nil {
		return found, err
	}
	inside, err := i.needles.Search(ctx, text, nil)
	if err = errors.Join(err, restore.Wait()); err != nil {
		return found, fmt.Errorf("pg_restore %s: %w", path, err)
	}
	for _, hit := range inside.Hits {
		hit.Within = append([]string{"pg_restore"}, hit.Within...)
		found.Hits = append(found.Hits, hit)
	}
	found.Bytes += inside.Bytes
	found.Opened += 1 + inside.Opened
	return found, nil
}

func beginsWith(path, magic string) bool {
	file, err := os.Open(path) //nolint:gosec // it was just searched
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	start := make([]byte, len(magic))
	_, err = io.ReadFull(file, start)
	return err == nil && string(start) == magic
}

// log searches every event as the event store hands it out, which is all there is
// of a store that runs elsewhere.
func (i *investigator) log(ctx context.Context) error {
	read := SourceRead{Source: "events, as read", Must: true}
	last, err := i.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	for recorded, err := range i.whole.ReadAll(ctx, 0) {
		if err != nil {
			return err
		}
		whole := strings.Join([]string{recorded.Stream, recorded.Type, string(recorded.Data), string(recorded.Metadata)}, "\n")
		found, err := i.needles.Search(ctx, strings.NewReader(whole), nil)
		if err != nil {
			return err
		}
		read.count(recorded.Stream, found)
		if read.Parts%1000 == 0 {
			i.Progress(read.Source, int64(recorded.Position), int64(last)) //nolint:gosec // positions of a log
		}
	}
	i.evidence.Sources = append(i.evidence.Sources, read)
	return nil
}

// export writes what an auditor would be given, and searches it.
func (i *investigator) export(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "tracekeep-forensics-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "bundle")
	if _, err := i.ExportAudit(ctx, file, AuditOrder{All: true}, nil); err != nil {
		return err
	}
	return i.searchBelow(ctx, "audit export of everything", file, true)
}

func (i *investigator) also(ctx context.Context) error {
	for _, path := range i.Also {
		if err := i.searchBelow(ctx, path, path, false); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint brings what Postgres holds in memory into its files, where the account
// may order that.
func (i *investigator) checkpoint(ctx context.Context) error {
	return i.onBoth(ctx, func(_ string, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `CHECKPOINT`)
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == insufficientPrivilege {
			return nil // a Postgres of others, whose files do not lie here
		}
		return err
	})
}

const insufficientPrivilege = "42501"

func (i *investigator) onBoth(ctx context.Context, do func(name string, conn *pgx.Conn) error) error {
	for _, db := range []struct{ name, url string }{{"read models", i.running.ReadModels}, {"key store", i.running.Keys}} {
		conn, err := pgx.Connect(ctx, db.url)
		if err != nil {
			return fmt.Errorf("%s: %w", db.name, err)
		}
		err = do(db.name, conn)
		if err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))); err != nil {
			return fmt.Errorf("%s: %w", db.name, err)
		}
	}
	return nil
}

// tables searches every table of both databases, as text and in the binary form
// in which stored bytes are as they are, and what Postgres itself keeps of the
// values: statistics, large objects, running statements.
func (i *investigator) tables(ctx context.Context) error {
	return i.onBoth(ctx, func(name string, conn *pgx.Conn) error {
		read := SourceRead{Source: name + ", as tables", Must: true}
		rows, err := conn.Query(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
			WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT') ORDER BY 1`)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		own := len(names)
		names = append(names, "pg_stats", "pg_stat_activity")
		for at, table := range names {
			formats := []string{"text", "binary"}
			if at >= own {
				formats = formats[:1]
			}
			for _, format := range formats {
				found, err := i.searchTable(ctx, conn, table, format)
				if err != nil {
					return fmt.Errorf("table %s: %w", table, err)
				}
				read.count(table, found)
			}
			i.Progress(read.Source, int64(at+1), int64(len(names)))
		}
		i.evidence.Sources = append(i.evidence.Sources, read)
		return nil
	})
}

func (i *investigator) searchTable(ctx context.Context, conn *pgx.Conn, table, format string) (forensics.Found, error) {
	r, w := io.Pipe()
	copied := make(chan error, 1)
	go func() {
		_, err := conn.PgConn().CopyTo(ctx, w, `COPY (SELECT * FROM `+table+`) TO STDOUT (FORMAT `+format+`)`)
		_ = w.CloseWithError(err)
		copied <- err
	}()
	found, err := i.needles.Search(ctx, r, nil)
	_ = r.CloseWithError(err)
	return found, errors.Join(err, <-copied)
}
