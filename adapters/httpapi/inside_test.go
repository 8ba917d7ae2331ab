package httpapi_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/erasure"
	"tracekeep/domain/field"
	"tracekeep/domain/hold"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

// The cast. Ids are fixed so that tables can name them.
var (
	tenant       = uuid.MustParse("0f8fad5b-d9cb-469f-a165-70867728950e")
	otherTenant  = uuid.MustParse("1f8fad5b-d9cb-469f-a165-70867728950e")
	ada          = uuid.MustParse("7d444840-9dc0-41d1-b245-5ffdce74fad2") // also the id in the document's examples
	adasWork     = uuid.MustParse("3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11")
	erasedPerson = uuid.MustParse("8d444840-9dc0-41d1-b245-5ffdce74fad2")
	stranger     = uuid.MustParse("9d444840-9dc0-41d1-b245-5ffdce74fad2")
	strangeWork  = uuid.MustParse("4f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11")
	openCase     = uuid.MustParse("aaaaaaaa-9dc0-41d1-b245-5ffdce74fad2")
	closedCase   = uuid.MustParse("bbbbbbbb-9dc0-41d1-b245-5ffdce74fad2")
	refusedCase  = uuid.MustParse("cccccccc-9dc0-41d1-b245-5ffdce74fad2")
	someHold     = uuid.MustParse("dddddddd-9dc0-41d1-b245-5ffdce74fad2")
	now          = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	leaf         = uint64(48290)
)

// company is the inside as these tests need it: it keeps one tenant's handful of
// records and remembers what it was asked to do.
type company struct {
	mu        sync.Mutex
	fail      error // what every port answers with, when set
	thrown    any   // what a port panics with, when set
	revision  uint64
	done      map[string]uint64 // intent key → position
	people    []httpapi.PersonView
	present   []httpapi.PresenceView
	punches   []httpapi.PunchEntry
	intents   []httpapi.Intent
	corrected []httpapi.PersonCorrection
	hours     []httpapi.HoursQuestion
	reached   uint64 // how far the read models are
	advance   chan struct{}
	checks    []httpapi.Check
	gate      chan struct{} // when set, RecordPunch waits for it
	entered   chan struct{}
	keys      *keyBook

	requests         []httpapi.ErasureRequest
	steps            []erasure.Command
	held             []httpapi.HoldOrder
	holdSteps        []hold.Command
	restrictionSteps []restriction.Command
	disclosed        []disclosure.Record
	attached         []attachment
	batches          []httpapi.SealedBatch
	readings         []reading
	asked            httpapi.Whose // of the latest question about hours
	broken           atomic.Bool   // whether an export fails behind its first bytes
	fieldSteps       []field.Command
	settings         []httpapi.FieldSetting
	shiftSteps       []any // what was done about shifts, corrections and pay periods
	unrecorded       error // what recording a reading answers with, when set
}

func newCompany() *company {
	c := &company{revision: 3, done: map[string]uint64{}, reached: 100, advance: make(chan struct{}), keys: newKeyBook(),
		checks: []httpapi.Check{{Name: "event store", OK: true}}}
	c.people = []httpapi.PersonView{personView(ada, "Ada Example"), erasedView()}
	c.present = []httpapi.PresenceView{{WorkID: adasWork, Since: now.Add(-2 * time.Hour), Zone: "Europe/Berlin", Station: "gate-1", PunchID: stranger, Name: clearOf(ada, "legal_name", "Ada Example")}}
	return c
}

// clearOf is a readable value of somebody.
func clearOf(person uuid.UUID, name, text string) httpapi.Personal {
	of := eventschema.ShownValue{Field: "identity." + name, Purpose: eventschema.PurposeIdentity}
	return httpapi.Personal{Personal: eventschema.Clear(text), Of: httpapi.ValueOf{Subject: person, ShownValue: of}}
}

// reading is one reading that was recorded: the operation, and the values that
// could be read, by name.
type reading struct {
	by        httpapi.Principal
	operation string
	values    []string
}

