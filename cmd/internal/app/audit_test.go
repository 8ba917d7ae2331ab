package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// admin is the event store as its administrator sees it.
func (h *house) admin() *esdb.Client {
	h.t.Helper()
	config, err := esdb.ParseConnectionString(h.EventStore())
	if err != nil {
		h.t.Fatal(err)
	}
	client, err := esdb.NewClient(config)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { client.Close() })
	return client
}

// cut hides the events of a stream below a revision.
func (h *house) cut(stream string, below uint64) {
	h.t.Helper()
	var metadata esdb.StreamMetadata
	metadata.SetTruncateBefore(below)
	if _, err := h.admin().SetStreamMetadata(h.t.Context(), stream, esdb.AppendToStreamOptions{}, metadata); err != nil {
		h.t.Fatal(err)
	}
}

// Whoever administers the event store may hide events, end streams for good, and
// bound how many are kept. Each order is an event and has a leaf, before anything
// goes: nothing can be taken away without a trace.
//
// promise: I9
func TestADeletionOfAnyKindLeavesALeaf(t *testing.T) {
	h := openHouse(t, func(h *house) { h.unlike = true }) // the store keeps from a rebuild what is hidden
	before := h.verified()
	for kind, do := range map[string]func(stream string) error{
		"a stream is deleted and may begin again": func(stream string) error {
			_, err := h.admin().DeleteStream(t.Context(), stream, esdb.DeleteStreamOptions{})
			return err
		},
		"a stream is ended for good": func(stream string) error {
			_, err := h.admin().TombstoneStream(t.Context(), stream, esdb.TombstoneStreamOptions{})
			return err
		},
		"events below a revision are hidden": func(stream string) error {
			h.cut(stream, 1)
			return nil
		},
		"only the last events are kept": func(stream string) error {
			var metadata esdb.StreamMetadata
			metadata.SetMaxCount(1)
			_, err := h.admin().SetStreamMetadata(t.Context(), stream, esdb.AppendToStreamOptions{}, metadata)
			return err
		},
	} {
		t.Run(kind, func(t *testing.T) {
			who := h.register("Ada Example")
			stream := eventschema.PersonStream(h.Tenant(), who.PersonID).String()
			h.caughtUp()
			end, err := h.LastPosition(t.Context())
			if err == nil {
				err = do(stream)
			}
			if err != nil {
				t.Fatal(err)
			}
			h.caughtUp()
			leaves := 0
			for recorded, err := range h.whole.ReadAll(t.Context(), end) {
				if err != nil {
					t.Fatal(err)
				}
				if strings.TrimPrefix(recorded.Stream, "$$") != stream {
					continue
				}
				found, err := h.Leaves(recorded.Position)
				if _, covered := found[recorded.Position]; err != nil || !covered {
					t.Errorf("%s of %s at %d has no leaf: %v", recorded.Type, recorded.Stream, recorded.Position, err)
				}
				leaves++
			}
			if leaves != 1 {
				t.Errorf("the order is %d events", leaves)
			}
		})
	}
	if after := h.verified(); !after.OK || after.Leaves < before.Leaves+3*4 {
		t.Errorf("%+v", after)
	}
}

// scavenge has the event store remove what is hidden, as an operator does.
func (h *house) scavenge() {
	h.t.Helper()
	address, err := url.Parse(h.EventStore())
	if err != nil {
		h.t.Fatal(err)
	}
	ask := func(method, path string) (status eventnode.ScavengeStatus) {
		request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+address.Host+path, nil)
		if err != nil {
			h.t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			h.t.Fatal(err)
		}
		defer answer.Body.Close()
		if err := json.NewDecoder(answer.Body).Decode(&status); err != nil || answer.StatusCode != http.StatusOK {
			h.t.Fatalf("%s: %v", answer.Status, err)
		}
		return status
	}
	status := ask(http.MethodPost, "/admin/scavenge")
	for link := status.Link; status.Result == eventnode.ScavengeInProgress; {
		status = ask(http.MethodGet, link)
	}
	if status.Result != eventnode.ScavengeSuccess {
		h.t.Fatalf("%+v", status)
	}
}

