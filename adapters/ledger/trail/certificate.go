package trail

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Certificate is what this package reads of a certificate of erasure: a signed
// note whose text is JSON. It names no person.
type Certificate struct {
	Type        string    `json:"type"`
	Kind        string    `json:"kind"`
	Case        string    `json:"case"`
	DestroyedAt time.Time `json:"destroyed_at"`
	Keys        []struct {
		KeyID string `json:"key_id"`
	} `json:"keys"`
	Trail struct {
		Origin   string `json:"origin"`
		Position uint64 `json:"position"`
		Leaf     uint64 `json:"leaf"`
		Size     uint64 `json:"size"`
		// Root is that of the log at this size: in a certificate of version 1 as it
		// says, in later ones from the checkpoint that it carries.
		Root       Hash   `json:"root"`
		Checkpoint string `json:"checkpoint"`
	} `json:"trail"`
}

const (
	typeCertified      = "erasure-certified.v"
	typeDestroyed      = "keys-destroyed.v"
	certificateType    = "tracekeep-erasure-certificate/v"
	maxDestructionsFor = 16 // destructions remembered of one case
)

// Certificates follow the erasures of a log and check their certificates: that
// the log signed them, with the key then in force, that the log they were written
// in is this one, and that the destruction they certify is where they say.
type Certificates struct {
	keys      Keys
	destroyed map[string][]uint64 // leaves of destructions, by case
	checked   uint64
}

// NewCertificates begins to follow a log.
func NewCertificates(keys Keys) *Certificates {
	return &Certificates{keys: keys, destroyed: map[string][]uint64{}}
}

// Checked is how many certificates hold.
func (c *Certificates) Checked() uint64 { return c.checked }

// IsCertificate answers the signed certificate that an event carries, if it does.
func IsCertificate(event Event) (signed string, is bool) {
	if !strings.HasPrefix(event.Type, typeCertified) {
		return "", false
	}
	var said struct {
		Certificate string `json:"certificate"`
	}
	if json.Unmarshal(event.Data, &said) != nil {
		return "", true
	}
	return said.Certificate, true
}

// ReadCertificate reads a certificate without checking who signed it: the answer
// is only what somebody claims. Errors: [ErrMalformed].
func ReadCertificate(signed string) (Certificate, error) {
	_, text, found := strings.Cut(signed, NoteLabel+"\n")
	end := strings.LastIndex(text, "\n\n")
	if !found || end < 0 {
		return Certificate{}, fmt.Errorf("certificate of erasure: %w", ErrMalformed)
	}
	return parseCertificate(text[:end])
}

func parseCertificate(text string) (Certificate, error) {
	var said Certificate
	if json.Unmarshal([]byte(text), &said) != nil || !strings.HasPrefix(said.Type, certificateType) {
		return said, fmt.Errorf("certificate of erasure: %w", ErrMalformed)
	}
	return said, nil
}

// OpenCertificate reads a signed certificate. Errors: [ErrMalformed], [ErrSignature].
func (k Keys) OpenCertificate(signed string) (Certificate, Term, error) {
	text, term, err := k.OpenNote(signed)
	if err != nil {
		return Certificate{}, term, err
	}
	said, err := parseCertificate(text)
	if err != nil || said.Trail.Checkpoint == "" {
		return said, term, err
	}
	checkpoint, err := k.OpenCheckpoint(said.Trail.Checkpoint)
	if err != nil {
		return said, term, fmt.Errorf("checkpoint in the certificate of erasure: %w", err)
	}
	if checkpoint.Size != said.Trail.Size {
		return said, term, fmt.Errorf("certificate of erasure: its checkpoint is of another size: %w", ErrMalformed)
	}
	said.Trail.Root = checkpoint.Root
	return said, term, nil
}

// Event takes the event of a leaf. rootAt answers the root that the log had at a
// size, and false where that is not known; then the place is left unchecked.
func (c *Certificates) Event(leaf uint64, event Event, rootAt func(size uint64) (Hash, bool)) []Finding {
	if strings.HasPrefix(event.Type, typeDestroyed) {
		c.noteDestruction(leaf, event)
		return nil
	}
	signed, is := IsCertificate(event)
	if !is {
		return nil
	}
	kind, detail := c.check(leaf, signed, rootAt)
	if detail == "" {
		c.checked++
		return nil
	}
	return []Finding{{Position: event.Position, Leaf: leaf, Stream: event.Stream, Revision: event.Revision, Kind: kind, Detail: detail}}
}

func (c *Certificates) noteDestruction(leaf uint64, event Event) {
	var said struct {
		Case string `json:"case_id"`
	}
	if json.Unmarshal(event.Data, &said) == nil && len(c.destroyed[said.Case]) < maxDestructionsFor {
		c.destroyed[said.Case] = append(c.destroyed[said.Case], leaf)
	}
}

// check answers what is wrong with a certificate, or nothing.
func (c *Certificates) check(leaf uint64, signed string, rootAt func(uint64) (Hash, bool)) (Kind, string) {
	said, term, err := c.keys.OpenCertificate(signed)
	place := said.Trail
	if err != nil {
		return KindBadSignature, "the certificate is not one that the log signed"
	}
	root, known := rootAt(place.Size)
	destructions, seen := c.destroyed[said.Case]
	switch {
	case place.Size < term.From || place.Size > term.To:
		return KindBadSignature, "the certificate is signed by a key that was not in force then"
	case place.Origin != c.keys.Origin() || place.Size > leaf || place.Leaf >= place.Size:
		return KindFalseClaim, "the certificate names a place that the log had not reached"
	case known && root != place.Root:
		return KindFalseClaim, fmt.Sprintf("the certificate names a root that the log never had at size %d", place.Size)
	case seen && !slices.Contains(destructions, place.Leaf):
		return KindFalseClaim, fmt.Sprintf("leaf %d is not the destruction of its case", place.Leaf)
	}
	return "", ""
}
