package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"tracekeep/adapters/pgcluster"
	"tracekeep/cmd/internal/app"
)

type doctorCommand struct {
	Data string `help:"Data folder to look into; without it only the machine is looked at." env:"TRACEKEEP_DATA" placeholder:"DIR"`
	JSON bool   `name:"json" help:"Print one JSON object for each finding."`
}

// Help implements kong's help provider.
func (doctorCommand) Help() string {
	return `Says what the machine has and lacks, and with --data whether the stores of a folder open, agree and hold together. Opening a
folder that nobody serves does what serving it would: read models are brought up to date and approved erasures are executed.

Examples:
  tracekeep doctor
  tracekeep doctor --data ./records

Exit code 1: something is missing or wrong; each finding says what to do.`
}

// finding is one line of the answer.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Note  string `json:"note"`
}

// Run looks.
func (c doctorCommand) Run(ctx context.Context, t *terminal) error {
	findings := []finding{
		{"system", true, runtime.GOOS + "/" + runtime.GOARCH},
		postgresBinaries(ctx),
		timeZones(),
		freeSpace(c.Data),
	}
	if c.Data != "" {
		findings = append(findings, c.folder(ctx, t)...)
	}
	wrong := 0
	var rows [][]string
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark = "WRONG"
			wrong++
		}
		if c.JSON {
			if err := printJSON(t.out, f); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{mark, f.Check, f.Note})
	}
	if !c.JSON {
		if err := table(t.out, "|CHECK|NOTE", rows); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d checks found something wrong", wrong, len(findings))
	}
	return nil
}

func postgresBinaries(ctx context.Context) finding {
	dir, version, err := pgcluster.Binaries(ctx, "")
	if err != nil {
		return finding{"Postgres binaries", false, err.Error()}
	}
	return finding{"Postgres binaries", true, "version " + version + " in " + dir}
}

func timeZones() finding {
	if _, err := time.LoadLocation("Asia/Manila"); err != nil {
		return finding{"time zones", false, "the zone database is missing"}
	}
	return finding{"time zones", true, "built in"}
}

func freeSpace(data string) finding {
	const least = 1 << 30
	dir := data
	if dir == "" {
		dir = os.TempDir()
	}
	for ; ; dir = filepath.Dir(dir) {
		var disk syscall.Statfs_t
		err := syscall.Statfs(dir, &disk)
		if errors.Is(err, os.ErrNotExist) && dir != filepath.Dir(dir) {
			continue
		}
		if err != nil {
			return finding{"disk", false, "free space cannot be read"}
		}
		free := disk.Bavail * uint64(disk.Bsize) //nolint:gosec // a block size is positive
		return finding{"disk", free >= least, fmt.Sprintf("%d MB free at %s; at least %d MB are advised", free>>20, dir, least>>20)}
	}
}

// officersWork says what waits for a privacy officer, and what has waited too long.
func officersWork(ctx context.Context, a *app.App, now time.Time) ([]finding, error) {
	const most = 1000
	cases, err := a.ErasureRegister(ctx)
	if err != nil {
		return nil, err
	}
	open, late := 0, 0
	for _, view := range cases {
		if openCase(view) {
			open++
			if overdue(view, now) {
				late++
			}
		}
	}
	holds, err := a.ListHolds(ctx, operator(a), true, 0, most)
	if err != nil {
		return nil, err
	}
	unreviewed := 0
	for _, h := range holds {
		if h.Overdue {
			unreviewed++
		}
	}
	return []finding{
		{"erasure cases", late == 0, fmt.Sprintf("%d open, %d overdue; tracekeep cases lists them", open, late)},
		{"legal holds", unreviewed == 0, fmt.Sprintf("%d in force, %d to be reviewed; tracekeep hold list lists them", len(holds), unreviewed)},
	}, nil
}

// folder opens the data folder and asks each part.
func (c doctorCommand) folder(ctx context.Context, t *terminal) []finding {
	var findings []finding
	err := dataFlags{Data: c.Data}.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		how := "opened by this command"
		if !a.Owner() {
			how = "served by another tracekeep"
		}
		findings = append(findings, finding{"data folder", true, how})
		for _, check := range a.Checks(ctx) {
			findings = append(findings, finding{check.Name, check.OK, check.Reason})
		}
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		report, err := a.Verify(ctx, nil)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("%d events", report.Events)
		if !report.OK {
			note += "; run tracekeep verify"
		}
		findings = append(findings, finding{"trail", report.OK, note})
		media, err := a.VerifyMedia(ctx, nil)
		if err != nil {
			return err
		}
		note = fmt.Sprintf("%d files of photos and documents, %.1f MB, in %s, which belongs into the backup beside the event store", media.Kept, megabytes(media.Bytes), filepath.Join(a.Folder(), "media"))
		if !media.OK {
			note += "; run tracekeep media verify"
		}
		findings = append(findings, finding{"media", media.OK, note})
		work, err := officersWork(ctx, a, t.clock())
		findings = append(findings, work...)
		return err
	})
	if err != nil {
		findings = append(findings, finding{"data folder", false, err.Error()})
	}
	return findings
}
