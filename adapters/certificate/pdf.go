package certificate

import (
	"fmt"
	"strings"
	"time"

	"github.com/johnfercher/maroto/v2"
	"github.com/johnfercher/maroto/v2/pkg/components/col"
	"github.com/johnfercher/maroto/v2/pkg/components/line"
	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/components/text"
	"github.com/johnfercher/maroto/v2/pkg/config"
	"github.com/johnfercher/maroto/v2/pkg/consts/align"
	"github.com/johnfercher/maroto/v2/pkg/consts/border"
	"github.com/johnfercher/maroto/v2/pkg/consts/fontstyle"
	"github.com/johnfercher/maroto/v2/pkg/core"
	"github.com/johnfercher/maroto/v2/pkg/core/entity"
	"github.com/johnfercher/maroto/v2/pkg/props"
	"github.com/johnfercher/maroto/v2/pkg/repository"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"

	"tracekeep/eventschema"
)

// The families of the embedded fonts (golang.org/x/image/font/gofont, BSD).
const (
	sans = "go"
	mono = "gomono"
)

var (
	ink    = &props.Color{Red: 28, Green: 36, Blue: 48}
	faint  = &props.Color{Red: 96, Green: 106, Blue: 120}
	accent = &props.Color{Red: 24, Green: 66, Blue: 110}
	shade  = &props.Color{Red: 238, Green: 242, Blue: 247}
)

// PDF lays out a certificate for people, with the signed note behind it.
func PDF(c Certificate, signed string) ([]byte, error) {
	fonts, err := fonts()
	if err != nil {
		return nil, fmt.Errorf("lay out the certificate: %w", err)
	}
	cfg := config.NewBuilder().
		WithCustomFonts(fonts).WithDefaultFont(&props.Font{Family: sans, Size: 9, Color: ink}).
		WithLeftMargin(20).WithRightMargin(20).WithTopMargin(16).WithBottomMargin(16).
		WithTitle("Certificate of erasure "+c.Case.String(), true).WithCreator("Tracekeep", true).WithCreationDate(c.CertifiedAt.UTC()).
		WithPageNumber(props.PageNumber{Pattern: "page {current} of {total}", Place: props.RightBottom, Family: sans, Size: 7, Color: faint}).
		WithCompression(true).WithSequentialMode().Build()
	p := &printed{m: maroto.New(cfg)}
	if err := p.frame(c); err != nil {
		return nil, fmt.Errorf("lay out the certificate: %w", err)
	}
	p.statement(c)
	p.destroyed(c)
	p.retained(c)
	p.assurance(c)
	p.notCovered(c)
	p.claim(c)
	p.signedText(signed)
	document, err := p.m.Generate()
	if err != nil {
		return nil, fmt.Errorf("lay out the certificate: %w", err)
	}
	return document.GetBytes(), nil
}

func fonts() ([]*entity.CustomFont, error) {
	return repository.New().
		AddUTF8FontFromBytes(sans, fontstyle.Normal, goregular.TTF).
		AddUTF8FontFromBytes(sans, fontstyle.Bold, gobold.TTF).
		AddUTF8FontFromBytes(mono, fontstyle.Normal, gomono.TTF).
		Load()
}

// printed is a certificate being laid out.
type printed struct{ m core.Maroto }

func (p *printed) frame(c Certificate) error {
	head := row.New(7).Add(
		text.NewCol(6, "Tracekeep", props.Text{Style: fontstyle.Bold, Size: 8, Color: accent}),
		text.NewCol(6, "Case "+c.Case.String(), props.Text{Size: 7.5, Align: align.Right, Color: faint}),
	)
	rule := line.NewRow(4, props.Line{Color: accent, Thickness: 0.4, SizePercent: 100})
	return p.m.RegisterHeader(head, rule)
}

// kind is the name of the certificate in its title.
func (c Certificate) kind() string {
	if c.Kind == eventschema.CertificateFinal {
		return "Final certificate of erasure"
	}
	return "Effective certificate of erasure"
}

func (p *printed) statement(c Certificate) {
	p.m.AddRows(
		text.NewRow(11, c.kind(), props.Text{Style: fontstyle.Bold, Size: 18, Color: accent, Top: 1}),
		text.NewAutoRow(c.statement(), props.Text{Size: 10, Bottom: 4, Top: 2, VerticalPadding: 0.7}),
	)
	facts := [][2]string{
		{"Case", c.Case.String()}, {"Opened by", origin(c.Origin)}, {"Scope", c.scope()},
		{"Requested", instant(c.RequestedAt)}, {"Keys destroyed", instant(c.DestroyedAt)}, {"Effective from", instant(c.EffectiveFrom)},
	}
	if c.FinalFrom != nil {
		facts = append(facts, [2]string{"Final from", instant(*c.FinalFrom)})
	}
	if c.FinalBy != nil {
		facts = append(facts, [2]string{"Final not later than", instant(*c.FinalBy)})
	}
	for i, fact := range append(facts, [2]string{"Certified", instant(c.CertifiedAt)}) {
		p.pair(fact[0], fact[1], i%2 == 0)
	}
}

