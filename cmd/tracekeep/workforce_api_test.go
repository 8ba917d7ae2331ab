package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// fault is the code of the rule that a refusal names.
func (r reply) fault(status int) string {
	r.t.Helper()
	errors, _ := r.expect(status)["errors"].([]any)
	if len(errors) == 0 {
		return ""
	}
	return fmt.Sprint(errors[0].(map[string]any)["code"])
}

// hour is an instant of a coming day, as the API takes it.
func hour(days, hour int) string {
	at := time.Now().UTC().AddDate(0, 0, days)
	return time.Date(at.Year(), at.Month(), at.Day(), hour, 0, 0, 0, time.UTC).Format(time.RFC3339)
}

func (s *served) planShift(employer, start, end string, header ...string) string {
	s.t.Helper()
	body := map[string]any{"kind": "detail", "employer": employer, "site": "harbor_st", "zone": "Europe/Berlin", "starts_at": start, "ends_at": end, "headcount": 1, "qualification": "traffic"}
	planned := s.send("hr", "POST", "/v1/shifts", body, header...)
	if planned.status != http.StatusCreated && planned.status != http.StatusOK {
		s.t.Fatalf("%d: %s", planned.status, planned.body)
	}
	return planned.expect(planned.status)["shift_id"].(string)
}

// A shift goes from the plan over an offer and a swap to another time, each step by who
// may take it, over the API of a served folder; and a class from its definition to a
// corrected mark.
//
// promise: ST-01
// promise: TC-27
// promise: RR-10
// promise: ST-08
// promise: ST-09
// promise: ST-12
// promise: OT-34
// promise: OT-37
func TestAShiftIsPlannedTakenSwappedAndMovedThroughTheAPI(t *testing.T) {
	s := serveFolder(t, "ada", "bob")
	ada, bob := s.works["ada"], s.works["bob"]
	key := []string{"Idempotency-Key", `"the-plan"`}
	shift := s.planShift("customer_0042", hour(3, 8), hour(3, 16), key...)
	if again := s.planShift("customer_0042", hour(3, 8), hour(3, 16), key...); again != shift {
		t.Errorf("planned twice: %s and %s", shift, again)
	}
	path := "/v1/shifts/" + shift
	qualified := func(work string) map[string]any {
		return map[string]any{"work_id": work, "qualifications": []string{"traffic"}}
	}
	s.send("manager", "POST", path+"/offers", map[string]any{
		"strategy": "release_to_all", "respond_by": hour(2, 8), "candidates": []any{qualified(ada)},
	}).expect(200)
	open := s.send("bob", "GET", "/v1/shifts?open=true&work_id="+bob, nil).expect(200)["shifts"].([]any)
	if len(open) != 1 || len(open[0].(map[string]any)["people"].([]any)) != 0 {
		t.Errorf("released to all, bob sees %v", open)
	}
	s.send("bob", "POST", path+"/acceptances", map[string]any{"work_id": ada}).expect(403)
	if rule := s.send("bob", "POST", path+"/acceptances", qualified(bob)).fault(422); rule != "shift_conflict" {
		t.Errorf("somebody says of themself what they are qualified for: %s", rule)
	}
	s.send("ada", "POST", path+"/acceptances", map[string]any{"work_id": ada}).expect(200)
	if rule := s.send("hr", "POST", path+"/assignments", qualified(bob)).fault(422); rule != "shift_full" {
		t.Errorf("more people than places: %s", rule)
	}
	s.swapped(path, ada, bob)
	s.wroteOverAPI(shift, bob)
	s.movedOverAPI(path, shift, bob)
	s.aClassOverTheAPI(ada, bob)
	s.aRosterBesideTheAPI()
	s.ratedOverAPI(ada, bob)
	if board := s.send("ada", "GET", "/v1/board", nil); board.status != 403 {
		t.Errorf("a worker sees the board: %d", board.status)
	}
}

