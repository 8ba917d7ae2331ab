package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// Every command that shows a name has it recorded, with the command, the use and
// the values; one that shows none records nothing. The list outlives the person.
//
// promise: I10
func TestEveryCommandThatShowsAValueIsOnRecord(t *testing.T) {
	atDesk(t, func(d *desk) {
		punch := d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		known := time.Now().UTC().Format(time.RFC3339Nano)
		d.punch("2026-03-02T12:00:00+01:00", eventschema.DirectionOut)
		var before []map[string]any
		person, day := d.person.PersonID.String(), []string{"--from", "2026-03-02", "--to", "2026-03-02"}
		for _, c := range []struct {
			args      []string
			operation string // of the reading; empty: none
			values    string
		}{
			{append([]string{"query", "hours"}, day...), "query-hours", "identity.legal_name"},
			{append([]string{"query", "hours", "--json"}, day...), "query-hours", "identity.legal_name"},
			{append([]string{"query", "hours", "--json", "--person", "ada"}, day...), "query-hours", "identity.work_id"},
			{[]string{"query", "presence", "--at", "2026-03-02T09:00:00Z"}, "query-presence", "identity.legal_name"},
			{[]string{"query", "people"}, "query-people", "identity.legal_name"},
			{[]string{"query", "people", "--json", "--known-at", known}, "query-people", "identity.legal_name identity.work_id"},
			{[]string{"query", "people", "--find", "nobody"}, "", ""},
			{[]string{"history", person}, "history", "identity.legal_name identity.work_id work.payroll_name"},
			{[]string{"history", "ada", "--limit", "1", "--json"}, "history", "identity.legal_name identity.work_id"},
			{[]string{"explain", fmt.Sprint(d.firstPosition(person))}, "explain", "identity.legal_name identity.work_id"},
			{[]string{"explain", punch.String()}, "", ""},
			{[]string{"diff", "--from-known-at", known}, "diff", "identity.legal_name"},
			{[]string{"query", "erasures"}, "", ""},
			{[]string{"readings", person}, "", ""},
			{[]string{"rebuild", "--check"}, "", ""},
		} {
			out := d.run(c.args...).out
			read, known := d.readings(person), len(before)
			before = read
			if shows := strings.Contains(out, "Ada Example") || strings.Contains(c.values, "work_id") && strings.Contains(out, "work_id"); shows != (c.operation != "") {
				t.Errorf("%v shows %v:\n%s", c.args, shows, out)
			}
			if c.operation == "" {
				if len(read) != known {
					t.Errorf("%v is on record as %v", c.args, read[0])
				}
				continue
			}
			if len(read) != known+1 || read[0]["operation"] != c.operation || read[0]["use"] != "service" || namesOf(read[0]) != c.values ||
				read[0]["reader"].(map[string]any)["id"] != d.a.Operator().String() {
				t.Errorf("%v is on record as %v", c.args, read[0])
			}
			if _, covered := read[0]["leaf"].(float64); !covered {
				t.Errorf("%v stands nowhere in the trail: %v", c.args, read[0])
			}
		}
		d.erase()
		d.checkReadingsAfterErasure(person)
	})
}

func namesOf(read map[string]any) string {
	var names []string
	for _, v := range read["values"].([]any) {
		names = append(names, v.(map[string]any)["field"].(string))
	}
	return strings.Join(names, " ")
}

// readings lists what is on record of a person, newest first.
func (d *desk) readings(person string) []map[string]any {
	d.t.Helper()
	return d.run("readings", person, "--json").objects(d.t)
}

// firstPosition finds the first event of a person without reading it.
func (d *desk) firstPosition(person string) uint64 {
	d.t.Helper()
	for _, e := range d.run("replay", "--stream", eventschema.PersonStream(d.a.Tenant(), uuid.MustParse(person)).String()).objects(d.t) {
		return uint64(e["position"].(float64))
	}
	return 0
}

// erase destroys the keys of the person of the desk. It answers the case and the
// leaf of the certificate.
func (d *desk) erase() (uuid.UUID, uint64) {
	d.t.Helper()
	first, second := officer(d.a, uuid.New()), officer(d.a, uuid.New())
	request, err := d.a.RequestErasure(d.t.Context(), httpapi.Intent{Principal: first, Key: "ask"}, httpapi.ErasureRequest{Person: d.person.PersonID, ReceivedAt: time.Now()})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, step := range []struct {
		by      httpapi.Principal
		command erasure.Command
	}{
		{first, erasure.VerifyIdentity{VerifiedBy: first.ID, VerifiedAt: time.Now(), Method: eventschema.IdentityDocument}},
		{first, erasure.Assess{AssessedBy: first.ID, AssessedAt: time.Now()}},
		{second, erasure.Approve{ApprovedBy: second.ID, ApprovedAt: time.Now()}},
	} {
		if _, err := d.a.AdvanceErasure(d.t.Context(), httpapi.Intent{Principal: step.by, Key: fmt.Sprintf("%T", step.command)}, request.CaseID, step.command); err != nil {
			d.t.Fatal(err)
		}
	}
	certificate, err := d.a.AwaitCertificate(d.t.Context(), request.CaseID)
	if err != nil {
		d.t.Fatal(err)
	}
	return request.CaseID, certificate.Leaf
}

// Of an erased person the readings remain, and none comes to them: there is
// nothing left to read.
func (d *desk) checkReadingsAfterErasure(person string) {
	d.t.Helper()
	before := d.readings(person)
	for _, args := range [][]string{{"query", "people"}, {"history", person}, {"query", "hours", "--from", "2026-03-02", "--to", "2026-03-02"}} {
		d.run(args...)
	}
	after := d.readings(person)
	if len(before) == 0 || len(after) != len(before) {
		d.t.Errorf("%d readings before, %d after", len(before), len(after))
	}
	for _, text := range []string{d.run("readings", person).out, d.run("readings", person, "--json").out} {
		if strings.Contains(text, "Ada Example") || strings.Contains(text, d.person.WorkID.String()) || !strings.Contains(text, "history") {
			d.t.Errorf("the readings of an erased person are\n%s", text)
		}
	}
}
