package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type readingsCommand struct {
	dataFlags
	Person string `arg:"" help:"The person: an id, or a part of the name. Somebody erased is found by id."`
	Limit  int    `help:"At most so many readings, newest first; 0 means all." default:"0"`
	JSON   bool   `name:"json" help:"Print one JSON object for each reading."`
}

// Help implements kong's help provider.
func (readingsCommand) Help() string {
	return `Lists who was shown personal values of a person: when, by which command or operation, for which use, and which values. A
reading is an event of the trail, stored before anything is shown; a reading that cannot be stored shows nothing. After an
erasure the list remains: it names ids and no values. This command shows no values, so it is no reading.

The command line reads as the installation's operator; who read through the API is named by the id of the account, and a
worker who read of themself by the person id.

Examples:
  tracekeep readings --data ./records ana
  tracekeep readings --data ./records 0b9c… --json | jq .reader`
}

// Run lists readings.
func (c readingsCommand) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		person, err := personMeant(ctx, a, c.Person)
		if err != nil {
			return err
		}
		return c.print(ctx, t, a, person)
	})
}

// personMeant finds the one person a text means. An id is taken as it is: nothing
// else leads to somebody erased.
func personMeant(ctx context.Context, a *app.App, text string) (uuid.UUID, error) {
	found, err := a.FindPerson(ctx, operator(a), text)
	if err != nil {
		return uuid.Nil, err
	}
	switch id, malformed := uuid.Parse(text); {
	case len(found) == 1:
		return found[0].PersonID, nil
	case malformed == nil:
		return id, nil
	}
	return uuid.Nil, fmt.Errorf("%d people match; give an id (tracekeep query people --find …)", len(found))
}

func (c readingsCommand) print(ctx context.Context, t *terminal, a *app.App, person uuid.UUID) error {
	const page = 500
	var rows [][]string
	for before, listed := uint64(0), 0; ; {
		size := page
		if c.Limit > 0 {
			size = min(page, c.Limit-listed)
		}
		found, err := a.ReadingsOf(ctx, operator(a), person, before, size)
		if err != nil {
			return err
		}
		positions := make([]uint64, len(found))
		for i, r := range found {
			positions[i], before = r.Position, r.Position
		}
		leaves, err := a.Leaves(positions...)
		if err != nil {
			return err
		}
		for _, r := range found {
			if !c.JSON {
				rows = append(rows, readingRow(r, leaves))
			} else if err := printJSON(t.out, readingJSON(r, leaves)); err != nil {
				return err
			}
		}
		if listed += len(found); len(found) < size || listed == c.Limit {
			break
		}
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "READ AT|READER|ROLE|OPERATION|USE|VALUES|PEOPLE|POSITION|TRAIL", rows)
}

func readingRow(r httpapi.ReadingView, leaves map[uint64]uint64) []string {
	return []string{
		r.ReadAt.Format(time.RFC3339), r.ReadBy.ID.String(), r.ReadBy.Role, r.Operation, string(r.Use), strings.Join(fieldsOf(r.Shown), " "),
		strconv.Itoa(r.Together), strconv.FormatUint(r.Position, 10), toldLeaf(leafAt(leaves, r.Position)),
	}
}

func leafAt(leaves map[uint64]uint64, position uint64) *uint64 {
	leaf, covered := leaves[position]
	if !covered {
		return nil
	}
	return &leaf
}

func fieldsOf(shown []eventschema.ShownValue) []string {
	fields := make([]string, len(shown))
	for i, v := range shown {
		fields[i] = v.Field
	}
	return fields
}

func readingJSON(r httpapi.ReadingView, leaves map[uint64]uint64) map[string]any {
	return map[string]any{
		"read_id": r.ReadID, "read_at": r.ReadAt, "reader": r.ReadBy, "operation": r.Operation, "use": r.Use, "values": r.Shown, "people": r.Together,
		"position": r.Position, "leaf": leafAt(leaves, r.Position),
	}
}
