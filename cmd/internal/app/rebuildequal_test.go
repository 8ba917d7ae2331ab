package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/httpapi"
)

// A rebuild after an erasure makes the very rows that one before it made, sealed
// sections included: the keys went, and nothing that a projection reads. Only the
// register of cases, the terms of what is gone and the list of events have news.
//
// promise: ST-33
func TestARebuildIsTheSameBeforeAndAfterAnErasure(t *testing.T) {
	h := openHouse(t)
	gone, stays := h.register("Ada Example"), h.register("Ben Example")
	for _, who := range []httpapi.PersonReceipt{gone, stays} {
		if _, err := h.RecordPunch(t.Context(), h.intent(h.as(httpapi.RoleHR)), punchEntry(who.WorkID, h.clock())); err != nil {
			t.Fatal(err)
		}
	}
	h.caughtUp()
	before := h.rebuiltRows()
	h.erase(gone.PersonID)
	after := h.rebuiltRows()
	changed := []string{}
	for _, table := range slices.Sorted(maps.Keys(after)) {
		if before[table] != after[table] {
			changed = append(changed, table)
		}
	}
	if len(after) < 6 || !strings.Contains(before["person"], gone.PersonID.String()) {
		t.Fatalf("the tables are %v", slices.Sorted(maps.Keys(after)))
	}
	// Events are listed and counted, a schema is made, and what was destroyed comes of age no more.
	news := []string{"audit_feed", "checkpoint", "migration", "retention_term"}
	for _, table := range changed {
		if !strings.HasPrefix(table, "erasure") && !slices.Contains(news, table) {
			t.Errorf("table %s is another after the erasure:\n%s\nbefore\n%s", table, after[table], before[table])
		}
	}
	if !slices.ContainsFunc(changed, func(table string) bool { return strings.HasPrefix(table, "erasure") }) {
		t.Errorf("the register of cases did not change; %v did", changed)
	}
}

// rebuiltRows rebuilds the read models and answers every row of every table.
func (h *house) rebuiltRows() map[string]string {
	h.t.Helper()
	if _, err := h.Rebuild(h.t.Context(), nil); err != nil {
		h.t.Fatal(err)
	}
	conn, err := pgx.Connect(h.t.Context(), h.running.ReadModels)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close(h.t.Context()) }()
	names, err := conn.Query(h.t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = $1`, h.App.models.Schema())
	if err != nil {
		h.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	rows := map[string]string{}
	for _, table := range tables {
		var text *string
		all := fmt.Sprintf(`SELECT string_agg(r::text, E'\n' ORDER BY r::text) FROM %s AS r`, pgx.Identifier{h.App.models.Schema(), table}.Sanitize())
		if err := conn.QueryRow(h.t.Context(), all).Scan(&text); err != nil {
			h.t.Fatal(err)
		}
		if rows[table] = ""; text != nil {
			rows[table] = *text
		}
	}
	return rows
}
