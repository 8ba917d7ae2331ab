package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/text/encoding/unicode"

	"tracekeep/eventschema"
)

// rosterBook is the consumer's side of the contract, in memory: classes and enrolments
// as they were told last.
type rosterBook struct {
	*notebook
	classes map[string]RosterClass
	rows    map[string]RosterEnrolment
}

func newRosterBook() *rosterBook {
	return &rosterBook{notebook: newNotebook(), classes: map[string]RosterClass{}, rows: map[string]RosterEnrolment{}}
}

func (b *rosterBook) Define(_ context.Context, _ string, batch []RosterClass) ([]Verdict, error) {
	verdicts := make([]Verdict, len(batch))
	for i, c := range batch {
		c.Line = 0
		known, there := b.classes[c.SourceID]
		switch {
		case !there && (c.Removed || !c.CourseTold):
			verdicts[i] = Verdict{Told: ToldRefused, Reason: UnknownTitle}
			continue
		case !there:
			verdicts[i].Told = ToldNew
		case c.Removed && !known.Removed:
			verdicts[i].Told = ToldEnded
		case known == c:
			verdicts[i].Told = ToldUnchanged
		default:
			verdicts[i].Told = ToldChanged
		}
		b.classes[c.SourceID] = c
	}
	return verdicts, nil
}

func (b *rosterBook) Classes(_ context.Context, _ string, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, id := range ids {
		_, known[id] = b.classes[id]
	}
	return known, nil
}

func (b *rosterBook) Enrol(_ context.Context, _ string, batch []RosterEnrolment) ([]Verdict, error) {
	verdicts := make([]Verdict, len(batch))
	for i, e := range batch {
		if _, taught := b.classes[e.Class]; !taught || e.Work == uuid.Nil {
			return nil, fmt.Errorf("line %d: class or person is not there", e.Line)
		}
		e.Line = 0
		key := e.Class + e.Work.String() + string(e.Role)
		known, there := b.rows[key]
		verdicts[i].Told = ToldNew
		if there {
			verdicts[i].Told = ToldChanged
			switch {
			case known == e:
				verdicts[i].Told = ToldUnchanged
			case e.Removed:
				verdicts[i].Told = ToldEnded
			}
		}
		b.rows[key] = e
	}
	return verdicts, nil
}

func (b *rosterBook) Standing(_ context.Context, _, day string, told RosterHas) (s RosterStanding, err error) {
	for id, c := range b.classes {
		if told.Class == nil || c.Removed || c.EndsOn != "" && c.EndsOn <= day {
			continue
		}
		if s.Classes++; !told.Class(id) {
			s.LeftClasses = append(s.LeftClasses, RosterClass{SourceID: id})
		}
	}
	for _, e := range b.rows {
		if told.Enrolment == nil || e.Removed || e.EndsOn != "" && e.EndsOn <= day {
			continue
		}
		if s.Enrolments++; !told.Enrolment(e.Class, e.Work, e.Role) {
			s.LeftEnrolments = append(s.LeftEnrolments, RosterEnrolment{Class: e.Class, Work: e.Work, Role: e.Role})
		}
	}
	return s, nil
}

func (b *rosterBook) Correct(_ context.Context, _ string, batch []RosterPerson) (corrected int, err error) {
	for _, p := range batch {
		known, registered := b.people[p.Key]
		if p.Email == "" {
			p.Email = known.Email
		}
		if registered && known != p.Person {
			b.people[p.Key], corrected = p.Person, corrected+1
		}
	}
	return corrected, nil
}

// files is a roster in memory.
type files map[string]string

