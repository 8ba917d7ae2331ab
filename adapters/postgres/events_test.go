package postgres_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/adapters/postgres"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked { // every check builds schemas; more of them at night or with -rapid.checks
		checks := "15"
		if os.Getenv("TRACEKEEP_NIGHT") == "1" {
			checks = "400"
		}
		_ = flag.Set("rapid.checks", checks)
	}
	pgtest.Main(m)
}

// sealer encrypts under one random key; nothing here opens again.
type sealer struct{ aead cipher.AEAD }

func newSealer(tb testing.TB) sealer {
	tb.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		tb.Fatal(err)
	}
	return sealer{aead}
}

func (s sealer) Seal(_ context.Context, at eventschema.Coordinates, plaintext []byte) ([]byte, error) {
	return s.aead.Seal(nil, nil, plaintext, fmt.Appendf(nil, "%v", at)), nil
}

// id makes ids that are the same in every run.
func id(kind string, n int) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64([]byte(kind), uint64(n)))
}

// history writes a log as an event store would hold it.
type history struct {
	tb        testing.TB
	registry  *eventschema.Registry
	sealer    sealer
	tenant    uuid.UUID
	log       []eventschema.Recorded
	revisions map[string]uint64
	position  uint64
}

func newHistory(tb testing.TB) *history {
	return &history{tb: tb, registry: registry(tb), sealer: newSealer(tb), tenant: id("tenant", 1), revisions: map[string]uint64{}, position: 1000}
}

func registry(tb testing.TB) *eventschema.Registry {
	tb.Helper()
	r, err := eventschema.NewRegistry()
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// add appends an event and gives its position.
func (h *history) add(stream eventschema.StreamName, event eventschema.Event) uint64 {
	h.tb.Helper()
	eventID := id("event", len(h.log))
	if own, ok := event.(interface{ StoredID() uuid.UUID }); ok {
		eventID = own.StoredID()
	}
	salt := make([]byte, eventschema.SaltBytes)
	binary.BigEndian.PutUint64(salt, h.position)
	proposed, err := h.registry.Encode(context.Background(), h.sealer, event, eventschema.Envelope{
		Stream: stream.String(), EventID: eventID, Metadata: eventschema.Metadata{
			CorrelationID: id("correlation", len(h.log)), CausationID: id("causation", len(h.log)), Tenant: stream.Tenant,
			Actor: eventschema.Actor{ID: id("actor", 1), Role: "import"}, Salt: salt,
		},
	})
	if err != nil {
		h.tb.Fatal(err)
	}
	h.position += 100 + uint64(len(proposed.Data)) // strictly increasing, not dense
	revision := h.revisions[stream.String()]
	h.revisions[stream.String()]++
	h.log = append(h.log, eventschema.Recorded{
		Stream: stream.String(), Revision: revision, Position: h.position, ID: proposed.ID, Type: proposed.Type,
		ContentType: eventschema.ContentTypeJSON, Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(len(h.log)) * time.Millisecond),
		Data: proposed.Data, Metadata: proposed.Metadata,
	})
	return h.position
}

// system appends an event of the store itself.
func (h *history) system() uint64 {
	h.position += 50
	h.log = append(h.log, eventschema.Recorded{Stream: "$scavenges", Position: h.position, Type: "$scavengeStarted", Data: []byte("{}")})
	return h.position
}

func (h *history) punch(work, punch uuid.UUID, at time.Time, direction eventschema.Direction, kind eventschema.PunchKind) uint64 {
	h.tb.Helper()
	return h.add(eventschema.PunchesStream(h.tenant, work, at), punchRecorded(work, punch, at, direction, kind))
}

func punchRecorded(work, punch uuid.UUID, at time.Time, direction eventschema.Direction, kind eventschema.PunchKind) *eventschema.PunchRecorded {
	return &eventschema.PunchRecorded{
		PunchID: punch, WorkID: work, OccurredAt: at, Zone: "Asia/Manila", OffsetSeconds: 8 * 3600,
		Direction: direction, Kind: kind, Station: "gate-1", StationClock: at.Add(8 * time.Hour).Format(time.DateTime),
		ReceivedAt: at.Add(time.Second), Location: eventschema.LocationNotOffered, Source: eventschema.SourceImport,
	}
}

func (h *history) correct(work, punch uuid.UUID, c eventschema.PunchCorrected) uint64 {
	h.tb.Helper()
	c.WorkID, c.PunchID, c.CorrectionID = work, punch, id("correction", len(h.log))
	c.CorrectedBy, c.ApprovedBy, c.CorrectedAt = id("actor", 2), id("actor", 3), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	if c.Reason == "" {
		c.Reason = eventschema.ReasonWrongTime
	}
	at := c.OccurredAt
	if at.IsZero() {
		at = c.CorrectedAt
	}
	return h.add(eventschema.PunchesStream(h.tenant, work, at), &c)
}

func (h *history) last() uint64 { return h.log[len(h.log)-1].Position }

func (h *history) all() iter.Seq2[eventschema.Recorded, error] { return logOf(h.log) }

func logOf(events []eventschema.Recorded) iter.Seq2[eventschema.Recorded, error] {
	return func(yield func(eventschema.Recorded, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// open opens read models in a new database.
func open(tb testing.TB) *postgres.ReadModels {
	tb.Helper()
	return openAt(tb, postgres.Config{URL: pgtest.Database(tb)})
}

func openAt(tb testing.TB, cfg postgres.Config) *postgres.ReadModels {
	tb.Helper()
	if cfg.Registry == nil {
		cfg.Registry = registry(tb)
	}
	if cfg.Projections == nil {
		cfg.Projections = projections.All()
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	models, err := postgres.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(models.Close)
	return models
}

func apply(tb testing.TB, models *postgres.ReadModels, events []eventschema.Recorded) {
	tb.Helper()
	if err := models.Apply(tb.Context(), events, events[len(events)-1].Position); err != nil {
		tb.Fatal(err)
	}
}

func digest(tb testing.TB, models *postgres.ReadModels) map[string]string {
	tb.Helper()
	sums, err := models.Digest(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return sums
}

func clock(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err) // a mistake in the test's own text
	}
	return at
}
