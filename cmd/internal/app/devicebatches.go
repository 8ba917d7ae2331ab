package app

import (
	"context"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/device"
	"tracekeep/domain/site"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

const (
	batchWriters = 8   // streams of one batch that are appended to at once
	batchAppend  = 250 // punches of one append
)

// intake is one batch on its way in.
type intake struct {
	app      *App
	device   device.Device
	owner    uuid.UUID
	batch    devicebatch.Batch
	id       uuid.UUID
	sites    site.State
	sent     time.Time
	received time.Time
	verdicts []httpapi.PunchVerdict // by place in the batch
	refused  []eventschema.RefusedPunch
	last     atomic.Uint64 // the highest position that was appended at
}

// TakeBatch implements [httpapi.Batches]. First it is put on record what came in,
// with the claims that are refused; then the punches are. A process that dies in
// between has acknowledged nothing: the device sends the batch again, and what is on
// record is recognised.
func (a *App) TakeBatch(ctx context.Context, s httpapi.SealedBatch) (httpapi.BatchReceipt, error) {
	t, err := a.openBatch(ctx, s)
	if err != nil {
		return httpapi.BatchReceipt{}, outward(err)
	}
	if t.sites, err = a.currentSites(ctx); err != nil {
		return httpapi.BatchReceipt{}, outward(err)
	}
	streams, order, err := t.plan(ctx)
	if err != nil {
		return httpapi.BatchReceipt{}, outward(err)
	}
	noted, err := t.note(ctx)
	if err != nil {
		return httpapi.BatchReceipt{}, outward(err)
	}
	t.reached(noted.Position)
	a.fault("batch noted")
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(batchWriters)
	for _, name := range order {
		group.Go(func() error { return t.record(gctx, name, streams[name]) })
	}
	if err := group.Wait(); err != nil {
		return httpapi.BatchReceipt{}, outward(err)
	}
	answer := httpapi.BatchReceipt{
		Receipt: httpapi.Receipt{Position: t.last.Load(), Repeated: true}, BatchID: t.id, Skew: t.sent.Sub(t.received), Verdicts: t.verdicts,
	}
	for _, v := range t.verdicts {
		answer.Repeated = answer.Repeated && v.Verdict != httpapi.VerdictRecorded
	}
	return answer, nil
}

// ProveBatch implements [httpapi.Batches].
func (a *App) ProveBatch(ctx context.Context, id uuid.UUID, text string) error {
	proof, err := devicebatch.ParseProof(text)
	if err != nil {
		return httpapi.ErrUnproven
	}
	from, _, err := a.sender(ctx, id)
	if err != nil {
		return outward(err)
	}
	key, err := hex.DecodeString(from.PublicKey)
	if err != nil || proof.Verify(id, key) != nil {
		return httpapi.ErrUnproven
	}
	if from.Revoked {
		return httpapi.ErrRevoked
	}
	return nil
}

// sender finds the device that a batch says it is of, and whose it is.
func (a *App) sender(ctx context.Context, id uuid.UUID) (device.Device, uuid.UUID, error) {
	owner, err := a.ownerOfDevice(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		err = httpapi.ErrUnproven
	}
	if err != nil {
		return device.Device{}, uuid.Nil, err
	}
	from, err := a.device(ctx, owner, id)
	if errors.Is(err, device.ErrUnknown) || errors.Is(err, eventstoredb.ErrStreamDeleted) {
		err = httpapi.ErrUnproven
	}
	return from, owner, err
}

// openBatch finds out whose batch it is, and opens it. Nothing is opened that the
// device did not sign; that it was revoked, or comes too often, is told to nobody
// else, so that no stranger uses up what a device may send.
func (a *App) openBatch(ctx context.Context, s httpapi.SealedBatch) (*intake, error) {
	from, owner, err := a.sender(ctx, s.DeviceID)
	if err != nil {
		return nil, err
	}
	sealed := devicebatch.Sealed{SealingKey: s.SealingKey, Sealed: s.Sealed, Signature: s.Signature}
	key, err := hex.DecodeString(from.PublicKey)
	if err != nil || sealed.Verify(s.DeviceID, key) != nil {
		return nil, httpapi.ErrUnproven
	}
	if s.Proof != "" {
		if proof, err := devicebatch.ParseProof(s.Proof); err != nil || proof.Of(sealed) != nil {
			return nil, httpapi.ErrUnproven
		}
	}
	if from.Revoked {
		return nil, httpapi.ErrRevoked
	}
	if wait := a.paces.wait(s.DeviceID, a.clock()); wait > 0 {
		return nil, &httpapi.TooOften{Wait: wait}
	}
	private, err := a.openingKey(s.SealingKey)
	if err != nil {
		return nil, err
	}
	batch, err := sealed.Open(s.DeviceID, private)
	if err != nil {
		return nil, err
	}
	sent, err := batch.Sent()
	return &intake{
		app: a, device: from, owner: owner, batch: batch, id: batch.ID(a.tenant), sent: sent, received: s.ReceivedAt.UTC(),
		verdicts: make([]httpapi.PunchVerdict, len(batch.Punches)),
	}, err
}

func (t *intake) kiosk() bool { return t.device.WorkID == uuid.Nil }

// reached remembers the highest position.
func (t *intake) reached(position uint64) {
	for {
		last := t.last.Load()
		if position <= last || t.last.CompareAndSwap(last, position) {
			return
		}
	}
}

// actor is the device, in what it records.
func (t *intake) intent() httpapi.Intent {
	actor := actorOfDevice(t.device.ID)
	return httpapi.Intent{
		Principal: httpapi.Principal{Tenant: t.app.tenant, ID: actor.ID, Role: httpapi.Role(actor.Role)}, Key: t.id.String(), CorrelationID: t.id,
	}
}

// note puts the batch on record, once.
func (t *intake) note(ctx context.Context) (domain.Outcome, error) {
	first, last := t.batch.Punches[0].Counter, t.batch.Punches[0].Counter
	for _, p := range t.batch.Punches {
		first, last = min(first, p.Counter), max(last, p.Counter)
	}
	outcome, err := domain.Handle(ctx, t.app.handler, batchDecider(), domain.Request{
		Stream: eventschema.BatchesStream(t.app.tenant, t.owner, t.sent, t.kiosk()), Key: t.id.String(), Actor: actorOfDevice(t.device.ID), CorrelationID: t.id,
	}, eventschema.BatchReceived{
		BatchID: t.id, DeviceID: t.device.ID, WorkID: t.device.WorkID, Sequence: t.batch.Sequence, Punches: len(t.batch.Punches),
		FirstCounter: first, LastCounter: last, SentAt: t.sent, ReceivedAt: t.received, Refused: t.refused,
	})
	if errors.Is(err, eventstoredb.ErrStreamDeleted) { // the work record has expired meanwhile
		err = httpapi.ErrUnproven
	}
	return outcome, err
}

// batchDecider records what came in as it is: a batch contradicts nothing.
func batchDecider() domain.Decider[struct{}, eventschema.BatchReceived] {
	return domain.Decider[struct{}, eventschema.BatchReceived]{
		Initial: func() struct{} { return struct{}{} },
		Decide: func(_ struct{}, batch eventschema.BatchReceived) ([]eventschema.Event, error) {
			return []eventschema.Event{&batch}, nil
		},
		Evolve: func(state struct{}, _ eventschema.Event) struct{} { return state },
	}
}

// claimed is a punch of the batch that may be recorded.
type claimed struct {
	place int // in the batch
	work  uuid.UUID
	entry httpapi.PunchEntry
}

// record records the punches of one stream, which is read once unless somebody else
// appends to it meanwhile.
func (t *intake) record(ctx context.Context, name eventschema.StreamName, punches []claimed) error {
	var card *domain.Loaded[timecard.State]
	for tries := 0; len(punches) > 0; {
		var err error
		if card == nil {
			if card, err = domain.Load(ctx, t.app.bulk, name, timecard.Decider()); err != nil {
				return err
			}
		}
		some := punches[:min(batchAppend, len(punches))]
		switch err = t.recordSome(ctx, name, card, some); {
		case err == nil:
			punches, tries = punches[len(some):], 0
			t.app.fault("some of a batch recorded")
		case (errors.Is(err, domain.ErrConflict) || errors.Is(err, domain.ErrUnknownOutcome)) && tries < importAttempts:
			card, tries = nil, tries+1 // read the stream again; what was stored is recognised
		default:
			return err
		}
	}
	return nil
}

func (t *intake) recordSome(ctx context.Context, name eventschema.StreamName, card *domain.Loaded[timecard.State], punches []claimed) error {
	commands, places, err := t.decide(ctx, card, punches)
	if err != nil {
		return err
	}
	outcome, err := domain.Advance(ctx, t.app.bulk, timecard.Decider(), card, domain.Request{
		Stream: name, Key: t.id.String(), Actor: actorOfDevice(t.device.ID), CorrelationID: t.id,
	}, commands...)
	if err != nil {
		return err
	}
	t.reached(outcome.Position)
	for i, place := range places {
		command := commands[i].(timecard.Punch) //nolint:forcetypeassert // decide made it
		t.verdicts[place] = httpapi.PunchVerdict{
			Counter: t.batch.Punches[place].Counter, Verdict: httpapi.VerdictRecorded, PunchID: command.PunchID, Location: command.Location,
		}
	}
	return nil
}

// decide makes the commands of what is new, with the places they stand at, and the
// verdicts of all else. The points of what is new are on record when it returns.
func (t *intake) decide(ctx context.Context, card *domain.Loaded[timecard.State], punches []claimed) (commands []timecard.Command, places []int, err error) {
	for _, c := range punches {
		if card.State.Recorded(c.entry.PunchID) {
			t.verdicts[c.place] = httpapi.PunchVerdict{Counter: t.batch.Punches[c.place].Counter, Verdict: httpapi.VerdictAlready, PunchID: c.entry.PunchID}
			continue
		}
		outcome, err := t.app.locationOutcome(ctx, c.work, c.entry)
		if err != nil {
			return nil, nil, err
		}
		var fence *eventschema.FenceReading
		c.entry.Site, fence = siteAndFenceIn(t.sites, c.entry, outcome)
		if outcome == eventschema.LocationRecordedOutcome {
			err = t.app.keepLocation(ctx, t.intent(), c.work, c.entry)
		}
		if errors.Is(err, errPointUnwanted) {
			outcome, fence, err = eventschema.LocationDroppedNoConsent, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		commands, places = append(commands, t.punch(c, outcome, fence)), append(places, c.place)
	}
	return commands, places, nil
}

// punch is the command that records a claim.
func (t *intake) punch(c claimed, outcome eventschema.LocationOutcome, fence *eventschema.FenceReading) timecard.Punch {
	command := punchOf(c.work, c.entry, outcome, fence, eventschema.SourceDevice)
	command.DeviceID = t.device.ID
	return command
}

var _ httpapi.Batches = (*App)(nil)
