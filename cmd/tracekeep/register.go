package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"

	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type registerCommand struct {
	Data       string `help:"Data folder whose own fields of people are shown as well (tracekeep fields); where its stores are elsewhere, the TRACEKEEP_ variables of the environment say so." env:"TRACEKEEP_DATA" placeholder:"DIR"`
	JSON       bool   `name:"json" help:"Print one JSON object for each purpose." xor:"form"`
	Markdown   bool   `help:"Print the record of processing as a document." xor:"form"`
	Controller string `help:"Who answers for the processing, as the document names them." default:"(name and address of the controller)"`
	Contact    string `help:"Data protection officer or contact, as the document names them." default:"(contact)"`
}

// Help implements kong's help provider.
func (registerCommand) Help() string {
	return `The record of processing (GDPR Art. 30) and the retention schedule: every purpose for which personal values are held, the
fields that this release stores for it, what one key covers, when it is destroyed, on which ground, and who opens it for
which use. The same rows decide in the program; nobody keeps this list by hand. With --data the fields that you defined yourself are in it.

Examples:
  tracekeep register
  tracekeep register --data ./records --json
  tracekeep register --markdown --controller 'Acme Ltd, 1 High Street' --contact dpo@acme.example > article-30.md`
}

// processing is one row as it is printed.
type processing struct {
	Purpose     eventschema.Purpose          `json:"purpose"`
	Holds       string                       `json:"holds"`
	Fields      []string                     `json:"fields"`               // stored by this release
	Own         []ownField                   `json:"own_fields,omitempty"` // defined by the tenant
	Categories  []string                     `json:"categories"`
	Subjects    []string                     `json:"data_subjects"`
	Key         eventschema.Granularity      `json:"key_per"`
	KeyMade     eventschema.KeyMoment        `json:"key_made_at"`
	Until       string                       `json:"kept_until"`
	Source      string                       `json:"kept_source"`
	Sooner      []string                     `json:"ends_sooner_by"`
	Floor       string                       `json:"not_before,omitempty"`
	FloorSource string                       `json:"not_before_source,omitempty"`
	Basis       eventschema.LawfulBasis      `json:"lawful_basis"`
	BasisNote   string                       `json:"lawful_basis_note"`
	Recipients  []string                     `json:"recipients"`
	AtErasure   eventschema.ErasureEffect    `json:"at_erasure"`
	Open        map[eventschema.Use][]string `json:"opened_by"`
	Apart       []apartJSON                  `json:"shown_apart,omitempty"`
}

// apartJSON is a category that fewer may see than the rest of its row.
type apartJSON struct {
	Category eventschema.Category         `json:"category"`
	Holds    string                       `json:"holds"`
	Open     map[eventschema.Use][]string `json:"opened_by"`
}

// ownField is a field that the tenant defined.
type ownField struct {
	Field       string                  `json:"field"`
	Label       string                  `json:"label"`
	Sensitivity eventschema.Sensitivity `json:"sensitivity"`
	Kind        eventschema.FieldKind   `json:"kind"`
	Retired     bool                    `json:"retired,omitempty"` // its values are still held
}

func (f ownField) String() string {
	said := fmt.Sprintf("%s (%s, %s", printable(f.Label), f.Field, f.Sensitivity)
	if f.Sensitivity == eventschema.SensitivitySpecial {
		said += ", GDPR Art. 9"
	}
	if f.Retired {
		said += ", no longer given"
	}
	return said + ")"
}

// addOwn adds the fields that the tenant of the data folder defined.
func (c registerCommand) addOwn(ctx context.Context, t *terminal, rows []processing) error {
	var stores dataFlags // as the environment has them
	parser, err := kong.New(&stores)
	if err != nil {
		return err
	}
	if _, err := parser.Parse([]string{"--data=" + c.Data}); err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return stores.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		defined, err := a.DefinedFields(ctx, operator(a))
		if err != nil {
			return err
		}
		for _, f := range defined {
			i := slices.IndexFunc(rows, func(row processing) bool { return row.Purpose == f.Purpose })
			rows[i].Own = append(rows[i].Own, ownField{Field: f.Code, Label: f.Label, Sensitivity: f.Sensitivity, Kind: f.Kind, Retired: f.Retired})
		}
		return nil
	})
}

