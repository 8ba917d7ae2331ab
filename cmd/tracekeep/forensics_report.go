package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tracekeep/cmd/internal/app"
)

// mostShown is how many hits are listed as text; JSON has all.
const mostShown = 50

// printEvidence writes what was searched and what was found. It has labels of
// values and places, and no value.
func printEvidence(w io.Writer, person uuid.UUID, e app.Evidence) error {
	_, _ = fmt.Fprintf(w, "person %s, %d values\n", person, e.Values)
	if len(e.TooShort) > 0 {
		_, _ = fmt.Fprintf(w, "left out, because what is so short is found by chance: %s\n", strings.Join(e.TooShort, ", "))
	}
	var rows [][]string
	for _, s := range e.Sources {
		control := strconv.Itoa(s.Control)
		if s.Must && s.Control == 0 {
			control = "MISSING"
		}
		rows = append(rows, []string{
			s.Source, strconv.Itoa(s.Parts), fmt.Sprintf("%.1f", megabytes(s.Bytes)), strconv.Itoa(s.Opened), control, strconv.Itoa(len(s.Hits)),
		})
	}
	if err := table(w, "SEARCHED|PARTS|MB|COMPRESSED PARTS OPENED|CONTROL FOUND|HITS", rows); err != nil {
		return err
	}
	rows = nil
	for _, trial := range e.Trials {
		opened := fmt.Sprintf("%d of %d", trial.Opened, trial.Old)
		if trial.Expected {
			opened += " (control)"
		}
		rows = append(rows, []string{trial.Keys, epochOrDash(trial.Epoch), unlockedBy(trial), strconv.Itoa(trial.Tried), opened, strconv.Itoa(trial.Control)})
	}
	_, _ = fmt.Fprintln(w)
	if err := table(w, "KEYS|EPOCH|UNLOCKED BY|TRIED|OLD ENVELOPES OPENED|LIVING ENVELOPES OPENED", rows); err != nil {
		return err
	}
	printHits(w, e)
	_, _ = fmt.Fprintln(w)
	switch {
	case e.Hits() > 0:
		_, _ = fmt.Fprintf(w, "%d hits\n", e.Hits())
	case len(e.Invalid) > 0:
		_, _ = fmt.Fprintln(w, "nothing was found, and nothing is proved:")
	default:
		_, _ = fmt.Fprintln(w, "nothing was found, and everything that must be found was")
	}
	for _, why := range e.Invalid {
		_, _ = fmt.Fprintf(w, "  %s\n", why)
	}
	_, err := fmt.Fprintln(w, "not searched: memory of running processes, disk blocks that no file holds, devices, what others were given, and files elsewhere not named with --also")
	return err
}

func epochOrDash(epoch int) string {
	if epoch == 0 {
		return "-"
	}
	return strconv.Itoa(epoch)
}

func unlockedBy(trial app.TrialMade) string {
	switch {
	case !trial.Unlocked:
		return "nothing: " + trial.Why
	case trial.With == "":
		return "-"
	}
	return trial.With
}

func printHits(w io.Writer, e app.Evidence) {
	shown := 0
	for _, s := range e.Sources {
		for _, hit := range s.Hits {
			if shown++; shown > mostShown {
				_, _ = fmt.Fprintln(w, "  … --json lists all")
				return
			}
			within := ""
			if len(hit.Within) > 0 {
				within = " in " + strings.Join(hit.Within, " in ")
			}
			_, _ = fmt.Fprintf(w, "HIT  %s as %s: %s, %s at %d%s\n", hit.Label, hit.Form, s.Source, hit.Place, hit.Offset, within)
		}
	}
}
