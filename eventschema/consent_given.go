package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// ConsentGiven says that consent to one purpose was given, and proves it: which
// notice was shown, in which language, by which method (GDPR Art. 7(1)).
//
// History:
//   - v1 named what was consented to a scope and had no language.
//   - v2 calls it purpose, from the purpose registry, and keeps the language.
type ConsentGiven struct {
	WorkID        uuid.UUID `json:"work_id"`
	Purpose       Purpose   `json:"purpose"`
	GivenAt       time.Time `json:"given_at"`
	NoticeVersion string    `json:"notice_version"`
	Language      string    `json:"language"` // BCP 47; und where a v1 record did not say
	Method        string    `json:"method"`   // app, paper or kiosk
}

// EventType implements [Event].
func (e *ConsentGiven) EventType() string { return "consent-given" }

// Sections implements [Event].
func (e *ConsentGiven) Sections() []Section { return nil }

type consentGivenV1 struct {
	WorkID        uuid.UUID `json:"work_id"`
	Scope         string    `json:"scope"`
	GivenAt       time.Time `json:"given_at"`
	NoticeVersion string    `json:"notice_version"`
	Method        string    `json:"method"`
}

func consentGiven() Definition {
	return Definition{
		Type: "consent-given", Version: 2, New: func() Event { return new(ConsentGiven) },
		Upcasts: map[int]Upcast{1: {Data: upcastConsentGivenV1}},
	}
}

func upcastConsentGivenV1(data json.RawMessage) (json.RawMessage, error) {
	var old consentGivenV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	purpose := Purpose(old.Scope)
	if old.Scope == "gps" { // the only scope v1 knew by another word
		purpose = PurposeLocation
	}
	return json.Marshal(ConsentGiven{
		WorkID: old.WorkID, Purpose: purpose, GivenAt: old.GivenAt,
		NoticeVersion: old.NoticeVersion, Language: "und", Method: old.Method,
	})
}
