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
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

type fieldsCommand struct {
	Define fieldsDefine `cmd:"" help:"Define a field: its code, what it is held for, how sensitive it is, what its values are."`
	Change fieldsChange `cmd:"" help:"Call a field something else, make it more sensitive, add choices."`
	Retire fieldsRetire `cmd:"" help:"Take no more values in a field; those there are stay until they are cleared or erased."`
	List   fieldsList   `cmd:"" help:"List fields."`
	Show   fieldsShow   `cmd:"" help:"Show the values of one person; it is recorded that they were read."`
}

// Help implements kong's help provider.
func (fieldsCommand) Help() string {
	return `Beside what Tracekeep itself keeps of a person you may keep values of your own. Each is held for one purpose, whose key seals
it: identity, contact and third_party are erased with the person, or contact and third_party alone; work goes with the work record
and is kept as long as wages are (tracekeep register). The purpose of a field never changes, and it never becomes less sensitive:
define another then, and ask for the values anew. Its code is not used again.

Who is shown a value: the person always. Of the others those whom the register names for the purpose; managers see what is ordinary
and no more; special categories (GDPR Art. 9: health, religion, union, origin) are shown to nobody else without --special GROUND,
which is recorded with the reading, and to no auditor.

Values come with an import of people (tracekeep import --help) or over the API (POST /v1/people/{person_id}/fields); labels, codes
and choices are stored in clear, so they must say nothing about a person.

Examples:
  tracekeep fields define --data ./records --field shirt_size --label 'Shirt size' --purpose work --kind choice \
      --choice S --choice M --choice L --officer 6d1e…
  tracekeep fields define --data ./records --field allergies --label Allergies --purpose identity --sensitivity special_category \
      --max-length 200 --officer 6d1e…
  tracekeep fields change --data ./records --field shirt_size --choice XL --sensitivity confidential --officer 6d1e…
  tracekeep fields retire --data ./records --field shirt_size --officer 6d1e…
  tracekeep fields list --data ./records --all --json
  tracekeep fields show --data ./records --person ana --special occupational-medicine`
}

