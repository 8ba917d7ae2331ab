package keyring

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tracekeep/eventschema"
)

// ErrNotACopy says that something holds no rows of a key store.
var ErrNotACopy = errors.New("no copy of a key store: give a dump made by pg_dump, or the URL of a database that the copy was restored into")

// Copy is the rows of a key store that somebody holds: the store as it is, or as
// it was when a dump was made. The keys in it are wrapped.
type Copy struct {
	Name   string
	epochs []epochRow
	keys   []keyRow
}

// Keys is how many keys the copy holds, those of items included.
func (c *Copy) Keys() int { return len(c.keys) }

// CopyNow is the key store as it is.
func (k *Keyring) CopyNow(ctx context.Context, name string) (*Copy, error) {
	conn, err := k.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("copy the key store: %w", err)
	}
	defer conn.Release()
	return readCopy(ctx, name, conn.Conn().PgConn())
}

// CopyIn is the copy that was restored into a database. It is only read, whatever
// release it is of.
func CopyIn(ctx context.Context, name, url string) (*Copy, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrNotACopy, err)
	}
	c, err := readCopy(ctx, name, conn.PgConn())
	return c, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

func readCopy(ctx context.Context, name string, conn *pgconn.PgConn) (*Copy, error) {
	c := &Copy{Name: name}
	for _, table := range []string{"kek_epoch", "dek"} {
		result := conn.ExecParams(ctx, `SELECT * FROM `+table, nil, nil, nil, nil)
		for result.NextRow() {
			row := textRow{}
			for i, field := range result.FieldDescriptions() {
				row[field.Name] = string(result.Values()[i])
			}
			if err := c.add(table, row); err != nil {
				_, _ = result.Close()
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if _, err := result.Close(); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", name, ErrNotACopy, err)
		}
	}
	return c, c.settle()
}

// CopyFrom reads what pg_dump writes as text; pg_restore makes it of the other
// formats.
func CopyFrom(name string, dump io.Reader) (*Copy, error) {
	c := &Copy{Name: name}
	lines := bufio.NewReader(dump)
	var table string
	var columns []string
	for {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if table == "" {
			table, columns = copyHead(line)
		} else if strings.TrimRight(line, "\n") == `\.` {
			table = ""
		} else if row, err := dumpedRow(columns, line); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		} else if err := c.add(table, row); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err != nil {
			return c, c.settle()
		}
	}
}

// copyHead knows the line before the rows of one of the two tables.
func copyHead(line string) (table string, columns []string) {
	rest, ok := strings.CutPrefix(line, "COPY ")
	if !ok {
		return "", nil
	}
	target, rest, ok := strings.Cut(rest, " (")
	if !ok {
		return "", nil
	}
	list, _, ok := strings.Cut(rest, ") FROM stdin;")
	target = target[strings.LastIndexByte(target, '.')+1:]
	if !ok || target != "kek_epoch" && target != "dek" {
		return "", nil
	}
	return target, strings.Split(list, ", ")
}

// textRow is a row as Postgres writes it in text; NULL is empty.
type textRow map[string]string

func dumpedRow(columns []string, line string) (textRow, error) {
	fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
	if len(fields) != len(columns) {
		return nil, fmt.Errorf("%w: a row has %d fields of %d", ErrNotACopy, len(fields), len(columns))
	}
	row := textRow{}
	for i, field := range fields {
		if field != `\N` { // of the other escapes only that of the backslash stands in what is read here
			row[columns[i]] = strings.ReplaceAll(field, `\\`, `\`)
		}
	}
	return row, nil
}

func (c *Copy) add(table string, row textRow) error {
	r := rowReader{row: row}
	if table == "kek_epoch" {
		c.epochs = append(c.epochs, epochRow{
			number: r.number("epoch"), provider: row["provider"], key: row["provider_key"], kek: r.bytes("wrapped_kek"), index: r.bytes("wrapped_index"),
		})
		return r.err
	}
	c.keys = append(c.keys, keyRow{
		id: r.id("key_id"), generation: r.number("generation"), epoch: r.number("epoch"), wrapped: r.bytes("wrapped"), parent: r.id("parent"),
		ref: Ref{Tenant: r.id("tenant"), Subject: r.id("subject"), Purpose: eventschema.Purpose(row["purpose"]), Period: row["period"], Item: r.id("item")},
	})
	return r.err
}

// settle puts beside each item key what the key above it is stored as.
func (c *Copy) settle() error {
	if len(c.epochs) == 0 {
		return fmt.Errorf("%s: %w", c.Name, ErrNotACopy)
	}
	byID := map[uuid.UUID]*keyRow{}
	for i := range c.keys {
		byID[c.keys[i].id] = &c.keys[i]
	}
	for i := range c.keys {
		if above, ok := byID[c.keys[i].parent]; ok {
			c.keys[i].parentGeneration, c.keys[i].parentEpoch, c.keys[i].parentWrapped = above.generation, above.epoch, above.wrapped
		}
	}
	return nil
}

// rowReader keeps the first mistake in a row.
type rowReader struct {
	row textRow
	err error
}

func (r *rowReader) fail(column string, err error) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: column %s", ErrNotACopy, column)
	}
}

func (r *rowReader) number(column string) int {
	n, err := strconv.Atoi(r.row[column])
	r.fail(column, err)
	return n
}

func (r *rowReader) bytes(column string) []byte {
	text, ok := strings.CutPrefix(r.row[column], `\x`)
	raw, err := hex.DecodeString(text)
	if !ok {
		err = ErrNotACopy
	}
	r.fail(column, err)
	return raw
}

// id reads an id; a column that an older release has not is the nil id.
func (r *rowReader) id(column string) uuid.UUID {
	if r.row[column] == "" {
		return uuid.Nil
	}
	id, err := uuid.Parse(r.row[column])
	r.fail(column, err)
	return id
}
