package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/cmd/internal/app"
	"tracekeep/projections"
)

// listFlags are those of the lists about devices.
type listFlags struct {
	dataFlags
	Limit int  `help:"How many at most." default:"1000"`
	JSON  bool `name:"json" help:"Print one JSON object for each."`
}

// show lists what a question answers: as JSON objects, or as a table.
func show[T any](ctx context.Context, c listFlags, t *terminal, head string, ask func(context.Context, *app.App) ([]T, error), object func(T) map[string]any, row func(T) []string) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		found, err := ask(ctx, a)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, one := range found {
			if c.JSON {
				if err := printJSON(t.out, object(one)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, row(one))
		}
		if c.JSON {
			return nil
		}
		return table(t.out, head, rows)
	})
}

type devicesList struct {
	listFlags
	Work uuid.UUID `help:"Those of one work record only."`
	All  bool      `help:"Also those that were revoked."`
}

// Run lists devices.
func (c devicesList) Run(ctx context.Context, t *terminal) error {
	return show(ctx, c.listFlags, t, "DEVICE|STATE|STATION|WORK ID|LAST SEEN|PUNCHES|REFUSED|MISSING", func(ctx context.Context, a *app.App) ([]projections.Device, error) {
		all, err := a.ListDevices(ctx, operator(a), c.Work, 0, c.Limit)
		var found []projections.Device
		for _, d := range all {
			if c.All || d.RevokedAt == nil {
				found = append(found, d)
			}
		}
		return found, err
	}, func(d projections.Device) map[string]any {
		return map[string]any{
			"device_id": d.DeviceID, "state": d.State(), "station": d.Station, "site": d.Site, "work_id": idOrDash(d.WorkID), "replaces": idOrDash(d.Replaces),
			"enrolled_at": d.EnrolledAt, "revoked_at": d.RevokedAt, "reason": d.Reason, "last_seen": d.LastSeen, "batches": d.Batches, "punches": d.Punches,
			"refused": d.Refused, "missing": d.Missing,
		}
	}, func(d projections.Device) []string {
		seen := "-"
		if d.LastSeen != nil {
			seen = d.LastSeen.Format(time.RFC3339)
		}
		return []string{d.DeviceID.String(), d.State(), d.Station, idOrDash(d.WorkID), seen, strconv.Itoa(d.Punches), strconv.Itoa(d.Refused), strconv.FormatInt(d.Missing, 10)}
	})
}

type devicesLate struct{ listFlags }

// Run lists late and doubtful punches.
func (c devicesLate) Run(ctx context.Context, t *terminal) error {
	return show(ctx, c.listFlags, t, "PUNCH|WORK ID|DEVICE|CLAIMED|RECEIVED|LATE BY|DOUBTS", func(ctx context.Context, a *app.App) ([]projections.Arrival, error) {
		return a.DoubtfulArrivals(ctx, operator(a), 0, c.Limit)
	}, func(p projections.Arrival) map[string]any {
		return map[string]any{
			"punch_id": p.PunchID, "work_id": p.WorkID, "source": p.Source, "station": p.Station, "device_id": idOrDash(p.DeviceID), "batch_id": idOrDash(p.BatchID),
			"counter": p.Counter, "direction": p.Direction, "kind": p.Kind, "occurred_at": p.OccurredAt, "received_at": p.ReceivedAt,
			"late_seconds": int64(p.ReceivedAt.Sub(p.OccurredAt) / time.Second), "skew_seconds": int64(p.Skew / time.Second), "doubts": p.Doubts,
		}
	}, func(p projections.Arrival) []string {
		doubts := make([]string, len(p.Doubts))
		for i, doubt := range p.Doubts {
			doubts[i] = string(doubt)
		}
		return []string{
			p.PunchID.String(), p.WorkID.String(), idOrDash(p.DeviceID), string(p.Direction) + " " + p.OccurredAt.Format(time.RFC3339),
			p.ReceivedAt.Format(time.RFC3339), p.ReceivedAt.Sub(p.OccurredAt).Round(time.Second).String(), strings.Join(doubts, ", "),
		}
	})
}

type devicesConflicts struct {
	listFlags
	All bool `help:"Also those that were put right."`
}

// Run lists conflicts.
func (c devicesConflicts) Run(ctx context.Context, t *terminal) error {
	return show(ctx, c.listFlags, t, "WORK ID|BY HAND|SAID|PUNCH|RECORDED|SOURCE|APART|STATE", func(ctx context.Context, a *app.App) ([]projections.Conflict, error) {
		return a.PunchConflicts(ctx, operator(a), c.All, 0, c.Limit)
	}, func(k projections.Conflict) map[string]any {
		return map[string]any{
			"kind": k.Kind, "open": k.Open, "work_id": k.WorkID, "direction": k.Direction, "by_hand_punch_id": k.ByHand, "by_hand_at": k.ByHandAt, "by_hand_position": k.ByHandFrom,
			"punch_id": k.PunchID, "punch_at": k.PunchAt, "received_at": k.ReceivedAt, "source": k.Source, "station": k.Station, "device_id": idOrDash(k.DeviceID),
		}
	}, func(k projections.Conflict) []string {
		state := "put right"
		if k.Open {
			state = "open"
		}
		return []string{
			k.WorkID.String(), string(k.Kind) + " " + k.ByHand.String(), string(k.Direction) + " " + k.ByHandAt.Format(time.RFC3339), k.PunchID.String(),
			string(k.Direction) + " " + k.PunchAt.Format(time.RFC3339), string(k.Source), k.PunchAt.Sub(k.ByHandAt).Round(time.Second).String(), state,
		}
	})
}

type devicesRefused struct{ listFlags }

// Run lists refused claims.
func (c devicesRefused) Run(ctx context.Context, t *terminal) error {
	return show(ctx, c.listFlags, t, "DEVICE|COUNTER|CLAIMED|RECEIVED|CODE", func(ctx context.Context, a *app.App) ([]projections.RefusedPunch, error) {
		return a.RefusedPunches(ctx, c.Limit)
	}, func(r projections.RefusedPunch) map[string]any {
		return map[string]any{
			"device_id": r.DeviceID, "batch_id": r.BatchID, "work_id": idOrDash(r.WorkID), "counter": r.Counter, "occurred_at": r.OccurredAt,
			"direction": r.Direction, "kind": r.Kind, "code": r.Code, "received_at": r.ReceivedAt,
		}
	}, func(r projections.RefusedPunch) []string {
		return []string{
			r.DeviceID.String(), strconv.FormatInt(r.Counter, 10), string(r.Direction) + " " + r.OccurredAt.Format(time.RFC3339), r.ReceivedAt.Format(time.RFC3339), r.Code,
		}
	})
}

type devicesMissing struct{ listFlags }

// Run lists gaps.
func (c devicesMissing) Run(ctx context.Context, t *terminal) error {
	return show(ctx, c.listFlags, t, "DEVICE|FROM|TO", func(ctx context.Context, a *app.App) ([]projections.Missing, error) {
		return a.MissingCounters(ctx, c.Limit)
	}, func(m projections.Missing) map[string]any {
		return map[string]any{"device_id": m.DeviceID, "from": m.From, "to": m.To}
	}, func(m projections.Missing) []string {
		return []string{m.DeviceID.String(), strconv.FormatInt(m.From, 10), strconv.FormatInt(m.To, 10)}
	})
}
