package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tracekeep/eventschema"
)

const staffMapping = `
name: staff
person: {column: Badge, by: pin}
full_name: [First, Last]
email: Mail
people: {birth_date: Born, layouts: [DD.MM.YYYY], fields: {shirt_size: Shirt, started_on: Since, locker: Locker}}
`

var staffFields = map[string]eventschema.FieldKind{
	"shirt_size": eventschema.FieldChoice, "started_on": eventschema.FieldDate, "locker": eventschema.FieldText,
}

// staffBook remembers who was entered. It refuses a shirt of XXL.
type staffBook struct {
	rows    []string
	entered map[string]FieldTexts
}

func (b *staffBook) Enter(_ context.Context, station string, batch []PersonRow) ([]Verdict, error) {
	verdicts := make([]Verdict, len(batch))
	for i, row := range batch {
		before, known := b.entered[station+row.Key]
		switch {
		case row.Fields["shirt_size"] == "XXL":
			verdicts[i] = Verdict{Told: ToldRefused, Reason: BadChoice, Field: "shirt_size"}
			continue
		case !known:
			verdicts[i].Told = ToldNew
		case maps.Equal(before, row.Fields):
			verdicts[i].Told = ToldUnchanged
		default:
			verdicts[i].Told = ToldChanged
		}
		b.entered[station+row.Key] = row.Fields
		var fields []string
		for _, code := range slices.Sorted(maps.Keys(row.Fields)) {
			fields = append(fields, code+"="+row.Fields[code])
		}
		p := row.Person
		b.rows = append(b.rows, strings.Join(append([]string{fmt.Sprint(row.Line), row.Key, p.Name, p.Email, p.BirthDate}, fields...), "|"))
	}
	return verdicts, nil
}

func runStaff(t *testing.T, table []byte, book *staffBook, rejects *bytes.Buffer) PeopleSummary {
	t.Helper()
	mapping, err := ReadMapping(strings.NewReader(staffMapping))
	if err != nil {
		t.Fatal(err)
	}
	options := PeopleOptions{Table: bytes.NewReader(table), Mapping: mapping, Fields: staffFields, Now: today, BatchRows: 2, Station: "gate"}
	if rejects != nil {
		options.Rejects = rejects
	}
	sum, err := RunPeople(t.Context(), options, book)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

const staffTable = `Badge;First;Last;Mail;Born;Shirt;Since;Locker;Notes
'0041;Wren;Okafor;wren@example.org;29.02.1988;L;01.03.2020;12;likes tea
42;Ada;Lind;;;XXL;;;
43;Bo;Berg;no address;;S;;;
44;Cy;Dahl;;31.02.1990;M;;;
0041;Wren;Again;;;S;;;
45;;;;;M;soon;;
46;Di;Eng;;;;;;
`

// promise: RR-11
func TestPeopleAreImportedWithFieldsOfTheTenantsOwn(t *testing.T) {
	var rejects bytes.Buffer
	book := &staffBook{entered: map[string]FieldTexts{}}
	sum := runStaff(t, []byte(staffTable), book, &rejects)
	want := []string{
		"2|0041|Wren Okafor|wren@example.org|1988-02-29|locker=12|shirt_size=L|started_on=2020-03-01",
		"7|45||||shirt_size=M|started_on=soon", // what is no date is for the field to refuse
		"8|46|Di Eng||",                        // an empty cell says nothing
	}
	if diff := cmp.Diff(want, book.rows); diff != "" {
		t.Errorf("entered (-want +got):\n%s", diff)
	}
	var told []string
	for _, r := range sum.Rejects {
		told = append(told, fmt.Sprint(r.Line, " ", r.Field, " ", r.Reason))
	}
	slices.Sort(told)
	if diff := cmp.Diff([]string{"3 shirt_size bad_choice", "4  bad_email", "5  bad_birth_date", "6  duplicate_pin"}, told); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if sum.Rows != 7 || sum.Rejected != 4 || sum.People[ToldNew] != 3 || len(sum.ColumnsIgnored) != 1 || sum.ColumnsIgnored[0] != "Notes" {
		t.Errorf("%+v", sum)
	}
	account, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"XXL", "no address", "31.02.1990", "Wren", "0041"} {
		if strings.Contains(rejects.String(), value) || strings.Contains(string(account), value) {
			t.Errorf("the account of the import holds %q:\n%s", value, rejects.String())
		}
	}
	if !strings.Contains(rejects.String(), "people,3,bad_choice,shirt_size: ") {
		t.Errorf("the list of rejected rows does not name the field:\n%s", rejects.String())
	}
	if again := runStaff(t, []byte(staffTable), book, nil); again.People[ToldUnchanged] != 3 || again.People[ToldNew]+again.People[ToldChanged] != 0 {
		t.Errorf("again: %+v", again.People)
	}
}

