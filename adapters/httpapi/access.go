package httpapi

import (
	"maps"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
)

// Reach is how far a role may go in one operation.
type Reach int

// The reaches. What the table does not name is Denied.
const (
	Denied Reach = iota
	Own          // only what is the principal's own, see [Access.Subject]
	Taught       // only the class of the path, and only while the principal teaches it
	All          // everything of the tenant
)

// Access is one row of the access table.
type Access struct {
	// Public operations need no token and show nothing of any tenant.
	Public bool
	// Proven operations need no token either: the request carries a proof of its own,
	// the signature of a device or a code that is good once, and the use case looks at
	// it before anything else.
	Proven bool
	// Upload operations take content, which is not read before the operation: only
	// that it is not too long is known before.
	Upload bool
	Roles  map[Role]Reach
	// Subject says where the request names whose record it is about. For a role
	// that reaches only its own, at least one of these places is filled and every
	// filled one names the principal's own record; otherwise it is forbidden,
	// with the same answer whether the record exists or not.
	Subject []Place
}

// Place is where an id stands in a request.
type Place struct {
	In   string // path, query or body
	Name string // person_id or work_id
}

// Table is the whole of who may do what, by operation id. An operation without
// a row is refused to everybody, and a test fails for it.
//
// Sources: workers punch, read and correct their own data (promises ST-40,
// ST-42); HR sees the company, managers see hours and presence (ST-23, ST-24);
// administrators of the system see no punches (ST-26); erasure, holds and
// restriction are the privacy officers' (DS-12); a person may see whom their
// values were disclosed to (34 CFR 99.32), who was shown them, and where they were seen (ST-48); the auditor reads everything and
// changes nothing. Devices prove themselves (ST-53 to ST-55).
func Table() map[string]Access {
	person, query, work := Place{"path", "person_id"}, Place{"query", "person_id"}, Place{"body", "work_id"}
	rows := map[string]Access{
		"record-punch":  {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All}, Subject: []Place{work}},
		"correct-punch": {Roles: map[Role]Reach{RoleManager: All, RoleHR: All}},

		"register-person": {Roles: map[Role]Reach{RoleHR: All}},
		"list-people":     {Roles: map[Role]Reach{RoleHR: All, RolePrivacy: All, RoleAuditor: All}},
		"get-person":      {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RolePrivacy: All, RoleAuditor: All}, Subject: []Place{person}},
		"correct-person":  {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: []Place{person}},
		"close-person":    {Roles: map[Role]Reach{RoleHR: All}},

		"give-consent":     {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: []Place{work}},
		"withdraw-consent": {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RolePrivacy: All}, Subject: []Place{work}},

		"list-presence": {Roles: map[Role]Reach{RoleManager: All, RoleHR: All, RoleAuditor: All}},
		"get-hours":     {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: []Place{query, {"query", "work_id"}}},

		"list-person-history": {Roles: map[Role]Reach{RoleWorker: Own, RolePrivacy: All, RoleAuditor: All}, Subject: []Place{person}},

		"get-event-proof": {Roles: map[Role]Reach{RoleWorker: All, RoleManager: All, RoleHR: All, RolePrivacy: All, RoleAuditor: All}},
		"get-checkpoint":  {Roles: map[Role]Reach{RoleWorker: All, RoleManager: All, RoleHR: All, RolePrivacy: All, RoleAuditor: All, RoleAdmin: All}},

		"record-disclosure": {Roles: map[Role]Reach{RoleHR: All, RolePrivacy: All}},
		"list-disclosures":  {Roles: map[Role]Reach{RoleWorker: Own, RolePrivacy: All, RoleAuditor: All}, Subject: []Place{person}},
		"list-readings":     {Roles: map[Role]Reach{RoleWorker: Own, RolePrivacy: All, RoleAuditor: All}, Subject: []Place{person}},

		"invite-device": {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: []Place{work}},
		"revoke-device": {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: []Place{work}},
		"list-devices":  {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RoleAuditor: All}, Subject: []Place{{"query", "work_id"}}},
		"enrol-device":  {Proven: true},
		"send-batch":    {Proven: true},

		"list-doubtful-punches": {Roles: map[Role]Reach{RoleManager: All, RoleHR: All, RoleAuditor: All}},
		"list-punch-conflicts":  {Roles: map[Role]Reach{RoleManager: All, RoleHR: All, RoleAuditor: All}},

		"get-sealing-key":       {Public: true},
		"list-sites":            {Roles: map[Role]Reach{RoleWorker: All, RoleManager: All, RoleHR: All, RoleAuditor: All}},
		"list-visits":           {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: []Place{{"query", "work_id"}}},
		"list-location-history": {Roles: map[Role]Reach{RoleWorker: Own, RolePrivacy: All, RoleAuditor: All}, Subject: []Place{person}},

		"attach-media": {Upload: true, Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: []Place{person}},
		"list-media":   {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RoleAuditor: All}, Subject: []Place{person}},
		"read-media":   {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RoleAuditor: All}, Subject: []Place{person}},
		"get-portrait": {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RoleAuditor: All}, Subject: []Place{person}},
		"remove-media": {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: []Place{person}},

		"live":  {Public: true},
		"ready": {Public: true},
	}
	maps.Copy(rows, fieldRows())
	maps.Copy(rows, workforceRows())
	maps.Copy(rows, classRows())
	maps.Copy(rows, caseRows())
	return rows
}

