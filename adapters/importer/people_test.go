package importer

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func allRejects(Rejected) bool { return true }

func TestVerdictOnAPerson(t *testing.T) {
	const header = "pin,name,email,phone,birth_date,employee_number\n"
	for rule, c := range map[string]struct {
		row  string
		want Person
		err  Reason
	}{
		"everything given":                      {row: "7,Ana Cruz,ana@example.org,+63 2 8123,1990-02-28,E-1", want: Person{PIN: "7", Name: "Ana Cruz", Email: "ana@example.org", Phone: "+63 2 8123", BirthDate: "1990-02-28", EmployeeNumber: "E-1"}},
		"pin and name are enough":               {row: "7,Ana Cruz,,,,", want: Person{PIN: "7", Name: "Ana Cruz"}},
		"blanks around a value are no part":     {row: " 7 ,  Ana Cruz  ,,,,", want: Person{PIN: "7", Name: "Ana Cruz"}},
		"a quoted comma belongs to the name":    {row: `7,"Cruz, Ana",,,,`, want: Person{PIN: "7", Name: "Cruz, Ana"}},
		"a doubled quote is one":                {row: `7,"Ana ""Nini"" Cruz",,,,`, want: Person{PIN: "7", Name: `Ana "Nini" Cruz`}},
		"a name of one letter":                  {row: "7,O,,,,", want: Person{PIN: "7", Name: "O"}},
		"a name of the word null":               {row: "7,null,,,,", want: Person{PIN: "7", Name: "null"}},
		"writing direction is part of a name":   {row: "7,\u202eevil,,,,", want: Person{PIN: "7", Name: "\u202eevil"}},
		"combining marks stay as written":       {row: "7,Zoe\u0308,,,,", want: Person{PIN: "7", Name: "Zoe\u0308"}},
		"no name":                               {row: "7,,,,,", err: BadName},
		"a name of blanks":                      {row: "7, \u00a0 ,,,,", err: BadName},
		"a name with a NUL":                     {row: "7,A\x00B,,,,", err: BadName},
		"a name over two lines":                 {row: "7,\"A\nB\",,,,", err: BadName},
		"a name longer than a page":             {row: "7," + strings.Repeat("x", 2001) + ",,,,", err: BadName},
		"no PIN":                                {row: ",Ana Cruz,,,,", err: BadPIN},
		"a PIN that no terminal takes":          {row: "7-1,Ana Cruz,,,,", err: BadPIN},
		"a PIN that a spreadsheet made a price": {row: "7.0,Ana Cruz,,,,", err: BadPIN},
		"an email without @":                    {row: "7,Ana Cruz,ana.example.org,,,", err: BadEmail},
		"an email without a domain":             {row: "7,Ana Cruz,ana@,,,", err: BadEmail},
		"a phone number as long as a letter":    {row: "7,Ana Cruz,," + strings.Repeat("1", 65) + ",,", err: BadPhone},
		"a birth date in another order":         {row: "7,Ana Cruz,,,28.02.1990,", err: BadBirthDate},
		"a birth date that never was":           {row: "7,Ana Cruz,,,1990-02-30,", err: BadBirthDate},
		"a birth date to come":                  {row: "7,Ana Cruz,,,2030-01-01,", err: BadBirthDate},
		"an employee number like an essay":      {row: "7,Ana Cruz,,,," + strings.Repeat("1", 65), err: BadEmployeeNumber},
		"too few columns":                       {row: "7,Ana Cruz", err: BrokenLine},
		"too many columns":                      {row: "7,Ana,Cruz,,,,", err: BrokenLine},
		"a quote inside a bare value":           {row: `7,An"a,,,,`, err: BrokenLine},
		"bytes that are no UTF-8":               {row: "7,\xff,,,,", err: NotUTF8},
	} {
		t.Run(rule, func(t *testing.T) {
			text := header + "1,Before,,,,\n" + c.row + "\n9,After,,,,\n"
			p, err := readPeople(t.Context(), strings.NewReader(text), byPIN, EncodingAuto, today, allRejects)
			if err != nil {
				t.Fatal(err)
			}
			if p.byKey["1"].Name != "Before" || p.byKey["9"].Name != "After" {
				t.Error("a neighbour is missing")
			}
			if c.err != "" {
				if len(p.rejects) != 1 || p.rejects[0].Reason != c.err || p.rejects[0].Line != 3 || len(p.byKey) != 2 {
					t.Errorf("rejects %v, want line 3 %s", p.rejects, c.err)
				}
				return
			}
			c.want.Line = 3
			if got := p.byKey[c.want.PIN]; got != c.want || p.rejected != 0 {
				t.Errorf("not read as expected; rejects %v", p.rejects)
			}
		})
	}
}