func (c *company) RecordReading(_ context.Context, by httpapi.Principal, operation string, values ...httpapi.Personal) (httpapi.Release, error) {
	if c.unrecorded != nil {
		return httpapi.Release{}, c.unrecorded
	}
	read := reading{by: by, operation: operation}
	var of []httpapi.ValueOf
	for _, v := range values {
		if v.State() == eventschema.StateClear {
			read.values = append(read.values, v.Of.Subject.String()+" "+v.Of.Field)
			of = append(of, v.Of)
		}
	}
	if len(of) > 0 {
		c.mu.Lock()
		c.readings = append(c.readings, read)
		c.mu.Unlock()
	}
	return httpapi.ReleaseOf(of...), nil
}

func (c *company) ReadingsOf(_ context.Context, _ httpapi.Principal, _ uuid.UUID, before uint64, limit int) ([]httpapi.ReadingView, error) {
	if before == 0 {
		before = 6
	}
	var page []httpapi.ReadingView
	for i := before - 1; i > 0 && len(page) < limit; i-- {
		page = append(page, httpapi.ReadingView{
			Position: i, ReadID: stranger, ReadAt: now, ReadBy: eventschema.Actor{ID: stranger, Role: "hr"}, Operation: "get-person", Use: eventschema.UseService,
			Shown: []eventschema.ShownValue{{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity}}, Together: 1,
		})
	}
	return page, c.fail
}

func withheld(state eventschema.State, under uuid.UUID, at *uint64) httpapi.Personal {
	return httpapi.Personal{Personal: eventschema.Withheld(state, under), CertificateLeaf: at}
}

func personView(id uuid.UUID, name string) httpapi.PersonView {
	return httpapi.PersonView{PersonID: id, Revision: 3, RegisteredAt: now, WorkID: clearOf(id, "work_id", eventschema.Hex(adasWork)),
		LegalName: clearOf(id, "legal_name", name), Email: clearOf(id, "email", "ada@example.org")}
}

func erasedView() httpapi.PersonView {
	erased := withheld(eventschema.StateErased, closedCase, &leaf)
	return httpapi.PersonView{PersonID: erasedPerson, Revision: 2, RegisteredAt: now, WorkID: erased, LegalName: erased, BirthDate: erased, Email: erased,
		Phone: withheld(eventschema.StateUnavailable, uuid.Nil, nil)}
}

