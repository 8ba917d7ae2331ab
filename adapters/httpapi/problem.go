package httpapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// problemBase begins the type URI of every problem. The names behind it are
// stable: clients branch on them.
const problemBase = "urn:tracekeep:problem:"

// retryAfter is what a client is told to wait when something is unavailable.
const retryAfter = 2 * time.Second

// Problem is an answer that is not a success, as RFC 9457 has it. It never holds
// a value that was sent.
type Problem struct {
	Type     string  `json:"type" format:"uri" doc:"Stable name of the kind of problem." example:"urn:tracekeep:problem:invalid"`
	Title    string  `json:"title" doc:"The kind of problem in words; the same for every occurrence." example:"The request does not fit its schema"`
	Status   int     `json:"status" doc:"HTTP status." example:"422"`
	Detail   string  `json:"detail,omitempty" doc:"What to do about it."`
	Instance string  `json:"instance" format:"uri" doc:"The id of this request." example:"urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e"`
	Errors   []Fault `json:"errors,omitempty" doc:"Where the request is at fault, without the values that were sent."`

	Case            string  `json:"case,omitempty" doc:"Only for the type erased: the case that erased it."`
	CertificateLeaf *uint64 `json:"certificate_leaf,omitempty" doc:"Only for the type erased: the leaf of the trail whose destruction the certificate is about, once there is a certificate."`

	header http.Header
	cause  error // for the log; never sent
}

// Fault is one place at which a request is at fault.
type Fault struct {
	Pointer string `json:"pointer" doc:"JSON pointer into the body, or query/name, path/name, header/name." example:"/zone"`
	Code    string `json:"code" doc:"Stable name of the rule." example:"pattern"`
	Message string `json:"message" doc:"The rule in words."`
}

// Error implements error without the cause, which may not be shown.
func (p *Problem) Error() string { return p.Type }

// Unwrap gives the cause to the log.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// kind is one row of the catalogue of problems.
type kind struct {
	name   string
	status int
	title  string
}

// The catalogue. A name is never reused for another meaning.
var (
	kindMalformed    = kind{"malformed", http.StatusBadRequest, "The request cannot be read"}
	kindPageToken    = kind{"page-token", http.StatusBadRequest, "The page token is not one of this question"}
	kindKeyMissing   = kind{"idempotency-key-missing", http.StatusBadRequest, "An Idempotency-Key is required"}
	kindKeyMalformed = kind{"idempotency-key-malformed", http.StatusBadRequest, "The Idempotency-Key is not a quoted string"}
	kindUnauthorized = kind{"unauthenticated", http.StatusUnauthorized, "A valid bearer token is required"}
	kindForbidden    = kind{"forbidden", http.StatusForbidden, "This role may not do this here"}
	kindUnproven     = kind{"unproven", http.StatusForbidden, "The request does not prove where it comes from"}
	kindRevoked      = kind{"device-revoked", http.StatusForbidden, "The device was revoked"}
	kindNotFound     = kind{"not-found", http.StatusNotFound, "There is no such thing here"}
	kindMethod       = kind{"method-not-allowed", http.StatusMethodNotAllowed, "The method is not allowed here"}
	kindConflict     = kind{"conflict", http.StatusConflict, "The state of the resource does not allow this"}
	kindOutstanding  = kind{"idempotency-key-outstanding", http.StatusConflict, "A request with this key is being handled"}
	kindErased       = kind{"erased", http.StatusGone, "This was erased on request"}
	kindStale        = kind{"stale", http.StatusPreconditionFailed, "The resource has changed since it was read"}
	kindTooLarge     = kind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	kindMediaType    = kind{"media-type", http.StatusUnsupportedMediaType, "The body must be application/json in UTF-8"}
	kindInvalid      = kind{"invalid", http.StatusUnprocessableEntity, "The request does not fit its schema"}
	kindRefused      = kind{"refused", http.StatusUnprocessableEntity, "A rule refuses this"}
	kindKeyMismatch  = kind{"idempotency-key-reused", http.StatusUnprocessableEntity, "The key was used for another request"}
	kindTooOften     = kind{"too-often", http.StatusTooManyRequests, "Too many requests in a short time"}
	kindPrecondition = kind{"precondition-required", http.StatusPreconditionRequired, "If-Match is required"}
	kindInternal     = kind{"internal", http.StatusInternalServerError, "Something went wrong here"}
	kindUnavailable  = kind{"unavailable", http.StatusServiceUnavailable, "Temporarily unavailable"}
)

// kinds lists the catalogue for the OpenAPI document.
func kinds() []kind {
	return []kind{
		kindMalformed, kindPageToken, kindKeyMissing, kindKeyMalformed, kindUnauthorized, kindForbidden, kindUnproven, kindRevoked,
		kindNotFound, kindMethod, kindConflict, kindOutstanding, kindErased, kindStale, kindTooLarge, kindMediaType,
		kindInvalid, kindRefused, kindKeyMismatch, kindTooOften, kindPrecondition, kindInternal, kindUnavailable,
	}
}

func (k kind) because(detail string, faults ...Fault) *Problem {
	p := &Problem{Type: problemBase + k.name, Title: k.title, Status: k.status, Detail: detail, Errors: faults}
	switch k.status {
	case http.StatusUnauthorized:
		p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	case http.StatusServiceUnavailable, http.StatusConflict:
		if k != kindConflict {
			p.header = http.Header{"Retry-After": {strconv.Itoa(int(retryAfter / time.Second))}}
		}
	}
	return p
}

// invalid is the common answer to a request that its schema does not allow.
func invalid(pointer, code, message string) *Problem {
	return kindInvalid.because("", Fault{Pointer: pointer, Code: code, Message: message})
}

// problemOf turns an error of a port into a problem. What it does not know is
// internal, and its text stays here.
func problemOf(err error) *Problem {
	var problem *Problem
	var refusal *Refusal
	var erased *Erased
	var often *TooOften
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &refusal):
		return kindRefused.because("", Fault{Pointer: refusal.Pointer, Code: refusal.Code, Message: refusal.Message})
	case errors.As(err, &erased):
		problem = kindErased.because("Its keys were destroyed; the trail keeps the proof.")
		problem.Case, problem.CertificateLeaf = erased.Case.String(), erased.CertificateLeaf
		return problem
	case errors.As(err, &often):
		problem = kindTooOften.because("Send it again after the seconds that Retry-After says. Nothing was recorded.")
		problem.header = http.Header{"Retry-After": {strconv.Itoa(max(1, int(math.Ceil(often.Wait.Seconds()))))}}
	case errors.Is(err, ErrUnproven):
		problem = kindUnproven.because("There is no such device, or this is not its signature.")
	case errors.Is(err, ErrRevoked):
		problem = kindRevoked.because("Enrol again: with a new code and a new key.")
	case errors.Is(err, ErrNotFound):
		problem = kindNotFound.because("")
	case errors.Is(err, ErrTooLarge):
		problem = kindTooLarge.because("")
	case errors.Is(err, ErrStale):
		problem = kindStale.because("Read it again and decide on what you see then.")
	case errors.Is(err, ErrConflict):
		problem = kindConflict.because("")
	case errors.Is(err, ErrUnrecorded):
		problem = kindUnavailable.because("Who reads personal values is recorded first, and that cannot be done now: nothing is shown. Try again later.")
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		problem = kindUnavailable.because("Repeat the request with the same Idempotency-Key.")
	default:
		problem = kindInternal.because("")
	}
	problem.cause = err
	return problem
}
