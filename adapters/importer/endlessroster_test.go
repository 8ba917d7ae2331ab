package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// numbered gives a head and then rows made of their number, until it gave so many bytes.
type numbered struct {
	flood
	n   int
	row func(n int) string
}

func (r *numbered) Read(p []byte) (int, error) {
	if r.head == "" {
		var made strings.Builder
		for range 1000 {
			made.WriteString(r.row(r.n))
			r.n++
		}
		r.head = made.String()
	}
	return r.flood.Read(p)
}

// forgetfulRoster knows everybody and every class, and keeps nothing.
type forgetfulRoster struct{ forgetful }

func (*forgetfulRoster) Define(_ context.Context, _ string, batch []RosterClass) ([]Verdict, error) {
	return make([]Verdict, len(batch)), nil
}

func (*forgetfulRoster) Classes(_ context.Context, _ string, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	return known, nil
}

func (*forgetfulRoster) Enrol(_ context.Context, _ string, batch []RosterEnrolment) ([]Verdict, error) {
	return make([]Verdict, len(batch)), nil
}

func (*forgetfulRoster) Standing(_ context.Context, _, _ string, told RosterHas) (s RosterStanding, err error) {
	return s, nil
}

func (*forgetfulRoster) Correct(context.Context, string, []RosterPerson) (int, error) { return 0, nil }

// What a roster refers to is kept until its end, and there is a measure for each of it.
func TestMemoryIsBoundedWhateverARosterHas(t *testing.T) {
	good := folder(t, "oneroster-1.1")
	const users, enrolments, classes = "sourcedId,givenName,familyName\n", "sourcedId,classSourcedId,userSourcedId,role\n", "sourcedId,title,courseSourcedId,schoolSourcedId,termSourcedIds\n"
	for what, c := range map[string]struct {
		file string
		pour *numbered
		want error
	}{
		"people without end":            {usersFile, &numbered{flood: flood{head: users}, row: func(n int) string { return fmt.Sprintf("u%d,Ana,Quillfeather\n", n) }}, ErrPeopleTooLarge},
		"the same person again":         {usersFile, &numbered{flood: flood{head: users}, row: func(int) string { return "u,Ana,Quillfeather\n" }}, nil},
		"enrolments without end":        {enrolmentFile, &numbered{flood: flood{head: enrolments}, row: func(n int) string { return fmt.Sprintf("e%d,c%d,u%d,student\n", n, n, n) }}, ErrTooLarge},
		"classes without end":           {classesFile, &numbered{flood: flood{head: classes}, row: func(n int) string { return fmt.Sprintf("c%d,Algebra,crs-alg,org-1,ses-2025\n", n) }}, ErrTooLarge},
		"courses without end":           {coursesFile, &numbered{flood: flood{head: "sourcedId,title,courseCode\n"}, row: func(n int) string { return fmt.Sprintf("c%d,Algebra,ALG\n", n) }}, ErrTooLarge},
		"a manifest without end":        {manifestFile, &numbered{flood: flood{head: good[manifestFile]}, row: func(n int) string { return fmt.Sprintf("file.x%d,bulk\n", n) }}, ErrTooLarge},
		"blank lines":                   {usersFile, &numbered{flood: flood{head: users}, row: func(int) string { return "\n" }}, ErrTooLarge},
		"a quote never closed":          {usersFile, &numbered{flood: flood{head: users + "\""}, row: func(int) string { return "u,Ana,Quillfeather\n" }}, ErrTooLarge},
		"a header without end":          {usersFile, &numbered{row: func(int) string { return "sourcedId," }}, ErrTooLarge},
		"columns that are not read":     {usersFile, &numbered{flood: flood{head: "sourcedId,givenName,familyName" + strings.Repeat(",x", 1000) + "\n"}, row: func(int) string { return "u,Ana,Q" + strings.Repeat(",y", 1000) + "\n" }}, nil},
		"enrolments that name no class": {enrolmentFile, &numbered{flood: flood{head: enrolments}, row: func(int) string { return "e,,u,student\n" }}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			pour := c.pour
			if pour.left = floodSize() / 16; os.Getenv("TRACEKEEP_NIGHT") != "" {
				pour.left = floodSize()
			}
			before, whole := heldNow(), *pour
			_, err := RunRoster(t.Context(), RosterOptions{
				Zone: zone(t, "America/New_York"), Now: today,
				Open: func(name string) (io.ReadCloser, error) {
					switch text, there := good[name]; {
					case name == c.file: // a bulk file is opened twice
						again := whole
						again.held = pour.held
						pour = &again
						return io.NopCloser(pour), nil
					case there:
						return io.NopCloser(strings.NewReader(text)), nil
					}
					return nil, fs.ErrNotExist
				},
			}, &forgetfulRoster{})
			if err != nil && !errors.Is(err, c.want) || err == nil && c.want != nil && os.Getenv("TRACEKEEP_NIGHT") != "" {
				t.Errorf("error %v, want %v", err, c.want)
			}
			const most = 640 << 20 // a million people
			if pour.held > before && pour.held-before > most {
				t.Errorf("%d MiB were held, want less than %d", (pour.held-before)>>20, most>>20)
			}
			if os.Getenv("TRACEKEEP_NIGHT") != "" {
				t.Logf("%d MiB held, %v", (max(pour.held, before)-before)>>20, err)
			}
		})
	}
}