// fieldRows are those of fields of the tenant's own. Whoever may ask for the fields of a
// person is shown those that are for them ([field.Reader]).
func fieldRows() map[string]Access {
	definers := Access{Roles: map[Role]Reach{RoleHR: All, RolePrivacy: All}}
	person := []Place{{"path", "person_id"}}
	return map[string]Access{
		"list-fields":        {Roles: map[Role]Reach{RoleWorker: All, RoleManager: All, RoleHR: All, RolePrivacy: All, RoleAuditor: All}},
		"define-field":       definers,
		"change-field":       definers,
		"retire-field":       definers,
		"list-person-fields": {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RolePrivacy: All, RoleAuditor: All}, Subject: person},
		"set-person-fields":  {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All}, Subject: person},
	}
}

// workforceRows are those of time cards, shifts, corrections, exports and pay periods.
func workforceRows() map[string]Access {
	planners := Access{Roles: map[Role]Reach{RoleManager: All, RoleHR: All}}
	forSelf := Access{Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All}, Subject: []Place{{"body", "work_id"}}}
	whose := []Place{{"query", "person_id"}, {"query", "work_id"}}
	return map[string]Access{
		"get-timecard":     {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose},
		"list-exceptions":  {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose},
		"get-board":        {Roles: map[Role]Reach{RoleManager: All, RoleHR: All, RoleAuditor: All}},
		"list-overtime":    {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose},
		"list-caps":        {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose},
		"get-work-history": {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose},
		// performance, a category of its own: the roles are those of the register (ST-09)
		"get-performance":  {Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RoleAuditor: All}, Subject: whose},
		"list-shifts":      {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose[1:]},
		"get-shift":        {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose[1:]},
		"list-attendance":  {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose[1:]},
		"list-corrections": {Roles: map[Role]Reach{RoleWorker: Own, RoleManager: All, RoleHR: All, RoleAuditor: All}, Subject: whose[1:]},

		"plan-shift":       planners,
		"reschedule-shift": planners,
		"cancel-shift":     planners,
		"complete-shift":   planners,
		"offer-shift":      planners,
		"award-shift":      planners,
		"assign-shift":     planners,
		"unassign-shift":   planners,
		"approve-swap":     planners,
		"accept-offer":     forSelf,
		"decline-offer":    forSelf,
		"place-bid":        forSelf,
		"request-swap":     forSelf,
		"agree-swap":       forSelf,
		"refuse-swap":      forSelf,

		"request-correction": forSelf,
		"approve-correction": planners,
		"refuse-correction":  forSelf,

		"export-hours":   {Roles: map[Role]Reach{RoleHR: All, RolePrivacy: All}},
		"export-punches": {Roles: map[Role]Reach{RoleHR: All, RolePrivacy: All}},
		"export-payroll": {Roles: map[Role]Reach{RoleHR: All}},

		"lock-pay-period":   {Roles: map[Role]Reach{RoleHR: All}},
		"list-pay-rules":    {Roles: map[Role]Reach{RoleManager: All, RoleHR: All, RoleAuditor: All}},
		"list-pay-periods":  {Roles: map[Role]Reach{RoleHR: All, RoleAuditor: All}},
		"list-locked-cards": {Roles: map[Role]Reach{RoleHR: All, RoleAuditor: All}},
	}
}

