package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// ClassFactsBody is what is known of a class and may change.
type ClassFactsBody struct {
	Title    string `json:"title" minLength:"1" maxLength:"200" example:"Basic Chemistry" doc:"Of the course. Not of the class: no name of a teacher belongs here."`
	Code     string `json:"code,omitempty" maxLength:"64" example:"BCHEM-1" doc:"Of the class."`
	Course   string `json:"course,omitempty" maxLength:"64" example:"BCHEM" doc:"Code of the course."`
	Site     string `json:"site,omitempty" maxLength:"64" example:"org-1" doc:"Code of the school or centre."`
	Zone     string `json:"zone" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" example:"Europe/Berlin" doc:"IANA time zone of the site."`
	StartsOn string `json:"starts_on,omitempty" format:"date" example:"2026-02-02"`
	EndsOn   string `json:"ends_on,omitempty" format:"date" example:"2026-07-31" doc:"The first day on which it is over."`
}

func (b ClassFactsBody) facts() (course.Facts, *Problem) {
	if _, problem := loadZone(b.Zone); problem != nil {
		return course.Facts{}, problem
	}
	return course.Facts{Code: b.Code, Course: b.Course, Title: b.Title, Site: b.Site, Zone: b.Zone, StartsOn: b.StartsOn, EndsOn: b.EndsOn}, nil
}

// NewClassBody is a class to be defined.
type NewClassBody struct {
	Source   string `json:"source,omitempty" maxLength:"64" default:"tracekeep" example:"tracekeep" doc:"Name of the program whose id source_id is."`
	SourceID string `json:"source_id" minLength:"1" maxLength:"255" example:"chem-1" doc:"Id of the class in that program; it names the class for ever."`
	ClassFactsBody
}

// ClassBody is a class in an answer.
type ClassBody struct {
	ClassID  string `json:"class_id" format:"uuid"`
	Source   string `json:"source" example:"sis"`
	SourceID string `json:"source_id" example:"cls-chem-1"`
	ClassFactsBody
	EndedOn  string `json:"ended_on,omitempty" format:"date" doc:"Set when it ended before its time."`
	Students int    `json:"students" example:"24"`
	Others   int    `json:"others" doc:"Teachers and whoever else." example:"1"`
}

func classBody(c projections.Class) ClassBody {
	return ClassBody{
		ClassID: c.ClassID.String(), Source: c.Source, SourceID: c.SourceID, EndedOn: c.EndedOn, Students: c.Students, Others: c.Others,
		ClassFactsBody: ClassFactsBody{Title: c.Title, Code: c.Code, Course: c.Course, Site: c.Site, Zone: c.Zone, StartsOn: c.StartsOn, EndsOn: c.EndsOn},
	}
}

// EndClassBody ends a class before its time.
type EndClassBody struct {
	EndedOn string `json:"ended_on" format:"date" example:"2026-05-04" doc:"The first day on which it is over."`
}

type definedAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		ClassID  string `json:"class_id" format:"uuid"`
		Revision uint64 `json:"revision" example:"0"`
		Position uint64 `json:"position" example:"48215"`
	}
}

type classAnswer struct {
	Tagged
	Status int
	Body   *ClassBody
}

type classesInput struct {
	Fresh
	Paging
	On     string `query:"on" format:"date" doc:"Only classes taught on this day, with their people of that day."`
	Site   string `query:"site" maxLength:"64" doc:"Only classes of this school or centre."`
	WorkID ID     `query:"work_id" doc:"Only classes that this work record belongs to, in whatever role; with on, on that day."`
}

type classesAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Classes       []ClassBody `json:"classes"`
		NextPageToken string      `json:"next_page_token,omitempty"`
	}
}