// A workbook holds dates as numbers of days, also those of birth.
func TestPeopleOfAWorkbook(t *testing.T) {
	file := excelize.NewFile()
	for i, row := range [][]any{
		{"Badge", "First", "Last", "Mail", "Born", "Shirt", "Since", "Locker"},
		{"41", "Wren", "Okafor", "", 6000, "L", 43891, 12},
	} {
		if err := file.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var table bytes.Buffer
	if err := file.Write(&table); err != nil {
		t.Fatal(err)
	}
	book := &staffBook{entered: map[string]FieldTexts{}}
	runStaff(t, table.Bytes(), book, nil)
	born := serialEpoch.AddDate(0, 0, 6000).Format(time.DateOnly)
	if want := []string{"2|41|Wren Okafor||" + born + "|locker=12|shirt_size=L|started_on=2020-03-01"}; !slices.Equal(book.rows, want) {
		t.Errorf("%q, want %q", book.rows, want)
	}
}

func TestAMappingOfPeopleIsHeldToTheTableAndTheFields(t *testing.T) {
	for mistake, c := range map[string]struct {
		mapping, table string
		want           error
		says           string
	}{
		"a field that nobody defined":     {strings.Replace(staffMapping, "locker:", "shoe_size:", 1), staffTable, ErrMapping, "shoe_size"},
		"a column that is not there":      {strings.Replace(staffMapping, "locker: Locker", "locker: Room", 1), staffTable, ErrMapping, `"Room"`},
		"a column that is there twice":    {staffMapping, strings.Replace(staffTable, "Notes", "Shirt", 1), ErrMapping, "more than one"},
		"a table without rows and header": {staffMapping, "", ErrFormat, "header"},
		"people and punches at once":      {staffMapping + "time: {at: When, layouts: [YYYY-MM-DD]}\n", staffTable, ErrMapping, "give one"},
		"a field without a column":        {strings.Replace(staffMapping, "locker: Locker", `locker: ""`, 1), staffTable, ErrMapping, "names a column"},
	} {
		t.Run(mistake, func(t *testing.T) {
			mapping, err := ReadMapping(strings.NewReader(c.mapping))
			if err == nil {
				_, err = RunPeople(t.Context(), PeopleOptions{Table: strings.NewReader(c.table), Mapping: mapping, Fields: staffFields, Now: today}, &staffBook{entered: map[string]FieldTexts{}})
			}
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := RunPeople(t.Context(), PeopleOptions{Table: strings.NewReader("")}, nil); !errors.Is(err, ErrOptions) || !errors.Is(err, ErrMapping) {
		t.Errorf("everything that is wrong is said at once: %v", err)
	}
}

func TestValuesOfFieldsAreNotPrinted(t *testing.T) {
	row := PersonRow{Line: 1, Person: Person{Name: "Wren"}, Fields: FieldTexts{"allergy": "nuts"}}
	printed := fmt.Sprintf("%v %+v %#v %s %q", row, row, row, row.Fields, row.Fields)
	if strings.Contains(printed, "nuts") || strings.Contains(printed, "Wren") {
		t.Error(printed)
	}
	if _, err := json.Marshal(row); !errors.Is(err, ErrPersonal) {
		t.Errorf("encoded: %v", err)
	}
}

func FuzzPeopleTable(f *testing.F) {
	f.Add([]byte(staffTable))
	f.Add([]byte("Badge,First,Last,Mail,Born,Shirt,Since,Locker\n1,\"a\nb\",c,,,,,\n"))
	f.Add([]byte("PK\x03\x04[Content_Types].xml"))
	mapping, err := ReadMapping(strings.NewReader(staffMapping))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, table []byte) {
		sum, err := RunPeople(t.Context(), PeopleOptions{Table: bytes.NewReader(table), Mapping: mapping, Fields: staffFields, Now: today}, &staffBook{entered: map[string]FieldTexts{}})
		told := sum.Rejected
		for _, n := range sum.People {
			told += n
		}
		if err == nil && told != sum.Rows {
			t.Errorf("%d rows, %d told: %+v", sum.Rows, told, sum)
		}
	})
}