// act does a change once per intent, as the real use cases do.
func (c *company) act(intent httpapi.Intent) (httpapi.Receipt, error) {
	if c.thrown != nil {
		panic(c.thrown)
	}
	if c.fail != nil {
		return httpapi.Receipt{}, c.fail
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intents = append(c.intents, intent)
	if position, repeated := c.done[intent.Key]; repeated {
		return httpapi.Receipt{Position: position, Revision: c.revision, Repeated: true}, nil
	}
	if intent.IfRevision != nil && *intent.IfRevision != c.revision {
		return httpapi.Receipt{}, httpapi.ErrStale
	}
	c.revision++
	position := uint64(1000 + len(c.done))
	c.done[intent.Key] = position
	return httpapi.Receipt{Position: position, Revision: c.revision}, nil
}

func (c *company) RecordPunch(ctx context.Context, intent httpapi.Intent, punch httpapi.PunchEntry) (httpapi.PunchReceipt, error) {
	if c.gate != nil {
		c.entered <- struct{}{}
		select {
		case <-c.gate:
		case <-ctx.Done():
			return httpapi.PunchReceipt{}, ctx.Err()
		}
	}
	receipt, err := c.act(intent)
	if err != nil {
		return httpapi.PunchReceipt{}, err
	}
	if badge, given := punch.Badge.Reveal(); given && badge != "77001" {
		return httpapi.PunchReceipt{}, &httpapi.Refusal{Code: "unknown_badge", Message: "no work record has this badge", Pointer: "/badge"}
	}
	c.mu.Lock()
	c.punches = append(c.punches, punch)
	c.mu.Unlock()
	outcome := eventschema.LocationNotOffered
	switch {
	case punch.LocationDenied:
		outcome = eventschema.LocationDeniedByDevice
	case punch.Location != nil:
		outcome = eventschema.LocationDroppedNoConsent
	}
	return httpapi.PunchReceipt{Receipt: receipt, PunchID: punch.PunchID, OccurredAt: punch.OccurredAt, Location: outcome}, nil
}

func (c *company) CorrectPunch(_ context.Context, intent httpapi.Intent, _ httpapi.PunchCorrection) (httpapi.Receipt, error) {
	return c.act(intent)
}

func (c *company) RegisterPerson(_ context.Context, intent httpapi.Intent, _ httpapi.Registration) (httpapi.PersonReceipt, error) {
	receipt, err := c.act(intent)
	return httpapi.PersonReceipt{Receipt: receipt, PersonID: ada, WorkID: adasWork}, err
}

func (c *company) CorrectPerson(_ context.Context, intent httpapi.Intent, correction httpapi.PersonCorrection) (httpapi.Receipt, error) {
	if err := c.exists(correction.PersonID); err != nil {
		return httpapi.Receipt{}, err
	}
	receipt, err := c.act(intent)
	if err == nil && !receipt.Repeated {
		c.mu.Lock()
		c.corrected = append(c.corrected, correction)
		c.mu.Unlock()
	}
	return receipt, err
}

func (c *company) ClosePerson(_ context.Context, intent httpapi.Intent, closure httpapi.PersonClosure) (httpapi.Receipt, error) {
	if err := c.exists(closure.PersonID); err != nil {
		return httpapi.Receipt{}, err
	}
	return c.act(intent)
}

func (c *company) GiveConsent(_ context.Context, intent httpapi.Intent, _ httpapi.Consent) (httpapi.Receipt, error) {
	return c.act(intent)
}

func (c *company) WithdrawConsent(_ context.Context, intent httpapi.Intent, _ httpapi.Consent) (httpapi.Receipt, error) {
	return c.act(intent)
}

func (c *company) exists(person uuid.UUID) error {
	switch person {
	case ada:
		return nil
	case erasedPerson:
		return &httpapi.Erased{Case: closedCase, CertificateLeaf: &leaf}
	}
	return httpapi.ErrNotFound
}

func (c *company) Person(_ context.Context, by httpapi.Principal, person uuid.UUID) (httpapi.PersonView, error) {
	if c.thrown != nil {
		panic(c.thrown)
	}
	if c.fail != nil {
		return httpapi.PersonView{}, c.fail
	}
	if by.Tenant == tenant {
		for _, view := range c.people {
			if view.PersonID == person {
				return view, nil
			}
		}
	}
	return httpapi.PersonView{}, httpapi.ErrNotFound
}

func (c *company) People(_ context.Context, by httpapi.Principal, after uuid.UUID, limit int) ([]httpapi.PersonView, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	var page []httpapi.PersonView
	for _, view := range c.people {
		if strings.Compare(view.PersonID.String(), after.String()) > 0 && len(page) < limit {
			page = append(page, view)
		}
	}
	return page, nil
}

func (c *company) Presence(_ context.Context, by httpapi.Principal, after uuid.UUID, limit int) ([]httpapi.PresenceView, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	var page []httpapi.PresenceView
	for _, view := range c.present {
		if strings.Compare(view.WorkID.String(), after.String()) > 0 && len(page) < limit {
			page = append(page, view)
		}
	}
	return page, nil
}

func (c *company) Hours(_ context.Context, _ httpapi.Principal, question httpapi.HoursQuestion) (httpapi.HoursView, error) {
	if c.fail != nil {
		return httpapi.HoursView{}, c.fail
	}
	if question.Person == erasedPerson {
		return httpapi.HoursView{}, &httpapi.Erased{Case: closedCase}
	}
	c.mu.Lock()
	c.hours = append(c.hours, question)
	c.mu.Unlock()
	start := time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC)
	var link httpapi.Personal
	if question.Person != uuid.Nil {
		link = clearOf(question.Person, "work_id", eventschema.Hex(adasWork))
	}
	return httpapi.HoursView{WorkID: adasWork, Link: link, RuleVersion: 1, Days: []httpapi.DayView{
		{Date: "2026-03-28", Intervals: []httpapi.IntervalView{
			{In: stranger, Out: ada, Start: start, End: start.Add(7*time.Hour + 59*time.Second)},
			{In: stranger, Out: ada, Start: start.Add(8 * time.Hour), End: start.Add(9 * time.Hour)},
		}},
		{Date: "2026-03-30", Exceptions: []httpapi.ExceptionView{{Punch: stranger, Code: "missing_out", At: start}}},
	}}, nil
}

