package course_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/course"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

func id(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

func at(text string) time.Time {
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return instant
}

var (
	class, officer = id("class"), id("officer")
	august         = at("2026-08-20T12:00:00Z")
	facts          = course.Facts{Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry", Site: "1888", Zone: "Europe/Vienna", StartsOn: "2026-09-07", EndsOn: "2027-02-08"}
	define         = course.Define{ClassID: class, Source: "oneroster", SourceID: "77-1", Facts: facts, DefinedAt: august, DefinedBy: officer}
	defined        = &eventschema.ClassDefined{
		ClassID: class, Source: "oneroster", SourceID: "77-1", Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry", Site: "1888", Zone: "Europe/Vienna",
		StartsOn: "2026-09-07", EndsOn: "2027-02-08", DefinedAt: august, DefinedBy: officer,
	}
	ended = &eventschema.ClassEnded{ClassID: class, EndedOn: "2026-12-24", EndedAt: august, EndedBy: officer}
	plan  = course.PlanSession{
		SessionID: id("monday"), Zone: "Europe/Vienna", StartsLocal: "2026-10-26 09:00", EndsLocal: "2026-10-26 09:45",
		StartsAt: at("2026-10-26T08:00:00Z"), EndsAt: at("2026-10-26T08:45:00Z"), PlannedAt: august, PlannedBy: officer,
	}
	planned = &eventschema.SessionPlanned{
		SessionID: id("monday"), ClassID: class, Zone: "Europe/Vienna", StartsLocal: "2026-10-26 09:00", EndsLocal: "2026-10-26 09:45",
		StartsAt: at("2026-10-26T08:00:00Z"), EndsAt: at("2026-10-26T08:45:00Z"), PlannedAt: august, PlannedBy: officer,
	}
	cancelled = &eventschema.SessionCancelled{SessionID: id("monday"), ClassID: class, Reason: "snow", CancelledAt: august, CancelledBy: officer}
)

type events = []eventschema.Event

// with changes a copy.
func with[T any](of T, change func(*T)) T {
	change(&of)
	return of
}

func TestClasses(t *testing.T) {
	changed := &eventschema.ClassChanged{
		ClassID: class, Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry", Site: "1889", Zone: "Europe/Vienna",
		StartsOn: "2026-09-07", EndsOn: "2027-02-08", ChangedAt: august, ChangedBy: officer,
	}
	asDefined := with(*changed, func(e *eventschema.ClassChanged) { e.Site = "1888" })
	move := with(define, func(c *course.Define) { c.Site = "1889" })
	domaintest.Run(t, course.Classes(), map[string]domaintest.Case[course.ClassCommand]{
		"a class is defined":                                     {When: define, Then: events{defined}},
		"defining it again changes nothing":                      {Given: events{defined}, When: define},
		"what differs changes it":                                {Given: events{defined}, When: move, Then: events{changed}},
		"a change is told once":                                  {Given: events{defined, changed}, When: move},
		"a class that ended is taught again when it comes":       {Given: events{defined, ended}, When: define, Then: events{&asDefined}},
		"a class ends":                                           {Given: events{defined}, When: course.End{EndedOn: "2026-12-24", EndedAt: august, EndedBy: officer}, Then: events{ended}},
		"it ends once":                                           {Given: events{defined, ended}, When: course.End{EndedOn: "2026-11-24", EndedAt: august, EndedBy: officer}},
		"what was never defined does not end":                    {When: course.End{EndedOn: "2026-12-24", EndedBy: officer}, Refused: course.ErrNoClass},
		"it ends on a day":                                       {Given: events{defined}, When: course.End{EndedOn: "soon", EndedBy: officer}, Refused: course.ErrDates},
		"somebody answers for it":                                {When: with(define, func(c *course.Define) { c.DefinedBy = uuid.Nil }), Refused: course.ErrNoActor},
		"a class is known by an id of its program":               {When: with(define, func(c *course.Define) { c.SourceID = "" }), Refused: course.ErrSource},
		"the days may be unknown":                                {When: with(define, func(c *course.Define) { c.StartsOn, c.EndsOn = "", "" }), Then: events{ptr(with(*defined, func(e *eventschema.ClassDefined) { e.StartsOn, e.EndsOn = "", "" }))}},
		"a class that ends before it starts is refused":          {When: with(define, func(c *course.Define) { c.EndsOn = "2026-09-06" }), Refused: course.ErrDates},
		"a class without the title of its course":                {When: with(define, func(c *course.Define) { c.Title = "" }), Refused: course.ErrNoTitle},
		"a title with a line break is refused":                   {When: with(define, func(c *course.Define) { c.Title = "Basic\nChemistry" }), Refused: course.ErrText},
		"a title that is too long is refused":                    {When: with(define, func(c *course.Define) { c.Title = strings.Repeat("x", 201) }), Refused: course.ErrText},
		"an id with control characters is refused":               {When: with(define, func(c *course.Define) { c.SourceID = "7\x007" }), Refused: course.ErrText},
		"the zone of the machine is no zone of a site":           {When: with(define, func(c *course.Define) { c.Zone = "Local" }), Refused: course.ErrZone},
		"a session is planned":                                   {Given: events{defined}, When: plan, Then: events{planned}},
		"the same session is planned once":                       {Given: events{defined, planned}, When: plan},
		"its id stands for one time":                             {Given: events{defined, planned}, When: with(plan, func(c *course.PlanSession) { c.EndsAt = c.EndsAt.Add(time.Minute) }), Refused: course.ErrOtherSession},
		"a class is not in two sessions at once":                 {Given: events{defined, planned}, When: with(plan, func(c *course.PlanSession) { c.SessionID = id("other"); c.StartsAt = c.StartsAt.Add(time.Minute) }), Refused: course.ErrOverlap},
		"the time of a cancelled session is free":                {Given: events{defined, planned, cancelled}, When: with(plan, func(c *course.PlanSession) { c.SessionID = id("other") }), Then: events{ptr(with(*planned, func(e *eventschema.SessionPlanned) { e.SessionID = id("other") }))}},
		"a class that ended meets no more":                       {Given: events{defined, with2(ended, "2026-10-26")}, When: plan, Refused: course.ErrClassEnded},
		"a new class is none that is there already":              {Given: events{defined}, When: with(define, func(c *course.Define) { c.New = true }), Refused: course.ErrKnown},
		"it does not meet on the day on which it is over":        {Given: events{ptr(with(*defined, func(e *eventschema.ClassDefined) { e.EndsOn = "2026-10-26" }))}, When: plan, Refused: course.ErrClassEnded},
		"it does not meet before its first day":                  {Given: events{ptr(with(*defined, func(e *eventschema.ClassDefined) { e.StartsOn = "2026-10-27" }))}, When: plan, Refused: course.ErrNotYet},
		"a session that was called off is not planned by its id": {Given: events{defined, planned, cancelled}, When: plan, Refused: course.ErrCancelled},
		"it meets until it ends":                                 {Given: events{defined, with2(ended, "2026-10-27")}, When: plan, Then: events{planned}},
		"a session ends after it starts":                         {Given: events{defined}, When: with(plan, func(c *course.PlanSession) { c.EndsAt = c.StartsAt }), Refused: course.ErrTimes},
		"a session of no class":                                  {When: plan, Refused: course.ErrNoClass},
		"a session is cancelled":                                 {Given: events{defined, planned}, When: course.CancelSession{SessionID: id("monday"), Reason: "snow", CancelledAt: august, CancelledBy: officer}, Then: events{cancelled}},
		"it is cancelled once":                                   {Given: events{defined, planned, cancelled}, When: course.CancelSession{SessionID: id("monday"), Reason: "ice", CancelledBy: officer}},
		"why it is cancelled is a code, not a text":              {Given: events{defined, planned}, When: course.CancelSession{SessionID: id("monday"), Reason: "Ms Lee is ill", CancelledBy: officer}, Refused: course.ErrCode},
		"a session that was never planned cannot be cancelled":   {Given: events{defined}, When: course.CancelSession{SessionID: id("monday"), Reason: "snow", CancelledBy: officer}, Refused: course.ErrNoSession},
	})
}

func ptr[T any](of T) *T { return &of }

func with2(e *eventschema.ClassEnded, on string) *eventschema.ClassEnded {
	return &eventschema.ClassEnded{ClassID: e.ClassID, EndedOn: on, EndedAt: e.EndedAt, EndedBy: e.EndedBy}
}

var (
	student = id("student's work record")
	enrol   = course.Enrol{
		ClassID: class, WorkID: student, Role: eventschema.RoleStudent, BeginsOn: "2026-09-07", Source: eventschema.SourceImport, EnrolledAt: august, EnrolledBy: officer,
	}
	withdraw = course.Withdraw{
		ClassID: class, WorkID: student, Role: eventschema.RoleStudent, EndsOn: "2026-11-02", Reason: eventschema.EndMoved, WithdrawnAt: august, WithdrawnBy: officer,
	}
)

// opened and over are the events of the n-th stretch of the student in the class.
func opened(n, begins string) eventschema.Event {
	return &eventschema.EnrolmentOpened{
		EnrolmentID: uuid.NewSHA1(student, []byte(class.String()+"student"+n)), ClassID: class, WorkID: student, Role: eventschema.RoleStudent, BeginsOn: begins,
		Source: eventschema.SourceImport, OpenedAt: august, OpenedBy: officer,
	}
}

func over(n, ends string, reason eventschema.EnrolmentEnd) eventschema.Event {
	return &eventschema.EnrolmentEnded{
		EnrolmentID: uuid.NewSHA1(student, []byte(class.String()+"student"+n)), ClassID: class, WorkID: student, EndsOn: ends, Reason: reason, EndedAt: august, EndedBy: officer,
	}
}

func TestEnrolments(t *testing.T) {
	lasts := func(begins, ends string, assumed bool) course.Enrol {
		return with(enrol, func(c *course.Enrol) { c.BeginsOn, c.EndsOn, c.Assumed = begins, ends, assumed })
	}
	first, moved := opened("0", "2026-09-07"), over("0", "2026-11-02", eventschema.EndMoved)
	planned := over("0", "2027-02-08", eventschema.EndAsPlanned)
	second := opened("1", "2027-02-08")
	domaintest.Run(t, course.Enrolments(), map[string]domaintest.Case[course.EnrolmentCommand]{
		"a student is enrolled":                                    {When: enrol, Then: events{first}},
		"enrolling twice changes nothing":                          {Given: events{first}, When: enrol},
		"an end that is known ahead is told with it":               {When: lasts("2026-09-07", "2027-02-08", false), Then: events{first, planned}},
		"both told again change nothing":                           {Given: events{first, planned}, When: lasts("2026-09-07", "2027-02-08", false)},
		"another beginning corrects the one that was told":         {Given: events{first}, When: lasts("2026-09-14", "", false), Then: events{opened("0", "2026-09-14")}},
		"another end corrects the one that was told":               {Given: events{first, planned}, When: lasts("2026-09-07", "2027-02-15", false), Then: events{over("0", "2027-02-15", eventschema.EndAsPlanned)}},
		"without an end it lasts again":                            {Given: events{first, planned}, When: enrol, Then: events{first}},
		"who comes back after the end is enrolled anew":            {Given: events{first, planned}, When: lasts("2027-02-08", "", false), Then: events{second}},
		"both stretches told again change nothing, the first":      {Given: events{first, planned, second}, When: lasts("2026-09-07", "2027-02-08", false)},
		"both stretches told again change nothing, the second":     {Given: events{first, planned, second}, When: lasts("2027-02-08", "", false)},
		"a stretch before the one known is another":                {Given: events{first}, When: lasts("2026-02-01", "2026-07-01", false), Then: events{opened("1", "2026-02-01"), over("1", "2026-07-01", eventschema.EndAsPlanned)}},
		"and told again it changes nothing":                        {Given: events{first, opened("1", "2026-02-01"), over("1", "2026-07-01", eventschema.EndAsPlanned)}, When: lasts("2026-02-01", "2026-07-01", false)},
		"a beginning that nobody told corrects none":               {Given: events{first}, When: lasts("2026-11-24", "", true)},
		"nor where the end was told":                               {Given: events{first, planned}, When: lasts("2027-11-24", "2027-02-08", true)},
		"who left and comes back without a day comes back today":   {Given: events{first, moved}, When: lasts("2026-11-24", "", true), Then: events{opened("1", "2026-11-24")}},
		"an end in the past is not before a beginning nobody told": {When: lasts("2026-11-24", "2026-09-07", true), Then: events{first, over("0", "2026-09-07", eventschema.EndAsPlanned)}},
		"an end before the beginning is refused":                   {When: lasts("2026-09-07", "2026-09-06", false), Refused: course.ErrDates},
		"a beginning is needed":                                    {When: lasts("", "", false), Refused: course.ErrDates},
		"a guardian belongs to no class":                           {When: with(enrol, func(c *course.Enrol) { c.Role = "guardian" }), Refused: course.ErrRole},
		"one person has several roles":                             {Given: events{first}, When: with(enrol, func(c *course.Enrol) { c.Role = eventschema.RoleAide }), Then: events{aide()}},
		"somebody answers for it":                                  {When: with(enrol, func(c *course.Enrol) { c.EnrolledBy = uuid.Nil }), Refused: course.ErrNoActor},
		"a student leaves":                                         {Given: events{first}, When: withdraw, Then: events{moved}},
		"a student leaves once":                                    {Given: events{first, moved}, When: withdraw},
		"leaving later than was told changes nothing":              {Given: events{first, moved}, When: with(withdraw, func(c *course.Withdraw) { c.EndsOn = "2026-12-01" })},
		"leaving earlier than planned counts":                      {Given: events{first, planned}, When: withdraw, Then: events{moved}},
		"who leaves before the beginning was never there":          {Given: events{first}, When: with(withdraw, func(c *course.Withdraw) { c.EndsOn = "2026-08-01" }), Then: events{over("0", "2026-09-07", eventschema.EndMoved)}},
		"the last stretch is the one that ends":                    {Given: events{first, planned, second}, When: with(withdraw, func(c *course.Withdraw) { c.EndsOn = "2027-03-01" }), Then: events{over("1", "2027-03-01", eventschema.EndMoved)}},
		"who is not in the class cannot leave it":                  {When: withdraw, Refused: course.ErrNotEnrolled},
		"nor in another role":                                      {Given: events{first}, When: with(withdraw, func(c *course.Withdraw) { c.Role = eventschema.RoleTeacher }), Refused: course.ErrNotEnrolled},
		"why is one of a list":                                     {Given: events{first}, When: with(withdraw, func(c *course.Withdraw) { c.Reason = "ill" }), Refused: course.ErrEndReason},
	})
}

func aide() eventschema.Event {
	return &eventschema.EnrolmentOpened{
		EnrolmentID: uuid.NewSHA1(student, []byte(class.String()+"aide0")), ClassID: class, WorkID: student, Role: eventschema.RoleAide, BeginsOn: "2026-09-07",
		Source: eventschema.SourceImport, OpenedAt: august, OpenedBy: officer,
	}
}

// promise: TC-27
func TestMarks(t *testing.T) {
	session := course.Session{
		ID: id("monday"), ClassID: class, Zone: "Europe/Vienna", StartsLocal: "2026-10-26 09:00", EndsLocal: "2026-10-26 09:45",
		StartsAt: at("2026-10-26T08:00:00Z"), EndsAt: at("2026-10-26T08:45:00Z"),
	}
	says := func(state eventschema.MarkState, late int, reason eventschema.MarkReason) course.Mark {
		return course.Mark{
			MarkID: id("mark"), WorkID: student, Session: session, Enrolled: true, State: state, LateMinutes: late, Reason: reason,
			MarkedAt: at("2026-10-26T08:05:00Z"), MarkedBy: officer,
		}
	}
	marked := func(mark string, state eventschema.MarkState, late int, corrects string, reason eventschema.MarkReason) eventschema.Event {
		e := &eventschema.AttendanceMarked{
			MarkID: id(mark), SessionID: id("monday"), ClassID: class, WorkID: student, StartsAt: session.StartsAt, State: state, LateMinutes: late,
			Reason: reason, MarkedAt: at("2026-10-26T08:05:00Z"), MarkedBy: officer,
		}
		if corrects != "" {
			e.Corrects = id(corrects)
		}
		return e
	}
	absent := marked("earlier", eventschema.MarkAbsent, 0, "", "")
	late := marked("mark", eventschema.MarkLate, 7, "earlier", eventschema.ReasonArrived)
	present := says(eventschema.MarkPresent, 0, "")
	domaintest.Run(t, course.Marks(), map[string]domaintest.Case[course.Mark]{
		"a student is present": {When: present, Then: events{marked("mark", eventschema.MarkPresent, 0, "", "")}},
		"a student is absent":  {When: says(eventschema.MarkAbsent, 0, ""), Then: events{marked("mark", eventschema.MarkAbsent, 0, "", "")}},
		"a student is late, by minutes": {
			When: says(eventschema.MarkLate, 7, ""), Then: events{marked("mark", eventschema.MarkLate, 7, "", "")}},
		"a student is excused": {When: says(eventschema.MarkExcused, 0, ""), Then: events{marked("mark", eventschema.MarkExcused, 0, "", "")}},
		"a correction names the mark it corrects, and why": {
			Given: events{absent}, When: says(eventschema.MarkLate, 7, eventschema.ReasonArrived), Then: events{late}},
		"a correction is corrected in its turn": {
			Given: events{absent, late}, When: with(says(eventschema.MarkExcused, 0, eventschema.ReasonExcusedSince), func(c *course.Mark) { c.MarkID = id("third") }),
			Then: events{marked("third", eventschema.MarkExcused, 0, "mark", eventschema.ReasonExcusedSince)}},
		"another mark without a reason is refused":        {Given: events{absent}, When: present, Refused: course.ErrMarked},
		"the reason is one of a list":                     {Given: events{absent}, When: says(eventschema.MarkPresent, 0, "she says so"), Refused: course.ErrMarkReason},
		"there is nothing to correct before a mark":       {When: says(eventschema.MarkPresent, 0, eventschema.ReasonWrongMark), Refused: course.ErrNothingToCorrect},
		"the same mark made again changes nothing":        {Given: events{absent}, When: says(eventschema.MarkAbsent, 0, "")},
		"a mark sent again changes nothing":               {Given: events{absent, late}, When: says(eventschema.MarkLate, 7, eventschema.ReasonArrived)},
		"a mark id stands for one mark":                   {Given: events{absent, late}, When: says(eventschema.MarkLate, 8, eventschema.ReasonArrived), Refused: course.ErrOtherMark},
		"marks of other sessions do not count":            {Given: events{absent}, When: with(present, func(c *course.Mark) { c.Session.ID = id("tuesday") }), Then: events{ofTuesday(marked("mark", eventschema.MarkPresent, 0, "", ""))}},
		"who was not enrolled then is not marked":         {When: with(present, func(c *course.Mark) { c.Enrolled = false }), Refused: course.ErrNotEnrolled},
		"a mark is corrected also after a withdrawal":     {Given: events{absent}, When: with(says(eventschema.MarkLate, 7, eventschema.ReasonArrived), func(c *course.Mark) { c.Enrolled = false }), Then: events{late}},
		"a cancelled session has no marks":                {When: with(present, func(c *course.Mark) { c.Session.Cancelled = true }), Refused: course.ErrCancelled},
		"nobody is present before a session":              {When: with(present, func(c *course.Mark) { c.MarkedAt = session.StartsAt.Add(-course.EarlyMarks - 1) }), Refused: course.ErrNotBegun},
		"nor absent":                                      {When: with(says(eventschema.MarkAbsent, 0, ""), func(c *course.Mark) { c.MarkedAt = august }), Refused: course.ErrNotBegun},
		"leave is known days ahead":                       {When: with(says(eventschema.MarkExcused, 0, ""), func(c *course.Mark) { c.MarkedAt = august }), Then: events{early(marked("mark", eventschema.MarkExcused, 0, "", ""))}},
		"late by nothing is not late":                     {When: says(eventschema.MarkLate, 0, ""), Refused: course.ErrLateMinutes},
		"late by the whole session is absent":             {When: says(eventschema.MarkLate, 45, ""), Refused: course.ErrLateMinutes},
		"minutes belong to the late":                      {When: says(eventschema.MarkPresent, 1, ""), Refused: course.ErrLateMinutes},
		"a state is one of four":                          {When: says("asleep", 0, ""), Refused: course.ErrMarkState},
		"somebody answers for a mark":                     {When: with(present, func(c *course.Mark) { c.MarkedBy = uuid.Nil }), Refused: course.ErrNoActor},
		"a mark is of a session":                          {When: with(present, func(c *course.Mark) { c.Session.ID = uuid.Nil }), Refused: course.ErrNoSession},
		"an event of another stream marks nobody":         {Given: events{defined}, When: present, Then: events{marked("mark", eventschema.MarkPresent, 0, "", "")}},
		"an earlier mark may be corrected to its own say": {Given: events{absent, late}, When: with(says(eventschema.MarkAbsent, 0, eventschema.ReasonWrongStudent), func(c *course.Mark) { c.MarkID = id("third") }), Then: events{marked("third", eventschema.MarkAbsent, 0, "mark", eventschema.ReasonWrongStudent)}},
	})
}

func ofTuesday(e eventschema.Event) eventschema.Event {
	marked := *e.(*eventschema.AttendanceMarked)
	marked.SessionID = id("tuesday")
	return &marked
}

func early(e eventschema.Event) eventschema.Event {
	marked := *e.(*eventschema.AttendanceMarked)
	marked.MarkedAt = august
	return &marked
}
