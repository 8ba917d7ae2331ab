package main

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracekeep/adapters/importer"
)

// zipped packs a folder of testdata of the importer below another folder, as programs do.
func zipped(t *testing.T, folder string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "roster.zip")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	if err := archive.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestARosterIsImportedOnce imports a whole roster, as a zip and as a folder, what
// changed later, and a table of a school's own, each tried before; then rosters that leave
// somebody out.
//
// promise: RR-10
func TestARosterIsImportedOnce(t *testing.T) {
	data, rosters := founded(t), filepath.Join("..", "..", "adapters", "importer", "testdata")
	bulk := filepath.Join(rosters, "oneroster-1.1")
	tellings := []telling{
		{[]string{zipped(t, bulk)}, "new 3", "new 7", 4, 10},
		{[]string{bulk}, "unchanged 3", "unchanged 7", 0, 10},
		{[]string{filepath.Join(rosters, "oneroster-1.2-delta")}, "changed 1, ended 1", "new 1, changed 1, ended 2", 1, 3},
		{[]string{"--mapping", filepath.Join(rosters, "enrolments.yaml"), filepath.Join(rosters, "enrolments.csv")}, "new 2", "new 4", 3, 2},
	}
	tell(t, data, tellings[:1])
	serving(t, dataFlags{Data: data}, func() {
		tell(t, data, tellings[1:])
		leftOut(t, data)
		rosterIsThere(t, data)
	})
}

// telling is a roster that is told, and what becomes of what it says the first time.
type telling struct {
	flags               []string
	classes, enrolments string
	people, rejected    int64
}

// tell imports each roster: tried first, and then twice.
func tell(t *testing.T, data string, tellings []telling) {
	t.Helper()
	for _, c := range tellings {
		run := func(more ...string) (report rosterReport) {
			args := append(append([]string{"import", "--json", "--data", data, "--zone", "America/New_York"}, c.flags...), more...)
			got := tracekeep(t, args...).ok(t, exitRejected)
			for _, value := range []string{"Adeyemi", "usr-1001", "Lindqvist", "school.example"} {
				if strings.Contains(got.out+got.err, value) {
					t.Errorf("%s was printed:\n%s%s", value, got.out, got.err)
				}
			}
			got.last(t, &report)
			return report
		}
		for round, report := range []rosterReport{run("--dry-run"), run(), run()} {
			classes, enrolments, people := becameOf(report.Classes), becameOf(report.Enrolments), report.PeopleRegistered
			if round == 2 {
				if n := report.Classes; n[importer.ToldNew]+n[importer.ToldChanged]+n[importer.ToldEnded] > 0 || people != 0 {
					t.Errorf("%v again: classes %s, %d people", c.flags, classes, people)
				}
				if n := report.Enrolments; n[importer.ToldNew]+n[importer.ToldChanged]+n[importer.ToldEnded] > 0 {
					t.Errorf("%v again: enrolments %s", c.flags, enrolments)
				}
				continue
			}
			if classes != c.classes || enrolments != c.enrolments || people != c.people || report.Rejected != c.rejected || report.DryRun != (round == 0) {
				t.Errorf("%v, round %d: classes %s, enrolments %s, %d people, %d rejected", c.flags, round, classes, enrolments, people, report.Rejected)
			}
		}
	}
}

func becameOf(by map[importer.Told]int64) string {
	var parts []string
	for _, told := range []importer.Told{importer.ToldNew, importer.ToldChanged, importer.ToldEnded, importer.ToldUnchanged} {
		if by[told] > 0 {
			parts = append(parts, fmt.Sprint(told, " ", by[told]))
		}
	}
	return strings.Join(parts, ", ")
}