func TestPeopleFileAsAWhole(t *testing.T) {
	for rule, c := range map[string]struct {
		text    string
		err     error
		says    string
		people  int
		ignored []string
		rejects []Reason
	}{
		"display_name goes before name and full_name":   {text: "pin,full_name,name,display_name\n1,C,B,A\n", people: 1, ignored: []string{"full_name", "name"}},
		"columns not known are named and left out":      {text: "pin,name,shoe_size\n1,A,43\n", people: 1, ignored: []string{"shoe_size"}},
		"the order and case of columns do not matter":   {text: "Name, PIN \nA,1\n", people: 1},
		"a byte order mark belongs to no column":        {text: "\uFEFFpin,name\n1,A\n", people: 1},
		"CRLF ends rows":                                {text: "pin,name\r\n1,A\r\n", people: 1},
		"semicolons as spreadsheets write them":         {text: "pin;name\n1;A\n", people: 1},
		"tabs":                                          {text: "pin\tname\n1\tA\n", people: 1},
		"nobody":                                        {text: "pin,name\n"},
		"the first of two rows with one PIN counts":     {text: "pin,name\n1,A\n1,A\n1,B\n", people: 1, rejects: []Reason{DuplicatePIN, DuplicatePIN}},
		"a rejected row does not take the PIN":          {text: "pin,name\n1,\n1,A\n", people: 1, rejects: []Reason{BadName}},
		"a quote left open at the end spoils one row":   {text: "pin,name\n1,A\n2,\"B\n", people: 1, rejects: []Reason{BrokenLine}},
		"a quote left open early is named, not endured": {text: "pin,name\n1,\"A\n" + strings.Repeat("2,B\n", 300_000), err: ErrPeopleTooLarge, says: "is a quote left open?"},
		"an empty file":                                 {err: ErrNotPeopleFile, says: "it is empty"},
		"no header":                                     {text: "1,Canary Name\n", err: ErrNotPeopleFile, says: "its first line must name the columns pin and"},
		"a header without a name":                       {text: "pin,email\n", err: ErrNotPeopleFile, says: "its first line must name"},
		"a header with a column twice":                  {text: "pin,name,name\n", err: ErrNotPeopleFile, says: "names a column twice"},
		"a clock file given by mistake":                 {text: good + good, err: ErrNotPeopleFile, says: "looks like a clock file"},
		"a spreadsheet":                                 {text: "PK\x03\x04\x14\x00", err: ErrNotPeopleFile, says: "save it as CSV UTF-8"},
		"UTF-16 that is no people file":                 {text: "\xff\xfep\x00i\x00n\x00", err: ErrNotPeopleFile, says: "first line"},
		"a picture":                                     {text: "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", err: ErrNotPeopleFile, says: "binary"},
		"a first line without end":                      {text: strings.Repeat("x", 5000), err: ErrNotPeopleFile, says: "longer than 4 KiB"},
		"a broken header":                               {text: "pin,na\"me\n", err: ErrNotPeopleFile, says: "header is missing or broken"},
	} {
		t.Run(rule, func(t *testing.T) {
			p, err := readPeople(t.Context(), strings.NewReader(c.text), byPIN, EncodingAuto, today, allRejects)
			if !errors.Is(err, c.err) {
				t.Fatalf("error = %v, want %v", err, c.err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Canary") {
					t.Errorf("error %q, want it to say %q", err, c.says)
				}
				return
			}
			var reasons []Reason
			for _, r := range p.rejects {
				reasons = append(reasons, r.Reason)
			}
			if len(p.byKey) != c.people || !slices.Equal(p.ignored, c.ignored) || !slices.Equal(reasons, c.rejects) {
				t.Errorf("%d people, ignored %q, rejected %q", len(p.byKey), p.ignored, reasons)
			}
			if person, ok := p.byKey["1"]; ok && person.Name != "A" {
				t.Error("the wrong name was taken")
			}
		})
	}
}

// The limit of 1 MiB is for a row, not for the file.
func TestAPeopleFileMayBeLong(t *testing.T) {
	const n = 60_000
	var text strings.Builder
	text.WriteString("pin,name,email\n")
	for i := range n {
		fmt.Fprintf(&text, "%d,Ana Cruz,ana%d@example.org\n", i, i)
	}
	p, err := readPeople(t.Context(), strings.NewReader(text.String()), byPIN, EncodingAuto, today, allRejects)
	if err != nil || len(p.byKey) != n || text.Len() < maxPersonRow {
		t.Fatalf("%v", err)
	}
}

