package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// Two people worked 42 hours in a week; one has an employee number.
//
// promise: ST-21
func TestPayrollLeavesNobodyOutInSilence(t *testing.T) {
	atDesk(t, func(d *desk) {
		ada := d.person
		ben, err := d.a.RegisterPerson(t.Context(), d.intent(), httpapi.Registration{
			LegalName: eventschema.Clear("Ben Example"), EmployeeNumber: eventschema.Clear("102"), ReceivedAt: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, d.person = range []httpapi.PersonReceipt{ada, ben} {
			for day := 2; day <= 5; day++ { // 42 hours of the week
				date := time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				d.punch(date+"T08:00:00+01:00", eventschema.DirectionIn)
				d.punch(date+"T18:30:00+01:00", eventschema.DirectionOut)
			}
		}
		dir := t.TempDir()
		flags := []string{"--rules", "flsa", "--zone", "Europe/Berlin"}
		adp := append([]string{"--system", "adp", "--company", "ABC", "--batch", "B1"}, flags...)
		heading := "Co Code,Batch ID,File #,Reg Hours,O/T Hours,Hours 3 Code,Hours 3 Amount,Hours 4 Code,Hours 4 Amount\r\n"

		got, all := d.exports("payroll", filepath.Join(dir, "all.csv"), adp...)
		if got.ok(t, exitRejected); !strings.Contains(got.err, ada.WorkID.String()) || strings.Contains(got.err, ben.WorkID.String()) {
			t.Errorf("left out: %s", got.err)
		}
		if diff := cmp.Diff(heading+"ABC,B1,000102,40.00,2.00,,,,\r\n", string(all)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		got, one := d.exports("payroll", filepath.Join(dir, "one.csv"), append(adp, "--person", "Ben")...)
		if got.ok(t); string(one) != string(all) || !strings.Contains(got.out, "1 disclosures to payroll_bureau") {
			t.Errorf("Ben alone: %s\n%s", got.out, one)
		}
		got, names := d.exports("payroll", filepath.Join(dir, "names.iif"), append(flags, "--system", "quickbooks-iif", "--company", "Acme", "--batch", "1",
			"--code", "regular=Hourly", "--code", "overtime=Overtime")...)
		if got.ok(t); strings.Count(string(names), "\tAda Example\t\tHourly\t") != 4 || strings.Count(string(names), "\tBen Example\t\tOvertime\t2:00\t") != 1 {
			t.Errorf("by names:\n%s", names)
		}
		before := len(d.run("disclose", "list", "--person", ben.PersonID.String(), "--json").objects(t))
		got, none := d.exports("payroll", filepath.Join(dir, "none.txt"), append(flags, "--system", "datev-lodas", "--company", "1", "--batch", "1", "--code", "regular=1")...)
		if got.ok(t, exitFailed); none != nil || !strings.Contains(got.err, "--code: overtime") {
			t.Errorf("without the number of a code: %s\n%s", got.err, none)
		}
		if after := len(d.run("disclose", "list", "--person", ben.PersonID.String(), "--json").objects(t)); after != before || before != 1 {
			t.Errorf("%d disclosures before, %d after a file that could not be written", before, after)
		}
		d.person = ben
		d.erase()
		got, gone := d.exports("payroll", filepath.Join(dir, "gone.csv"), adp...)
		if got.ok(t, exitRejected); string(gone) != heading || !strings.Contains(got.err, ben.WorkID.String()) {
			t.Errorf("somebody erased: %s\n%s", got.err, gone)
		}
	})
}
