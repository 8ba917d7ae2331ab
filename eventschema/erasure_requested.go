package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// ErasureRequested opens an erasure case about a person, or about one work
// record when nobody may learn whose it is. Exactly one of the two ids is set.
//
// History:
//   - v1 knew whole persons only, on the request of an officer.
//   - v2 says where the case comes from and which purposes or items it is about,
//     and may be about a work record.
//   - v3 says of ended retention since when it is counted and when it ended, and
//     may be about single months.
type ErasureRequested struct {
	CaseID      uuid.UUID     `json:"case_id"`
	Origin      ErasureOrigin `json:"origin"`
	Scope       ErasureScope  `json:"scope"`
	PersonID    uuid.UUID     `json:"person_id,omitzero"`
	RecordID    uuid.UUID     `json:"record_id,omitzero"` // a work id
	Purposes    []Purpose     `json:"purposes,omitempty"` // none: all that may go
	Items       []uuid.UUID   `json:"items,omitempty"`    // with ScopeItem
	Periods     []string      `json:"periods,omitempty"`  // of a purpose whose keys have one; none: all
	Anchor      time.Time     `json:"anchor,omitzero"`    // from which ended retention was counted
	DueOn       string        `json:"due_on,omitempty"`   // the date on which it ended
	RequestedAt time.Time     `json:"requested_at"`       // receipt; deadlines count from here
	RequestedBy uuid.UUID     `json:"requested_by"`
	// ClaimHash is the SHA-256, in hex, of the claim code given to the person.
	// It lets them show later that a certificate is theirs. A case that nobody
	// asked for has none.
	ClaimHash string `json:"claim_hash,omitempty"`

	// WorkID is sealed under the identity key that the case will destroy, so the
	// case can find the work record's keys and nobody can afterwards.
	WorkID Personal `json:"-"`
}

// ErasureScope says how much a case erases.
type ErasureScope string

// The scopes.
const (
	ScopePerson  ErasureScope = "person"  // everything not retained on a legal ground
	ScopePurpose ErasureScope = "purpose" // what is held for the purposes named
	ScopeItem    ErasureScope = "item"    // single photos, documents or notes
)

// ErasureOrigin says why a case was opened.
type ErasureOrigin string

// The origins.
const (
	OriginRequest    ErasureOrigin = "request"    // somebody asked (GDPR Art. 17)
	OriginWithdrawal ErasureOrigin = "withdrawal" // consent ended (GDPR Art. 7(3))
	OriginRetention  ErasureOrigin = "retention"  // a retention period ended (GDPR Art. 5(1)(e))
	OriginRemoval    ErasureOrigin = "removal"    // whoever keeps a photo or document no longer does (GDPR Art. 5(1)(c))
)

// EventType implements [Event].
func (e *ErasureRequested) EventType() string { return "erasure-requested" }

// Sections implements [Event].
func (e *ErasureRequested) Sections() []Section {
	return []Section{{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{{"work_id", &e.WorkID}}}}
}

type erasureRequestedV1 struct {
	CaseID      uuid.UUID    `json:"case_id"`
	PersonID    uuid.UUID    `json:"person_id"`
	Scope       ErasureScope `json:"scope"`
	RequestedAt time.Time    `json:"requested_at"`
	RequestedBy uuid.UUID    `json:"requested_by"`
	ClaimHash   string       `json:"claim_hash"`
}

func erasureRequested() Definition {
	return Definition{
		Type: "erasure-requested", Version: 3, New: func() Event { return new(ErasureRequested) },
		Upcasts: map[int]Upcast{1: {Data: upcastErasureRequestedV1}, 2: {Data: asStored}},
	}
}

func upcastErasureRequestedV1(data json.RawMessage) (json.RawMessage, error) {
	var old erasureRequestedV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(ErasureRequested{
		CaseID: old.CaseID, Origin: OriginRequest, Scope: old.Scope, PersonID: old.PersonID,
		RequestedAt: old.RequestedAt, RequestedBy: old.RequestedBy, ClaimHash: old.ClaimHash,
	})
}
