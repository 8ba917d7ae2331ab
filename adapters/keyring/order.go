package keyring

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Order says what a case destroys and what it leaves behind.
type Order struct {
	Tenant, Case uuid.UUID
	Destroy      []Target
	Restrict     []uuid.UUID // subjects whose remaining keys open for legal claims and audits only
	Erase        []uuid.UUID // subjects that never return; every key of theirs must be destroyed

	// Withhold names what the case would destroy and a hold keeps: it opens for
	// legal claims and audits only, as held under the case, until the hold is
	// lifted and another case destroys it (see [Keyring.Released]).
	Withhold []Target
}

// Target names keys of one subject; no purposes means all. Items narrows them
// to the keys of single photos, documents or notes, Periods to those of some
// months.
type Target struct {
	Subject  uuid.UUID
	Purposes []eventschema.Purpose
	Items    []uuid.UUID
	Periods  []string
}

func (o Order) validate() error {
	if o.Tenant == uuid.Nil || o.Case == uuid.Nil {
		return fmt.Errorf("%w: tenant and case are needed", ErrOrder)
	}
	if len(o.Destroy)+len(o.Restrict)+len(o.Erase)+len(o.Withhold) == 0 {
		return fmt.Errorf("%w: it names nobody", ErrOrder)
	}
	for _, subject := range o.Restrict {
		if slices.Contains(o.Erase, subject) {
			return fmt.Errorf("%w: a subject is both restricted and erased", ErrOrder)
		}
	}
	if slices.Contains(o.subjects(), uuid.Nil) {
		return fmt.Errorf("%w: a subject has no id", ErrOrder)
	}
	for _, target := range slices.Concat(o.Destroy, o.Withhold) {
		if err := validatePurposes(target.Purposes); err != nil {
			return err
		}
		if slices.Contains(target.Items, uuid.Nil) {
			return fmt.Errorf("%w: an item has no id", ErrOrder)
		}
		if slices.Contains(target.Periods, "") {
			return fmt.Errorf("%w: a period has no name", ErrOrder)
		}
	}
	for _, target := range o.Withhold {
		if len(target.Items)+len(target.Periods) > 0 {
			return fmt.Errorf("%w: a hold keeps purposes, not single items or months", ErrOrder)
		}
	}
	return nil
}

func (o Order) subjects() []uuid.UUID {
	var all []uuid.UUID
	for _, target := range slices.Concat(o.Destroy, o.Withhold) {
		all = append(all, target.Subject)
	}
	all = append(append(all, o.Restrict...), o.Erase...)
	slices.SortFunc(all, compareIDs)
	return slices.Compact(all)
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// unroll turns targets into rows of subject, purpose, item and period, sorted; an
// empty purpose, item or period means every one.
func unroll(targets []Target) refColumns {
	var refs []Ref
	for _, target := range targets {
		of := target.Purposes
		if len(of) == 0 {
			of = []eventschema.Purpose{""}
		}
		named := target.Items
		if len(named) == 0 {
			named = []uuid.UUID{uuid.Nil}
		}
		periods := target.Periods
		if len(periods) == 0 {
			periods = []string{""}
		}
		for _, purpose := range of {
			for _, item := range named {
				for _, period := range periods {
					refs = append(refs, Ref{Subject: target.Subject, Purpose: purpose, Period: period, Item: item})
				}
			}
		}
	}
	slices.SortFunc(refs, Ref.compare)
	return columns(slices.Compact(refs))
}

// targeted is the list that [unroll] makes, as a table t of the parameters 2 to 5,
// and the condition under which a key d is in it.
const (
	targeted = `unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[]) AS t (subject, purpose, item, period)`
	isTarget = `d.subject = t.subject AND t.purpose IN ('', d.purpose) AND t.item IN (d.item, '00000000-0000-0000-0000-000000000000') AND t.period IN ('', d.period)`
)

// digest recognises the same order given in another sequence.
func (o Order) digest() []byte {
	b := appendField(nil, "tracekeep destruction order v1")
	b = appendID(b, o.Tenant)
	b = appendID(b, o.Case)
	due := unroll(o.Destroy)
	b = appendNumber(b, len(due.subjects))
	for i := range due.subjects {
		b = appendField(appendID(b, due.subjects[i]), due.purposes[i])
		if due.items[i] != uuid.Nil {
			b = appendID(b, due.items[i])
		}
		if due.periods[i] != "" {
			b = appendField(b, due.periods[i])
		}
	}
	for _, ids := range [][]uuid.UUID{o.Restrict, o.Erase} {
		ids = slices.Clone(ids)
		slices.SortFunc(ids, compareIDs)
		ids = slices.Compact(ids)
		b = appendNumber(b, len(ids))
		for _, id := range ids {
			b = appendID(b, id)
		}
	}
	if len(o.Withhold) > 0 { // orders of before had none, and keep their digest
		kept := unroll(o.Withhold)
		for i := range kept.subjects {
			b = appendField(appendID(appendField(b, "withhold"), kept.subjects[i]), kept.purposes[i])
		}
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