// swapped moves the place from ada to bob, with the word of both and of an officer.
func (s *served) swapped(path, ada, bob string) {
	t := s.t
	swap := s.send("ada", "POST", path+"/swaps", map[string]any{"work_id": ada, "to_work_id": bob}).expect(201)["swap_id"].(string)
	of := path + "/swaps/" + swap
	if rule := s.send("hr", "POST", of+"/approval", map[string]any{"qualifications": []string{"traffic"}}).fault(422); rule != "swap_not_agreed" {
		t.Errorf("approved without the other: %s", rule)
	}
	s.send("ada", "POST", of+"/agreement", map[string]any{"work_id": bob}).expect(403)
	if rule := s.send("ada", "POST", of+"/agreement", map[string]any{"work_id": ada}).fault(422); rule != "no_swap" {
		t.Errorf("agreed with oneself: %s", rule)
	}
	s.send("bob", "POST", of+"/agreement", map[string]any{"work_id": bob}).expect(200)
	s.send("bob", "POST", of+"/approval", map[string]any{}).expect(403)
	s.send("hr", "POST", of+"/approval", map[string]any{"qualifications": []string{"traffic"}}).expect(200)
	people := fmt.Sprint(s.send("manager", "GET", path, nil).expect(200)["people"])
	if !strings.Contains(people, "state:swapped_away") || !strings.Contains(people, bob) {
		t.Errorf("swapped: %s", people)
	}
}

// ratedOverAPI has a task of ada rated: she and HR see it, a colleague does not, nor a
// manager, and that they saw it is on record.
func (s *served) ratedOverAPI(ada, bob string) {
	t := s.t
	task := s.send("hr", "POST", "/v1/shifts", map[string]any{
		"kind": "task", "employer": "agency", "site": "harbor_st", "zone": "Europe/Berlin", "starts_at": hour(1, 0), "ends_at": hour(5, 0), "headcount": 1,
	}).expect(201)["shift_id"].(string)
	s.send("manager", "POST", "/v1/shifts/"+task+"/assignments", map[string]any{"work_id": ada}).expect(200)
	s.send("manager", "POST", "/v1/shifts/"+task+"/completion", map[string]any{"ratings": []any{map[string]any{"work_id": ada, "rating": "exceeds"}}}).expect(200)
	of := func(work string) string {
		return "/v1/performance?work_id=" + work + "&from=" + hour(1, 0)[:10] + "&to=" + hour(1, 0)[:10]
	}
	for _, reader := range []string{"ada", "hr", "auditor"} {
		shifts := s.send(reader, "GET", of(ada), nil).expect(200)["shifts"].([]any)
		if len(shifts) != 1 || shifts[0].(map[string]any)["rating"] != "exceeds" {
			t.Errorf("%s sees of ada %v", reader, shifts)
		}
	}
	for _, other := range []string{"bob", "manager", "admin", "privacy"} {
		s.send(other, "GET", of(ada), nil).expect(403)
	}
	s.send("bob", "GET", of(bob), nil).expect(200)
	s.planShift("customer_0007", hour(20, 8), hour(20, 12)) // behind the readings in the log: what is asked now knows them
	readings := s.send("ada", "GET", "/v1/people/"+s.people["ada"]+"/readings", nil).expect(200)["readings"].([]any)
	seen := map[string]bool{}
	for _, r := range readings {
		reading := r.(map[string]any)
		if reading["operation"] == "get-performance" && strings.Contains(fmt.Sprint(reading["values"]), "performance.measures") {
			seen[fmt.Sprint(reading["reader_role"])] = true
		}
	}
	if len(seen) != 3 {
		t.Errorf("on record as readers: %v", seen)
	}
}