// classRows are those of classes. Whoever keeps the register (HR) reaches all of them;
// who is enrolled as the teacher of a class reads its roll and marks it; a student sees
// their own marks and classes.
func classRows() map[string]Access {
	registrar := Access{Roles: map[Role]Reach{RoleHR: All}}
	taught := Access{Roles: map[Role]Reach{RoleWorker: Taught, RoleHR: All, RoleAuditor: All}}
	own := Access{Roles: map[Role]Reach{RoleWorker: Own, RoleHR: All, RoleAuditor: All}, Subject: []Place{{"query", "work_id"}}}
	return map[string]Access{
		"list-classes":    own,
		"list-marks":      own,
		"get-class":       taught,
		"list-members":    taught,
		"list-sessions":   taught,
		"get-roll":        taught,
		"mark-attendance": {Roles: map[Role]Reach{RoleWorker: Taught, RoleHR: All}},
		"define-class":    registrar,
		"change-class":    registrar,
		"end-class":       registrar,
		"enrol":           registrar,
		"withdraw":        registrar,
		"plan-session":    registrar,
		"cancel-session":  registrar,
	}
}

// caseRows are those of erasures, retention, holds and restrictions.
func caseRows() map[string]Access {
	officers := Access{Roles: map[Role]Reach{RolePrivacy: All}}
	oversight := Access{Roles: map[Role]Reach{RolePrivacy: All, RoleAuditor: All}}
	return map[string]Access{
		"request-erasure":           officers,
		"verify-identity":           officers,
		"assess-erasure":            officers,
		"approve-erasure":           officers,
		"cancel-erasure":            officers,
		"refuse-erasure":            officers,
		"extend-erasure":            officers,
		"record-notification":       officers,
		"list-erasures":             oversight,
		"get-erasure":               oversight,
		"get-erasure-certificate":   oversight,
		"print-erasure-certificate": oversight,

		"list-retention-due":  oversight,
		"submit-retention":    officers,
		"get-retention-batch": oversight,
		"approve-retention":   officers,
		"place-hold":          officers,
		"confirm-hold":        officers,
		"review-hold":         officers,
		"request-hold-lift":   officers,
		"lift-hold":           officers,
		"list-holds":          oversight,
		"get-hold":            oversight,

		"restrict-processing": officers,
		"decide-objection":    officers,
		"lift-restriction":    officers,
		"list-restrictions":   oversight,
	}
}

// asked is the part of a request that a decision rests on.
type asked struct {
	query url.Values
	body  map[string]any
	route *chi.Context
}

// allows decides. It denies what it does not know.
func (row Access) allows(by Principal, request asked) bool {
	switch row.Roles[by.Role] {
	case All:
		return true
	case Own:
		return row.isOwn(by, request)
	case Taught: // the guard asks who teaches the class
		return by.Work != uuid.Nil
	default:
		return false
	}
}

func (row Access) isOwn(by Principal, request asked) bool {
	named := 0
	for _, place := range row.Subject {
		id, filled := request.at(place)
		if !filled {
			continue
		}
		own := by.Person
		if place.Name == "work_id" {
			own = by.Work
		}
		if own == uuid.Nil || id != own.String() {
			return false
		}
		named++
	}
	return named > 0
}

func (r asked) at(place Place) (id string, filled bool) {
	switch place.In {
	case "path":
		id = r.route.URLParam(place.Name)
		return id, true
	case "query":
		return r.query.Get(place.Name), r.query.Has(place.Name)
	default:
		value, there := r.body[place.Name]
		id, _ = value.(string)
		return id, there
	}
}
