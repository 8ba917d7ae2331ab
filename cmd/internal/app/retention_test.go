package app

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/domain/assignment"
	"tracekeep/domain/calendar"
	"tracekeep/domain/course"
	"tracekeep/domain/payrules"
	"tracekeep/domain/retention"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// until moves a clock to an instant.
func (j *jump) until(at time.Time) { j.ahead(time.Until(at) - time.Duration(j.by.Load())) }

// dueItems waits until the clock has proposed as many cases of a class, and
// answers them.
func (h *house) dueItems(class retention.Class, n int) []httpapi.RetentionItem {
	h.t.Helper()
	var found []httpapi.RetentionItem
	until(h.t, func() bool {
		h.caughtUp()
		items, err := h.RetentionDue(h.t.Context(), h.as(httpapi.RolePrivacy))
		if err != nil {
			h.t.Fatal(err)
		}
		found = nil
		for _, item := range items {
			if item.Class == string(class) && (item.Status == "cooling_off" || item.Status == "held") {
				found = append(found, item)
			}
		}
		return len(found) == n
	})
	return found
}

// submitted puts what is due before a second officer.
func (h *house) submitted(by httpapi.Principal, cases ...uuid.UUID) httpapi.RetentionBatchReceipt {
	h.t.Helper()
	batch, err := h.SubmitRetention(h.t.Context(), h.intent(by), cases)
	if err != nil {
		h.t.Fatal(err)
	}
	h.caughtUp()
	return batch
}

// released takes a batch of everything that is due through two officers.
func (h *house) releasedBatch(cases ...uuid.UUID) httpapi.RetentionBatchView {
	h.t.Helper()
	batch := h.submitted(h.as(httpapi.RolePrivacy), cases...)
	if _, err := h.ApproveRetention(h.t.Context(), h.intent(h.as(httpapi.RolePrivacy)), batch.BatchID); err != nil {
		h.t.Fatal(err)
	}
	view, err := h.RetentionBatch(h.t.Context(), h.as(httpapi.RolePrivacy), batch.BatchID)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, id := range view.Released {
		h.certified(id)
	}
	return view
}

// worked records a day's work, with a point where the device told one.
func (h *house) worked(work uuid.UUID, in time.Time) (inID uuid.UUID) {
	h.t.Helper()
	for i, direction := range []eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut} {
		entry := punchEntry(work, in.Add(time.Duration(i)*8*time.Hour))
		entry.Direction, entry.ReceivedAt, entry.Location = direction, entry.OccurredAt, point()
		if _, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), entry); err != nil {
			h.t.Fatal(err)
		}
		if i == 0 {
			inID = entry.PunchID
		}
	}
	return inID
}

func (h *house) closed(person uuid.UUID) {
	h.t.Helper()
	if _, err := h.ClosePerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.PersonClosure{PersonID: person, ClosedAt: h.clock(), Reason: "left"}); err != nil {
		h.t.Fatal(err)
	}
	h.caughtUp()
}

func (h *house) wantErased(what string, err error, by uuid.UUID) {
	h.t.Helper()
	var erased *httpapi.Erased
	if !errors.As(err, &erased) || erased.Case != by || erased.CertificateLeaf == nil {
		h.t.Errorf("%s: %v (%+v), want erased under %s with the place of its certificate", what, err, erased, by)
	}
}

// TestSevenYears takes people who leave, and one who stays, through the years with
// a pushed clock: accounts go within weeks, locations after a year, work records
// after seven years and not a day before, none of it without two officers, and
// nothing that a legal hold keeps.
//
// promise: ST-36
// promise: ST-37
func TestSevenYears(t *testing.T) {
	clock := &jump{}
	h := openHouse(t, func(h *house) { h.clock = clock.now })
	y := &years{house: h, clock: clock, left: h.clock()}
	y.employ()
	for _, stage := range []struct {
		rule string
		run  func()
	}{
		{"shifts and a request speak of people, by work id", y.spokenOf},
		{"an account comes of age a week after it is closed, and only two officers release it", y.accounts},
		{"what was paid is locked, a card for each", y.paid},
		{"locations come of age after a year, also those of people who stay", y.locations},
		{"before the law's floor nobody releases a work record", y.floor},
		{"not a day before seven years are over", y.notBefore},
		{"after seven years it goes, but for what a hold keeps", y.afterSevenYears},
		{"what has expired is told to be erased, by everything that is asked", y.answers},
		{"a scavenge takes the bytes, and everything still verifies", y.scavenged},
		{"a key store that is older than the expiry is brought up to date before it serves", y.restored},
	} {
		if !t.Run(stage.rule, func(t *testing.T) { h.in(t, stage.run) }) {
			return
		}
	}
}

