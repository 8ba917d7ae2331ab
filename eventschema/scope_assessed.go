package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ScopeAssessed says what the case will destroy now and what stays, until when
// and on which ground (promise DS-20). The approval is about this.
//
// History: v1 is the first version.
type ScopeAssessed struct {
	CaseID     uuid.UUID       `json:"case_id"`
	AssessedAt time.Time       `json:"assessed_at"`
	AssessedBy uuid.UUID       `json:"assessed_by,omitzero"`
	Policy     string          `json:"policy,omitempty"` // a code; set when no person assessed
	Destroyed  []ErasureTarget `json:"destroyed"`
	Retained   []Retained      `json:"retained"`
}

// ErasureTarget is what a case destroys: the keys of one purpose, of the person
// or of the work record.
type ErasureTarget struct {
	Holder  KeyHolder `json:"holder"`
	Purpose Purpose   `json:"purpose"`
}

// KeyHolder says whose keys they are. No id is needed: a case is about one
// person and the one work record of theirs.
type KeyHolder string

// The holders.
const (
	HolderPerson KeyHolder = "person"
	HolderRecord KeyHolder = "record"
)

// EventType implements [Event].
func (e *ScopeAssessed) EventType() string { return "scope-assessed" }

// Sections implements [Event].
func (e *ScopeAssessed) Sections() []Section { return nil }

func scopeAssessed() Definition {
	return Definition{Type: "scope-assessed", Version: 1, New: func() Event { return new(ScopeAssessed) }}
}
