package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain/disclosure"
	"tracekeep/eventschema"
)

// With the event store away the read models could still fill a file. There is
// none: what cannot be recorded is not given away.
func TestWithoutTheEventStoreNothingIsExported(t *testing.T) {
	dir := t.TempDir()
	node, err := eventnode.Open(eventnode.Config{Dir: filepath.Join(dir, "events"), Listen: "127.0.0.1:0", Clock: time.Now, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Close() }()
	h := openHouse(t, func(h *house) { h.eventStore, h.unlike = node.ConnectionString(), true })
	who := h.register("Ada Example")
	at := time.Now()
	if _, err := h.RecordPunch(t.Context(), h.intent(h.as(httpapi.RoleHR)), punchEntry(who.WorkID, at)); err != nil {
		t.Fatal(err)
	}
	h.caughtUp()
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	export := func(name string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		order := ExportOrder{
			What: "punches", From: at.AddDate(0, 0, -1).Format(time.DateOnly), To: at.AddDate(0, 0, 1).Format(time.DateOnly), File: filepath.Join(out, name),
			Why: disclosure.Record{
				Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: name, DisclosedAt: at, DisclosedBy: uuid.New(),
			},
		}
		exported, err := h.Today().ExportPunches(ctx, h.as(httpapi.RoleHR), order, TableFormat{Format: exporter.CSV})
		if err == nil && (exported.Rows != 1 || exported.Disclosed != 1) {
			t.Errorf("exported %+v", exported)
		}
		return err
	}
	if err := export("before"); err != nil {
		t.Fatal(err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if err := export("after"); err == nil {
		t.Error("exported without a record")
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != 1 || entries[0].Name() != "before" {
		t.Errorf("files: %v, %v", entries, err)
	}
}