// years is the story of the test.
type years struct {
	*house
	clock *jump
	left  time.Time // the last day of ada and cy

	ada, bo, cy httpapi.PersonReceipt
	punch       uuid.UUID // of ada's
	position    uint64    // of that
	hold        uuid.UUID
	class       uuid.UUID
	expired     uuid.UUID // the case of ada's work record

	alone, shared, request uuid.UUID // a shift of ada's, one of hers and bo's, and what she asked to be corrected
}

func (y *years) employ() {
	for who, name := range map[*httpapi.PersonReceipt]string{&y.ada: "Ada Example", &y.bo: "Bo Example", &y.cy: "Cy Example"} {
		*who = y.register(name)
		if _, err := y.GiveConsent(y.t.Context(), y.intent(y.as(httpapi.RoleHR)), httpapi.Consent{
			Work: who.WorkID, Purpose: eventschema.PurposeLocation, NoticeVersion: "1", Language: "en", Method: "app", At: y.clock.now().AddDate(0, 0, -1),
		}); err != nil {
			y.t.Fatal(err)
		}
		id := y.worked(who.WorkID, y.clock.now().Add(-10*time.Hour).Truncate(time.Second))
		if who == &y.ada {
			y.punch = id
			phone := y.enrolled(httpapi.DeviceInvitation{Work: who.WorkID})
			phone.send(phone.packed(phone.press(y.clock.now(), "in", func(p *devicebatch.Punch) { p.Zone = "nowhere" }))) // a claim that is kept, and no punch
		}
	}
	y.caughtUp()
	y.taught()
	y.caughtUp()
	explained, err := y.ExplainEvent(y.t.Context(), y.as(httpapi.RoleHR), y.punch)
	if err != nil {
		y.t.Fatal(err)
	}
	y.position = explained.Event.Position
	y.left = y.clock.now()
	y.closed(y.ada.PersonID)
	y.closed(y.cy.PersonID)
}

func (y *years) spokenOf() {
	shift := func(on int, works ...uuid.UUID) uuid.UUID {
		begins := y.left.UTC().Truncate(24*time.Hour).AddDate(0, 0, on).Add(8 * time.Hour)
		_, id, err := y.PlanShift(y.t.Context(), y.intent(y.as(httpapi.RoleHR)), assignment.Plan{
			Kind: eventschema.ShiftDuty, Employer: "agency", Site: "gate_1", Headcount: 2, PlannedAt: y.clock.now(), Times: assignment.Times{
				Zone: "UTC", StartsLocal: begins.Format(assignment.LocalLayout), EndsLocal: begins.Add(8 * time.Hour).Format(assignment.LocalLayout),
				StartsAt: begins, EndsAt: begins.Add(8 * time.Hour),
			},
		})
		if err != nil {
			y.t.Fatal(err)
		}
		for _, work := range works {
			if _, err := y.AdvanceShift(y.t.Context(), y.intent(y.as(httpapi.RoleHR)), id, []Known{{WorkID: work}}, func(known []assignment.Candidate) assignment.Command {
				return assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: known[0], AssignedAt: y.clock.now(), AssignedBy: uuid.New()}
			}); err != nil {
				y.t.Fatal(err)
			}
		}
		return id
	}
	y.alone, y.shared = shift(2, y.ada.WorkID), shift(4, y.ada.WorkID, y.bo.WorkID)
	y.caughtUp()
	var err error
	_, y.request, err = y.AskCorrection(y.t.Context(), y.intent(y.as(httpapi.RoleHR)), timecard.AskCorrection{
		PunchID: y.punch, Void: true, Reason: eventschema.ReasonNotThisPunch, RequestedAt: y.clock.now(),
	})
	if err != nil {
		y.t.Fatal(err)
	}
	y.caughtUp()
}

