package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CopiesPursued says what exists outside the stores: files erased with the case,
// devices told to wipe, and the recipients who must be told (GDPR Art. 19). Telling
// them is an officer's task; [RecipientNotified] records that it was done.
//
// History: v1 is the first version.
type CopiesPursued struct {
	CaseID     uuid.UUID   `json:"case_id"`
	PursuedAt  time.Time   `json:"pursued_at"`
	Files      int         `json:"files"`
	Devices    int         `json:"devices"`
	Recipients []Recipient `json:"recipients"`
}

// Recipient is somebody a person's values were disclosed to, as the register of
// recipients names them.
type Recipient struct {
	DisclosureID uuid.UUID `json:"disclosure_id"`
	Name         string    `json:"name"`                // a code of the register of recipients
	Reference    string    `json:"reference,omitempty"` // under which the recipient knows the disclosure
	DisclosedAt  time.Time `json:"disclosed_at"`
}

// EventType implements [Event].
func (e *CopiesPursued) EventType() string { return "copies-pursued" }

// Sections implements [Event].
func (e *CopiesPursued) Sections() []Section { return nil }

func copiesPursued() Definition {
	return Definition{Type: "copies-pursued", Version: 1, New: func() Event { return new(CopiesPursued) }}
}