// wroteOverAPI has HR write to the shift of bob and to its site, and bob is told what
// became of another shift of his without anybody writing it.
func (s *served) wroteOverAPI(shift, bob string) {
	t := s.t
	toShift := s.send("hr", "POST", "/v1/messages", map[string]any{"shift_id": shift, "text": "Bring your vests."}).expect(201)
	toSite := s.send("hr", "POST", "/v1/messages", map[string]any{"site": "harbor_st", "text": "The north gate is shut."}).expect(201)
	s.send("ada", "POST", "/v1/messages", map[string]any{"shift_id": shift, "text": "Good luck."}).expect(404)
	for _, sent := range []map[string]any{toShift, toSite} {
		if sent["recipients"] != 1.0 {
			t.Errorf("it went to %v", sent["recipients"])
		}
	}
	if in := s.send("ada", "GET", "/v1/messages", nil).expect(200)["messages"].([]any); len(in) != 0 {
		t.Errorf("ada, who is off the shift, received %v", in)
	}
	in := s.send("bob", "GET", "/v1/messages?unread=true", nil).expect(200)["messages"].([]any)
	if len(in) != 2 || in[0].(map[string]any)["audience"] != "site" || in[1].(map[string]any)["audience"] != "shift" || in[1].(map[string]any)["shift_id"] != shift {
		t.Fatalf("bob received %v", in)
	}
	id := toShift["message_id"].(string)
	opened := s.send("bob", "POST", "/v1/messages/"+id+"/opening", nil).expect(200)
	if opened["text"].(map[string]any)["value"] != "Bring your vests." {
		t.Errorf("bob opens %v", opened)
	}
	s.send("bob", "POST", "/v1/messages/"+id+"/deletion", nil).expect(404)
	s.send("hr", "POST", "/v1/messages/"+id+"/deletion", nil).expect(200)
	sent := s.send("hr", "GET", "/v1/messages?box=sent", nil).expect(200)["messages"].([]any)
	if first := sent[1].(map[string]any); first["message_id"] != id || first["read"] != 1.0 || first["deleted_at"] == nil {
		t.Errorf("HR sent %v", sent)
	}
	own := s.planShift("customer_0099", hour(9, 8), hour(9, 12))
	s.send("hr", "POST", "/v1/shifts/"+own+"/assignments", map[string]any{"work_id": bob, "qualifications": []string{"traffic"}}).expect(200)
	change := func(how string, body map[string]any) {
		s.send("hr", "POST", "/v1/shifts/"+own+how, body, "If-Match", s.send("hr", "GET", "/v1/shifts/"+own, nil).header.Get("ETag")).expect(200)
	}
	change("/reschedule", map[string]any{"zone": "Europe/Berlin", "starts_at": hour(9, 9), "ends_at": hour(9, 13)})
	s.noticed("bob", "shift_moved", own)
	change("/cancellation", map[string]any{"reason": "weather"})
	s.noticed("bob", "shift_cancelled", own)
	if notices := s.send("ada", "GET", "/v1/notices", nil).expect(200)["notices"].([]any); len(notices) != 0 {
		t.Errorf("ada is told of what is not hers: %v", notices)
	}
}

// noticed wants one notice, of a shift.
func (s *served) noticed(who, kind, shift string) {
	s.t.Helper()
	notices := s.send(who, "GET", "/v1/notices", nil).expect(200)["notices"].([]any)
	if len(notices) != 1 || notices[0].(map[string]any)["kind"] != kind || notices[0].(map[string]any)["shift_id"] != shift {
		s.t.Errorf("%s is told %v, want %s", who, notices, kind)
	}
}

