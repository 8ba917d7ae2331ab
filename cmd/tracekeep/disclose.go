package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/disclosure"
	"tracekeep/eventschema"
)

type discloseCommand struct {
	Record discloseRecord `cmd:"" help:"Record that values of a person were given to somebody outside."`
	List   discloseList   `cmd:"" help:"List who was given values of a person."`
}

// Help implements kong's help provider.
func (discloseCommand) Help() string {
	return `Whoever was given values of a person is told when the person is erased (GDPR Art. 19): the case lists them, and
tracekeep erase notified records what became of it. A disclosure for legal reasons names the order it follows and a second
person who approved it.

Examples:
  tracekeep disclose record --data ./records --person 0b9c… --officer 6d1e… --recipient payroll_bureau --ground processor \
      --interest payroll --purpose work
  tracekeep disclose record --data ./records --person 0b9c… --officer 6d1e… --recipient labour_court --ground court_order \
      --interest legal_duty --purpose work --purpose contact --instrument '17 Cv 4711' --approved-by 77f0…
  tracekeep disclose list --data ./records --person 0b9c… --json`
}

type discloseRecord struct {
	dataFlags
	Person      uuid.UUID `help:"Person id." required:""`
	Officer     uuid.UUID `help:"Id of who gave the values." required:""`
	Recipient   string    `help:"Code of the recipient: lower-case letters, digits and underscores, never a person's name." required:""`
	Ground      string    `help:"processor, directed_by_subject, court_order, law_enforcement, legal_rights, property_or_safety, defence_of_claims, security_investigation or required_or_permitted_by_law." enum:"processor,directed_by_subject,court_order,law_enforcement,legal_rights,property_or_safety,defence_of_claims,security_investigation,required_or_permitted_by_law" required:""`
	Interest    string    `help:"The legitimate interest, as a code." required:""`
	Purpose     []string  `help:"What was given is held for this purpose; may be repeated." required:"" placeholder:"PURPOSE"`
	Instrument  string    `help:"File number of a court's order or an authority's demand." placeholder:"NUMBER"`
	Reference   string    `help:"Under which the recipient knows the disclosure." placeholder:"NUMBER"`
	ApprovedBy  uuid.UUID `name:"approved-by" help:"Id of the second person of a disclosure for legal reasons." placeholder:"ID"`
	DisclosedAt time.Time `name:"disclosed-at" help:"When, RFC 3339; default now." format:"2006-01-02T15:04:05Z07:00"`
	Key         string    `help:"Idempotency key: repeating the command with the same key records nothing twice; default: everything said here, and the day." placeholder:"KEY"`
	JSON        bool      `name:"json" help:"Print one JSON object."`
}

// Run records a disclosure.
func (c discloseRecord) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		disclosed := c.DisclosedAt
		if disclosed.IsZero() {
			disclosed = t.clock()
		}
		key := c.Key
		if key == "" {
			key = fmt.Sprint("disclose ", c.Person, c.Recipient, c.Ground, c.Interest, c.Purpose, c.Instrument, c.Reference, disclosed.UTC().Format(time.DateOnly))
		}
		record := disclosure.Record{
			DisclosureID: uuid.NewSHA1(a.Tenant(), []byte(key)), PersonID: c.Person, Recipient: c.Recipient,
			Ground: eventschema.DisclosureGround(c.Ground), Interest: c.Interest, Instrument: c.Instrument, Reference: c.Reference,
			DisclosedAt: disclosed.UTC(), DisclosedBy: c.Officer, ApprovedBy: c.ApprovedBy,
		}
		for _, purpose := range c.Purpose {
			record.Purposes = append(record.Purposes, eventschema.Purpose(purpose))
		}
		receipt, err := a.RecordDisclosure(ctx, httpapi.Intent{Principal: officer(a, c.Officer), Key: key}, record)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"disclosure": record.DisclosureID, "repeated": receipt.Repeated})
		}
		_, err = fmt.Fprintf(t.out, "disclosure %s\n", record.DisclosureID)
		return err
	})
}

type discloseList struct {
	dataFlags
	Person uuid.UUID `help:"Person id." required:""`
	JSON   bool      `name:"json" help:"Print one JSON object for each."`
}

// Run lists disclosures, oldest first.
func (c discloseList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		all, err := a.DisclosuresOf(ctx, operator(a), c.Person)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(all))
		for _, d := range all {
			if c.JSON {
				if err := printJSON(t.out, disclosureJSON(d)); err != nil {
					return err
				}
				continue
			}
			purposes := make([]string, len(d.Purposes))
			for i, purpose := range d.Purposes {
				purposes[i] = string(purpose)
			}
			rows = append(rows, []string{
				d.DisclosureID.String(), d.DisclosedAt.UTC().Format(time.RFC3339), d.Recipient, string(d.Ground), strings.Join(purposes, "+"),
			})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "DISCLOSURE|AT|RECIPIENT|GROUND|VALUES", rows)
	})
}

func disclosureJSON(d httpapi.DisclosureView) map[string]any {
	out := map[string]any{
		"disclosure": d.DisclosureID, "person_id": d.PersonID, "recipient": d.Recipient, "ground": d.Ground, "interest": d.Interest,
		"purposes": listed(d.Purposes), "disclosed_at": d.DisclosedAt, "disclosed_by": d.DisclosedBy,
	}
	for name, value := range map[string]string{"instrument": d.Instrument, "reference": d.Reference} {
		if value != "" {
			out[name] = value
		}
	}
	if d.ApprovedBy != uuid.Nil {
		out["approved_by"] = d.ApprovedBy
	}
	return out
}
