package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type queryBoard struct {
	dataFlags
	momentFlags
	At      time.Time `help:"Instant, RFC 3339; default now." format:"2006-01-02T15:04:05Z07:00"`
	Station string    `help:"Only who came in at this station." placeholder:"STATION"`
	Site    string    `help:"Only who is at this site, as the punch or the shift says." placeholder:"CODE"`
	JSON    bool      `name:"json" help:"Print one JSON object for each person."`
}

// Help implements kong's help provider.
func (queryBoard) Help() string {
	return `Lists who is in, since when and where, on which shift, and whose out is overdue: the shift ended more than five minutes ago, or
there is no shift and more than twelve hours have passed. Above the list stand the counts of stations and sites.

Examples:
  tracekeep query board --data ./records
  tracekeep query board --data ./records --site harbor_st --json
  tracekeep query board --data ./records --at 2026-03-02T15:00:00Z`
}

// Run shows the board.
func (c queryBoard) Run(ctx context.Context, t *terminal) error {
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		board, err := w.Board(ctx, operator(a), httpapi.BoardQuestion{At: c.At, Station: c.Station, Site: c.Site})
		if err != nil {
			return err
		}
		if !c.JSON {
			overdue := 0
			for _, p := range board.Stations {
				overdue += p.Overdue
			}
			_, _ = fmt.Fprintf(t.out, "%d in at %s, %d overdue\n", len(board.Rows), board.At.UTC().Format(time.RFC3339), overdue)
			var rows [][]string
			for i, p := range slices.Concat(board.Stations, board.Sites) {
				what := "station"
				if i >= len(board.Stations) {
					what = "site"
				}
				rows = append(rows, []string{what, orDash(p.Code), strconv.Itoa(p.In), strconv.Itoa(p.Overdue)})
			}
			if err := table(t.out, "PLACE|CODE|IN|OVERDUE", rows); err != nil {
				return err
			}
		}
		return printNamed(ctx, t, a, "query-board", board.Rows, func(r httpapi.BoardRow) httpapi.Personal { return r.Name }, c.JSON, httpapi.BoardRowBodyOf,
			"WORK ID|NAME|SINCE|STATION|SITE|SHIFT ENDS|OVERDUE", func(r httpapi.BoardRow, name string) []string {
				ends := "-"
				if !r.EndsAt.IsZero() {
					ends = r.EndsAt.Format(time.RFC3339)
				}
				return []string{r.WorkID.String(), name, r.Since.Format(time.RFC3339), r.Station, orDash(r.Site), ends, orDash(string(r.Overdue))}
			})
	})
}