// movedOverAPI moves the shift over another one of bob, who is taken off.
func (s *served) movedOverAPI(path, shift, bob string) {
	t := s.t
	other := s.planShift("customer_0007", hour(5, 8), hour(5, 12))
	s.send("hr", "POST", "/v1/shifts/"+other+"/assignments", map[string]any{"work_id": bob, "qualifications": []string{"traffic"}}).expect(200)
	caps := s.send("bob", "GET", "/v1/caps?work_id="+bob+"&on="+hour(5, 8)[:10], nil).expect(200)["people"].([]any)
	if len(caps) != 1 || fmt.Sprint(caps[0].(map[string]any)["caps"].([]any)[0].(map[string]any)["minutes"]) != "240" {
		t.Errorf("the caps of bob are %v", caps)
	}
	move := map[string]any{"zone": "Europe/Berlin", "starts_at": hour(5, 10), "ends_at": hour(5, 18)}
	s.send("hr", "POST", path+"/reschedule", move).expect(428)
	s.send("hr", "POST", path+"/reschedule", move, "If-Match", `"0"`).expect(412)
	tag := s.send("hr", "GET", path, nil).header.Get("ETag")
	key := []string{"If-Match", tag, "Idempotency-Key", `"the-move"`}
	for range 2 { // the same request again answers the same
		off := s.send("hr", "POST", path+"/reschedule", move, key...).expect(200)["taken_off"].([]any)
		if len(off) != 1 || off[0].(map[string]any)["work_id"] != bob || off[0].(map[string]any)["reason"] != "double_booked" || off[0].(map[string]any)["shift_id"] != other {
			t.Errorf("taken off: %v", off)
		}
	}
	moved := s.send("hr", "GET", path, nil)
	if said := moved.expect(200); said["shift_id"] != shift || said["assigned"] != 0.0 || said["state"] != "planned" || said["starts_at"] != hour(5, 10) {
		t.Errorf("moved: %v", said)
	}
	s.send("manager", "POST", path+"/cancellation", map[string]any{"reason": "weather"}, "If-Match", moved.header.Get("ETag")).expect(200)
	if said := s.send("hr", "GET", path, nil).expect(200); said["state"] != "cancelled" {
		t.Errorf("called off: %v", said)
	}
}

// A worker asks for a correction of their own punch, a manager approves it, HR locks the
// period, and the time card shows all of it.
//
// promise: ST-21
// promise: ST-40
// promise: ST-42
func TestAWorkerAsksForACorrectionAndSeesItOnTheirCard(t *testing.T) {
	s := serveFolder(t, "ada", "bob")
	ada, bob := s.works["ada"], s.works["bob"]
	s.punch(ada, "2026-03-02T08:00:00+01:00", "in", nil)
	out := s.punch(ada, "2026-03-02T16:00:00+01:00", "out", nil)["punch_id"].(string)
	ask := func(as, work string) reply {
		return s.send(as, "POST", "/v1/corrections", map[string]any{
			"work_id": work, "punch_id": out, "occurred_at": "2026-03-02T17:30:00+01:00", "zone": "Europe/Berlin", "direction": "out", "reason": "wrong_time",
		})
	}
	s.send("hr", "GET", "/v1/hours?from=2026-03-01&to=2026-03-07&work_id="+ada, nil).expect(200) // the punch is known to the read models
	ask("bob", ada).expect(403)
	ask("bob", bob).expect(404)
	first, second := ask("ada", ada).expect(201)["correction_id"].(string), ask("ada", ada).expect(201)["correction_id"].(string)
	open := s.send("ada", "GET", "/v1/corrections?open=true&work_id="+ada, nil).expect(200)["corrections"].([]any)
	if len(open) != 2 || open[0].(map[string]any)["requested_by"] != ada {
		t.Errorf("the open requests are %v; a worker asks as their work record", open)
	}
	s.send("bob", "POST", "/v1/corrections/"+second+"/refusal", map[string]any{"work_id": bob, "ground": "mine"}).expect(404)
	s.send("ada", "POST", "/v1/corrections/"+second+"/refusal", map[string]any{"work_id": ada, "ground": "taken_back"}).expect(200)
	s.send("ada", "POST", "/v1/corrections/"+first+"/approval", nil).expect(403)
	own := s.send("manager", "POST", "/v1/corrections", map[string]any{"work_id": ada, "punch_id": out, "void": true, "reason": "other"}).expect(201)["correction_id"].(string)
	if rule := s.send("manager", "POST", "/v1/corrections/"+own+"/approval", nil).fault(422); rule != "self_approval" {
		t.Errorf("whoever asked approved: %s", rule)
	}
	s.send("hr", "POST", "/v1/corrections/"+own+"/refusal", map[string]any{"ground": "as_recorded"}).expect(200)
	s.send("manager", "POST", "/v1/corrections/"+first+"/approval", nil).expect(200)
	s.send("manager", "POST", "/v1/corrections/"+uuid.NewString()+"/approval", nil).expect(404)
	s.lockedOverAPI(ada, out)
}

