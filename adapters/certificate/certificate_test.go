package certificate_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/pdfcpu/pdfcpu/pkg/api"

	"tracekeep/adapters/certificate"
	"tracekeep/eventschema"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const claimCode = "KQ7FA2M9DXW4TB3RZ5YH6JNPEC"

func hash(n byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{n}, 32)) }

func effective() certificate.Certificate {
	final := noon.AddDate(0, 0, 30)
	return certificate.Certificate{
		Type: certificate.TypeV2, Kind: eventschema.CertificateEffective, Case: uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801"),
		Origin: eventschema.OriginRequest, Scope: eventschema.ScopePerson,
		RequestedAt: noon, DestroyedAt: noon.Add(time.Hour), EffectiveFrom: noon.Add(time.Hour + time.Second), CertifiedAt: noon.Add(time.Hour + time.Minute), FinalBy: &final,
		Keys: []eventschema.DestroyedKey{
			{KeyID: uuid.MustParse("11111111-2222-4333-8444-555555555506"), Purpose: eventschema.PurposeIdentity, Check: strings.Repeat("5f", 16), Epoch: 7},
			{KeyID: uuid.MustParse("11111111-2222-4333-8444-555555555507"), Purpose: eventschema.PurposeContact, Check: strings.Repeat("0c", 16), Epoch: 7},
		},
		Lookups:  2,
		Retained: []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "wage records, 29 CFR 516.2 and 516.5", Until: "end of employment + 7 years"}},
		Caches:   certificate.Caches{Acknowledged: 2, BoundedBy: noon.Add(time.Hour + time.Second)},
		Probes:   certificate.Probes{Credentials: eventschema.CredentialsSeparate, Tried: 9, Erased: 9},
		NotCovered: []string{
			"copies of the key store made before the destruction, until the final certificate", "packages handed out before, and devices not seen since",
		},
		ClaimHash: certificate.HashClaim(claimCode),
		Place: certificate.Place{
			Origin: "tracekeep/a8b9899db12859a1aa86754920b7f5ed", Position: 40961, Leaf: 812, LeafHash: hash(1), Size: 900, Hashes: []string{hash(2), hash(3)},
			Checkpoint: "tracekeep/a8b9899db12859a1aa86754920b7f5ed\n900\n" + hash(4) + "\n\n— tracekeep/a8b9 sig\n",
		},
	}
}

func final() certificate.Certificate {
	c := effective()
	at := noon.AddDate(0, 0, 12)
	c.Kind, c.FinalBy, c.FinalFrom = eventschema.CertificateFinal, nil, &at
	c.Epochs = []eventschema.RetiredEpoch{{Epoch: 7, RetiredAt: at, Reach: "clear", Receipt: strings.Repeat("ab", 32)}}
	return c
}

func text(t testing.TB, c certificate.Certificate) string {
	t.Helper()
	written, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// v1 is a certificate as the first release wrote it.
const v1 = `{
  "type": "tracekeep-erasure-certificate/v1",
  "kind": "effective",
  "case": "d290f1ee-6c54-4b01-90e6-d701748f0801",
  "scope": "person",
  "requested_at": "2026-07-01T12:00:00Z",
  "destroyed_at": "2026-07-01T12:30:00.123456Z",
  "effective_not_later_than": "2026-07-01T12:31:05.123456Z",
  "certified_at": "2026-07-01T12:30:01Z",
  "keys": [
    {
      "key_id": "11111111-2222-4333-8444-555555555506",
      "purpose": "identity",
      "check": "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f",
      "epoch": 1
    }
  ],
  "lookups_removed": 1,
  "retained": [
    {
      "purpose": "work",
      "ground": "wage records, 29 CFR 516.2 and 516.5",
      "until": "end of employment + 7 years"
    }
  ],
  "caches": "every process drops cached keys when notified",
  "probes": {
    "tried": 2,
    "erased": 2
  },
  "not_covered": [
    "packages handed out before, and devices not seen since"
  ],
  "claim_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "trail": {
    "origin": "tracekeep/a8b9899db12859a1aa86754920b7f5ed",
    "position": 40961,
    "leaf": 812,
    "size": 900,
    "root": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
  }
}
`

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	for _, c := range []certificate.Certificate{effective(), final()} {
		got, err := certificate.Parse(text(t, c))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("(-written +read):\n%s", diff)
		}
	}
}

func TestACertificateOfTheFirstReleaseIsRead(t *testing.T) {
	c, err := certificate.Parse(v1)
	if err != nil {
		t.Fatal(err)
	}
	if c.Kind != eventschema.CertificateEffective || c.Origin != eventschema.OriginRequest || len(c.Keys) != 1 || c.Probes.Tried != 2 ||
		!c.EffectiveFrom.Equal(time.Date(2026, 7, 1, 12, 31, 5, 123456000, time.UTC)) || c.Place.Leaf != 812 || c.ClaimHash == "" {
		t.Errorf("%+v", c)
	}
}