// A person's values come out of no verb and no encoder.
func TestAPersonIsNeverPrinted(t *testing.T) {
	person := Person{"canary1", "canary2", "canary3", "canary4", "canary5", "canary6", "canary7", 0}
	people := map[string]Person{"1": person}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "person", person, "people", people)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "person", person, "people", people)
	text := fmt.Sprint(person, &person, people, []Person{person}, struct{ P Person }{person}) +
		fmt.Sprintf("%v %+v %#v %s %q %x %d", person, person, person, person, person, person, person) + person.String() + log.String()
	if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
		t.Errorf("leaked: %s", text)
	}
	if b, err := json.Marshal(people); !errors.Is(err, ErrPersonal) {
		t.Errorf("encoded as %s, %v", b, err)
	}
}

// Whatever strings a file holds, a person's name is read as written or the row is
// rejected; nothing else is lost.
func TestNaughtyStringsAsNames(t *testing.T) {
	var naughty []string
	if err := json.Unmarshal(realFile(t, "naughty-strings/blns.json"), &naughty); err != nil {
		t.Fatal(err)
	}
	edge := csv.NewReader(readerOf(realFile(t, "names-unusual/edge_names.csv")))
	edge.FieldsPerRecord = -1
	names, err := edge.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	locales := csv.NewReader(readerOf(realFile(t, "names-unusual/names_by_locale.csv")))
	more, err := locales.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range names[1:] {
		naughty = append(naughty, r[0])
	}
	for _, r := range more[1:] {
		naughty = append(naughty, r[4])
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"pin", "display_name"})
	for i, name := range naughty {
		_ = w.Write([]string{fmt.Sprintf("%d", i+1), name})
	}
	w.Flush()
	p, err := readPeople(t.Context(), strings.NewReader(text.String()), byPIN, EncodingAuto, today, allRejects)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.byKey)+int(p.rejected) != len(naughty) {
		t.Errorf("%d people and %d rejected of %d", len(p.byKey), p.rejected, len(naughty))
	}
	for i, name := range naughty {
		person, ok := p.byKey[fmt.Sprintf("%d", i+1)]
		unusable := strings.TrimSpace(name) == "" || strings.ContainsFunc(strings.TrimSpace(name), unicode.IsControl) || !utf8.ValidString(name)
		if ok == unusable || ok && person.Name != strings.TrimSpace(name) {
			t.Errorf("row %d was not read as written", i+2)
		}
	}
	if p.rejected > 30 {
		t.Errorf("%d rejected of %d", p.rejected, len(naughty))
	}
}

func TestNaughtyStringsAsClockLines(t *testing.T) {
	sum, err := Run(t.Context(), options(t, good+string(realFile(t, "naughty-strings/blns.txt"))+"\n"+good), newNotebook("1"))
	if err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 2 || sum.ExactDuplicates != 1 || sum.Lines != sum.Accepted+sum.Rejected+sum.BlankLines {
		t.Errorf("%d accepted, %d rejected, %d blank of %d", sum.Accepted, sum.Rejected, sum.BlankLines, sum.Lines)
	}
}

// FuzzPeople: no input makes the reader panic or keep a person it should not.
func FuzzPeople(f *testing.F) {
	for _, seed := range []string{
		"pin,name\n1,A\n", "", "\uFEFFpin;display_name;email\r\n1;A;a@example.org\r\n", "pin,name\n1,\"A\n", "pin,name,birth_date\n1,A,2000-02-30\n1,B,\n",
		"PK\x03\x04", "\xff\xfe", good, "pin\tname\n\"1\"\t\"A\"\"B\"\n", "pin,name\n\n\n1,\xff\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := readPeople(t.Context(), readerOf(text), byPIN, EncodingAuto, today, allRejects)
		if err != nil {
			if !errors.Is(err, ErrNotPeopleFile) && !errors.Is(err, ErrPeopleTooLarge) {
				t.Fatal(err)
			}
			return
		}
		for pin, person := range p.byKey {
			if pin != person.PIN || !isCode([]byte(pin), maxPIN) || person.Name == "" || !utf8.ValidString(person.Name) || !isText(person.Name) {
				t.Fatal("kept a person without a usable PIN and name")
			}
		}
		for _, r := range p.rejects {
			if r.Line < 1 || r.Message != r.Reason.message() {
				t.Fatalf("rejected line %d with %q", r.Line, r.Message)
			}
		}
	})
}
