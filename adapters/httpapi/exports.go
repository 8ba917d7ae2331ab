package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"tracekeep/domain/disclosure"
	"tracekeep/eventschema"
)

// exportTimeout bounds one export. It is longer than that of other requests: a
// disclosure is recorded about every person in it before the first byte.
const exportTimeout = 10 * time.Minute

// GivenBody says to whom an export goes and why. It is recorded about every person in
// the file before its first byte.
type GivenBody struct {
	Recipient  string `json:"recipient" maxLength:"60" pattern:"^[a-z][a-z0-9_]*$" doc:"A code of the register of recipients, never a person's name." example:"payroll_bureau"`
	Ground     string `json:"ground" enum:"processor,directed_by_subject,court_order,law_enforcement,legal_rights,property_or_safety,defence_of_claims,security_investigation,required_or_permitted_by_law" example:"processor"`
	Interest   string `json:"interest" maxLength:"60" pattern:"^[a-z][a-z0-9_]*$" doc:"The legitimate interest, a code." example:"payroll"`
	Instrument string `json:"instrument,omitempty" maxLength:"64" pattern:"^[ -~]+$" doc:"The file number of a court's order or an authority's demand."`
	Reference  string `json:"reference,omitempty" maxLength:"64" pattern:"^[ -~]+$" doc:"Under which the recipient knows the disclosure." example:"2026-0417"`
	ApprovedBy ID     `json:"approved_by,omitempty" required:"false" doc:"The second person of a disclosure for legal reasons."`
}

// ExportedDays says which days, and whose.
type ExportedDays struct {
	From   string `json:"from" format:"date" example:"2026-03-02"`
	To     string `json:"to" format:"date" doc:"The last day; at most 366." example:"2026-03-15"`
	WorkID ID     `json:"work_id,omitempty" required:"false" doc:"Of one work record; left out, of everybody."`
}

// TableExportBody asks for a table.
type TableExportBody struct {
	GivenBody
	ExportedDays
	Station       string `json:"station,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" doc:"Only what began there."`
	Format        string `json:"format,omitempty" enum:"csv,xlsx,parquet,json" default:"csv" example:"csv"`
	ByteOrderMark bool   `json:"byte_order_mark,omitempty" doc:"Begin a CSV file with one, by which Excel knows UTF-8."`
}

// PayrollExportBody asks for the file of a payroll program.
type PayrollExportBody struct {
	GivenBody
	ExportedDays
	System  string            `json:"system" enum:"adp,paychex,quickbooks-iif,datev-lodas,datev-lug" example:"adp"`
	Rules   string            `json:"rules,omitempty" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"A set of rules; list-pay-rules lists them." example:"flsa"`
	Zone    string            `json:"zone,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" doc:"IANA zone whose clock begins days and weeks, for rules that name none." example:"America/New_York"`
	Plan    string            `json:"plan,omitempty" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"Instead of rules, a pay plan that the server was given."`
	Company string            `json:"company,omitempty" maxLength:"64" doc:"The program's code of the company." example:"ABC"`
	Batch   string            `json:"batch,omitempty" maxLength:"64" doc:"ADP Batch ID, QuickBooks COMPANYCREATETIME, DATEV Mandantennummer." example:"KJ260927"`
	Codes   map[string]string `json:"codes,omitempty" doc:"The program's name or number of a pay code: regular, overtime, double_time, premium, guarantee."`
	Jobs    map[string]string `json:"jobs,omitempty" doc:"The program's own number of a job, whose hours are lines of their own then."`
}

// contentTypes are those of the formats; a payroll file is text.
var contentTypes = map[string]string{
	"csv": "text/csv; charset=utf-8", "json": "application/json", "parquet": "application/vnd.apache.parquet",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "": "text/plain; charset=utf-8",
}

func (a *API) registerExports(api huma.API) {
	for what, rows := range map[string]string{"hours": "an interval of work", "punches": "a punch, as it counts and as it was recorded"} {
		huma.Register(api, a.exportOperation(what, "Give away a table of "+what, "A row for each of "+rows+", as tracekeep export "+what+" writes it."),
			func(ctx context.Context, in *struct {
				Once
				Body TableExportBody
			}) (*huma.StreamResponse, error) {
				order, problem := a.ordered(ctx, what, in.Body.GivenBody, in.Body.ExportedDays)
				if problem != nil {
					return nil, problem
				}
				order.Station, order.Format, order.ByteOrderMark = in.Body.Station, in.Body.Format, in.Body.ByteOrderMark
				return a.export(ctx, order), nil
			})
	}
	huma.Register(api, a.exportOperation("payroll", "Give away the file of a payroll program",
		"What is owed for the days by the rules. X-Left-Out names work records with hours that are not in the file, because the program could credit them to nobody."),
		func(ctx context.Context, in *struct {
			Once
			Body PayrollExportBody
		}) (*huma.StreamResponse, error) {
			order, problem := a.ordered(ctx, "payroll", in.Body.GivenBody, in.Body.ExportedDays)
			if problem != nil {
				return nil, problem
			}
			plan, problem := a.config.Pay.plan("", paidByNames{in.Body.Rules, in.Body.Zone, in.Body.Plan})
			if problem != nil {
				return nil, problem
			}
			order.Payroll = &PayrollOrder{
				System: in.Body.System, Plan: plan, Earlier: a.config.Pay.earlier(), Company: in.Body.Company, Batch: in.Body.Batch, Codes: in.Body.Codes, Jobs: in.Body.Jobs,
			}
			return a.export(ctx, order), nil
		})
}

