package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/certificate"
	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type certificateCommand struct {
	Show   certificateShow   `cmd:"" help:"Print the certificate of a case, byte for byte."`
	Print  certificatePrint  `cmd:"" help:"Write the certificate of a case as PDF."`
	Verify certificateVerify `cmd:"" help:"Check a certificate offline, and whose it is."`
}

// Help implements kong's help provider.
func (certificateCommand) Help() string {
	return `A certificate is a signed text that identifies nobody. To check it, only the public key of the trail is needed: get it by
another way than the certificate (trail/log.vkey below the data folder). The claim code that the person was given when the case was
opened shows that the certificate is about them; it is read from a file or from standard input, never from the command line.

Examples:
  tracekeep certificate show 91aa… --data ./records > certificate.txt
  tracekeep certificate print 91aa… --data ./records --out certificate.pdf
  tracekeep certificate verify certificate.txt --vkey log.vkey
  echo KQ7FA2M9DXW4TB3RZ5YH6JNPEC | tracekeep certificate verify certificate.txt --vkey log.vkey --claim-code -

Exit code 4: the certificate does not hold, or the claim code is not its own.`
}

// certificateOf names one certificate of a case.
type certificateOf struct {
	dataFlags
	Case  uuid.UUID `arg:"" help:"Case id."`
	Final bool      `help:"The final certificate instead of the effective one."`
}

func (c certificateOf) kind() eventschema.CertificateKind {
	if c.Final {
		return eventschema.CertificateFinal
	}
	return eventschema.CertificateEffective
}

// missing explains why there is no certificate yet.
func (c certificateOf) missing(err error) error {
	if errors.Is(err, httpapi.ErrNotFound) {
		return fmt.Errorf("the case has no %s certificate; tracekeep erase show --case %s tells how far it is", c.kind(), c.Case)
	}
	return err
}

type certificateShow struct {
	certificateOf
	JSON bool `name:"json" help:"Print one JSON object with the certificate in it."`
}

// Run prints a certificate.
func (c certificateShow) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		view, err := a.Certificate(ctx, operator(a), c.Case, c.kind())
		if err != nil {
			return c.missing(err)
		}
		if c.JSON {
			return printJSON(t.out, certificateJSON(view))
		}
		_, err = io.WriteString(t.out, view.Certificate)
		return err
	})
}

type certificatePrint struct {
	certificateOf
	Out string `help:"File to write; - for standard output." default:"certificate.pdf" placeholder:"FILE"`
}

// Run writes a PDF.
func (c certificatePrint) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		page, err := a.PrintCertificate(ctx, operator(a), c.Case, c.kind())
		if err != nil {
			return c.missing(err)
		}
		if c.Out == "-" {
			_, err = t.out.Write(page)
			return err
		}
		if err := os.WriteFile(c.Out, page, 0o600); err != nil {
			return fmt.Errorf("write the certificate: %w", err)
		}
		_, err = fmt.Fprintf(t.out, "wrote %s, %d bytes\n", c.Out, len(page))
		return err
	})
}

type certificateVerify struct {
	File  string `arg:"" help:"The certificate: the signed text, or the JSON that the API answers with."`
	Vkey  string `help:"File with the public key of the trail." placeholder:"FILE"`
	Data  string `help:"Data folder whose public key is taken when no --vkey is given." env:"TRACEKEEP_DATA" placeholder:"DIR"`
	Claim string `name:"claim-code" help:"File with the claim code of the person; - for standard input." placeholder:"FILE"`
	JSON  bool   `name:"json" help:"Print one JSON object."`
}

