package certificate

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// ErrMalformed refuses a text that is no certificate of a known format.
var ErrMalformed = errors.New("not an erasure certificate that this release reads")

// maxText bounds what is parsed.
const maxText = 1 << 20

// Parse reads the text of a certificate, in any format that was ever written. It
// says nothing about who signed it. It never repeats what it read in an error.
func Parse(text string) (Certificate, error) {
	var format struct {
		Type string `json:"type"`
	}
	if len(text) > maxText || json.Unmarshal([]byte(text), &format) != nil {
		return Certificate{}, fmt.Errorf("%w: no JSON object", ErrMalformed)
	}
	var c Certificate
	switch format.Type {
	case TypeV1:
		var old certificateV1
		if err := strictly(text, &old); err != nil {
			return Certificate{}, err
		}
		c = old.current()
	case TypeV2:
		if err := strictly(text, &c); err != nil {
			return Certificate{}, err
		}
	default:
		return Certificate{}, fmt.Errorf("%w: its type is not known", ErrMalformed)
	}
	if err := c.validate(); err != nil {
		return Certificate{}, err
	}
	return c, nil
}

// strictly reads one JSON object that has known members only, and nothing behind.
func strictly(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(into) != nil {
		return fmt.Errorf("%w: a member is not known or has another form", ErrMalformed)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the object", ErrMalformed)
	}
	return nil
}

// validate holds a certificate to what every one says. It does not compare times:
// a clock may have been set between two of them.
func (c Certificate) validate() error {
	final := c.Kind == eventschema.CertificateFinal
	for _, rule := range []struct {
		what  string
		wrong bool
	}{
		{"the kind", !final && c.Kind != eventschema.CertificateEffective},
		{"the case", c.Case == uuid.Nil},
		{"the scope", c.Scope == ""},
		{"a time", c.RequestedAt.IsZero() || c.DestroyedAt.IsZero() || c.EffectiveFrom.IsZero() || c.CertifiedAt.IsZero()},
		{"the final date", final != (c.FinalFrom != nil) || final && c.FinalBy != nil},
		{"the claim hash", c.ClaimHash != "" && !isHex(c.ClaimHash, 32)},
		{"the probes", c.Probes.Erased != c.Probes.Tried || c.Probes.Tried < 0 || c.Probes.Keys != 0 || c.Probes.Lookups != 0},
		{"the counts", c.Lookups < 0 || c.Files < 0 || c.Caches.Acknowledged < 0 || c.Caches.Silent < 0 || c.Recipients.Told < 0 || c.Recipients.Told > c.Recipients.Listed},
		{"the place", c.Place.Origin == "" || c.Place.Leaf >= c.Place.Size},
		{"what is not covered", len(c.NotCovered) == 0},
		{"a key", slices.ContainsFunc(c.Keys, func(k eventschema.DestroyedKey) bool {
			return k.KeyID == uuid.Nil || k.Purpose == "" || k.Epoch < 1 || !isHex(k.Check, 16)
		})},
		{"the proof", slices.ContainsFunc(append([]string{c.Place.LeafHash}, c.Place.Hashes...), func(h string) bool {
			return h != "" && !isHash(h)
		})},
	} {
		if rule.wrong {
			return fmt.Errorf("%w: %s cannot be", ErrMalformed, rule.what)
		}
	}
	return nil
}

func isHex(text string, size int) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == size && strings.ToLower(text) == text
}

func isHash(text string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == 32
}

// certificateV1 is the format of the first release. It names the root of the log
// and carries no proof.
type certificateV1 struct {
	Type        string                      `json:"type"`
	Kind        eventschema.CertificateKind `json:"kind"`
	Case        uuid.UUID                   `json:"case"`
	Scope       eventschema.ErasureScope    `json:"scope"`
	RequestedAt time.Time                   `json:"requested_at"`
	DestroyedAt time.Time                   `json:"destroyed_at"`
	EffectiveBy time.Time                   `json:"effective_not_later_than"`
	CertifiedAt time.Time                   `json:"certified_at"`
	Keys        []eventschema.DestroyedKey  `json:"keys"`
	Lookups     int                         `json:"lookups_removed"`
	Retained    []eventschema.Retained      `json:"retained"`
	Caches      string                      `json:"caches"`
	Probes      struct {
		Tried  int `json:"tried"`
		Erased int `json:"erased"`
	} `json:"probes"`
	NotCovered []string `json:"not_covered"`
	ClaimHash  string   `json:"claim_hash"`
	Trail      struct {
		Origin   string `json:"origin"`
		Position uint64 `json:"position"`
		Leaf     uint64 `json:"leaf"`
		Size     uint64 `json:"size"`
		Root     string `json:"root"`
	} `json:"trail"`
}

func (old certificateV1) current() Certificate {
	return Certificate{
		Type: old.Type, Kind: old.Kind, Case: old.Case, Origin: eventschema.OriginRequest, Scope: old.Scope,
		RequestedAt: old.RequestedAt, DestroyedAt: old.DestroyedAt, EffectiveFrom: old.EffectiveBy, CertifiedAt: old.CertifiedAt,
		Keys: old.Keys, Lookups: old.Lookups, Retained: old.Retained, Caches: Caches{BoundedBy: old.EffectiveBy},
		Probes:     Probes{Credentials: eventschema.CredentialsSame, Tried: old.Probes.Tried, Erased: old.Probes.Erased},
		NotCovered: old.NotCovered, ClaimHash: old.ClaimHash,
		Place: Place{Origin: old.Trail.Origin, Position: old.Trail.Position, Leaf: old.Trail.Leaf, Size: old.Trail.Size},
	}
}