func (s *served) lockedOverAPI(ada, out string) {
	t, card := s.t, "/v1/timecard?from=2026-03-01&to=2026-03-07&rules=flsa&zone=Europe/Berlin&work_id="+ada
	said := s.send("ada", "GET", card, nil).expect(200)
	corrected := said["corrections"].([]any)
	if said["total_seconds"] != 9.5*3600 || said["state"] != "open" || len(said["requests"].([]any)) != 0 || len(corrected) != 1 {
		t.Fatalf("the card is %v", said)
	}
	says(t, "the corrected punch", corrected[0].(map[string]any), map[string]any{
		"punch_id": out, "recorded": "map[at:2026-03-02T16:00:00+01:00 direction:out kind:normal]", "counts": "map[at:2026-03-02T17:30:00+01:00 direction:out kind:normal]",
		"corrected_by": ada, "approved_by": s.officers["manager"],
	})
	lock := func(to string) reply {
		return s.send("hr", "POST", "/v1/pay-periods", map[string]any{"from": "2026-03-01", "to": to, "rules": "flsa", "zone": "Europe/Berlin"})
	}
	if rule := lock("2099-12-31").fault(422); rule != "range" {
		t.Errorf("a period of decades: %s", rule)
	}
	locked := lock("2026-03-07").expect(201)
	if again := lock("2026-03-07").expect(200); locked["cards"] != 1.0 || again["period_id"] != locked["period_id"] {
		t.Errorf("locked %v and again %v", locked, again)
	}
	if rule := lock("2026-03-10").fault(422); rule != "period_overlaps" {
		t.Errorf("days were locked twice: %s", rule)
	}
	cards := s.send("auditor", "GET", "/v1/pay-periods/"+locked["period_id"].(string)+"/cards", nil).expect(200)["cards"].([]any)
	if len(cards) != 1 || cards[0].(map[string]any)["work_id"] != ada {
		t.Errorf("the cards are %v", cards)
	}
	says(t, "what was paid", cards[0].(map[string]any)["time"].(map[string]any), map[string]any{"regular_seconds": 9.5 * 3600})
	if said := s.send("ada", "GET", card, nil).expect(200); said["state"] != "locked" || len(said["locked"].([]any)) != 1 {
		t.Errorf("the locked card is %v", said)
	}
	s.byRulesOfTheHouse(ada)
}

// byRulesOfTheHouse asks by the rules and the plan that the server was given, whose rates
// are nowhere.
func (s *served) byRulesOfTheHouse(ada string) {
	card := "/v1/timecard?from=2026-03-01&to=2026-03-07&work_id=" + ada
	for by, want := range map[string]map[string]any{
		"rules=house-rules": {"plan": "house-rules", "plan_version": 2.0, "rules": "house-rules"}, "plan=house": {"plan": "house", "plan_version": 1.0, "rules": "flsa"},
	} {
		owed := s.send("hr", "GET", card+"&"+by, nil).expect(200)["owed"].(map[string]any)
		says(s.t, by, owed, want)
		says(s.t, by, owed["time"].(map[string]any), map[string]any{"regular_seconds": 9.5 * 3600})
	}
	// The week before was locked by other rules, which are still at hand.
	locked := s.send("hr", "POST", "/v1/pay-periods", map[string]any{"from": "2026-03-08", "to": "2026-03-14", "rules": "house-rules"}).expect(201)
	s.send("hr", "POST", "/v1/pay-periods", map[string]any{"from": "2026-03-15", "to": "2026-03-21", "plan": "house"}).expect(201)
	if locked["adjustments"] != 0.0 {
		s.t.Errorf("nothing was to be adjusted: %v", locked)
	}
	all := string(s.send("auditor", "GET", "/v1/pay-rules", nil).body)
	if !strings.Contains(all, "house-rules") || strings.Contains(all, "77.31") {
		s.t.Errorf("the rules and plans are %s", all)
	}
}