// wantNobodyNamed holds shifts and requests to what is left of them: nothing of
// ada, and everything of those whose records go on.
func (y *years) wantNobodyNamed() {
	y.t.Helper()
	for stream, ends := range map[eventschema.StreamName]bool{
		eventschema.AssignmentStream(y.tenant, y.alone): true, eventschema.AssignmentStream(y.tenant, y.shared): false, eventschema.CorrectionStream(y.tenant, y.request): true,
	} {
		var ended error
		for _, err := range y.store.ReadStream(y.t.Context(), stream.String(), 0) {
			ended = err
		}
		if errors.Is(ended, eventstoredb.ErrStreamDeleted) != ends {
			y.t.Errorf("%s: %v, ended must be %v", stream.Category, ended, ends)
		}
	}
	shifts, err := projections.Shifts(y.t.Context(), y.models.Querier(), y.tenant, projections.ShiftsAsked{})
	if err != nil || len(shifts) != 1 || shifts[0].ShiftID != y.shared {
		y.t.Errorf("shifts %+v, %v", shifts, err)
	}
	places, err := projections.PlacesOf(y.t.Context(), y.models.Querier(), y.tenant, []uuid.UUID{y.alone, y.shared})
	if err != nil || len(places) != 1 || places[0].WorkID != y.bo.WorkID {
		y.t.Errorf("places %+v, %v", places, err)
	}
	requests, err := y.CorrectionRequests(y.t.Context(), projections.CorrectionsAsked{Limit: 10})
	if err != nil || len(requests) != 0 {
		y.t.Errorf("requests %+v, %v", requests, err)
	}
}

// taught enrols ada and bo in a class and marks both.
func (y *years) taught() {
	hr, day := y.as(httpapi.RoleHR), y.clock.now().UTC().AddDate(0, 0, -1)
	begins, starts := day.AddDate(0, 0, -7).Format(time.DateOnly), day.Truncate(time.Hour)
	_, class, err := y.DefineClass(y.t.Context(), y.intent(hr), course.Define{
		Source: "school", SourceID: "1", DefinedAt: y.clock.now(), Facts: course.Facts{Title: "Chemistry", Zone: "UTC", StartsOn: begins},
	})
	if err != nil {
		y.t.Fatal(err)
	}
	_, session, err := y.PlanSession(y.t.Context(), y.intent(hr), class, course.PlanSession{
		Zone: "UTC", StartsLocal: starts.Format(course.LocalLayout), EndsLocal: starts.Add(time.Hour).Format(course.LocalLayout),
		StartsAt: starts, EndsAt: starts.Add(time.Hour), PlannedAt: y.clock.now(),
	})
	if err != nil {
		y.t.Fatal(err)
	}
	y.class = class
	for _, work := range []uuid.UUID{y.ada.WorkID, y.bo.WorkID} {
		if _, err := y.Enrol(y.t.Context(), y.intent(hr), class, work, course.Enrol{
			ClassID: class, WorkID: work, Role: eventschema.RoleStudent, BeginsOn: begins, Source: eventschema.SourceAPI, EnrolledAt: y.clock.now(), EnrolledBy: hr.ID,
		}); err != nil {
			y.t.Fatal(err)
		}
		if _, err := y.MarkAttendance(y.t.Context(), y.intent(hr), class, session, course.Mark{
			WorkID: work, State: eventschema.MarkPresent, MarkedAt: y.clock.now(),
		}); err != nil {
			y.t.Fatal(err)
		}
	}
}

// students are the work ids on the roll of the class, by how often they are marked.
func (y *years) students() map[uuid.UUID]int {
	y.t.Helper()
	rolls, err := y.Today().SessionRolls(y.t.Context(), y.as(httpapi.RoleHR), projections.SessionsAsked{Classes: []uuid.UUID{y.class}})
	if err != nil || len(rolls) != 1 {
		y.t.Fatalf("%+v %v", rolls, err)
	}
	marks := map[uuid.UUID]int{}
	for _, s := range rolls[0].Students {
		marks[s.WorkID] = len(s.Marks)
	}
	return marks
}

