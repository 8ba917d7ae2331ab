package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// DisclosureRecorded says that values of a person were given to somebody outside:
// to whom, on which ground, for which interest (FERPA, 34 CFR 99.32; GDPR Art. 19).
// The recipient is a code of the register of recipients, never a person's name.
//
// History: v1 is the first version.
type DisclosureRecorded struct {
	DisclosureID uuid.UUID        `json:"disclosure_id"`
	PersonID     uuid.UUID        `json:"person_id"`
	Recipient    string           `json:"recipient"` // a code
	Ground       DisclosureGround `json:"ground"`
	Interest     string           `json:"interest"`             // the legitimate interest, a code
	Purposes     []Purpose        `json:"purposes"`             // whose values were given
	Instrument   string           `json:"instrument,omitempty"` // of a court or an authority: its file number
	Reference    string           `json:"reference,omitempty"`  // under which the recipient knows the disclosure
	DisclosedAt  time.Time        `json:"disclosed_at"`
	DisclosedBy  uuid.UUID        `json:"disclosed_by"`
	ApprovedBy   uuid.UUID        `json:"approved_by,omitzero"` // the second person of a disclosure for legal reasons
}

// DisclosureGround says what allows a disclosure.
type DisclosureGround string

// The grounds: the person's own word, a contract with a processor, and the
// seven cases of promise OT-17.
const (
	DisclosureDirected       DisclosureGround = "directed_by_subject"
	DisclosureProcessor      DisclosureGround = "processor"
	DisclosureCourtOrder     DisclosureGround = "court_order"
	DisclosureLawEnforcement DisclosureGround = "law_enforcement"
	DisclosureLegalRights    DisclosureGround = "legal_rights"
	DisclosureSafety         DisclosureGround = "property_or_safety"
	DisclosureDefence        DisclosureGround = "defence_of_claims"
	DisclosureSecurity       DisclosureGround = "security_investigation"
	DisclosureLaw            DisclosureGround = "required_or_permitted_by_law"
)

// DisclosureGrounds lists every ground. Sale and advertising are none.
func DisclosureGrounds() []DisclosureGround {
	return []DisclosureGround{
		DisclosureDirected, DisclosureProcessor, DisclosureCourtOrder, DisclosureLawEnforcement, DisclosureLegalRights,
		DisclosureSafety, DisclosureDefence, DisclosureSecurity, DisclosureLaw,
	}
}

// EventType implements [Event].
func (e *DisclosureRecorded) EventType() string { return "disclosure-recorded" }

// Sections implements [Event].
func (e *DisclosureRecorded) Sections() []Section { return nil }

func disclosureRecorded() Definition {
	return Definition{Type: "disclosure-recorded", Version: 1, New: func() Event { return new(DisclosureRecorded) }}
}