func TestWhatIsNoCertificateIsRefusedWithoutRepeatingIt(t *testing.T) {
	const secret = "canaryofacertificate"
	good := text(t, effective())
	swap := func(old, new string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("the certificate has no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for rule, spoilt := range map[string]string{
		"nothing":                          "",
		"no JSON":                          secret,
		"an array":                         "[]",
		"null":                             "null",
		"a list of members":                `{"type":["` + certificate.TypeV2 + `"]}`,
		"another type":                     swap(certificate.TypeV2, secret+"/v9"),
		"an unknown member":                swap(`"kind":`, `"`+secret+`": 1, "kind":`),
		"something behind":                 good + "{}",
		"another kind":                     swap(`"effective"`, `"`+secret+`"`),
		"no case":                          swap("d290f1ee-6c54-4b01-90e6-d701748f0801", uuid.Nil.String()),
		"no time":                          swap(`"2026-07-01T12:00:00Z"`, `"0001-01-01T00:00:00Z"`),
		"an envelope that still opens":     swap(`"envelopes_erased": 9`, `"envelopes_erased": 8`),
		"a key that is left":               swap(`"keys_left": 0`, `"keys_left": 1`),
		"a token that is left":             swap(`"lookups_left": 0`, `"lookups_left": 1`),
		"a claim that is no hash":          swap(effective().ClaimHash, secret),
		"a check value cut short":          swap(strings.Repeat("5f", 16), "5f"),
		"an epoch that never was":          swap(`"epoch": 7`, `"epoch": 0`),
		"a leaf beyond the tree":           swap(`"leaf": 812`, `"leaf": 900`),
		"a proof that is no hash":          swap(hash(2), secret),
		"more told than listed":            swap(`"told": 0`, `"told": 1`),
		"nothing that is not covered":      swap(`"not_covered": [`, `"not_covered": [], "retained": [`),
		"a final date in an effective one": swap(`"final_not_later_than"`, `"final_from"`),
		"a text without end":               "{" + strings.Repeat(" ", 2<<20) + "}",
	} {
		_, err := certificate.Parse(spoilt)
		if !errors.Is(err, certificate.ErrMalformed) {
			t.Errorf("%s: %v", rule, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error repeats what was read: %v", rule, err)
		}
	}
}

func TestAClaimCodeBelongsToOneCertificate(t *testing.T) {
	c := effective()
	for rule, row := range map[string]struct {
		code string
		want bool
	}{
		"as it was given":                {claimCode, true},
		"in groups":                      {"KQ7FA-2M9DX-W4TB3-RZ5YH-6JNPE-C", true},
		"in small letters, with a break": {" kq7fa2m9dxw4tb3rz5yh6jnpec\n", true},
		"another code":                   {"KQ7FA2M9DXW4TB3RZ5YH6JNPED", false},
		"no code":                        {"", false},
		"the hash itself":                {c.ClaimHash, false},
	} {
		if c.Claims(row.code) != row.want {
			t.Errorf("%s: %v", rule, !row.want)
		}
	}
	c.ClaimHash = ""
	if c.Claims("") {
		t.Error("a certificate without a claim was claimed")
	}
}

func TestTheCertificateIsPrintedWithTheSignedText(t *testing.T) {
	many := effective()
	for n := range 300 { // a person with years of locations
		many.Keys = append(many.Keys, eventschema.DestroyedKey{KeyID: uuid.NewSHA1(uuid.Nil, []byte{byte(n), byte(n >> 8)}), Purpose: eventschema.PurposeLocation, Check: strings.Repeat("aa", 16), Epoch: 1 + n})
	}
	nothing := effective()
	nothing.Keys, nothing.Retained, nothing.ClaimHash, nothing.Origin, nothing.Scope = nil, nil, "", eventschema.OriginWithdrawal, eventschema.ScopePurpose
	nothing.Purposes = []eventschema.Purpose{eventschema.PurposeLocation}
	for name, c := range map[string]struct {
		certificate certificate.Certificate
		pages       int // at least
	}{"effective": {effective(), 2}, "final": {final(), 2}, "many keys": {many, 20}, "nothing to destroy": {nothing, 2}} {
		t.Run(name, func(t *testing.T) {
			note := text(t, c.certificate) + "\n— tracekeep/a8b9899db12859a1aa86754920b7f5ed/notes Az3grlsig\n"
			printed, err := certificate.PDF(c.certificate, note)
			if err != nil {
				t.Fatal(err)
			}
			if err := api.Validate(bytes.NewReader(printed), nil); err != nil {
				t.Errorf("no valid PDF: %v", err)
			}
			if pages, err := api.PageCount(bytes.NewReader(printed), nil); err != nil || pages < c.pages {
				t.Errorf("%d pages, %v; want at least %d", pages, err, c.pages)
			}
			if keep := os.Getenv("KEEP_PDF"); keep != "" { // to look at
				if err := os.WriteFile(filepath.Join(keep, strings.ReplaceAll(name, " ", "-")+".pdf"), printed, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text(f, effective()))
	f.Add(text(f, final()))
	f.Add(v1)
	f.Add(`{"type":"tracekeep-erasure-certificate/v2"}`)
	f.Fuzz(func(t *testing.T, input string) {
		c, err := certificate.Parse(input)
		if err != nil {
			if !errors.Is(err, certificate.ErrMalformed) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if c.Type == certificate.TypeV1 {
			return // never written again
		}
		again, err := certificate.Parse(text(t, c))
		if err != nil {
			t.Fatalf("what was read is not read again: %v", err)
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	})
}
