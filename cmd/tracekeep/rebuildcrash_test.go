package main

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"tracekeep/cmd/internal/app"
)

// A rebuild that is killed at any point leaves an answer: the old one before the
// switch, the new one after it. The next rebuild begins anew and leaves nothing
// behind. A release with other read models that is killed while it makes them is
// opened again and makes them.
//
// promise: I7
func TestARebuildThatIsKilledChangesNoAnswer(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 3, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	c := crashCase{t: t, data: data}
	hours := c.command("query", "hours", "--from", "2025-01-01", "--to", "2026-12-31")
	want := tracekeep(t, hours...).ok(t).out
	check := func(after string, wanted ...string) {
		t.Helper()
		if got := tracekeep(t, hours...).ok(t).out; got != want {
			t.Errorf("after %s the hours are\n%s\nand were\n%s", after, got, want)
		}
		tracekeep(t, c.command("rebuild", "--check")...).ok(t)
		if left := c.schemas(); len(wanted) > 0 && !slices.Equal(left, wanted) {
			t.Errorf("after %s there are the schemas %v", after, left)
		}
	}
	c.dies(c.command("rebuild"), "rebuild half done")
	check("a kill in the middle")
	c.dies(c.command("rebuild"), "rebuild switched")
	check("a kill at the switch")
	tracekeep(t, c.command("rebuild")...).ok(t)
	check("the next rebuild", "read")

	c.onModels(`UPDATE read.checkpoint SET version = version - 1 WHERE projection = 'hours'`, `DELETE FROM read.work_interval`)
	c.dies(c.command("serve", "--listen", "127.0.0.1:0"), "rebuild half done")
	c.dies(c.command("serve", "--listen", "127.0.0.1:0"), "rebuild switched")
	check("two releases that were killed", "read")
}

// onModels changes the read models behind the back of everybody.
func (c crashCase) onModels(statements ...string) {
	c.t.Helper()
	c.withModels(func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(c.t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// schemas lists where read models stand.
func (c crashCase) schemas() (names []string) {
	c.t.Helper()
	c.withModels(func(conn *pgx.Conn) error {
		rows, err := conn.Query(c.t.Context(), `SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, 'read') ORDER BY 1`)
		if err == nil {
			names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	return names
}

func (c crashCase) withModels(do func(*pgx.Conn) error) {
	c.t.Helper()
	withFolder(c.t, c.data, func(a *app.App) {
		conn, err := pgx.Connect(c.t.Context(), a.ReadModelsURL())
		if err != nil {
			c.t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.WithoutCancel(c.t.Context())) }()
		if err := do(conn); err != nil {
			c.t.Error(err)
		}
	})
}
