package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

const (
	togglEntries = "User,Email,Client,Project,Start date,Start time,End date,End time\n" +
		"Somebody Unmistakable,somebody@example.org,,,2025-01-07,09:00:00,2025-01-07,12:00:00\n" +
		"Somebody Unmistakable,somebody@example.org,,,2025-01-06,12:00:00,2025-01-06,13:00:00\n" +
		"Somebody Unmistakable,somebody@example.org,,,2025-01-06,08:00:00,2025-01-06,12:00:00\n"
	brazilian   = "0000000013060120250800012345678901\r\n0000000023060120251200012345678901\r\n"
	ownMapping  = "name: our-sheet\nperson: {column: Who, by: name}\nfull_name: [Who]\nstart: {date: Day, time: From, layouts: [\"YYYY-MM-DD HH:mm\"]}\nend: {date: Day, time: To, layouts: [\"YYYY-MM-DD HH:mm\"]}\n"
	ownEntries  = "id,member_id,start,end,is_imported\nx,00000000-0000-4000-8000-000000000001,2025-01-06T08:00:00Z,2025-01-06T09:00:00Z,false\n"
	ownMembers  = "id,user_id,name,email\n00000000-0000-4000-8000-000000000001,y,Somebody Solid,solid@example.org\n"
	brazilNames = "pin,name\n012345678901,Ana Ponto\n"
)

// exports writes a solidtime export as a folder and as a zip of it.
func exports(t *testing.T) (folder, archive string) {
	t.Helper()
	folder = t.TempDir()
	archive = filepath.Join(t.TempDir(), "export.zip")
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for name, content := range map[string]string{entriesFile: ownEntries, membersFile: ownMembers, "meta.json": "{}"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		to, err := w.Create("export/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return folder, archive
}

func workbook(t *testing.T) string {
	t.Helper()
	book := excelize.NewFile()
	day, from, to := time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), 0.375, "17:00"
	for cell, value := range map[string]any{"A1": "Who", "B1": "Day", "C1": "From", "D1": "To", "A2": "Somebody Tabular", "B2": day, "C2": from, "D2": to} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "march.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFilesOfManyKindsAreImportedOnce tries each file, imports it, and imports it
// again: trying says what importing then does, and records nothing.
//
// promise: ST-07
func TestFilesOfManyKindsAreImportedOnce(t *testing.T) {
	data := founded(t)
	folder, archive := exports(t)
	mapping := write(t, "our-sheet.yaml", ownMapping)
	for _, c := range []struct {
		format          string
		flags           []string
		punches, people int64
		before          int64 // of the punches, recorded from another file
	}{
		{"toggl", []string{write(t, "toggl.csv", togglEntries)}, 6, 1, 0},
		{"toggl", []string{write(t, "more.csv", togglEntries+"Else,else@example.org,,,2025-01-06,08:00:00,2025-01-06,12:00:00\n")}, 8, 1, 6},
		{"afd", []string{"--station", "rep-1", "--people", write(t, "people.csv", brazilNames), write(t, "AFD.txt", brazilian)}, 2, 1, 0},
		{"solidtime", []string{folder}, 2, 1, 0},
		{"solidtime", []string{archive}, 2, 0, 2},
		{"our-sheet", []string{"--mapping", mapping, workbook(t)}, 2, 1, 0},
		{"our-sheet", []string{"--mapping", mapping, write(t, "march.csv", "Day;Who;From;To\n2025-01-06;Somebody Tabular;09:00;17:00\n")}, 2, 0, 2},
	} {
		run := func(more ...string) (report importReport) {
			args := append(append([]string{"import", "--json", "--data", data, "--zone", "Europe/Vienna"}, c.flags...), more...)
			got := tracekeep(t, args...).ok(t)
			if strings.Contains(got.out+got.err, "Unmistakable") {
				t.Errorf("a name was printed:\n%s%s", got.out, got.err)
			}
			got.last(t, &report)
			return report
		}
		tried := run("--dry-run")
		for i, report := range []importReport{tried, run(), run()} {
			recorded, people := c.punches-c.before, c.people
			if i == 2 {
				recorded, people = 0, 0
			}
			if report.Format != c.format || report.Punches != c.punches || report.Recorded != recorded || report.AlreadyRecorded != c.punches-recorded || report.PeopleRegistered != people || report.DryRun != (i == 0) {
				t.Errorf("%v, round %d: %+v", c.flags, i, report)
			}
		}
	}
	if who := tracekeep(t, "query", "people", "--data", data).ok(t); !strings.Contains(who.out, "Somebody Solid") || !strings.Contains(who.out, "Ana Ponto") || !strings.Contains(who.out, "Somebody Tabular") {
		t.Errorf("people are missing:\n%s", who.out)
	}
	tracekeep(t, "verify", "--data", data).ok(t)
}

func TestWhatCannotBeImportedIsSaid(t *testing.T) {
	data := founded(t)
	for rule, c := range map[string]struct {
		flags []string
		code  int
		says  string
	}{
		"no file":                           {nil, exitUsage, "name a file"},
		"a file that is not there":          {[]string{"nowhere.csv"}, exitUsage, "nowhere.csv"},
		"a format that is not known":        {[]string{"--format", "punchcards", write(t, "x.csv", togglEntries)}, exitFailed, "is none of"},
		"hours without times":               {[]string{write(t, "harvest.csv", "Date,Client,Project,Task,Hours\n2025-01-06,,,,8\n")}, exitFailed, "no times of day"},
		"a clock's file without its name":   {[]string{write(t, "AFD.txt", brazilian)}, exitFailed, "station"},
		"a folder of something else":        {[]string{t.TempDir()}, exitFailed, "one by one"},
		"a mapping that says too much":      {[]string{"--mapping", write(t, "m.yaml", ownMapping+"colour: red\n"), write(t, "x.csv", "a\n")}, exitFailed, "colour"},
		"several files, of which one fails": {[]string{write(t, "toggl.csv", togglEntries), write(t, "letter.txt", "Dear Ana,\n")}, exitFailed, "letter.txt"},
		"rejected rows of several files":    {[]string{"--rejects", filepath.Join(t.TempDir(), "bad.csv"), write(t, "one.csv", togglEntries+"x\n"), write(t, "two.csv", togglEntries+"x\n")}, exitRejected, "2 rows were rejected"},
	} {
		t.Run(rule, func(t *testing.T) {
			got := tracekeep(t, append([]string{"import", "--data", data, "--zone", "Europe/Vienna"}, c.flags...)...).ok(t, c.code)
			if !strings.Contains(got.out+got.err, c.says) {
				t.Errorf("does not say %q:\n%s%s", c.says, got.out, got.err)
			}
			if c.code != exitRejected {
				return
			}
			report, err := os.ReadFile(c.flags[1])
			if want := "file,line,reason,message\none.csv,5,broken_line,"; err != nil || !strings.HasPrefix(string(report), want) || strings.Count(string(report), "file,line") != 1 || !strings.Contains(string(report), "\ntwo.csv,5,broken_line,") {
				t.Errorf("report %q, %v", report, err)
			}
		})
	}
	if got := tracekeep(t, "import", "--formats", "--data", data).ok(t); !strings.Contains(got.out, "timewarrior") {
		t.Errorf("formats are not listed:\n%s", got.out)
	}
}