func (c Certificate) statement() string {
	if c.Kind == eventschema.CertificateFinal {
		return "The keys listed below were destroyed. The values they sealed cannot be read in any running system, nor in any older copy of the key " +
			"store: the keys that wrapped them are gone as well. What was kept, and on which ground, is listed. This certificate identifies nobody."
	}
	return "The keys listed below were destroyed. The values they sealed cannot be read in any running system. Copies of the key store made before " +
		"the destruction become unreadable when the final certificate follows. What was kept, and on which ground, is listed. This certificate " +
		"identifies nobody."
}

func origin(o eventschema.ErasureOrigin) string {
	switch o {
	case eventschema.OriginWithdrawal:
		return "the withdrawal of a consent (GDPR Art. 7(3))"
	case eventschema.OriginRetention:
		return "the end of a retention period (GDPR Art. 5(1)(e))"
	case eventschema.OriginRemoval:
		return "the removal of single photos or documents (GDPR Art. 5(1)(c))"
	case eventschema.OriginRequest:
		return "a request for erasure (GDPR Art. 17)"
	}
	return string(o)
}

func (c Certificate) scope() string {
	if c.Scope == eventschema.ScopePerson {
		return "the whole person, except what is retained"
	}
	purposes := make([]string, len(c.Purposes))
	for i, purpose := range c.Purposes {
		purposes[i] = string(purpose)
	}
	if c.Scope == eventschema.ScopeItem {
		return "single items of: " + strings.Join(purposes, ", ")
	}
	return "what was held for: " + strings.Join(purposes, ", ")
}

func (p *printed) destroyed(c Certificate) {
	p.heading("What was destroyed")
	if len(c.Keys) == 0 {
		p.paragraph("No key: an earlier case had destroyed them all, or none was ever made.")
	} else {
		p.table([]int{5, 2, 4, 1}, []string{"Key", "Purpose", "Check value", "Epoch"}, len(c.Keys), func(i int) []string {
			k := c.Keys[i]
			return []string{k.KeyID.String(), string(k.Purpose), k.Check, fmt.Sprint(k.Epoch)}
		})
	}
	p.paragraph(fmt.Sprintf("Search tokens removed with them: %d.", c.Lookups))
	if c.Files > 0 {
		p.paragraph(fmt.Sprintf("Sealed photos and documents whose files were deleted: %d.", c.Files))
	}
}

func (p *printed) retained(c Certificate) {
	p.heading("What was kept, on which ground, until when")
	if len(c.Retained) == 0 {
		p.paragraph("Nothing within the scope of this case.")
		return
	}
	p.table([]int{2, 6, 4}, []string{"Purpose", "Ground", "Until"}, len(c.Retained), func(i int) []string {
		r := c.Retained[i]
		return []string{string(r.Purpose), r.Ground, r.Until}
	})
	p.paragraph("What is kept is opened for legal claims and audits only. Times, sites and pay codes stay under a pseudonymous id.")
}

func (p *printed) assurance(c Certificate) {
	p.heading("How it is known")
	caches := fmt.Sprintf("%d processes that held keys acknowledged that they dropped them", c.Caches.Acknowledged)
	if c.Caches.Silent > 0 || c.Caches.Acknowledged == 0 {
		caches += fmt.Sprintf("; %d others had to stop using them by %s", c.Caches.Silent, instant(c.Caches.BoundedBy))
	}
	credentials := "an account that sees no key"
	if c.Probes.Credentials == eventschema.CredentialsSame {
		credentials = "the account of the service, with empty caches"
	}
	facts := [][2]string{
		{"Caches", caches},
		{"Verified with", credentials},
		{"Old envelopes tried", fmt.Sprintf("%d, of which %d answered erased", c.Probes.Tried, c.Probes.Erased)},
		{"Left in the key store", fmt.Sprintf("%d keys, %d search tokens", c.Probes.Keys, c.Probes.Lookups)},
		{"Recipients", fmt.Sprintf("%d on record, %d told or out of reach", c.Recipients.Listed, c.Recipients.Told)},
		{"Place in the log", fmt.Sprintf("leaf %d of %d in %s, position %d", c.Place.Leaf, c.Place.Size, c.Place.Origin, c.Place.Position)},
	}
	for _, epoch := range c.Epochs {
		facts = append(facts, [2]string{fmt.Sprintf("Epoch %d retired", epoch.Epoch), fmt.Sprintf("%s, %s in the words of NIST SP 800-88", instant(epoch.RetiredAt), epoch.Reach)})
	}
	for i, fact := range facts {
		p.pair(fact[0], fact[1], i%2 == 0)
	}
}