// fieldFlags are what each change of a field needs.
type fieldFlags struct {
	dataFlags
	Field   string    `help:"Code of the field: lower-case letters, digits and underscores." required:"" placeholder:"CODE"`
	Officer uuid.UUID `help:"Id of whoever answers for it." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

func (f fieldFlags) steer(ctx context.Context, t *terminal, verb string, command field.Command) error {
	return f.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		key, err := uuid.NewRandomFromReader(t.random)
		if err != nil {
			return err
		}
		receipt, err := a.SteerField(ctx, httpapi.Intent{Principal: clerk(a, f.Officer), Key: "field " + key.String()}, command)
		if err != nil {
			return err
		}
		if f.JSON {
			return printJSON(t.out, map[string]any{"field": f.Field, "position": receipt.Position, "repeated": receipt.Repeated})
		}
		if receipt.Repeated {
			verb = "was so already"
		}
		_, err = fmt.Fprintf(t.out, "%s %s\n", f.Field, verb)
		return err
	})
}

type fieldsDefine struct {
	fieldFlags
	Label       string   `help:"What people call it, in up to 80 characters." required:""`
	Purpose     string   `help:"What it is held for: identity, contact, third_party or work." enum:"identity,contact,third_party,work" required:""`
	Sensitivity string   `help:"ordinary, confidential or special_category." enum:"ordinary,confidential,special_category" default:"ordinary"`
	Kind        string   `help:"text, number, date (2006-01-02) or choice." enum:"text,number,date,choice" default:"text"`
	Choices     []string `name:"choice" help:"One of the choices; may be repeated." sep:"none" placeholder:"TEXT"`
	MaxLength   int      `name:"max-length" help:"How many characters a text (up to 500) or a number (up to 30) may have; 0 is that." placeholder:"N"`
}

// Run defines a field.
func (c fieldsDefine) Run(ctx context.Context, t *terminal) error {
	return c.steer(ctx, t, "is defined", field.Define{
		Field: field.Field{
			Code: c.Field, Label: c.Label, Purpose: eventschema.Purpose(c.Purpose), Sensitivity: eventschema.Sensitivity(c.Sensitivity),
			Kind: eventschema.FieldKind(c.Kind), Choices: c.Choices, MaxLength: c.MaxLength,
		},
		DefinedAt: t.clock(), DefinedBy: c.Officer,
	})
}

type fieldsChange struct {
	fieldFlags
	Label       string   `help:"What people call it."`
	Sensitivity string   `help:"confidential or special_category; a field does not become less sensitive." enum:",ordinary,confidential,special_category" default:""`
	Add         []string `name:"choice" help:"A choice to add; may be repeated." sep:"none" placeholder:"TEXT"`
	MaxLength   int      `name:"max-length" help:"How many characters it may have; not fewer than now." placeholder:"N"`
}

// Run changes a field.
func (c fieldsChange) Run(ctx context.Context, t *terminal) error {
	return c.steer(ctx, t, "is changed", field.Change{
		Code: c.Field, Label: c.Label, Sensitivity: eventschema.Sensitivity(c.Sensitivity), Add: c.Add, MaxLength: c.MaxLength,
		ChangedAt: t.clock(), ChangedBy: c.Officer,
	})
}

type fieldsRetire struct{ fieldFlags }

// Run retires a field.
func (c fieldsRetire) Run(ctx context.Context, t *terminal) error {
	return c.steer(ctx, t, "is retired", field.Retire{Code: c.Field, RetiredAt: t.clock(), RetiredBy: c.Officer})
}

type fieldsList struct {
	dataFlags
	All  bool `help:"List those that are retired as well."`
	JSON bool `name:"json" help:"Print one JSON object for each field."`
}

// Run lists fields.
func (c fieldsList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		defined, err := a.DefinedFields(ctx, operator(a))
		if err != nil {
			return err
		}
		var rows [][]string
		for _, f := range defined {
			if f.Retired && !c.All {
				continue
			}
			if c.JSON {
				if err := printJSON(t.out, fieldJSON(f)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, fieldRow(f))
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "FIELD|LABEL|PURPOSE|SENSITIVITY|KIND|UP TO|CHOICES|RETIRED", rows)
	})
}

func fieldJSON(f httpapi.FieldDefinition) map[string]any {
	said := map[string]any{
		"field": f.Code, "label": f.Label, "purpose": f.Purpose, "sensitivity": f.Sensitivity, "kind": f.Kind, "defined_at": f.DefinedAt,
	}
	if f.MaxLength > 0 {
		said["max_length"] = f.MaxLength
	}
	if len(f.Choices) > 0 {
		said["choices"] = f.Choices
	}
	if f.RetiredAt != nil {
		said["retired_at"] = f.RetiredAt
	}
	return said
}

func fieldRow(f httpapi.FieldDefinition) []string {
	length, retired := "-", "-"
	if f.MaxLength > 0 {
		length = strconv.Itoa(f.MaxLength)
	}
	if f.RetiredAt != nil {
		retired = f.RetiredAt.Format(time.DateOnly)
	}
	return []string{
		f.Code, printable(f.Label), string(f.Purpose), string(f.Sensitivity), string(f.Kind), length, dash(printable(strings.Join(f.Choices, ", "))), retired,
	}
}

// specialFlags say why values of special categories are read.
type specialFlags struct {
	Special string `help:"Ground on which values of special categories are read (GDPR Art. 9(2)): explicit-consent, employment-law, vital-interests, legal-claims or occupational-medicine; without one they stay sealed." enum:",explicit-consent,employment-law,vital-interests,legal-claims,occupational-medicine" default:"" placeholder:"GROUND"`
}

type fieldsShow struct {
	dataFlags
	specialFlags
	Person string `help:"The person: an id, or a part of the name." required:"" placeholder:"WHO"`
	JSON   bool   `name:"json" help:"Print one JSON object for each field."`
}

// Run shows the fields of one person.
func (c fieldsShow) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		by := operator(a)
		found, err := a.FindPerson(ctx, by, c.Person)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%d people match; give an id (tracekeep query people --find …)", len(found))
		}
		if err != nil {
			return err
		}
		view, err := a.PersonFields(ctx, by, found[0].PersonID, field.Ground(c.Special))
		if err != nil {
			return err
		}
		release, err := released(ctx, a, field.Ground(c.Special).Operation("fields-show"), view.Values()...)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, f := range view.Fields {
			if c.JSON {
				said := fieldJSON(f.FieldDefinition)
				said["value"] = personalOf(f.Value, release)
				if err := printJSON(t.out, said); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{f.Code, printable(f.Label), shown(f.Value, release), string(f.Purpose), string(f.Sensitivity)})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "FIELD|LABEL|VALUE|PURPOSE|SENSITIVITY", rows)
	})
}
