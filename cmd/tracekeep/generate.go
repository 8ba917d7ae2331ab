package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tracekeep/adapters/generator"
)

type generateCommand struct {
	Out       string    `help:"Folder for the files; made when missing." required:"" placeholder:"DIR"`
	Seed      uint64    `help:"The same seed gives the same bytes." default:"1"`
	People    int       `help:"How many people." default:"50"`
	Months    int       `help:"How many months." default:"3"`
	Terminals int       `help:"How many terminals, each with PINs of its own." default:"2"`
	Start     time.Time `help:"First day." format:"2006-01-02" default:"2025-01-06"`
	Zone      string    `help:"IANA time zone of the terminals." default:"Asia/Manila"`
	JSON      bool      `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (generateCommand) Help() string {
	return `Writes N_attlog.dat and N_people.csv for each terminal: four punches a day, wrong keys pressed and corrected within
seconds, forgotten outs, an enrolment day, and names in many scripts. All of it is invented.

Example:
  tracekeep generate --out ./files --people 200 --months 12 --seed 7`
}

// generated is a pair of files of one terminal.
type generated struct {
	Clock  string `json:"clock_file"`
	People string `json:"people_file"`
	Lines  int64  `json:"lines"`
}

// Run writes the files.
func (c generateCommand) Run(_ context.Context, t *terminal) error {
	files, err := c.write(c.Out)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"seed": c.Seed, "zone": c.Zone, "files": files})
	}
	var rows [][]string
	for _, f := range files {
		rows = append(rows, []string{f.Clock, f.People, strconv.FormatInt(f.Lines, 10)})
	}
	return table(t.out, "CLOCK FILE|PEOPLE FILE|LINES", rows)
}

// write makes the files of every terminal.
func (c generateCommand) write(dir string) (files []generated, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder for the files: %w", err)
	}
	plan, err := generator.Generate(generator.Config{
		Seed: c.Seed, People: c.People, Months: c.Months, Terminals: c.Terminals, Start: c.Start, Zone: c.Zone,
	})
	if err != nil {
		return nil, err
	}
	for terminal := 1; terminal <= c.Terminals; terminal++ {
		pair := generated{
			Clock:  filepath.Join(dir, strconv.Itoa(terminal)+"_attlog.dat"),
			People: filepath.Join(dir, strconv.Itoa(terminal)+"_people.csv"),
		}
		err := writeTo(pair.Clock, func(w io.Writer) error {
			figures, err := plan.WriteAttlog(w, terminal)
			pair.Lines = figures.Lines
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := writeTo(pair.People, func(w io.Writer) error { return plan.WritePeople(w, terminal) }); err != nil {
			return nil, err
		}
		files = append(files, pair)
	}
	return files, nil
}

func writeTo(path string, write func(io.Writer) error) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a path the user named
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return write(file)
}