func (p *printed) notCovered(c Certificate) {
	p.heading("What this certificate does not cover")
	for _, what := range c.NotCovered {
		p.m.AddAutoRow(
			text.NewCol(1, "–", props.Text{Align: align.Right, Right: 2, Bottom: 1}),
			text.NewCol(11, what, props.Text{Bottom: 1, VerticalPadding: 0.5}),
		)
	}
}

func (p *printed) claim(c Certificate) {
	p.heading("To show that this certificate is about you")
	if c.ClaimHash == "" {
		p.paragraph("Nobody was given a claim code: the case was not opened by a request.")
		return
	}
	p.paragraph("You were given a claim code when you asked. Whoever checks this certificate enters it: only your code belongs to the hash below, and " +
		"the certificate needs no name. Keep the code to yourself and apart from this paper; it is kept nowhere else.")
	p.code("SHA-256 of the claim code  " + c.ClaimHash)
	p.paragraph("Offline, with the public key of the log, which you should get by another way than this paper:")
	p.code("tracekeep certificate verify FILE --vkey log.vkey --claim-code code.txt")
	p.paragraph("FILE holds the signed text that follows, byte for byte: ask for it as a file. The claim code is one line of code.txt.")
}

// lineWidth is how many letters of the signed text fit on a line.
const lineWidth = 96

// signedText begins a page of its own. Long lines are broken; the file is what
// the signature is checked on.
func (p *printed) signedText(signed string) {
	lines := strings.Split(strings.TrimRight(signed, "\n"), "\n")
	for !p.m.FitlnCurrentPage(200) { // fill up the page
		p.m.AddRow(1, col.New(12))
	}
	p.heading("The signed text")
	for _, whole := range lines {
		for i, part := range broken(whole) {
			if i > 0 {
				part = "    > " + part
			}
			p.m.AddRows(text.NewRow(3.3, hard(part), props.Text{Family: mono, Size: 6.5}))
		}
	}
}

// broken cuts a line into parts that fit.
func broken(whole string) []string {
	letters := []rune(whole)
	var parts []string
	for len(letters) > lineWidth {
		parts, letters = append(parts, string(letters[:lineWidth])), letters[lineWidth:]
	}
	return append(parts, string(letters))
}

// hard keeps the layout from taking spaces for places to break and to trim.
func hard(text string) string { return strings.ReplaceAll(text, " ", "\u00a0") }

func (p *printed) heading(title string) {
	p.m.AddRows(text.NewRow(11, title, props.Text{Style: fontstyle.Bold, Size: 11, Color: accent, Top: 4}))
}

func (p *printed) paragraph(words string) {
	p.m.AddRows(text.NewAutoRow(words, props.Text{Top: 1, Bottom: 1.5, VerticalPadding: 0.5}))
}

func (p *printed) code(words string) {
	p.m.AddRows(text.NewRow(7, hard(words), props.Text{Family: mono, Size: 7.5, Top: 1.8, Left: 2}).WithStyle(&props.Cell{BackgroundColor: shade}))
}

func (p *printed) pair(name, value string, shaded bool) {
	r := row.New().Add(
		text.NewCol(4, name, props.Text{Color: faint, Top: 1.2, Bottom: 1.2, Left: 2}),
		text.NewCol(8, value, props.Text{Top: 1.2, Bottom: 1.2, VerticalPadding: 0.5}),
	)
	if shaded {
		r = r.WithStyle(&props.Cell{BackgroundColor: shade})
	}
	p.m.AddRows(r)
}

func (p *printed) table(widths []int, heading []string, rows int, cells func(int) []string) {
	var head []core.Col
	for i, name := range heading {
		head = append(head, text.NewCol(widths[i], name, props.Text{Style: fontstyle.Bold, Size: 8, Top: 1, Bottom: 1, Left: 1}))
	}
	p.m.AddRows(row.New(6).Add(head...).WithStyle(&props.Cell{BorderType: border.Bottom, BorderColor: accent, BorderThickness: 0.3}))
	for n := range rows {
		var cols []core.Col
		for i, cell := range cells(n) {
			style := props.Text{Size: 8, Top: 1, Bottom: 1, Left: 1, VerticalPadding: 0.4}
			if heading[i] == "Key" || heading[i] == "Check value" {
				style.Family, style.Size, cell = mono, 6.5, hard(cell)
			}
			cols = append(cols, text.NewCol(widths[i], cell, style))
		}
		p.m.AddRows(row.New().Add(cols...).WithStyle(&props.Cell{BorderType: border.Bottom, BorderColor: shade, BorderThickness: 0.2}))
	}
}

func instant(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04:05 UTC") }