func (c *company) History(_ context.Context, _ httpapi.Principal, person uuid.UUID, after uint64, limit int) ([]httpapi.EventView, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	var page []httpapi.EventView
	for i := after + 1; i <= 5 && len(page) < limit; i++ {
		value := clearOf(person, "legal_name", "Ada Example")
		if person == erasedPerson {
			value = withheld(eventschema.StateErased, closedCase, &leaf)
		}
		page = append(page, httpapi.EventView{
			Position: i, Revision: i - 1, Stream: "person-x", EventID: stranger, Type: "person-registered.v2", RecordedAt: now,
			Actor: eventschema.Actor{ID: ada, Role: "hr"}, Facts: []byte(`{"source":"api"}`),
			Personal: []httpapi.NamedPersonal{{Section: "identity", Field: "legal_name", Purpose: eventschema.PurposeIdentity, Value: value}},
		})
	}
	return page, nil
}

func (c *company) Proof(_ context.Context, _ httpapi.Principal, position uint64) (httpapi.ProofView, error) {
	if c.fail != nil {
		return httpapi.ProofView{}, c.fail
	}
	if position > 1_000_000 {
		return httpapi.ProofView{}, httpapi.ErrNotFound
	}
	return httpapi.ProofView{Position: position, Leaf: 7, LeafHash: make([]byte, 32), TreeSize: 8, Hashes: [][]byte{make([]byte, 32)}, Checkpoint: "note\n"}, nil
}

func (c *company) Checkpoint(context.Context, httpapi.Principal) (string, error) {
	return "tracekeep.example/log\n8\nAAAA\n\n— tracekeep.example/log sig\n", c.fail
}

// Await answers when the position is reached or ctx ends.
func (c *company) Await(ctx context.Context, position uint64) error {
	for {
		c.mu.Lock()
		reached, advance := c.reached, c.advance
		c.mu.Unlock()
		if reached >= position {
			return nil
		}
		select {
		case <-advance:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *company) catchUp(position uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = position
	close(c.advance)
	c.advance = make(chan struct{})
}

func (c *company) Checks(context.Context) []httpapi.Check { return c.checks }

func (c *company) inside() httpapi.Inside {
	return httpapi.Inside{Punches: c, People: c, Consents: c, Reading: c, Trail: c, Erasures: c, Certificates: c,
		Holds: c, Restrictions: c, Disclosures: c, Readings: c, Retentions: c, Sites: c, Fields: c, Media: c, Workforce: c, Shifts: c, Classes: c, Rolls: c, Corrections: c, Payroll: c,
		Exports: c, Devices: c, Batches: c, Arrivals: c, Freshness: c, Health: c, Idempotency: c.keys}
}

// keyBook keeps the contract of httpapi.Idempotency in memory, for these tests.
type keyBook struct {
	mu   sync.Mutex
	used map[[2]string]*keyRecord
	fail error
}

type keyRecord struct {
	fingerprint [32]byte
	completed   bool
	until       time.Time
}

func newKeyBook() *keyBook { return &keyBook{used: map[[2]string]*keyRecord{}} }

func nameOf(use httpapi.KeyUse) [2]string {
	return [2]string{use.Tenant.String() + use.Principal.String(), use.Key}
}

func (b *keyBook) Reserve(_ context.Context, use httpapi.KeyUse, at time.Time, lease time.Duration) (httpapi.Reserved, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return 0, b.fail
	}
	record, found := b.used[nameOf(use)]
	switch {
	case !found:
		b.used[nameOf(use)] = &keyRecord{fingerprint: use.Fingerprint, until: at.Add(lease)}
		return httpapi.KeyTaken, nil
	case record.fingerprint != use.Fingerprint:
		return httpapi.KeyMismatch, nil
	case record.completed:
		return httpapi.KeyRepeated, nil
	case at.Before(record.until):
		return httpapi.KeyOutstanding, nil
	}
	record.until = at.Add(lease)
	return httpapi.KeyTaken, nil
}

func (b *keyBook) settle(use httpapi.KeyUse, change func(*keyRecord)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	record, found := b.used[nameOf(use)]
	if !found {
		return errors.New("no such key")
	}
	change(record)
	return nil
}

func (b *keyBook) Complete(_ context.Context, use httpapi.KeyUse, _ time.Time) error {
	return b.settle(use, func(r *keyRecord) { r.completed = true })
}

func (b *keyBook) Release(_ context.Context, use httpapi.KeyUse) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.used, nameOf(use))
	return nil
}

func (b *keyBook) Lapse(_ context.Context, use httpapi.KeyUse) error {
	return b.settle(use, func(r *keyRecord) { r.until = time.Time{} })
}