// Run verifies a certificate without any store.
func (c certificateVerify) Run(_ context.Context, t *terminal) error {
	verifierKey, err := c.key()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	read, err := app.VerifyCertificate(signedText(text), verifierKey)
	if err != nil {
		return &coded{code: exitDefect, err: fmt.Errorf("the certificate does not hold: %w", err)}
	}
	claimed := ""
	if c.Claim != "" {
		code, err := c.claim(t)
		if err != nil {
			return err
		}
		if claimed = "yes"; !read.Claims(code) {
			return &coded{code: exitDefect, err: errors.New("the certificate holds, and the claim code is not its own")}
		}
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{
			"verified": true, "claimed": claimed != "", "kind": read.Kind, "case": read.Case, "destroyed_at": read.DestroyedAt,
			"effective_from": read.EffectiveFrom, "final_from": read.FinalFrom, "keys": len(read.Keys), "retained": listed(read.Retained),
			"leaf": read.Place.Leaf, "proved": read.Place.LeafHash != "",
		})
	}
	return c.tell(t, read, claimed)
}

func (c certificateVerify) tell(t *terminal, read certificate.Certificate, claimed string) error {
	rows := [][]string{
		{"kind", string(read.Kind)}, {"keys destroyed", fmt.Sprintf("%d, %s", len(read.Keys), read.DestroyedAt.Format(time.RFC3339))},
		{"effective from", read.EffectiveFrom.Format(time.RFC3339)},
	}
	if read.FinalFrom != nil {
		rows = append(rows, []string{"final from", read.FinalFrom.Format(time.RFC3339)})
	}
	for _, r := range read.Retained {
		rows = append(rows, []string{"kept", fmt.Sprintf("%s until %s: %s", r.Purpose, r.Until, r.Ground)})
	}
	place := fmt.Sprintf("leaf %d of %d in %s", read.Place.Leaf, read.Place.Size, read.Place.Origin)
	if read.Place.LeafHash == "" {
		place += ", without proof (first release)"
	}
	rows = append(rows, []string{"place in the log", place})
	for _, what := range read.NotCovered {
		rows = append(rows, []string{"not covered", what})
	}
	if claimed != "" {
		rows = append(rows, []string{"claim code", "belongs to this certificate"})
	}
	_, _ = fmt.Fprintln(t.out, "the certificate holds")
	return table(t.out, "case|"+read.Case.String(), rows)
}

func (c certificateVerify) key() (string, error) {
	file := c.Vkey
	if file == "" && c.Data != "" {
		file = filepath.Join(c.Data, "trail", "log.vkey")
	}
	if file == "" {
		return "", &coded{code: exitUsage, err: errors.New("name the public key of the trail with --vkey: without it nothing is verified")}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the public key of the trail: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// claim reads the claim code; it never appears in the arguments of a process.
func (c certificateVerify) claim(t *terminal) (string, error) {
	const most = 1 << 10
	from := t.in
	if c.Claim != "-" {
		file, err := os.Open(c.Claim)
		if err != nil {
			return "", fmt.Errorf("read the claim code: %w", err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	if from == nil {
		return "", errors.New("read the claim code: there is no standard input")
	}
	code, err := io.ReadAll(io.LimitReader(from, most))
	if err != nil {
		return "", fmt.Errorf("read the claim code: %w", err)
	}
	return strings.TrimSpace(string(code)), nil
}

// signedText is the signed note of a file: the file itself, or the member of the
// JSON object that the API and the commands answer with.
func signedText(file []byte) string {
	var wrapped struct {
		Certificate string `json:"certificate"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(file), []byte("{")) && json.Unmarshal(file, &wrapped) == nil && wrapped.Certificate != "" {
		return wrapped.Certificate
	}
	return string(file)
}

func certificateJSON(c httpapi.CertificateView) map[string]any {
	return map[string]any{
		"case": c.CaseID, "kind": c.Kind, "certified_at": c.CertifiedAt, "leaf": c.Leaf, "position": c.Position, "certificate": c.Certificate,
	}
}

func printCertificate(t *terminal, c httpapi.CertificateView, asJSON bool) error {
	if asJSON {
		return printJSON(t.out, certificateJSON(c))
	}
	_, err := fmt.Fprintf(t.out, "erased: %s certificate, leaf %d of the trail\n\n%s\n", c.Kind, c.Leaf, c.Certificate)
	return err
}