func (f files) open(name string) (io.ReadCloser, error) {
	text, there := f[name]
	if !there {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (f files) with(name, text string) files {
	changed := maps.Clone(f)
	changed[name] = text
	return changed
}

func (f files) without(name string) files {
	changed := maps.Clone(f)
	delete(changed, name)
	return changed
}

// folder reads a roster of testdata.
func folder(t testing.TB, name string) files {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	f := files{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join("testdata", name, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		f[entry.Name()] = string(text)
	}
	return f
}

func rosterOptions(t testing.TB, f files) RosterOptions {
	t.Helper()
	return RosterOptions{Open: f.open, Zone: zone(t, "America/New_York"), Now: today}
}

// accounts wants that the figures of a summary add up.
func accounts(t *testing.T, sum RosterSummary) {
	t.Helper()
	var rows, rejected, byReason int64
	for _, f := range sum.Files {
		rows, rejected = rows+f.Rows, rejected+f.Rejected
	}
	for _, n := range sum.RejectsByReason {
		byReason += n
	}
	if rows != sum.Rows || rejected != sum.Rejected || byReason != sum.Rejected || sum.PeopleRegistered > sum.PeopleInFile {
		t.Errorf("the account does not add up: %+v", sum)
	}
	for _, r := range sum.Rejects {
		if r.File == "" || r.Message != r.Reason.message() || r.Message == string(r.Reason) {
			t.Errorf("%+v", r)
		}
	}
}

// promise: RR-10
func TestARosterIsReadAndItsBadRowsAreNamed(t *testing.T) {
	book := newRosterBook()
	var rejects bytes.Buffer
	for round, batch := range []int{0, 1, 2} {
		options := rosterOptions(t, folder(t, "oneroster-1.1"))
		options.BatchRows, options.Rejects = batch, &rejects
		rejects.Reset()
		sum, err := RunRoster(t.Context(), options, book)
		if err != nil {
			t.Fatal(err)
		}
		accounts(t, sum)
		want := map[Reason]int64{BadBirthDate: 1, BadDate: 2, BadName: 1, BadRole: 1, BrokenLine: 1, DuplicateID: 1, UnknownClass: 1, UnknownTitle: 1, UnknownUser: 1}
		if diff := cmp.Diff(want, sum.RejectsByReason); diff != "" {
			t.Errorf("batches of %d: %s", batch, diff)
		}
		if sum.Version != "1.1" || sum.Classes[ToldNew]+sum.Classes[ToldUnchanged] != 3 || sum.Enrolments[ToldNew]+sum.Enrolments[ToldUnchanged] != 7 {
			t.Errorf("batches of %d: %+v", batch, sum)
		}
		if again := round > 0; again != (sum.Classes[ToldNew] == 0) || again != (sum.Enrolments[ToldNew] == 0) || again != (sum.PeopleRegistered == 0) {
			t.Errorf("round %d: %+v", round, sum)
		}
		for _, line := range []string{"users.csv,6,bad_name,", "enrollments.csv,9,unknown_user,", "enrollments.csv,10,unknown_class,", "classes.csv,6,duplicate_id,"} {
			if !strings.Contains(rejects.String(), line) {
				t.Errorf("the rejected rows have no %s:\n%s", line, rejects.String())
			}
		}
	}
	registered := slices.Sorted(maps.Keys(book.people))
	if want := []string{"id:usr-1001", "id:usr-1002", "id:usr-1003", "id:usr-2001"}; !slices.Equal(registered, want) {
		t.Errorf("registered are %v, and who is enrolled %v", registered, want)
	}
	wren := book.people["id:usr-1001"]
	if (wren != Person{Name: "Wren Oba Adeyemi", Email: "wren.adeyemi@school.example", BirthDate: "2011-05-06", EmployeeNumber: "S-1001"}) {
		t.Error("the values of a person are not those of the row")
	}
	if algebra := book.classes["cls-alg-1"]; algebra.Title != "Algebra, first year" || algebra.StartsOn != "2025-09-01" || algebra.EndsOn != "2026-06-20" || algebra.Course != "ALG1" || algebra.Site != "org-1" {
		t.Errorf("a class of two terms: %+v", algebra)
	}
	if home := book.classes["cls-home-9a"]; home.TermsTold || home.StartsOn != "" {
		t.Errorf("a class without terms: %+v", home)
	}
	chemistry := book.rows["cls-chem-1"+book.works["id:usr-1001"].String()+"student"]
	if chemistry.BeginsOn != "2025-09-01" || chemistry.EndsOn != "2026-02-02" {
		t.Errorf("an enrolment: %+v", chemistry)
	}
}

func TestWhatChangedIsReadOntoWhatIsThere(t *testing.T) {
	book := newRosterBook()
	if _, err := RunRoster(t.Context(), rosterOptions(t, folder(t, "oneroster-1.1")), book); err != nil {
		t.Fatal(err)
	}
	sum, err := RunRoster(t.Context(), rosterOptions(t, folder(t, "oneroster-1.2-delta")), book)
	if err != nil {
		t.Fatal(err)
	}
	accounts(t, sum)
	if diff := cmp.Diff(map[Reason]int64{BadStatus: 1, UnknownUser: 2}, sum.RejectsByReason); diff != "" {
		t.Error(diff)
	}
	if sum.Version != "1.2" || sum.PeopleRemoved != 1 || sum.PeopleRegistered != 1 || !slices.Contains(sum.FilesIgnored, "roles.csv") {
		t.Errorf("%+v", sum)
	}
	if c := book.classes["cls-chem-1"]; c.Title != "Chemistry I" || c.TermsTold {
		t.Errorf("a class whose terms are in no file: %+v", c)
	}
	if c := book.classes["cls-home-9a"]; !c.Removed || c.Day != "2025-10-02" {
		t.Errorf("a class that is to be deleted: %+v", c)
	}
	if e := book.rows["cls-chem-1"+book.works["id:usr-1002"].String()+"student"]; !e.Removed || e.Day != "2025-10-06" {
		t.Errorf("an enrolment that is to be deleted: %+v", e)
	}
	if _, registered := book.people["id:usr-1007"]; registered {
		t.Error("somebody was registered to be removed")
	}
}

// promise: RR-10
func TestATableOfASchoolsOwnIsReadByItsMapping(t *testing.T) {
	mapping := ownRoster(t)
	text, err := os.ReadFile(filepath.Join("testdata", "enrolments.csv"))
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	for written, text := range map[string]string{"as it is": string(text), "in UTF-16": string(utf16), "with a BOM": "\uFEFF" + string(text), "with CRLF": strings.ReplaceAll(string(text), "\n", "\r\n")} {
		for _, batch := range []int{1, 2, 3, 1000} {
			book := newRosterBook()
			options := rosterOptions(t, files{"": text})
			options.Mapping, options.BatchRows = mapping, batch
			sum, err := RunRoster(t.Context(), options, book)
			if err != nil {
				t.Fatalf("%s: %v", written, err)
			}
			accounts2 := sum
			accounts2.PeopleInFile = accounts2.PeopleRegistered // its people are in the rows
			accounts(t, accounts2)
			if diff := cmp.Diff(map[Reason]int64{BadRole: 1, BadDate: 1}, sum.RejectsByReason); diff != "" {
				t.Errorf("%s: %s", written, diff)
			}
			if sum.Station != "south-school" || sum.Classes[ToldNew] != 2 || sum.Enrolments[ToldNew] != 4 || sum.PeopleRegistered != 3 {
				t.Errorf("%s, batches of %d: %+v", written, batch, sum)
			}
			if (book.people["id:K-17"] != Person{Name: "Åsa Lindqvist", Email: "asa@school.example", BirthDate: "2011-05-06", EmployeeNumber: "K-17"}) {
				t.Errorf("%s: the values of a person are not those of the row", written)
			}
			if e := book.rows["4711-2"+book.works["id:K-18"].String()+"student"]; e.BeginsOn != "2025-09-15" || e.EndsOn != "2025-12-01" {
				t.Errorf("%s: %+v", written, e)
			}
			if e, there := book.rows["4711-2"+book.works["id:L-3"].String()+"teacher"]; !there || e.Role != eventschema.RoleTeacher || e.BeginsOn != "" {
				t.Errorf("%s: %+v", written, e)
			}
		}
	}
}

func ownRoster(t testing.TB) *Mapping {
	t.Helper()
	text, err := os.Open(filepath.Join("testdata", "enrolments.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = text.Close() }()
	mapping, err := ReadMapping(text)
	if err != nil {
		t.Fatal(err)
	}
	return mapping
}

func TestARosterThatCannotBeReadIsRefusedWhole(t *testing.T) {
	good := folder(t, "oneroster-1.1")
	for rule, c := range map[string]struct {
		files files
		says  string
	}{
		"no manifest":                          {good.without("manifest.csv"), "manifest.csv is missing"},
		"a version that is not known":          {good.with("manifest.csv", strings.ReplaceAll(good["manifest.csv"], "oneroster.version,1.1", "oneroster.version,1.0")), "1.1 or 1.2"},
		"a file that was lost on the way":      {good.without("classes.csv"), "speaks of classes.csv"},
		"a file without a header":              {good.with("classes.csv", ""), "classes.csv is empty"},
		"a column that is missing":             {good.with("enrollments.csv", strings.Replace(good["enrollments.csv"], "userSourcedId", "studentId", 1)), "enrollments.csv has no column userSourcedId"},
		"a column that is there twice":         {good.with("users.csv", strings.Replace(good["users.csv"], "middleName", "email", 1)), "users.csv has more than one column email"},
		"a quote that was left open, for long": {good.with("enrollments.csv", good["enrollments.csv"]+`"`+strings.Repeat("x,", 1<<20)), "quote left open"},
	} {
		book := newRosterBook()
		sum, err := RunRoster(t.Context(), rosterOptions(t, c.files), book)
		if err == nil || !errors.Is(err, ErrRoster) && !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v %v", rule, sum, err)
		}
	}
	if sum, err := RunRoster(t.Context(), rosterOptions(t, good.with("courses.csv", "sourcedId,title\ncrs-chem,Chemistry\n")), newRosterBook()); err != nil || sum.RejectsByReason[UnknownTitle] != 3 {
		t.Errorf("columns that are not needed may be left out: %+v %v", sum, err)
	}
	if _, err := RunRoster(t.Context(), RosterOptions{}, newRosterBook()); !errors.Is(err, ErrOptions) {
		t.Errorf("%v", err)
	}
	if _, err := Run(t.Context(), Options{Clock: strings.NewReader("x"), Zone: zone(t, "Asia/Manila"), Now: today, Mapping: ownRoster(t)}, newNotebook()); !errors.Is(err, ErrMapping) {
		t.Errorf("a mapping of enrolments describes no punches: %v", err)
	}
}

func TestAMappingOfEnrolmentsSaysWhatItLacks(t *testing.T) {
	for text, says := range map[string]string{
		"person: {column: Who, by: id}\nenrolment: {title: T}\n":                                                                "class and title",
		"person: {column: Who, by: id}\nenrolment: {class: C, title: T, roles: {guardian: [G]}}\n":                              "none of student",
		"person: {column: Who, by: id}\ntime: {at: X, layouts: [YYYY]}\nenrolment: {class: C, title: T}\n":                      "an enrolment or a punch",
		"person: {column: Who, by: id}\nenrolment: {class: C, title: T, colour: red}\n":                                         "colour",
		"enrolment: {class: C, title: T}\n":                                                                                     "person.column",
		"person: {column: Who, by: id}\nenrolment: {class: C, title: T}\nhours: {column: H}\nstart: {at: S, layouts: [YYYY]}\n": "an enrolment or a punch",
	} {
		if _, err := ReadMapping(strings.NewReader(text)); !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	options := rosterOptions(t, files{"": "Who,C,T\n7,c,t\n"})
	mapping, err := ReadMapping(strings.NewReader("person: {column: Who, by: id}\nenrolment: {class: C, title: T, begins: From}\n"))
	if err != nil {
		t.Fatal(err)
	}
	named, err := ReadMapping(strings.NewReader("person: {column: First, also: [Last], by: name}\nfull_name: [First, Last]\nenrolment: {class: C, title: T}\n"))
	if err != nil {
		t.Fatal(err)
	}
	book, byNames := newRosterBook(), rosterOptions(t, files{"": "First,Last,C,T\nAda,Lint,c,t\nAda,Moss,c,t\n"})
	byNames.Mapping = named
	if sum, err := RunRoster(t.Context(), byNames, book); err != nil || sum.PeopleRegistered != 2 || book.people["name:ada lint"].Name != "Ada Lint" {
		t.Errorf("a name in two columns: %+v %v", sum, err)
	}
	options.Mapping = mapping
	if _, err := RunRoster(t.Context(), options, newRosterBook()); !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), "From") {
		t.Errorf("a column that the table has not: %v", err)
	}
}

// No value of a person is in the account, and the password is nowhere.
func TestTheAccountOfARosterNamesNobody(t *testing.T) {
	book := newRosterBook()
	var rejects bytes.Buffer
	options := rosterOptions(t, folder(t, "oneroster-1.1"))
	options.Rejects = &rejects
	sum, err := RunRoster(t.Context(), options, book)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"Adeyemi", "Quillfeather", "usr-", "S-10", "school.example", "2011", "not-to-be-read", "wren"} {
		if strings.Contains(string(account)+rejects.String(), value) {
			t.Errorf("%q is in the account", value)
		}
	}
	for _, class := range book.classes {
		if strings.Contains(fmt.Sprint(class), "Quillfeather") {
			t.Errorf("a teacher's name is in %+v", class)
		}
	}
	for _, person := range book.people {
		if strings.Contains(person.Name+person.Email+person.Phone+person.EmployeeNumber, "not-to-be-read") {
			t.Error("a password was read")
		}
	}
}

// FuzzRoster gives every file of a roster, and a table by its mapping, anything.
func FuzzRoster(f *testing.F) {
	for _, name := range []string{"oneroster-1.1", "oneroster-1.2-delta"} {
		r := folder(f, name)
		f.Add(r["manifest.csv"], r["classes.csv"], r["users.csv"], r["enrollments.csv"], byte(0))
	}
	table, err := os.ReadFile(filepath.Join("testdata", "enrolments.csv"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("propertyName,value\noneroster.version,1.1\nfile.users,delta\n", string(table), "sourcedId,givenName,familyName\nx,\"y\n", "sourcedId,classSourcedId,userSourcedId,role\n1,c,x,student", byte(3))
	mapping, good := ownRoster(f), folder(f, "oneroster-1.1")
	encodings := []Encoding{EncodingAuto, EncodingUTF8, EncodingUTF16, EncodingWindows1252, EncodingISO88591}
	f.Fuzz(func(t *testing.T, manifest, classes, users, enrolments string, choice byte) {
		of := good.with("manifest.csv", manifest).with("classes.csv", classes).with("users.csv", users).with("enrollments.csv", enrolments).with("", enrolments+classes)
		for _, m := range []*Mapping{nil, mapping} {
			options := rosterOptions(t, of)
			options.Mapping, options.BatchRows, options.Encoding = m, 1+int(choice), encodings[int(choice)%len(encodings)]
			book := newRosterBook()
			sum, err := RunRoster(t.Context(), options, book)
			if err != nil {
				if !errors.Is(err, ErrRoster) && !errors.Is(err, ErrMapping) && !errors.Is(err, ErrTooLarge) {
					t.Fatal(err)
				}
				continue
			}
			if m != nil {
				sum.PeopleInFile = sum.PeopleRegistered
			}
			accounts(t, sum)
			for _, e := range book.rows {
				if _, day := rosterDay(e.BeginsOn); !day || !slices.Contains(eventschema.EnrolmentRoles(), e.Role) || e.EndsOn != "" && e.EndsOn < e.BeginsOn {
					t.Fatalf("%+v", e)
				}
			}
			for _, p := range book.people {
				if p.check() != "" || p.BirthDate > today.Format("2006-01-02") {
					t.Fatal("a person was taken whose values are wrong")
				}
			}
		}
	})
}
