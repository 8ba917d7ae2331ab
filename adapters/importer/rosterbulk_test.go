package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	enrolmentHeader = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
	classHeader     = "sourcedId,status,dateLastModified,title,courseSourcedId,classCode,schoolSourcedId,termSourcedIds\n"
	userHeader      = "sourcedId,status,dateLastModified,givenName,familyName,email\n"
)

// school is a bulk roster of two classes, each with all of some students.
func school(students ...int) files {
	f := files{
		"manifest.csv":    "propertyName,value\noneroster.version,1.1\nfile.classes,bulk\nfile.courses,bulk\nfile.users,bulk\nfile.enrollments,bulk\n",
		"courses.csv":     "sourcedId,title\ncrs,Chemistry\n",
		"classes.csv":     classHeader + "one,,,,crs,1,org,\ntwo,,,,crs,2,org,\n",
		"users.csv":       userHeader,
		"enrollments.csv": enrolmentHeader,
	}
	for _, n := range students {
		f["users.csv"] += fmt.Sprintf("u%d,,,Given%d,Family%d,u%d@school.example\n", n, n, n, n)
		for _, class := range []string{"one", "two"} {
			f["enrollments.csv"] += fmt.Sprintf("e%d%s,,,%s,org,u%d,student,false,,\n", n, class, class, n)
		}
	}
	return f
}

func (f files) delta(name string) files {
	file := strings.TrimSuffix(name, ".csv")
	return f.with("manifest.csv", strings.Replace(f["manifest.csv"], "file."+file+",bulk", "file."+file+",delta", 1))
}

// imported imports a roster and wants it to be taken.
func (b *rosterBook) imported(t testing.TB, f files, most int) RosterSummary {
	t.Helper()
	options := rosterOptions(t, f)
	options.MostRemovals, options.BatchRows = most, 3
	sum, err := RunRoster(t.Context(), options, b)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// promise: RR-10
func TestWhatABulkFileLeavesOutEnds(t *testing.T) {
	ten := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	whole := school(ten...)
	for rule, c := range map[string]struct {
		told                   files
		classes, enrolments    int64 // that end
		inForce, leftOut, ends int64 // of enrolments
	}{
		"nothing is left out":                        {whole, 0, 0, 20, 0, 0},
		"two of ten students left":                   {school(ten[:8]...), 0, 4, 20, 4, 4},
		"a class is no more, its enrolments are":     {whole.with("classes.csv", classHeader+"one,,,,crs,1,org,\n"), 1, 0, 20, 0, 1},
		"a delta file leaves out and ends nothing":   {school(1).with("users.csv", whole["users.csv"]).delta("enrollments.csv"), 0, 0, 0, 0, 0},
		"a row with a bad day is there all the same": {whole.with("enrollments.csv", strings.Replace(whole["enrollments.csv"], "e3one,,,one,org,u3,student,false,,", "e3one,,,one,org,u3,student,false,soon,", 1)), 0, 0, 20, 0, 0},
		"a row with a bad role may be any":           {whole.with("enrollments.csv", strings.Replace(whole["enrollments.csv"], "e3one,,,one,org,u3,student", "e3one,,,one,org,u3,pupil", 1)), 0, 0, 20, 0, 0},
		"while a row cannot be read nothing ends":    {school(ten[:9]...).with("enrollments.csv", school(ten[:9]...)["enrollments.csv"]+"e10one,,,one\n"), 0, 0, 20, 2, 0},
		"a removal that is said counts as told":      {whole.with("enrollments.csv", strings.Replace(whole["enrollments.csv"], "e3one,,,one", "e3one,tobedeleted,2026-01-07T03:00:00Z,one", 1)), 0, 1, 20, 0, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			book := newRosterBook()
			book.imported(t, whole, 0)
			for round := range 2 {
				sum := book.imported(t, c.told, 50)
				if round == 1 {
					if sum.Classes[ToldEnded]+sum.Enrolments[ToldEnded]+sum.Enrolments[ToldChanged] != 0 || len(sum.Ends) != 0 {
						t.Errorf("again: %+v", sum)
					}
					continue
				}
				of := sum.LeftOut["enrollments.csv"]
				if sum.Classes[ToldEnded] != c.classes || sum.Enrolments[ToldEnded] != c.enrolments || of.InForce != c.inForce || of.LeftOut != c.leftOut || int64(len(sum.Ends)) != c.ends {
					t.Errorf("%+v, %+v, %+v, ends %+v", sum.Classes, sum.Enrolments, of, sum.Ends)
				}
				for _, end := range sum.Ends {
					said := strings.Contains(rule, "is said")
					if end.On != map[bool]string{false: today.Format("2006-01-02"), true: "2026-01-06"}[said] || end.By != map[bool]string{false: "left_out", true: "removed"}[said] {
						t.Errorf("%+v", end) // 3 o'clock UTC was the evening before in New York
					}
				}
			}
			if len(book.people) != 10 {
				t.Errorf("%d people are left", len(book.people))
			}
		})
	}
}