// Run prints the register.
func (c registerCommand) Run(ctx context.Context, t *terminal) error {
	rows, err := processings()
	if err == nil && c.Data != "" {
		err = c.addOwn(ctx, t, rows)
	}
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		for _, row := range rows {
			if err := printJSON(t.out, row); err != nil {
				return err
			}
		}
		return nil
	case c.Markdown:
		return c.document(t.out, rows)
	}
	lines := make([][]string, len(rows))
	for i, row := range rows {
		lines[i] = []string{
			string(row.Purpose), string(row.Key), row.Until, dash(row.Floor), string(row.AtErasure), string(row.Basis),
			fmt.Sprint(len(row.Fields)), strings.Join(append([]string{row.Holds}, ownTexts(row.Own)...), "; "),
		}
	}
	return table(t.out, "PURPOSE|KEY PER|KEPT UNTIL|NOT BEFORE|AT ERASURE|BASIS|FIELDS|HOLDS", lines)
}

func ownTexts(own []ownField) []string {
	texts := make([]string, len(own))
	for i, f := range own {
		texts[i] = f.String()
	}
	return texts
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// processings joins the register with the fields of the events of this release.
func processings() ([]processing, error) {
	registry, err := eventschema.NewRegistry()
	if err != nil {
		return nil, err
	}
	fields := map[eventschema.Purpose][]string{}
	for _, definition := range registry.Definitions() {
		for _, section := range definition.New().Sections() {
			for _, field := range section.Fields {
				fields[section.Purpose] = append(fields[section.Purpose], definition.Type+": "+field.Name)
			}
		}
	}
	var rows []processing
	for _, a := range eventschema.Register() {
		row := processing{
			Purpose: a.Purpose, Holds: a.Holds, Fields: fields[a.Purpose], Categories: a.Categories, Subjects: a.Subjects,
			Key: a.Key, KeyMade: a.KeyMade, Until: a.Retention.Until(), Source: a.Retention.Source, Sooner: a.Retention.Sooner,
			FloorSource: a.Retention.FloorSource, Basis: a.Basis, BasisNote: a.BasisNote,
			Recipients: a.Recipients, AtErasure: a.AtErasure, Open: a.Open,
		}
		if !a.Retention.Floor.IsZero() {
			row.Floor = fmt.Sprintf("%s + %s", a.Retention.Anchor, a.Retention.Floor)
		}
		for _, apart := range a.Apart {
			row.Apart = append(row.Apart, apartJSON(apart))
		}
		slices.Sort(row.Fields)
		rows = append(rows, row)
	}
	return rows, nil
}

// article30 follows Art. 30(1) in its order.
const article30 = `# Record of processing activities

GDPR Art. 30(1). Made by tracekeep register from the rows that the program itself follows.

Controller: {{.Controller}}
Contact for data protection: {{.Contact}}

Transfers to third countries: none by this software. Stores are where the controller runs them.

Security: each purpose is sealed with AES-256-GCM under keys of its own, in a key store apart from the records; values are
opened at the edge of a query only, and never written in clear. Keys are destroyed at the times below. What remains is
pseudonymous, not anonymous: times, site and pay code stand in clear under a work id.

| Purpose | People | Kept until | Not before | Ground | Recipients |
|---|---|---|---|---|---|
{{range .Rows}}| {{.Purpose}} | {{list .Subjects}} | {{.Until}} | {{dash .Floor}} | {{.Basis}} | {{list .Recipients}} |
{{end}}{{range .Rows}}
## {{.Purpose}}

- Holds: {{.Holds}} ({{list .Categories}}).
- Fields stored by this release: {{list .Fields}}.
{{if .Own}}- Fields of the controller's own: {{list (own .Own)}}.
{{end}}- One key for each {{.Key}}, made at {{.KeyMade}}.
- Kept until {{.Until}} ({{.Source}}){{if .Sooner}}; sooner by {{list .Sooner}}{{end}}.
{{if .Floor}}- Not destroyed before {{.Floor}}: {{.FloorSource}}.
{{end}}- At the erasure of a person: {{.AtErasure}}.
- Ground: {{.Basis}}; {{.BasisNote}}.
{{range uses .Open}}- Opened for {{.}}.
{{end}}{{range .Apart}}- Apart, as {{.Category}}: {{.Holds}}.
{{range uses .Open}}  - Shown for {{.}}.
{{end}}{{end}}{{end}}`

func (c registerCommand) document(w io.Writer, rows []processing) error {
	page, err := template.New("article 30").Funcs(template.FuncMap{"list": list, "dash": dash, "uses": uses, "own": ownTexts}).Parse(article30)
	if err != nil {
		return err
	}
	return page.Execute(w, map[string]any{"Controller": c.Controller, "Contact": c.Contact, "Rows": rows})
}

func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// uses writes who opens values, by purpose of use, in one order.
func uses(open map[eventschema.Use][]string) []string {
	var lines []string
	for _, use := range []eventschema.Use{eventschema.UseService, eventschema.UseLegalClaim, eventschema.UseAudit} {
		if roles := open[use]; len(roles) > 0 {
			lines = append(lines, fmt.Sprintf("%s by %s", use, list(roles)))
		}
	}
	return lines
}