func (a *API) registerClasses(api huma.API) {
	huma.Register(api, a.operation("list-classes", http.MethodGet, "/v1/classes", "Classes", "List classes", "In the order of their ids."),
		func(ctx context.Context, in *classesInput) (*classesAnswer, error) { return a.listClasses(ctx, *in) })
	huma.Register(api, a.operation("define-class", http.MethodPost, "/v1/classes", "Classes", "Define a class",
		"Classes usually come from the school's own program with a roster, which is right about what it tells: what is said here of such a class holds until it tells another thing."),
		func(ctx context.Context, in *struct {
			Once
			Body NewClassBody
		}) (*definedAnswer, error) {
			return a.defineClass(ctx, in.Body)
		})
	huma.Register(api, a.operation("get-class", http.MethodGet, "/v1/classes/{class_id}", "Classes", "Show a class", ""),
		func(ctx context.Context, in *struct {
			Fresh
			NoneMatch
			ClassID ID `path:"class_id"`
		}) (*classAnswer, error) {
			view, revision, err := a.inside.Rolls.ClassNow(ctx, caller(ctx), in.ClassID.id())
			if err != nil {
				return nil, problemOf(err)
			}
			answer := &classAnswer{Tagged: Tagged{ETag: entityTag(revision)}, Status: http.StatusOK}
			if noneMatch(in.IfNoneMatch, answer.ETag) {
				answer.Status = http.StatusNotModified
				return answer, nil
			}
			body := classBody(view)
			answer.Body = &body
			return answer, nil
		})
	huma.Register(api, a.operation("change-class", http.MethodPost, "/v1/classes/{class_id}/changes", "Classes", "Say what is known of a class from now on",
		"All of it: what is left out is known no longer. A class that has ended is taught again."),
		func(ctx context.Context, in *struct {
			Once
			Match
			ClassID ID `path:"class_id"`
			Body    ClassFactsBody
		}) (*changedAnswer, error) {
			what, problem := matched(ctx, in.IfMatch)
			if problem != nil {
				return nil, problem
			}
			facts, problem := in.Body.facts()
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Classes.ChangeClass(ctx, what, in.ClassID.id(), facts))
		})
	huma.Register(api, a.operation("end-class", http.MethodPost, "/v1/classes/{class_id}/end", "Classes", "End a class before its time",
		"Who was enrolled, and the sessions it had, stay on record."),
		func(ctx context.Context, in *struct {
			Once
			Match
			ClassID ID `path:"class_id"`
			Body    EndClassBody
		}) (*changedAnswer, error) {
			what, problem := matched(ctx, in.IfMatch)
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Classes.AdvanceClass(ctx, what, in.ClassID.id(), course.End{EndedOn: in.Body.EndedOn, EndedAt: a.now(), EndedBy: caller(ctx).ID}))
		})
}

func (a *API) listClasses(ctx context.Context, in classesInput) (*classesAnswer, error) {
	asks := asking(ctx, "list-classes", "on", in.On, "site", in.Site, "work_id", string(in.WorkID))
	after, problem := a.cursorID(asks, in.Paging)
	if problem != nil {
		return nil, problem
	}
	classes, err := a.inside.Rolls.ListClasses(ctx, caller(ctx), projections.ClassesAsked{On: in.On, Site: in.Site, Work: in.WorkID.id()})
	if err != nil {
		return nil, problemOf(err)
	}
	slices.SortFunc(classes, func(x, y projections.Class) int { return slices.Compare(x.ClassID[:], y.ClassID[:]) })
	page, last, more := pageOf(classes, after, in.Size, func(c projections.Class) uuid.UUID { return c.ClassID })
	answer := &classesAnswer{}
	answer.Body.Classes = each(page, classBody)
	if more {
		return answer, a.nextID(asks, in.Paging, last, asks.filter, &answer.Link, &answer.Body.NextPageToken)
	}
	return answer, nil
}