func (y *years) paid() {
	rules, _ := payrules.BuiltIn("flsa")
	day := y.left.UTC().Truncate(24 * time.Hour)
	locked, err := y.LockPeriod(y.t.Context(), y.as(httpapi.RoleHR), LockOrder{
		Plan: payrules.PlanOf(rules, "UTC", nil), Period: payrules.PayPeriod{First: day.AddDate(0, 0, -2), Last: day}, Despite: true, At: y.clock.now(),
	})
	if err != nil || locked.Cards != 3 {
		y.t.Fatalf("%+v, %v", locked, err)
	}
	y.caughtUp()
}

// cards are the work records that have a time card.
func (y *years) cards() map[uuid.UUID]bool {
	y.t.Helper()
	cards, err := projections.TimeCards(y.t.Context(), y.models.Querier(), y.tenant, uuid.Nil)
	if err != nil {
		y.t.Fatal(err)
	}
	whose := map[uuid.UUID]bool{}
	for _, card := range cards {
		whose[card.WorkID] = true
	}
	return whose
}

func (y *years) accounts() {
	y.clock.until(y.left.AddDate(0, 0, 6))
	if err := y.proposeDue(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	y.dueItems(retention.ClassAccount, 0)
	y.clock.until(y.left.AddDate(0, 0, 7).Add(time.Hour))
	items := y.dueItems(retention.ClassAccount, 2)
	for _, item := range items {
		if item.WorkID == uuid.Nil || item.PersonID == uuid.Nil || item.DueOn != y.left.UTC().AddDate(0, 0, 7).Format(time.DateOnly) {
			y.t.Errorf("%+v", item)
		}
	}
	y.wantName(y.ada.PersonID, eventschema.StateClear) // the clock destroys nothing
	first := y.as(httpapi.RolePrivacy)
	batch := y.submitted(first)
	if batch.Cases != 2 {
		y.t.Fatalf("%+v", batch)
	}
	_, err := y.ApproveRetention(y.t.Context(), y.intent(first), batch.BatchID)
	y.wantRefusal("the officer who submitted it", err, "same_officer")
	y.wantRefusal("a case by itself", y.approval(items[0].CaseID), "needs_batch")
	y.wantName(y.ada.PersonID, eventschema.StateClear)
	if _, err := y.ApproveRetention(y.t.Context(), y.intent(y.as(httpapi.RolePrivacy)), batch.BatchID); err != nil {
		y.t.Fatal(err)
	}
	for _, item := range items {
		y.certified(item.CaseID)
	}
	y.wantName(y.ada.PersonID, eventschema.StateErased)
	y.wantName(y.bo.PersonID, eventschema.StateClear)
	hours, err := y.HoursOfWork(y.t.Context(), y.ada.WorkID, "2000-01-01", "2100-01-01")
	if err != nil || len(hours.Days) == 0 {
		y.t.Errorf("the work record does not outlive the account: %+v, %v", hours, err)
	}
}

func (y *years) locations() {
	y.clock.until(calendar.AddMonths(y.left, 12).AddDate(0, 0, 1))
	items := y.dueItems(retention.ClassLocation, 3)
	y.releasedBatch()
	for _, item := range items {
		view, err := y.ErasureCase(y.t.Context(), y.as(httpapi.RolePrivacy), item.CaseID)
		if err != nil {
			y.t.Fatal(err)
		}
		if wantKey := item.WorkID == y.bo.WorkID; wantKey != (view.KeysDestroyed > 0) { // the others went with the account
			y.t.Errorf("locations of %s: %d keys destroyed", item.WorkID, view.KeysDestroyed)
		}
	}
	hours, err := y.HoursOfWork(y.t.Context(), y.bo.WorkID, "2000-01-01", "2100-01-01")
	if err != nil || len(hours.Days) == 0 {
		y.t.Errorf("hours went with the locations: %+v, %v", hours, err)
	}
	y.worked(y.bo.WorkID, y.clock.now().Add(-9*time.Hour).Truncate(time.Second))
}

func (y *years) floor() {
	_, err := y.ProposeRetention(y.t.Context(), y.intent(y.as(httpapi.RolePrivacy)), y.ada.WorkID)
	y.wantRefusal("a work record after a year", err, "statutory_floor")
	_, err = y.ProposeRetention(y.t.Context(), y.intent(y.as(httpapi.RolePrivacy)), y.bo.WorkID)
	if !errors.Is(err, httpapi.ErrNotFound) { // ST-35
		y.t.Errorf("the record of somebody who stays: %v", err)
	}
}

func (y *years) notBefore() {
	y.clock.until(calendar.AddYears(y.left.UTC().Truncate(24*time.Hour), 7).Add(-time.Minute))
	if err := y.proposeDue(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	y.dueItems(retention.ClassWork, 0)
}

func (y *years) afterSevenYears() {
	placed, err := y.PlaceHold(y.t.Context(), y.intent(y.as(httpapi.RolePrivacy)), httpapi.HoldOrder{
		Matter: uuid.New(), Record: y.cy.WorkID, Reason: eventschema.HoldLitigation, At: y.clock.now(), ReviewBy: y.clock.now().AddDate(0, 3, 0),
	})
	if err != nil {
		y.t.Fatal(err)
	}
	y.hold = placed.HoldID
	y.clock.until(calendar.AddYears(y.left, 7).AddDate(0, 0, 1))
	items := y.dueItems(retention.ClassWork, 2)
	for _, item := range items {
		if item.WorkID == y.ada.WorkID {
			y.expired = item.CaseID
		}
		if held := item.WorkID == y.cy.WorkID; held != (len(item.Matters) == 1) {
			y.t.Errorf("%s is held in %v", item.WorkID, item.Matters)
		}
	}
	y.onKeys(`CREATE TABLE kept_dek AS SELECT * FROM dek WHERE subject = '` + y.ada.WorkID.String() + `'`)
	batch := y.submitted(y.as(httpapi.RolePrivacy), items[0].CaseID, items[1].CaseID)
	if batch.Cases != 1 || batch.Held != 1 {
		y.t.Fatalf("%+v", batch)
	}
	if _, err := y.ApproveRetention(y.t.Context(), y.intent(y.as(httpapi.RolePrivacy)), batch.BatchID); err != nil {
		y.t.Fatal(err)
	}
	y.certified(y.expired)
	if hours, err := y.HoursOfWork(y.t.Context(), y.cy.WorkID, "2000-01-01", "2100-01-01"); err != nil || len(hours.Days) == 0 {
		y.t.Errorf("what is held has gone: %+v, %v", hours, err)
	}
	y.wantNobodyNamed()
	if cards := y.cards(); cards[y.ada.WorkID] || !cards[y.bo.WorkID] || !cards[y.cy.WorkID] {
		y.t.Errorf("time cards are left of %v", cards)
	}
	if left := y.students(); len(left) != 1 || left[y.bo.WorkID] != 1 {
		y.t.Errorf("the roll of the class is %v, want bo's mark alone", left)
	}
	for _, stream := range []eventschema.StreamName{
		eventschema.TimeCardStream(y.tenant, y.ada.WorkID), eventschema.EnrolmentStream(y.tenant, y.ada.WorkID),
		eventschema.AttendanceStream(y.tenant, y.ada.WorkID, y.left.UTC().AddDate(0, 0, -1)),
		eventschema.DeviceStream(y.tenant, y.ada.WorkID), eventschema.BatchesStream(y.tenant, y.ada.WorkID, y.left, false),
	} {
		var ended error
		for _, err := range y.store.ReadStream(y.t.Context(), stream.String(), 0) {
			ended = err
		}
		if !errors.Is(ended, eventstoredb.ErrStreamDeleted) {
			y.t.Errorf("the stream of %s: %v", stream.Category, ended)
		}
	}
	devices, err := y.ListDevices(y.t.Context(), y.as(httpapi.RoleHR), uuid.Nil, 0, 10)
	if err != nil || len(devices) > 0 {
		y.t.Errorf("devices are left: %+v, %v", devices, err)
	}
	if refused, err := y.RefusedPunches(y.t.Context(), 10); err != nil || len(refused) > 0 {
		y.t.Errorf("claims of devices are left: %+v, %v", refused, err)
	}
}

func (y *years) answers() {
	hr := y.as(httpapi.RoleHR)
	_, err := y.HoursOfWork(y.t.Context(), y.ada.WorkID, "2000-01-01", "2100-01-01")
	y.wantErased("hours", err, y.expired)
	_, err = y.Today().ExplainDay(y.t.Context(), hr, y.ada.WorkID, y.left.UTC().Format(time.DateOnly))
	y.wantErased("a day explained", err, y.expired)
	_, err = y.ExplainPosition(y.t.Context(), hr, y.position)
	y.wantErased("an event explained", err, y.expired)
	entry := punchEntry(y.ada.WorkID, y.left)
	entry.ReceivedAt = y.clock.now()
	_, err = y.RecordPunch(y.t.Context(), y.intent(hr), entry)
	y.wantErased("a punch that comes late", err, y.expired)
	_, err = y.CorrectPunch(y.t.Context(), y.intent(hr), httpapi.PunchCorrection{
		CorrectionID: uuid.New(), PunchID: y.punch, Work: y.ada.WorkID, RecordedAs: y.left, Void: true, Reason: eventschema.ReasonWrongKey, ApprovedBy: uuid.New(), ReceivedAt: y.clock.now(),
	})
	y.wantErased("a correction", err, y.expired)
	events, err := y.History(y.t.Context(), hr, y.ada.PersonID, 0, 100)
	if err != nil || len(events) == 0 {
		y.t.Errorf("history: %d events, %v", len(events), err)
	}
	if name := y.name(httpapi.RoleHR, y.ada.PersonID); name.State() != eventschema.StateErased {
		y.t.Errorf("the name is %s", name.State())
	}
	y.rebuilt()
}

// rebuilt holds the live read models to a rebuild beside them.
func (y *years) rebuilt() {
	y.t.Helper()
	y.caughtUp()
	differences, err := y.CheckModels(y.t.Context(), nil)
	if err != nil || len(differences) > 0 {
		y.t.Errorf("a rebuild differs: %+v, %v", differences, err)
	}
}

// searched says whether an id stands in a file of the event store.
func searched(t *testing.T, data string, id uuid.UUID) (found bool) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(data, "events"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || bytes.Contains(content, id[:]) || bytes.Contains(content, []byte(id.String()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (y *years) restored() {
	record := y.ada.WorkID.String()
	y.onKeys(`UPDATE subject SET fence = 'open', case_id = NULL, restricted_case = NULL WHERE subject = '`+record+`'`,
		`DELETE FROM tombstone WHERE key_id IN (SELECT key_id FROM kept_dek)`, `INSERT INTO dek TABLE kept_dek`)
	y.close()
	y.open()
	status, err := y.keys.Status(y.t.Context(), y.Tenant(), y.ada.WorkID)
	if err != nil || status[y.ada.WorkID].Fence != keyring.FenceErased {
		y.t.Errorf("the fence of the record is %+v, %v", status, err)
	}
	_, err = y.HoursOfWork(y.t.Context(), y.ada.WorkID, "2000-01-01", "2100-01-01")
	y.wantErased("hours after the restore", err, y.expired)
}

func (y *years) scavenged() {
	trust := bundle.Trust{Key: y.VerifierKey()}
	y.house.holds("before the scavenge", trust, 0)
	if !searched(y.t, y.data, y.punch) {
		y.t.Fatal("the search does not find the punch before the scavenge")
	}
	if _, err := y.ListRemovals(y.t.Context(), nil); err != nil {
		y.t.Fatal(err)
	}
	y.scavenge()
	report := y.verified()
	if !report.OK || report.Removed == 0 {
		y.t.Fatalf("after the scavenge: %+v", report)
	}
	y.house.holds("after the scavenge", trust, report.Removed)
	if searched(y.t, y.data, y.punch) {
		y.t.Error("bytes of an expired punch are left in the event store")
	}
	y.rebuilt()
	hr := y.as(httpapi.RoleHR)
	_, err := y.HoursOfWork(y.t.Context(), y.ada.WorkID, "2000-01-01", "2100-01-01")
	y.wantErased("hours after the scavenge", err, y.expired)
	_, err = y.ExplainPosition(y.t.Context(), hr, y.position)
	y.wantErased("an event explained after the scavenge", err, y.expired)
	certificate, err := y.Certificate(y.t.Context(), hr, y.expired, eventschema.CertificateEffective)
	if err != nil {
		y.t.Fatal(err)
	}
	read, err := VerifyCertificate(certificate.Certificate, y.VerifierKey())
	if err != nil || read.Origin != eventschema.OriginRetention {
		y.t.Errorf("the certificate says origin %q: %v", read.Origin, err)
	}
}
