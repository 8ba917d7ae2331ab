package field

import (
	"errors"
	"slices"

	"tracekeep/eventschema"
)

// Ground is why somebody else than the person reads values of special categories: the
// exceptions of GDPR Art. 9(2) that an employer or a school can have.
type Ground string

// The grounds. They are codes as a reading is recorded with them.
const (
	GroundConsent  Ground = "explicit-consent"      // (a)
	GroundLaw      Ground = "employment-law"        // (b), social security and protection included
	GroundVital    Ground = "vital-interests"       // (c)
	GroundClaims   Ground = "legal-claims"          // (f)
	GroundMedicine Ground = "occupational-medicine" // (h)
)

// Grounds lists every ground.
func Grounds() []Ground {
	return []Ground{GroundConsent, GroundLaw, GroundVital, GroundClaims, GroundMedicine}
}

// Operation names what was asked, as a reading is recorded with it: the ground, where
// there is one, is part of the name.
func (g Ground) Operation(asked string) string {
	if g == "" {
		return asked
	}
	return asked + "-" + string(g)
}

// ErrGround refuses a ground that the law does not know.
var ErrGround = errors.New("values of special categories are read by explicit-consent, employment-law, vital-interests, legal-claims or occupational-medicine")

// Reader is who asks to be shown values, in which role, for which use and, of special
// categories, on which ground. Roles are the words of the register.
type Reader struct {
	Role   string
	Use    eventschema.Use
	Ground Ground // empty: none
}

// The roles that are told apart below.
const (
	roleWorker  = "worker" // the person whose values they are
	roleManager = "manager"
	roleAuditor = "auditor"
)

// May says whether a reader is shown the values of a field. The register says who opens
// values of its purpose for which use. Of those, managers are shown what is ordinary
// alone; and what is of a special category is shown to the person, and to others who
// name a ground and are no auditors: that a value is there can be checked without it.
func (r Reader) May(f Field) bool {
	activity, known := eventschema.Activity(f.Purpose)
	if !known || !slices.Contains(activity.Open[r.Use], r.Role) {
		return false
	}
	switch f.Sensitivity {
	case eventschema.SensitivityOrdinary:
		return true
	case eventschema.SensitivityConfidential:
		return r.Role != roleManager
	case eventschema.SensitivitySpecial:
		return r.Role == roleWorker || r.Role != roleManager && r.Role != roleAuditor && slices.Contains(Grounds(), r.Ground)
	}
	return false
}
