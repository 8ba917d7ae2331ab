package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type casesCommand struct {
	dataFlags
	All  bool `help:"Also the cases that have ended or have their certificate."`
	JSON bool `name:"json" help:"Print one JSON object for each case."`
}

// Help implements kong's help provider.
func (casesCommand) Help() string {
	return `Lists the erasure cases that are not done, the one that is due first at the top: whom each waits for, and the last day to
answer. A request is due within one month of its receipt (GDPR Art. 12(3)) or 30 days, whichever is earlier, or when it was extended to.
Cases of withdrawn consent and of ended retention go forward by themselves and have no deadline.

Examples:
  tracekeep cases --data ./records
  tracekeep cases --data ./records --all --json`
}

// Run lists cases.
func (c casesCommand) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		cases, err := a.ErasureRegister(ctx)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, view := range byDue(cases) {
			if !c.All && !openCase(view) {
				continue
			}
			if c.JSON {
				if err := printJSON(t.out, caseJSON(view, t.clock())); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{view.CaseID.String(), string(view.Origin), scopeOf(view), string(view.Status), string(view.Wait), dueText(view, t.clock())})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CASE|ORIGIN|SCOPE|STATUS|WAITS FOR|DUE", rows)
	})
}

// byDue puts what is due first at the top and what has no deadline at the end.
func byDue(cases []httpapi.ErasureView) []httpapi.ErasureView {
	var dated, others []httpapi.ErasureView
	for _, view := range cases {
		if view.Due.IsZero() {
			others = append(others, view)
			continue
		}
		at := len(dated)
		for at > 0 && view.Due.Before(dated[at-1].Due) {
			at--
		}
		dated = append(dated[:at], append([]httpapi.ErasureView{view}, dated[at:]...)...)
	}
	return append(dated, others...)
}

// openCase says whether a case still needs anybody or anything.
func openCase(view httpapi.ErasureView) bool { return view.CertifiedAt == nil && view.EndedAt == nil }

// overdue says whether the last day to answer has passed.
func overdue(view httpapi.ErasureView, now time.Time) bool {
	return openCase(view) && !view.Due.IsZero() && !now.Before(view.Due.AddDate(0, 0, 1))
}

func scopeOf(view httpapi.ErasureView) string {
	if view.Scope == eventschema.ScopePerson {
		return "person"
	}
	names := make([]string, len(view.Purposes))
	for i, purpose := range view.Purposes {
		names[i] = string(purpose)
	}
	if view.Scope == eventschema.ScopeItem {
		return "items of " + strings.Join(names, "+")
	}
	return strings.Join(names, "+")
}

// dueText is the last day to answer, and how far it is. A case that is answered
// is not due.
func dueText(view httpapi.ErasureView, now time.Time) string {
	if view.Due.IsZero() || !openCase(view) {
		return "-"
	}
	days := int(view.Due.Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	if days < 0 {
		return fmt.Sprintf("%s (%d days overdue)", view.Due.Format(time.DateOnly), -days)
	}
	return fmt.Sprintf("%s (%d days)", view.Due.Format(time.DateOnly), days)
}

// printCase shows one case line by line.
func printCase(w io.Writer, view httpapi.ErasureView, now time.Time) error {
	rows := [][]string{{"status", string(view.Status)}, {"origin", string(view.Origin)}, {"scope", scopeOf(view)}}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	add("waits for", string(view.Wait))
	add("due", strings.Trim(dueText(view, now), "-"))
	add("requested", view.RequestedAt.UTC().Format(time.RFC3339))
	for _, step := range []struct {
		name string
		at   *time.Time
	}{
		{"assessed", view.AssessedAt}, {"cools off until", view.CoolingUntil}, {"approved", view.ApprovedAt}, {"keys destroyed", view.DestroyedAt},
		{"certified", view.CertifiedAt}, {"final", view.FinalAt}, {"ended", view.EndedAt},
	} {
		if step.at != nil {
			add(step.name, step.at.UTC().Format(time.RFC3339))
		}
	}
	add("because", view.EndedWhy)
	for _, target := range view.Destroys {
		add("destroys", fmt.Sprintf("%s of the %s", target.Purpose, target.Holder))
	}
	for _, r := range view.Retained {
		add("keeps", fmt.Sprintf("%s until %s: %s", r.Purpose, r.Until, r.Ground))
	}
	for _, hold := range view.Holds {
		add("held by", hold.String())
	}
	for _, r := range view.Recipients {
		outcome := string(r.Outcome)
		if outcome == "" {
			outcome = "to be told"
		}
		add("recipient", fmt.Sprintf("%s %s (disclosure %s): %s", r.Name, r.Reference, r.DisclosureID, outcome))
	}
	return table(w, "case|"+view.CaseID.String(), rows)
}

// caseJSON is a case as one JSON object.
func caseJSON(view httpapi.ErasureView, now time.Time) map[string]any {
	out := map[string]any{
		"case": view.CaseID, "status": view.Status, "state": view.Status, "origin": view.Origin, "scope": view.Scope,
		"requested_at": view.RequestedAt, "requested_by": view.RequestedBy, "keys_destroyed": view.KeysDestroyed,
		"retained": listed(view.Retained), "recipients": recipientsJSON(view.Recipients),
	}
	optional := map[string]any{
		"waits_for": string(view.Wait), "ended_why": view.EndedWhy, "purposes": view.Purposes, "destroys": view.Destroys, "holds": view.Holds,
		"assessed_at": view.AssessedAt, "cooling_off_until": view.CoolingUntil, "approved_at": view.ApprovedAt, "approved_by": view.ApprovedBy,
		"destroyed_at": view.DestroyedAt, "certified_at": view.CertifiedAt, "final_at": view.FinalAt, "ended_at": view.EndedAt, "certificate_leaf": view.CertificateLeaf,
	}
	if view.PersonID != uuid.Nil {
		out["person_id"] = view.PersonID
	}
	if view.RecordID != uuid.Nil {
		out["record_id"] = view.RecordID
	}
	if !view.Due.IsZero() {
		out["due"] = view.Due.Format(time.DateOnly)
		out["overdue"] = overdue(view, now)
	}
	for name, value := range optional {
		if !empty(value) {
			out[name] = value
		}
	}
	return out
}

// empty says whether an optional member has nothing to say.
func empty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case *time.Time:
		return v == nil
	case *uuid.UUID:
		return v == nil
	case *uint64:
		return v == nil
	case []eventschema.Purpose:
		return len(v) == 0
	case []eventschema.ErasureTarget:
		return len(v) == 0
	case []uuid.UUID:
		return len(v) == 0
	}
	return value == nil
}

// listed is never null in JSON.
func listed[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}

func recipientsJSON(recipients []httpapi.RecipientView) []map[string]any {
	out := make([]map[string]any, 0, len(recipients))
	for _, r := range recipients {
		one := map[string]any{"disclosure": r.DisclosureID, "recipient": r.Name, "disclosed_at": r.DisclosedAt}
		if r.Reference != "" {
			one["reference"] = r.Reference
		}
		if r.Outcome != "" {
			one["outcome"] = r.Outcome
		}
		out = append(out, one)
	}
	return out
}