// An export that was cut off must not empty a school.
func TestARosterThatLeavesOutTooMuchIsRefusedWhole(t *testing.T) {
	whole := school(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	for rule, c := range map[string]struct {
		told files
		most int
		says string // empty: taken
	}{
		"exactly the share":              {school(1, 2, 3, 4, 5, 6, 7, 8), 20, ""},
		"one student more":               {school(1, 2, 3, 4, 5, 6, 7), 20, "leaves out 6 of 20 that are in force (30 %), and at most 20 %"},
		"nothing may end":                {school(1, 2, 3, 4, 5, 6, 7, 8, 9), 0, "leaves out 2 of 20"},
		"a header and nothing else":      {school(), 99, "leaves out 20 of 20"},
		"everything may":                 {school(), 100, ""},
		"one of two classes":             {whole.with("classes.csv", classHeader+"one,,,,crs,1,org,\n"), 49, "classes.csv leaves out 1 of 2"},
		"another roster, said to be all": {school(21, 22, 23), 20, "leaves out 20 of 20"},
	} {
		t.Run(rule, func(t *testing.T) {
			book := newRosterBook()
			book.imported(t, whole, 0)
			options := rosterOptions(t, c.told)
			options.MostRemovals = c.most
			sum, err := RunRoster(t.Context(), options, book)
			if c.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrRemovals) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if again := book.imported(t, whole, 0); len(sum.Ends) == 0 || again.Classes[ToldChanged]+again.Enrolments[ToldChanged]+again.PeopleRegistered != 0 {
				t.Errorf("something was taken of what was refused: %+v", again)
			}
		})
	}
}

// Whatever was imported before, a bulk roster that is taken leaves exactly what it tells.
func TestABulkRosterIsWhatIsThereAfterwards(t *testing.T) {
	student := rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 0, 12, rapid.ID[int])
	rapid.Check(t, func(rt *rapid.T) {
		book := newRosterBook()
		var last []int
		for range rapid.IntRange(1, 4).Draw(rt, "rosters") {
			last = student.Draw(rt, "students")
			book.imported(t, school(last...), 100)
		}
		var there []string
		for _, e := range book.rows {
			if !e.Removed {
				there = append(there, e.Class+e.Work.String())
			}
		}
		var want []string
		for _, n := range last {
			for _, class := range []string{"one", "two"} {
				want = append(want, class+book.works[fmt.Sprintf("id:u%d", n)].String())
			}
		}
		slices.Sort(there)
		if slices.Sort(want); !slices.Equal(there, want) {
			rt.Fatalf("%v are enrolled, and told were %v", there, want)
		}
	})
}

func TestPeopleWhoAreKnownAreCorrectedByTheirID(t *testing.T) {
	book := newRosterBook()
	book.imported(t, school(1, 2, 3, 4, 5), 0)
	// A delta of people alone, as programs send it when somebody marries.
	change := files{
		"manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.classes,absent\nfile.enrollments,absent\nfile.users,delta\n",
		"users.csv": userHeader + "u1,active,2026-01-05T10:00:00Z,Given1,Married,u1@school.example\nu2,active,2026-01-05T10:00:00Z,Given2,Family2,\n" +
			"u9,active,2026-01-05T10:00:00Z,Given1,Family1,u1@school.example\n",
	}
	for round := range 2 {
		sum := book.imported(t, change, 0)
		if sum.PeopleCorrected != int64(1-round) || sum.PeopleRegistered != 0 || sum.LeftOut != nil {
			t.Errorf("round %d: %+v", round, sum)
		}
	}
	if book.people["id:u1"].Name != "Given1 Married" || book.people["id:u2"].Email != "u2@school.example" || len(book.people) != 5 {
		t.Error("the values are not those that were told")
	}
}