// verified is what verification says of the whole store.
func (h *house) verified() TrailReport {
	h.t.Helper()
	h.caughtUp()
	report, err := h.Verify(h.t.Context(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return report
}

// bundle exports and checks as an auditor would who holds one key.
func (h *house) bundle(order AuditOrder, trust bundle.Trust) bundle.Report {
	h.t.Helper()
	return checkBundle(h.t, h.exported(order), trust)
}

func (h *house) exported(order AuditOrder) (file string) {
	h.t.Helper()
	file = filepath.Join(h.t.TempDir(), "audit.zip")
	if _, err := h.ExportAudit(h.t.Context(), file, order, nil); err != nil {
		h.t.Fatal(err)
	}
	return file
}

func checkBundle(t *testing.T, file string, trust bundle.Trust) bundle.Report {
	t.Helper()
	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		t.Fatal(err)
	}
	report, err := bundle.Verify(t.Context(), opened, info.Size(), trust, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// handedOut is a bundle that an auditor was given.
type handedOut struct{ stage, file, checkpoint string }

// holds fails unless store and bundles are as recorded.
func (h *house) holds(stage string, trust bundle.Trust, removed uint64) bundle.Report {
	h.t.Helper()
	if report := h.verified(); !report.OK || report.Removed != removed {
		h.t.Fatalf("%s: %d removed, want %d: %+v", stage, report.Removed, removed, report.Findings)
	}
	file := h.exported(AuditOrder{All: true})
	whole := checkBundle(h.t, file, trust)
	h.handedOut = append(h.handedOut, handedOut{stage: stage, file: file, checkpoint: whole.Checkpoint})
	if !whole.OK || whole.Accounts.Removed != removed {
		h.t.Fatalf("%s: %d removed, want %d: %+v", stage, whole.Accounts.Removed, removed, whole.Findings)
	}
	if part := h.bundle(AuditOrder{From: "1", To: fmt.Sprint(whole.Last.Position / 2)}, trust); !part.OK {
		h.t.Fatalf("%s, the first half: %+v", stage, part.Findings)
	}
	return whole
}

// promise: I9
func TestTheRecordIsWholeThroughItsLife(t *testing.T) {
	h := openHouse(t)
	who, other := h.register("Ada Example"), h.register("Ben Example")
	for _, work := range []uuid.UUID{who.WorkID, other.WorkID} {
		if err := h.RecordMany(t.Context(), work, 150); err != nil {
			t.Fatal(err)
		}
	}
	trust := bundle.Trust{Key: h.VerifierKey()}
	h.holds("before an erasure", trust, 0)

	h.erase(who.PersonID)
	if report := h.holds("after an erasure", trust, 0); report.Certified != 1 {
		t.Errorf("%d certificates", report.Certified)
	}
	kept, err := h.TrailTexts(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	trust.Earlier = []string{kept}
	if _, err := h.ChangeTrailKey(); err != nil {
		t.Fatal(err)
	}
	if report := h.holds("after a change of the key", trust, 0); report.Keys != 2 || !report.Earlier[0].Holds {
		t.Errorf("%+v", report)
	}

	stream := eventschema.PunchesStream(h.Tenant(), who.WorkID, time.Now()).String()
	h.cut(stream, 100)
	h.holds("cut off and not listed", trust, 0)
	listed, err := h.ListRemovals(t.Context(), nil)
	if err != nil || listed.Events != 100 || listed.Streams != 1 || listed.Unlisted != 0 {
		t.Fatalf("%+v, %v", listed, err)
	}
	h.holds("listed and not removed", trust, 0)
	restored := h.copied()
	h.scavenge()
	h.holds("after expiry and scavenge", trust, 100)

	h.cut(stream, 120) // replaces metadata, which go too
	if listed, err = h.ListRemovals(t.Context(), nil); err != nil || listed.Events != 21 || listed.Streams != 2 {
		t.Fatalf("%+v, %v", listed, err)
	}
	h.scavenge()
	h.holds("after a second scavenge", trust, 121)
	newest, err := h.TrailTexts(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeTrailKey(); err != nil {
		t.Fatal(err)
	}
	if report := h.holds("after a second change of the key", trust, 121); report.Keys != 3 {
		t.Errorf("%d keys", report.Keys)
	}
	for name, order := range map[string]AuditOrder{"a person": {Person: other.PersonID}, "an erased person": {Person: who.PersonID}, "a station": {Site: "bench"}} {
		if report := h.bundle(order, trust); !report.OK || !report.Proven {
			t.Errorf("%s: %+v", name, report.Findings)
		}
	}
	h.allHandedOutHold(trust.Key)

	h.close()
	h.data = restored
	h.open()
	h.handedOut = nil // the restored copy knows nothing of what came after it
	h.holds("after a restore", trust, 0)
	h.register("Cem Example")
	h.holds("a restored record that goes on", trust, 0)
	if err := h.VerifyExtends(t.Context(), newest); !errors.Is(err, ledger.ErrFork) {
		t.Errorf("a restored copy continues what came after it: %v", err)
	}
	rolledBack := h.bundle(AuditOrder{All: true}, bundle.Trust{Key: trust.Key, Earlier: []string{newest}})
	if rolledBack.OK || rolledBack.Findings[0].Kind != trail.KindRolledBack {
		t.Errorf("rolled back behind a checkpoint that was handed out: %+v", rolledBack.Findings)
	}
}

// allHandedOutHold checks every bundle that was handed out once more, with the key
// of its time, and that the log of today continues each of them: whatever was
// erased, removed and signed since.
func (h *house) allHandedOutHold(first string) {
	h.t.Helper()
	var earlier []string
	for _, given := range h.handedOut {
		earlier = append(earlier, given.checkpoint)
		if report := checkBundle(h.t, given.file, bundle.Trust{Key: first, Earlier: []string{given.checkpoint}}); !report.OK || !report.Proven {
			h.t.Errorf("the bundle %s no longer holds: %+v", given.stage, report.Findings)
		}
	}
	today := checkBundle(h.t, h.exported(AuditOrder{All: true, Earlier: earlier}), bundle.Trust{Key: h.VerifierKey(), Earlier: earlier})
	if !today.OK || len(today.Earlier) != len(earlier) {
		h.t.Errorf("%+v", today.Findings)
	}
	for i, c := range today.Earlier {
		if !c.Holds {
			h.t.Errorf("the log of today does not continue that of %s", h.handedOut[i].stage)
		}
	}
	if report, err := h.Verify(h.t.Context(), nil, earlier...); err != nil || !report.OK {
		h.t.Errorf("the store of today against what was handed out: %v, %+v", err, report.Findings)
	}
}

// copied closes the house, copies its folder, and opens it again.
func (h *house) copied() string {
	h.t.Helper()
	h.close()
	to := h.data + "-copy"
	copyFolder(h.t, h.data, to)
	h.open()
	return to
}

// copyFolder copies a folder with owners and rights.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A store that lost events, or holds others than the trail, is not served: its
// trail would go on as if nothing had happened.
//
// promise: I9
// promise: OT-27
func TestAStoreThatWasRolledBackOrForkedIsNotServed(t *testing.T) {
	h := openHouse(t)
	h.register("Ada Example")
	h.caughtUp()
	older := h.copied()
	h.register("Ben Example")
	h.caughtUp()
	h.close()
	newer := h.data
	forked := older + "-forked"
	copyFolder(t, older, forked)
	h.data = forked
	h.open()
	h.register("Cem Example")
	h.register("Dee Example")
	h.caughtUp()
	h.close()
	// The read models of a copy know nothing of what is lost: only the trail does.
	for rule, data := range map[string]string{"rolled back behind the trail": older, "grown in another way than the trail": forked} {
		if err := os.RemoveAll(filepath.Join(data, "trail")); err != nil {
			t.Fatal(err)
		}
		copyFolder(t, filepath.Join(newer, "trail"), filepath.Join(data, "trail"))
		app, err := h.tried(data)
		if err == nil {
			t.Errorf("%s: it is served (%v)", rule, app.Close())
			continue
		}
		if !errors.Is(err, ErrShorterStore) && !errors.Is(err, ledger.ErrFork) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	h.data = newer
	h.open()
}

// promise: I9
func TestAScavengeThatNobodyListedIsFound(t *testing.T) {
	h := openHouse(t, func(h *house) { h.unlike = true }) // they have what the store lost
	who := h.register("Ada Example")
	if err := h.RecordMany(t.Context(), who.WorkID, 20); err != nil {
		t.Fatal(err)
	}
	stream := eventschema.PunchesStream(h.Tenant(), who.WorkID, time.Now()).String()
	var want []uint64
	for recorded, err := range h.store.ReadStream(t.Context(), stream, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if recorded.Revision < 5 {
			want = append(want, recorded.Position)
		}
	}
	h.cut(stream, 5)
	h.scavenge()
	trust := bundle.Trust{Key: h.VerifierKey()}
	for name, findings := range map[string][]trail.Finding{
		"store": h.verified().Findings, "bundle": h.bundle(AuditOrder{All: true}, trust).Findings,
		"bundle of a part": h.bundle(AuditOrder{To: fmt.Sprint(want[4] + 1)}, trust).Findings,
	} {
		var got []uint64
		for _, f := range findings {
			if f.Kind == trail.KindRemoved {
				got = append(got, f.Position)
			}
		}
		if !slices.Equal(got, want) || len(findings) != len(want) {
			t.Errorf("%s: removed at %v, want %v: %+v", name, got, want, findings)
		}
	}
	if listed, err := h.ListRemovals(t.Context(), nil); err != nil || listed.Events != 0 {
		t.Errorf("what is gone can be listed: %+v, %v", listed, err)
	}
}

// An export that is killed, or fails, leaves no file that looks whole.
func TestAFailedExportLeavesNoFile(t *testing.T) {
	h := openHouse(t)
	h.register("Ada Example")
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.zip")
	foreign := "no checkpoint"
	if _, err := h.ExportAudit(t.Context(), file, AuditOrder{All: true, Earlier: []string{foreign}}, nil); err == nil {
		t.Fatal("a foreign checkpoint is taken")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := h.ExportAudit(t.Context(), filepath.Join(dir, "x"), AuditOrder{From: "yesterday"}, nil); err == nil || !strings.Contains(err.Error(), "no date") {
		t.Errorf("%v", err)
	}
	if _, err := h.ExportAudit(t.Context(), filepath.Join(dir, "x"), AuditOrder{From: "2099-01-01"}, nil); !errors.Is(err, errNothingToExport) {
		t.Errorf("%v", err)
	}
	if _, err := h.ExportAudit(t.Context(), filepath.Join(dir, "x"), AuditOrder{Person: uuid.New()}, nil); err == nil {
		t.Error("nobody was exported")
	}
}