// exportOperation describes an export: a stream with the counts before it and its
// digest behind it.
func (a *API) exportOperation(what, summary, description string) huma.Operation {
	op := a.operation("export-"+what, http.MethodPost, "/v1/exports/"+what, "Exports", summary,
		description+" Before the first byte a disclosure is recorded about every person in it; the same export of the same day is recorded once.")
	header := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	op.Responses["200"] = &huma.Response{
		Description: "The file. A transfer that was broken off ends without Content-Digest.",
		Content:     map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString}, Example: "work_id,name,…\r\n"}},
		Headers: map[string]*huma.Param{
			"X-People-Disclosed": header("How many people are in it, each under a disclosure of their own."),
			"X-People-Withheld":  header("How many people are in it without their name, because it was erased or is restricted."),
			"X-Left-Out":         header("Work ids that are not in a payroll file, though they have hours."),
			"X-Findings":         header("What in the hours needs a look before a payroll file is paid."),
			"X-Adjustments":      header("Adjustments of locked periods, which no payroll file holds."),
			"Content-Digest":     header("A trailer, as RFC 9530 has it."),
		},
	}
	return op
}

func (a *API) ordered(ctx context.Context, what string, given GivenBody, days ExportedDays) (ExportOrder, *Problem) {
	if problem := span(days.From, days.To); problem != nil {
		for i := range problem.Errors {
			problem.Errors[i].Pointer = strings.TrimPrefix(problem.Errors[i].Pointer, "query")
		}
		return ExportOrder{}, problem
	}
	return ExportOrder{
		What: what, From: days.From, To: days.To, Work: days.WorkID.id(),
		Why: disclosure.Record{
			Recipient: given.Recipient, Ground: eventschema.DisclosureGround(given.Ground), Interest: given.Interest, Instrument: given.Instrument,
			Reference: given.Reference, DisclosedAt: a.now(), DisclosedBy: caller(ctx).ID, ApprovedBy: given.ApprovedBy.id(),
		},
	}, nil
}

// export streams. What goes wrong before the first byte is a problem like any other;
// what goes wrong behind it breaks the connection off, so that no part of a file is
// taken for the whole.
func (a *API) export(ctx context.Context, order ExportOrder) *huma.StreamResponse {
	by := caller(ctx)
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humachi.Unwrap(hctx)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTimeout)
		defer cancel()
		connection := http.NewResponseController(w) // what it cannot do it says, and then the server's deadline stays
		_ = connection.SetWriteDeadline(time.Time{})
		defer context.AfterFunc(ctx, func() { _ = connection.SetWriteDeadline(time.Unix(1, 0)) })() // who reads too slowly is not waited for
		sum, begun := sha256.New(), false
		err := a.inside.Exports.Export(ctx, by, order, func(known ExportBegun) {
			begun = true
			exportHeader(w.Header(), order, known)
			w.WriteHeader(http.StatusOK)
		}, digesting{w, sum})
		switch {
		case err == nil:
			w.Header().Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum.Sum(nil))+":")
		case !begun:
			writeProblem(w, r, problemOf(err))
		default:
			e := exchangeOf(r.Context())
			e.status, e.cause = http.StatusInternalServerError, err // for the log and the key: the client saw 200 and no end
			panic(http.ErrAbortHandler)
		}
	}}
}

func exportHeader(h http.Header, order ExportOrder, known ExportBegun) {
	extension := order.Format
	if extension == "" {
		extension = "txt"
	}
	h.Set("Content-Type", contentTypes[order.Format])
	h.Set("Content-Disposition", `attachment; filename="`+order.What+"-"+order.From+"-"+order.To+"."+extension+`"`)
	h.Set("Trailer", "Content-Digest")
	h.Set("X-People-Disclosed", strconv.Itoa(known.Disclosed))
	h.Set("X-People-Withheld", strconv.Itoa(known.Withheld))
	if order.Payroll != nil {
		h.Set("X-Left-Out", strings.Join(idTexts(known.LeftOut), ", "))
		h.Set("X-Findings", strconv.Itoa(known.Findings))
		h.Set("X-Adjustments", strconv.Itoa(known.Adjustments))
	}
}

// digesting writes and adds up.
type digesting struct {
	http.ResponseWriter
	sum hash.Hash
}

// Write implements io.Writer.
func (d digesting) Write(p []byte) (int, error) {
	n, err := d.ResponseWriter.Write(p)
	_, _ = d.sum.Write(p[:n]) // a hash takes everything
	return n, err
}
