package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/cmd/internal/app"
)

// keysReport is what the status says.
type keysReport struct {
	Provider    string             `json:"provider"`
	Reaches     string             `json:"reaches"` // clear or purge, NIST SP 800-88
	Stages      []stageReport      `json:"stages"`
	Effective   string             `json:"effective_after"`
	Final       string             `json:"final_after"`
	Limit       string             `json:"limit"`
	Kept        bool               `json:"promise_kept"`
	NextDue     *time.Time         `json:"next_rotation_due,omitempty"`
	Overdue     bool               `json:"rotation_overdue"`
	Waits       string             `json:"waits_for,omitempty"`
	Epochs      []epochReport      `json:"epochs"`
	Retired     []retirementReport `json:"retired"`
	Escrows     []escrowReport     `json:"escrows"`
	Holders     int                `json:"processes_with_keys"`
	RotatesSelf bool               `json:"rotates_by_itself"`
}

type stageReport struct {
	What  string `json:"what"`
	Takes string `json:"takes"`
	After string `json:"after_closure"`
}

type epochReport struct {
	Epoch      int        `json:"epoch"`
	State      string     `json:"state"`
	CreatedAt  time.Time  `json:"created_at"`
	Provider   string     `json:"provider"`
	Key        string     `json:"provider_key"`
	Keys       int        `json:"keys"`
	Tokens     int        `json:"tokens"`
	Destroyed  int        `json:"keys_destroyed"`
	TestedAt   *time.Time `json:"tested_at,omitempty"`
	TestedFrom string     `json:"tested_from,omitempty"`
}

type retirementReport struct {
	Epoch     int       `json:"epoch"`
	RetiredAt time.Time `json:"retired_at"`
	FinalAt   time.Time `json:"final_at"`
	Provider  string    `json:"provider"`
	Key       string    `json:"provider_key"`
	Reaches   string    `json:"reaches"`
	Rewrapped int       `json:"keys_rewrapped"`
	Destroyed int       `json:"keys_destroyed"`
	Hash      string    `json:"hash"`
}

type escrowReport struct {
	ID          uuid.UUID  `json:"escrow"`
	MadeAt      time.Time  `json:"made_at"`
	Epochs      []int      `json:"epochs"`
	Kind        string     `json:"locked_for"`
	Place       string     `json:"place"`
	VerifiedAt  *time.Time `json:"verified_at,omitempty"`
	DestroyedAt *time.Time `json:"destroyed_at,omitempty"`
}

// promiseOf adds up when an erasure is final.
func promiseOf(policy app.KeyPolicy, reach keyring.Reach) (*keysReport, error) {
	sum, err := policy.Finality(reach)
	report := &keysReport{
		Provider: reach.Provider, Reaches: reach.Standard, Kept: err == nil, RotatesSelf: policy.RotateByItself,
		Effective: span(sum.Effective), Final: span(sum.Final), Limit: span(sum.Limit),
	}
	for _, stage := range sum.Stages {
		report.Stages = append(report.Stages, stageReport{What: stage.What, Takes: span(stage.Takes), After: span(stage.After)})
	}
	return report, err
}

// span writes a duration in days, hours and less.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
	}
	text := fmt.Sprintf("%dd", d/day)
	if rest := d % day; rest > 0 {
		text += " " + span(rest)
	}
	return text
}

func (r *keysReport) read(ctx context.Context, a *app.App, now time.Time) error {
	keys := a.Keys()
	epochs, err := keys.Epochs(ctx)
	if err != nil {
		return err
	}
	retired, err := keys.Retirements(ctx)
	if err != nil {
		return err
	}
	escrows, err := keys.Escrows(ctx)
	if err != nil {
		return err
	}
	holders, err := keys.Holders(ctx)
	if err != nil {
		return err
	}
	r.Holders = len(holders)
	for _, e := range epochs {
		r.Epochs = append(r.Epochs, epochReport{
			Epoch: e.Epoch, State: e.State, CreatedAt: e.CreatedAt, Provider: e.Provider, Key: e.ProviderKey, Keys: e.Keys, Tokens: e.Tokens,
			Destroyed: e.Destroyed, TestedAt: given(e.TestedAt), TestedFrom: e.TestedFrom,
		})
	}
	for _, e := range retired {
		r.Retired = append(r.Retired, retirementOf(e))
	}
	for _, e := range escrows {
		r.Escrows = append(r.Escrows, escrowReport{
			ID: e.ID, MadeAt: e.MadeAt, Epochs: e.Epochs, Kind: e.Kind, Place: e.Place, VerifiedAt: given(e.VerifiedAt), DestroyedAt: given(e.DestroyedAt),
		})
	}
	r.due(a.KeyPolicy(), epochs, now)
	r.waits(epochs, escrows, a.KeyPolicy().RetireWithoutBackup)
	return nil
}

