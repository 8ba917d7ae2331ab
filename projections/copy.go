package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// copied are rows on their way into a table, in the binary form of COPY. The
// value of every column is written by the method of its type, in the order of
// the columns. A page has thousands of rows: none of their values is wrapped
// and looked at again.
type copied struct {
	into    string // "table (columns)"
	columns int
	frozen  bool
	rows    int
	buffer  []byte
}

// copyHead is the signature, no flags, no extension.
const copyHead = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// usualRow is how many bytes most rows take.
const usualRow = 288

// copyInto expects the number of rows, which may turn out otherwise.
func copyInto(table string, rows int, columns ...string) *copied {
	c := &copied{into: table + " (" + strings.Join(columns, ", ") + ")", columns: len(columns)}
	c.buffer = append(make([]byte, 0, len(copyHead)+rows*usualRow), copyHead...)
	return c
}

// intoNew is for a table that the same transaction made. Its rows are frozen as
// they come: nobody need look them over again, neither the first readers nor
// the vacuum that a large load would call.
func (c *copied) intoNew() *copied {
	c.frozen = true
	return c
}

// copyTogether is how many bytes of rows a load keeps before it sends them: each
// COPY costs as much as some hundred rows.
const copyTogether = 4 << 20

// writeMany sends the rows once there are many.
func (c *copied) writeMany(ctx context.Context, tx pgx.Tx) error {
	if len(c.buffer) < copyTogether {
		return nil
	}
	return c.write(ctx, tx)
}

// write sends the rows and forgets them.
func (c *copied) write(ctx context.Context, tx pgx.Tx) error {
	if c.rows == 0 {
		return nil
	}
	end := binary.BigEndian.AppendUint16(c.buffer, 0xffff)
	c.buffer, c.rows = c.buffer[:len(copyHead)], 0
	options := "FORMAT binary"
	if c.frozen {
		options += ", FREEZE"
	}
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(end), "COPY "+c.into+" FROM STDIN ("+options+")")
	return err
}

func (c *copied) row() {
	c.rows++
	c.buffer = binary.BigEndian.AppendUint16(c.buffer, uint16(c.columns))
}

func (c *copied) size(n int) { c.buffer = binary.BigEndian.AppendUint32(c.buffer, uint32(n)) }

func (c *copied) uuid(id uuid.UUID) {
	c.size(len(id))
	c.buffer = append(c.buffer, id[:]...)
}

// known writes null for no id.
func (c *copied) known(id uuid.UUID) {
	if id == uuid.Nil {
		c.null()
		return
	}
	c.uuid(id)
}

func (c *copied) bigint(n int64) {
	c.size(8)
	c.buffer = binary.BigEndian.AppendUint64(c.buffer, uint64(n))
}

func (c *copied) integer(n int32) {
	c.size(4)
	c.buffer = binary.BigEndian.AppendUint32(c.buffer, uint32(n))
}

func (c *copied) smallint(n int16) {
	c.size(2)
	c.buffer = binary.BigEndian.AppendUint16(c.buffer, uint16(n))
}

func (c *copied) boolean(b bool) {
	c.size(1)
	if b {
		c.buffer = append(c.buffer, 1)
		return
	}
	c.buffer = append(c.buffer, 0)
}

func (c *copied) text(s string) {
	c.size(len(s))
	c.buffer = append(c.buffer, s...)
}

// code writes null for the empty text.
func (c *copied) code(s string) {
	if s == "" {
		c.null()
		return
	}
	c.text(s)
}

func (c *copied) bytea(b []byte) {
	if b == nil {
		c.null()
		return
	}
	c.size(len(b))
	c.buffer = append(c.buffer, b...)
}

// millennium is the instant from which Postgres counts, in Unix seconds.
const millennium = 946_684_800

// timestamptz cuts to microseconds, towards the past.
func (c *copied) timestamptz(at time.Time) {
	c.bigint((at.Unix()-millennium)*1_000_000 + int64(at.Nanosecond()/1_000))
}

// date takes a work date, 2006-01-02, and leaves out what is none: no column
// of ours may be empty, so Postgres refuses it.
func (c *copied) date(workDate string) {
	at, err := time.Parse(time.DateOnly, workDate)
	if err != nil {
		c.null()
		return
	}
	const day = 24 * 60 * 60
	c.integer(int32((at.Unix() - millennium) / day)) // both are midnights, so nothing is cut
}

func (c *copied) null() { c.buffer = binary.BigEndian.AppendUint32(c.buffer, math.MaxUint32) }