// What leaves through the API is recorded about everybody in it, is the same whenever it
// is asked for, and is nothing where it cannot be recorded.
//
// promise: ST-28
func TestAnExportThroughTheAPIIsRecordedFirst(t *testing.T) {
	s := serveFolder(t, "ada", "bob")
	for name, day := range map[string]string{"ada": "2026-03-02", "bob": "2026-03-03"} {
		s.punch(s.works[name], day+"T08:00:00+01:00", "in", nil)
		s.punch(s.works[name], day+"T16:00:00+01:00", "out", nil)
	}
	order := map[string]any{"from": "2026-03-02", "to": "2026-03-02", "recipient": "payroll_bureau", "ground": "processor", "interest": "payroll"}
	s.send("hr", "GET", "/v1/hours?from=2026-03-01&to=2026-03-07&work_id="+s.works["bob"], nil).expect(200) // the punches are known to the read models
	disclosed := func(name string) []any {
		return s.send("privacy", "GET", "/v1/people/"+s.people[name]+"/disclosures", nil).expect(200)["disclosures"].([]any)
	}
	first, again := s.send("hr", "POST", "/v1/exports/hours", order), s.send("hr", "POST", "/v1/exports/hours", order)
	if first.status != 200 || string(first.body) != string(again.body) || first.digest == "" || first.digest != again.digest {
		t.Fatalf("%d, %s, %s\n%s", first.status, first.digest, again.digest, first.body)
	}
	if rows := strings.Split(strings.TrimSpace(string(first.body)), "\r\n"); len(rows) != 2 || !strings.Contains(rows[1], s.works["ada"]) || !strings.Contains(rows[1], "ada") || !strings.Contains(rows[1], "8:00") {
		t.Errorf("the file is\n%s", first.body)
	}
	if of := disclosed("ada"); len(of) != 1 || of[0].(map[string]any)["recipient"] != "payroll_bureau" || of[0].(map[string]any)["disclosed_by"] != s.officers["hr"].String() {
		t.Errorf("the disclosures are %v", of)
	}
	if of := disclosed("bob"); len(of) != 0 {
		t.Errorf("of somebody who is not in the file: %v", of)
	}
	order["ground"] = "court_order"
	if refused := s.send("hr", "POST", "/v1/exports/punches", order).fault(422); refused == "" || len(disclosed("ada")) != 1 {
		t.Errorf("a court's order without its number: %q", refused)
	}
	order["ground"], order["system"], order["company"], order["batch"], order["rules"], order["zone"] = "processor", "adp", "ABC", "B1", "flsa", "Europe/Berlin"
	pay := s.send("hr", "POST", "/v1/exports/payroll", order)
	if pay.status != 200 || pay.header.Get("X-Left-Out") != s.works["ada"] {
		t.Errorf("nobody has an employee number, and the file leaves out %q: %d %s", pay.header.Get("X-Left-Out"), pay.status, pay.body)
	}
	delete(order, "company")
	if refused := s.send("hr", "POST", "/v1/exports/payroll", order).fault(422); refused != "no_company" {
		t.Errorf("without the company: %s", refused)
	}
}