// rosterIsThere asks for what the rosters said, and looks for what they should not have
// left anywhere.
func rosterIsThere(t *testing.T, data string) {
	t.Helper()
	classes := tracekeep(t, "classes", "list", "--data", data).ok(t).out
	for _, must := range []string{"Chemistry I", "Algebra, first year", "Biology", "2026-06-20"} {
		if !strings.Contains(classes, must) {
			t.Errorf("the classes have no %s:\n%s", must, classes)
		}
	}
	people := tracekeep(t, "query", "people", "--data", data).ok(t).out
	for name, there := range map[string]bool{"Wren Oba Adeyemi": true, "Sol Reyes": true, "Åsa Lindqvist": true, "Io Brandt": true, "Ola Adeyemi": false, "Never Enrolled": false, "Pip Okoye": false} {
		if strings.Contains(people, name) != there {
			t.Errorf("registered is %s: %t, want %t\n%s", name, !there, there, people)
		}
	}
	plain := []string{"Quillfeather", "wren.adeyemi", "S-1001", "usr-1001", "not-to-be-read", "2011-05-06", "Adeyemi", "Sorrelby", "aurelia"}
	err := filepath.WalkDir(data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		bytes, err := os.ReadFile(path)
		for _, value := range plain {
			if strings.Contains(string(bytes), value) {
				t.Errorf("%s stands in %s", value, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tracekeep(t, "verify", "--data", data).ok(t)
}

func TestARosterThatIsIncompleteIsRefused(t *testing.T) {
	data, folder := founded(t), t.TempDir()
	manifest := filepath.Join(folder, "manifest.csv")
	if err := os.WriteFile(manifest, []byte("propertyName,value\noneroster.version,1.1\nfile.users,bulk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, flags := range map[string][]string{
		"speaks of users.csv":  {folder},
		"not one of its files": {"--format", "oneroster", manifest},
	} {
		if got := tracekeep(t, append([]string{"import", "--data", data, "--zone", "Europe/Vienna"}, flags...)...).ok(t, exitFailed); !strings.Contains(got.err, says) {
			t.Errorf("%v does not say %q: %s", flags, says, got.err)
		}
	}
}

// bulk writes a roster of one class that is said to be all there is, with a teacher and
// the students named, and answers its folder.
func bulk(t *testing.T, modified string, students ...string) string {
	t.Helper()
	folder := t.TempDir()
	files := map[string]string{
		"manifest.csv":    "propertyName,value\noneroster.version,1.2\nfile.classes,bulk\nfile.courses,bulk\nfile.users,bulk\nfile.enrollments,bulk\n",
		"courses.csv":     "sourcedId,title\ncrs,Physics\n",
		"classes.csv":     "sourcedId,status,dateLastModified,title,courseSourcedId,classCode,schoolSourcedId,termSourcedIds\nphy,,,,crs,PHY,org,\n",
		"users.csv":       "sourcedId,status,dateLastModified,givenName,familyName,email\nteach,,,Tess,Weber,tess@school.example\n",
		"enrollments.csv": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n0,,,phy,org,teach,teacher,true,2026-09-01,\n",
	}
	for _, name := range students {
		files["users.csv"] += fmt.Sprintf("of-%s,,%s,%s,Sorrelby,%s@school.example\n", name[:1], modified, name, strings.ToLower(name))
		files["enrollments.csv"] += fmt.Sprintf("%s,,,phy,org,of-%s,student,false,2026-09-01,\n", name[:1], name[:1])
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// leftOut takes a school through bulk rosters: one that somebody left, one that was cut
// off, and one with a corrected name.
func leftOut(t *testing.T, data string) {
	t.Helper()
	run := func(folder string, more ...string) answer {
		return tracekeep(t, append([]string{"import", "--json", "--data", data, "--zone", "Europe/Vienna", "--station", "physics", folder}, more...)...)
	}
	said := func(a answer) (report rosterReport) {
		a.ok(t).last(t, &report)
		return report
	}
	said(run(bulk(t, "", "Anna", "Ben", "Cleo", "Dora", "Emil")))
	without := bulk(t, "", "Anna", "Ben", "Cleo", "Dora")
	for round, report := range []rosterReport{said(run(without, "--dry-run")), said(run(without)), said(run(without))} {
		ends, wanted := report.Ends, 1
		if round == 2 {
			wanted = 0
		}
		if len(ends) != wanted || report.Enrolments[importer.ToldEnded] != int64(wanted) || round < 2 && (ends[0].Class != "phy" || ends[0].Role != "student" || ends[0].By != "left_out") {
			t.Errorf("round %d, one student is left out: %+v", round, report)
		}
	}
	refused := run(bulk(t, "", "Anna"), "--dry-run")
	var report rosterReport
	if refused.code != exitFailed || !strings.Contains(refused.err, "leaves out 3 of 5") || !strings.Contains(refused.err, "--allow-removals 60") {
		t.Errorf("a roster that was cut off: %d, %s", refused.code, refused.err)
	}
	if refused.last(t, &report); len(report.Ends) != 3 || !report.Refused {
		t.Errorf("what would end: %+v", report)
	}
	if again := said(run(without)); again.Enrolments[importer.ToldUnchanged] != 5 {
		t.Errorf("something of a roster was taken that was refused: %+v", again)
	}
	if gone := said(run(bulk(t, "", "Anna"), "--allow-removals", "60")); gone.Enrolments[importer.ToldEnded] != 3 {
		t.Errorf("a roster that is meant: %+v", gone)
	}
	corrected(t, data, said, run)
}

// corrected gives a student another name: the roster's, then by hand, and then the old
// row again, which says that it is older.
func corrected(t *testing.T, data string, said func(answer) rosterReport, run func(string, ...string) answer) {
	t.Helper()
	for round, report := range []rosterReport{said(run(bulk(t, "", "Aurelia"), "--dry-run")), said(run(bulk(t, "", "Aurelia"))), said(run(bulk(t, "", "Aurelia")))} {
		if want := []int64{1, 1, 0}[round]; report.PeopleCorrected != want || report.PeopleRegistered != 0 {
			t.Errorf("round %d, somebody has another name: %+v", round, report)
		}
	}
	people := tracekeep(t, "query", "people", "--data", data).ok(t).out
	if !strings.Contains(people, "Aurelia Sorrelby") || strings.Contains(people, "Anna") {
		t.Errorf("the name was not corrected:\n%s", people)
	}
}
