package main

import (
	"context"
	"fmt"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/person"
)

// ageFlags ask whether people are of an age, without their birth date.
type ageFlags struct {
	Over int    `help:"Say of each whether they have completed so many years: yes, no or unknown. The birth date itself is not shown; that it was read is on record." placeholder:"YEARS"`
	On   string `help:"The day that --over is about, 2006-01-02; default today (UTC)." placeholder:"DAY"`
}

func (f ageFlags) validate() error {
	if f.On != "" {
		if _, err := time.Parse(time.DateOnly, f.On); err != nil {
			return fmt.Errorf("--on is a day, written 2006-01-02, not %q", f.On)
		}
	}
	if f.Over < 0 || f.Over > 150 || f.On != "" && f.Over == 0 {
		return fmt.Errorf("--over is a number of years, and --on goes with it")
	}
	return nil
}

// print answers yes, no or unknown of each of the people. A birth date that is not
// there, was erased or is withheld is unknown, and so is one that is no date.
func (f ageFlags) print(ctx context.Context, t *terminal, a *app.App, people []httpapi.PersonView, asJSON bool) error {
	on := f.On
	if on == "" {
		on = t.clock().UTC().Format(time.DateOnly)
	}
	var values []httpapi.Personal
	for _, p := range people {
		values = append(values, p.LegalName, p.BirthDate)
	}
	release, err := released(ctx, a, "query-people-over", values...)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(people))
	for _, p := range people {
		said := "unknown"
		born, _ := p.BirthDate.Reveal(release)
		switch over, known := person.IsOver(born, f.Over, on); {
		case known && over:
			said = "yes"
		case known:
			said = "no"
		}
		if asJSON {
			if err := printJSON(t.out, map[string]any{
				"person_id": p.PersonID, "legal_name": personalOf(p.LegalName, release), "years": f.Over, "on": on, "over": said,
			}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{p.PersonID.String(), shown(p.LegalName, release), said})
	}
	if asJSON {
		return nil
	}
	return table(t.out, fmt.Sprintf("PERSON ID|NAME|OVER %d ON %s", f.Over, on), rows)
}
