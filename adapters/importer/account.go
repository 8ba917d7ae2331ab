package importer

import (
	"fmt"
	"strconv"
	"time"
)

// count enters a row in the account.
func (r *run) count(row *row) error {
	r.sum.Lines++
	switch {
	case row.class == blankLine:
		r.sum.Lines += row.more
		r.sum.BlankLines += 1 + row.more
		return nil
	case row.reason != "":
		r.sum.Rejected++
		return r.report(row, row.reason, &r.sum.Rejects, r.sum.RejectsByReason)
	case row.class == otherRow:
		r.sum.OtherLines++
	default:
		r.sum.Accepted++
		r.sum.PerState[row.pressed]++
		r.sum.PerYear[strconv.Itoa(row.at.In(r.o.Zone).Year())]++
		r.span(row.at.In(r.o.Zone))
		if row.end != nil {
			r.span(row.end.at.In(r.o.Zone))
		}
	}
	if row.suspect == "" {
		return nil
	}
	return r.report(row, row.suspect, &r.sum.Suspects, r.sum.SuspectsByReason)
}

func (r *run) span(local time.Time) {
	if r.sum.First.IsZero() || local.Before(r.sum.First) {
		r.sum.First = local
	}
	if local.After(r.sum.Last) {
		r.sum.Last = local
	}
}

func (r *run) report(row *row, reason Reason, list *[]Rejected, byReason map[Reason]int64) error {
	said := reject(row.line, reason)
	said.Sheet = row.sheet
	byReason[reason]++
	if len(*list) < r.o.MaxRejects {
		*list = append(*list, said)
	}
	return r.writeRejected(r.o.Name, said)
}

func (r *run) writeRejected(file string, rejected Rejected) error {
	if rejected.Sheet != "" {
		file += " sheet " + rejected.Sheet
	}
	return r.write(file, strconv.FormatInt(rejected.Line, 10), string(rejected.Reason), rejected.Message)
}

func (r *run) write(record ...string) error {
	if r.verdicts == nil {
		return nil
	}
	if err := r.verdicts.Write(record); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}

func (r *run) flush() error {
	if r.verdicts == nil {
		return nil
	}
	r.verdicts.Flush()
	if err := r.verdicts.Error(); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}
