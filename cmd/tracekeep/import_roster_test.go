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
// changed later, and a table of a school's own, each tried before.
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
	plain := []string{"Quillfeather", "wren.adeyemi", "S-1001", "usr-1001", "not-to-be-read", "2011-05-06", "Adeyemi"}
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