func (a *API) defineClass(ctx context.Context, body NewClassBody) (*definedAnswer, error) {
	facts, problem := body.facts()
	if problem != nil {
		return nil, problem
	}
	receipt, id, err := a.inside.Classes.DefineClass(ctx, intent(ctx), course.Define{
		Source: body.Source, SourceID: body.SourceID, Facts: facts, New: true, DefinedAt: a.now(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &definedAnswer{Ack: ack(receipt), Status: created(receipt), Location: "/v1/classes/" + id.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.ClassID, answer.Body.Revision, answer.Body.Position = id.String(), receipt.Revision, receipt.Position
	return answer, nil
}

// EnrolBody says from when to when somebody belongs to a class.
type EnrolBody struct {
	WorkerBody
	Role     string `json:"role" enum:"student,teacher,aide,proctor,administrator" example:"student"`
	BeginsOn string `json:"begins_on" format:"date" example:"2026-02-02"`
	EndsOn   string `json:"ends_on,omitempty" format:"date" doc:"The first day without the enrolment; left out: until further notice."`
}

// WithdrawBody ends an enrolment.
type WithdrawBody struct {
	WorkerBody
	Role   string `json:"role" enum:"student,teacher,aide,proctor,administrator" example:"student"`
	EndsOn string `json:"ends_on" format:"date" example:"2026-05-04" doc:"The first day without the enrolment."`
	Reason string `json:"reason" enum:"withdrawn,moved,entered_by_mistake" example:"withdrawn"`
}

// MemberBody is one stretch in which somebody belongs to a class.
type MemberBody struct {
	WorkID   string       `json:"work_id" format:"uuid"`
	Name     PersonalBody `json:"name"`
	Role     string       `json:"role" enum:"student,teacher,aide,proctor,administrator" example:"student"`
	BeginsOn string       `json:"begins_on" format:"date" example:"2026-02-02"`
	EndsOn   string       `json:"ends_on,omitempty" format:"date" doc:"The first day without it; left out while it lasts."`
	Reason   string       `json:"reason,omitempty" doc:"Why it ends." example:"as_planned"`
}

func memberBody(m Member, release Release) MemberBody {
	return MemberBody{
		WorkID: m.WorkID.String(), Name: personalBody(m.Name, release), Role: string(m.Role), BeginsOn: m.BeginsOn, EndsOn: m.EndsOn, Reason: string(m.Reason),
	}
}

type membersAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Members       []MemberBody `json:"members"`
		NextPageToken string       `json:"next_page_token,omitempty"`
	}
}

func (a *API) registerEnrolments(api huma.API) {
	huma.Register(api, a.operation("list-members", http.MethodGet, "/v1/classes/{class_id}/members", "Classes", "List who belongs to a class",
		"In order of work id; a page holds page_size work records."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			ClassID ID     `path:"class_id"`
			On      string `query:"on" format:"date" doc:"Only who belongs to it on this day."`
		}) (*membersAnswer, error) {
			members, err := a.inside.Rolls.ClassMembers(ctx, caller(ctx), in.ClassID.id(), in.On)
			if err != nil {
				return nil, problemOf(err)
			}
			slices.SortStableFunc(members, func(x, y Member) int { return slices.Compare(x.WorkID[:], y.WorkID[:]) })
			answer := &membersAnswer{}
			asks := asking(ctx, "list-members", "on", in.On).below(in.ClassID)
			answer.Body.Members, err = pageBodies(ctx, a, asks, in.Paging, members, func(m Member) (uuid.UUID, Personal) { return m.WorkID, m.Name },
				memberBody, &answer.Link, &answer.Body.NextPageToken)
			return answer, err
		})
	huma.Register(api, a.operation("enrol", http.MethodPost, "/v1/classes/{class_id}/enrolments", "Classes", "Enrol somebody in a class",
		"The stretch that begins on that day, else the latest one, is corrected; one that touches neither is another."),
		func(ctx context.Context, in *struct {
			Once
			ClassID ID `path:"class_id"`
			Body    EnrolBody
		}) (*changedAnswer, error) {
			class, work := in.ClassID.id(), in.Body.WorkID.id()
			return changed(a.inside.Classes.Enrol(ctx, intent(ctx), class, work, course.Enrol{
				ClassID: class, WorkID: work, Role: eventschema.EnrolmentRole(in.Body.Role), BeginsOn: in.Body.BeginsOn, EndsOn: in.Body.EndsOn,
				Source: eventschema.SourceAPI, EnrolledAt: a.now(), EnrolledBy: caller(ctx).ID,
			}))
		})
	huma.Register(api, a.operation("withdraw", http.MethodPost, "/v1/classes/{class_id}/withdrawals", "Classes", "End somebody's enrolment", ""),
		func(ctx context.Context, in *struct {
			Once
			ClassID ID `path:"class_id"`
			Body    WithdrawBody
		}) (*changedAnswer, error) {
			class, work := in.ClassID.id(), in.Body.WorkID.id()
			return changed(a.inside.Classes.Enrol(ctx, intent(ctx), class, work, course.Withdraw{
				ClassID: class, WorkID: work, Role: eventschema.EnrolmentRole(in.Body.Role), EndsOn: in.Body.EndsOn, Reason: eventschema.EnrolmentEnd(in.Body.Reason),
				WithdrawnAt: a.now(), WithdrawnBy: caller(ctx).ID,
			}))
		})
}
