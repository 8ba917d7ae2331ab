package httpapi

import (
	"context"
	"io"

	"github.com/google/uuid"

	"tracekeep/domain/disclosure"
	"tracekeep/domain/payrules"
)

// Exports writes what leaves the house. Errors: *Refusal, *Erased, ErrNotFound,
// ErrUnrecorded, ErrUnavailable.
type Exports interface {
	// Export records that values are about to be given away, a disclosure about each
	// person and one reading, and then writes the file. begin is called once, after the
	// records and before the first byte; an error before it means that nothing was
	// written.
	Export(ctx context.Context, by Principal, order ExportOrder, begin func(ExportBegun), to io.Writer) error
}

// ExportOrder says what an export holds and why it leaves.
type ExportOrder struct {
	What          string    // hours, punches or payroll
	Work          uuid.UUID // nil: everybody
	From, To      string    // local days, both included
	Station       string    // empty: everywhere
	Format        string    // csv, xlsx, parquet or json, of a table
	ByteOrderMark bool      // by which Excel knows UTF-8
	Payroll       *PayrollOrder
	Why           disclosure.Record // but for whom it is about, what of them and its id
}

// PayrollOrder says how a payroll program knows things, and by which rules is paid.
type PayrollOrder struct {
	System         string
	Plan           payrules.Plan
	Earlier        []payrules.Rules // of earlier periods, where they are neither in the plan nor built in
	Company, Batch string
	Codes          map[string]string // the program's own name of each pay code
	Jobs           map[string]string // and of a job
}

// ExportBegun is what is known before the first byte. The rest is of a payroll file:
// LeftOut are work records with hours that are not in it.
type ExportBegun struct {
	Disclosed   int // people, each under a disclosure of their own
	Withheld    int // people whose name was erased, or is restricted
	LeftOut     []uuid.UUID
	Adjustments int
	Findings    int
}