func retirementOf(r keyring.Retirement) retirementReport {
	return retirementReport{
		Epoch: r.Epoch, RetiredAt: r.RetiredAt, FinalAt: r.FinalAt, Provider: r.Provider, Key: r.ProviderKey, Reaches: r.Reach,
		Rewrapped: r.Rewrapped, Destroyed: r.Destroyed, Hash: r.Hash,
	}
}

func given(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// due says when the newest epoch is over, and whether that, or the retirement of
// an older one, is later than the policy allows.
func (r *keysReport) due(policy app.KeyPolicy, epochs []keyring.EpochStatus, now time.Time) {
	if len(epochs) == 0 {
		return
	}
	newest := epochs[len(epochs)-1]
	next := newest.CreatedAt.Add(policy.Epoch)
	r.NextDue = &next
	r.Overdue = now.After(next.Add(policy.Rotation)) || len(epochs) > 1 && now.After(newest.CreatedAt.Add(policy.Rotation))
}

// waits says what keeps an older epoch from retiring.
func (r *keysReport) waits(epochs []keyring.EpochStatus, escrows []keyring.Escrow, withoutBackup bool) {
	if len(epochs) < 2 {
		return
	}
	oldest, newest := epochs[0], epochs[len(epochs)-1]
	copied, kept := withoutBackup, 0
	for _, e := range escrows {
		for _, number := range e.Epochs {
			copied = copied || number == newest.Epoch && !e.VerifiedAt.IsZero() && e.DestroyedAt.IsZero()
			if number == oldest.Epoch && e.DestroyedAt.IsZero() {
				kept++
			}
		}
	}
	switch {
	case oldest.Keys+oldest.Tokens > 0 || newest.TestedAt.IsZero():
		r.Waits = "the rotation to go on: tracekeep keys rotate"
	case !copied:
		r.Waits = fmt.Sprintf("a verified escrow of epoch %d: tracekeep keys escrow, then verify-backup", newest.Epoch)
	case kept > 0:
		r.Waits = fmt.Sprintf("%d escrows of epoch %d to be destroyed: tracekeep keys escrow --destroy", kept, oldest.Epoch)
	}
}

func (r *keysReport) print(t *terminal) error {
	rows := make([][]string, len(r.Stages))
	for i, stage := range r.Stages {
		rows[i] = []string{stage.What, stage.Takes, stage.After}
	}
	if err := table(t.out, "FROM THE CLOSING OF AN ACCOUNT|TAKES AT MOST|SUM", rows); err != nil {
		return err
	}
	verdict := "kept"
	if !r.Kept {
		verdict = "BROKEN"
	}
	_, _ = fmt.Fprintf(t.out, "effective after %s, final after %s, promised within %s: %s\nprovider %s, whose destruction reaches %s\n",
		r.Effective, r.Final, r.Limit, verdict, r.Provider, r.Reaches)
	if len(r.Epochs) == 0 {
		return nil
	}
	if err := r.printEpochs(t); err != nil {
		return err
	}
	if len(r.Escrows) > 0 {
		rows = nil
		for _, e := range r.Escrows {
			rows = append(rows, []string{e.ID.String(), fmt.Sprint(e.Epochs), e.Kind, day(&e.MadeAt), day(e.VerifiedAt), day(e.DestroyedAt), printable(e.Place)})
		}
		_, _ = fmt.Fprintln(t.out)
		if err := table(t.out, "ESCROW|EPOCHS|LOCKED FOR|MADE|VERIFIED|DESTROYED|PLACE", rows); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(t.out, "\nnext rotation due %s; %d processes hold keys\n", day(r.NextDue), r.Holders)
	if r.Waits != "" {
		_, _ = fmt.Fprintf(t.out, "epoch %d waits for %s\n", r.Epochs[0].Epoch, r.Waits)
	}
	return nil
}

func (r *keysReport) printEpochs(t *terminal) error {
	var rows [][]string
	for _, e := range r.Retired {
		rows = append(rows, []string{fmt.Sprint(e.Epoch), "retired " + e.RetiredAt.Format(time.DateOnly), e.Provider, e.Key, "-", "-", fmt.Sprint(e.Destroyed), "-"})
	}
	for _, e := range r.Epochs {
		rows = append(rows, []string{
			fmt.Sprint(e.Epoch), e.State + " since " + e.CreatedAt.Format(time.DateOnly), e.Provider, dash(e.Key),
			fmt.Sprint(e.Keys), fmt.Sprint(e.Tokens), fmt.Sprint(e.Destroyed), day(e.TestedAt),
		})
	}
	_, _ = fmt.Fprintln(t.out)
	return table(t.out, "EPOCH|STATE|PROVIDER|ITS KEY|KEYS|TOKENS|DESTROYED|RESTORE TEST", rows)
}

func day(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.Format(time.DateOnly)
}
