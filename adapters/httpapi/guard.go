package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
)

// guard stands before every operation: token, query, body, access, freshness and
// the Idempotency-Key, in this order. Nothing of the body is read before the
// token is known.
func (a *API) guard(hctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(hctx)
	e := exchangeOf(r.Context())
	e.operation = hctx.Operation().OperationID
	row := a.table[e.operation] // an operation without a row has no roles
	if row.Public {
		next(hctx)
		return
	}
	if row.Proven {
		a.proven(hctx, r, w, next)
		return
	}
	principal, known := a.principalOf(r.Header)
	if !known {
		writeProblem(w, r, kindUnauthorized.because(""))
		return
	}
	e.principal = principal
	if row.Roles[principal.Role] == Denied { // before anything it sent is read
		writeProblem(w, r, kindForbidden.because(""))
		return
	}
	query, problem := readQuery(r)
	if problem != nil {
		writeProblem(w, r, problem)
		return
	}
	var members map[string]any
	var canonical []byte
	if row.Upload {
		canonical, problem = a.announced(r)
	} else {
		members, canonical, problem = readBody(w, r, a.config.MaxBodyBytes, hctx.Operation().RequestBody != nil)
	}
	if problem != nil {
		writeProblem(w, r, problem)
		return
	}
	if !row.allows(principal, asked{query: query, body: members, route: chi.RouteContext(r.Context())}) {
		writeProblem(w, r, kindForbidden.because(""))
		return
	}
	if row.Roles[principal.Role] == Taught {
		if problem := a.teaches(r, principal); problem != nil {
			writeProblem(w, r, problem)
			return
		}
	}
	if r.Method == http.MethodPost {
		a.once(hctx, r, w, canonical, next)
		return
	}
	if problem := a.await(r); problem != nil {
		writeProblem(w, r, problem)
		return
	}
	next(hctx)
}

// teaches refuses whoever does not teach the class of the path, with the same answer
// whether there is such a class or not.
func (a *API) teaches(r *http.Request, by Principal) *Problem {
	class, err := uuid.Parse(chi.URLParam(r, "class_id"))
	if err != nil {
		return kindForbidden.because("")
	}
	teaches, err := a.inside.Rolls.Teaches(r.Context(), by.Work, class)
	switch {
	case err != nil:
		return problemOf(err)
	case !teaches:
		return kindForbidden.because("")
	}
	return nil
}

// proven lets a request through whose proof only the use case can check. It is read
// as strictly as any other. An Idempotency-Key is not asked: the proof says what was
// done before.
func (a *API) proven(hctx huma.Context, r *http.Request, w http.ResponseWriter, next func(huma.Context)) {
	_, problem := readQuery(r)
	limit := int64(0)
	if problem == nil {
		limit, problem = a.provenLength(r, hctx.Operation().MaxBodyBytes-1)
	}
	if problem == nil {
		_, _, problem = readBody(w, r, limit, true)
	}
	if problem != nil {
		writeProblem(w, r, problem)
		return
	}
	next(hctx)
}

// announced is what is known of content before it is read: enough to refuse what is too
// long, and to tell two uploads under one key apart in most cases. A repeated one is
// told by its key.
func (a *API) announced(r *http.Request) ([]byte, *Problem) {
	limit := a.inside.Media.MediaLimit()
	switch {
	case r.ContentLength > limit:
		return nil, kindTooLarge.because("At most " + strconv.FormatInt(limit, 10) + " bytes.")
	case r.ContentLength == 0:
		return nil, kindMalformed.because("The content is missing.")
	case r.Header.Get("Content-Encoding") != "":
		return nil, kindMediaType.because("Content is sent as it is.")
	}
	said := []string{r.URL.RawQuery, strconv.FormatInt(r.ContentLength, 10), r.Header.Get("Media-Caption"), r.Header.Get("Media-File-Name")}
	return []byte(strings.Join(said, "\n")), nil
}

// leaseOf is how long a change may take before its key is free for another attempt.
func (a *API) leaseOf(operation string) time.Duration {
	if a.table[operation].Upload {
		return contentTimeout + a.config.RequestTimeout
	}
	return a.config.RequestTimeout
}

// provenLength is how long a body may be: what anybody may send, and the most of the
// operation only where the header proves a device. A proof that does not hold is an
// answer, however short the body is.
func (a *API) provenLength(r *http.Request, most int64) (int64, *Problem) {
	anybody := min(most, a.config.MaxBodyBytes)
	device, proofs := ID(chi.URLParam(r, "device_id")).id(), r.Header.Values(batchProof)
	switch {
	case len(proofs) == 0, most == anybody, device == uuid.Nil: // the schema has an answer to what is no id
		return anybody, nil
	case len(proofs) > 1:
		return 0, kindMalformed.because("", Fault{Pointer: "header/" + batchProof, Code: "twice", Message: "expected one proof"})
	}
	if err := a.inside.Batches.ProveBatch(r.Context(), device, proofs[0]); err != nil {
		return 0, problemOf(err)
	}
	return most, nil
}

// bearer is one configured token, by its hash.
type bearer struct {
	hash      [sha256.Size]byte
	principal Principal
}

// principalOf finds whose token it is. It compares hashes in constant time and
// always all of them, so that the time says nothing about which came close.
func (a *API) principalOf(header http.Header) (Principal, bool) {
	lines := header.Values("Authorization")
	if len(lines) != 1 {
		return Principal{}, false
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Principal{}, false
	}
	hash := sha256.Sum256([]byte(strings.Trim(token, " ")))
	found := -1
	for i := range a.bearers {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], a.bearers[i].hash[:]), i, found)
	}
	if found < 0 {
		return Principal{}, false
	}
	return a.bearers[found].principal, true
}

// readQuery refuses what cannot be read, and a parameter given twice: which of
// two would count is an accident that others may rely on.
func readQuery(r *http.Request) (url.Values, *Problem) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, kindMalformed.because("The query cannot be read.")
	}
	for _, pair := range strings.Split(r.URL.RawQuery, "&") {
		if pair != "" && !strings.Contains(pair, "=") {
			return nil, kindMalformed.because("A query parameter has no value.")
		}
	}
	for _, values := range query {
		if len(values) > 1 {
			return nil, kindMalformed.because("A query parameter occurs twice.")
		}
		if !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0) {
			return nil, kindMalformed.because("A query parameter is not plain UTF-8 text.")
		}
	}
	return query, nil
}

// readBody reads the body up to the limit, checks its form, and puts it back for
// the operation.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, wanted bool) (map[string]any, []byte, *Problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, nil, kindTooLarge.because("At most " + strconv.FormatInt(limit, 10) + " bytes.")
	case err != nil:
		return nil, nil, kindMalformed.because("The body ended early.")
	case !wanted && len(body) > 0:
		return nil, nil, kindMalformed.because("This operation takes no body.")
	case !wanted:
		return nil, nil, nil
	case !isJSON(r.Header):
		return nil, nil, kindMediaType.because("")
	}
	members, canonical, err := readStrict(body)
	if err != nil {
		return nil, nil, kindMalformed.because("", Fault{Code: "json", Message: err.Error()})
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return members, canonical, nil
}

func isJSON(header http.Header) bool {
	mediaType, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || header.Get("Content-Encoding") != "" {
		return false
	}
	charset, given := parameters["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}

// await holds a read back until the read models have what X-Min-Position names.
func (a *API) await(r *http.Request) *Problem {
	header := r.Header.Get("X-Min-Position")
	if header == "" {
		return nil
	}
	position, err := strconv.ParseUint(header, 10, 63)
	if err != nil {
		return kindMalformed.because("", Fault{Pointer: "header/X-Min-Position", Code: "type", Message: "expected a position"})
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.config.FreshnessWait)
	defer cancel()
	if err := a.inside.Freshness.Await(ctx, position); err != nil {
		problem := kindUnavailable.because("The read models have not caught up with X-Min-Position.")
		problem.cause = err
		return problem
	}
	return nil
}

// once lets a change through under its Idempotency-Key.
func (a *API) once(hctx huma.Context, r *http.Request, w http.ResponseWriter, canonical []byte, next func(huma.Context)) {
	key, err := parseIdempotencyKey(r.Header)
	if err != nil {
		k := kindKeyMalformed
		if errors.Is(err, errKeyMissing) {
			k = kindKeyMissing
		}
		writeProblem(w, r, k.because(`For example: Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"`))
		return
	}
	e := exchangeOf(r.Context())
	use := KeyUse{
		Tenant: e.principal.Tenant, Principal: e.principal.ID, Key: key,
		Fingerprint: fingerprint(r.Method, r.URL.EscapedPath(), e.principal.ID, r.Header.Get("If-Match"), canonical),
	}
	answer, err := a.inside.Idempotency.Reserve(r.Context(), use, a.config.Clock(), a.leaseOf(e.operation))
	switch {
	case err != nil:
		writeProblem(w, r, problemOf(err))
		return
	case answer == KeyOutstanding:
		writeProblem(w, r, kindOutstanding.because("Wait for its answer, then repeat."))
		return
	case answer == KeyMismatch:
		writeProblem(w, r, kindKeyMismatch.because("Use a new key for a new request."))
		return
	}
	e.intent = Intent{Principal: e.principal, Key: intentKey(e.operation, e.principal.ID, key), CorrelationID: e.id}
	defer a.settle(r.Context(), e, use, answer)
	next(hctx)
}

// intentKey keeps apart the same key of two principals or operations.
func intentKey(operation string, principal uuid.UUID, key string) string {
	return operation + ":" + principal.String() + ":" + key
}

// settle says what became of the request, also when it panicked or its client
// went away. A failure to say so leaves the key outstanding until its lease ends.
func (a *API) settle(ctx context.Context, e *exchange, use KeyUse, answer Reserved) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.config.RequestTimeout)
	defer cancel()
	var err error
	switch {
	case answer == KeyRepeated:
		return
	case e.status >= 200 && e.status < 300:
		err = a.inside.Idempotency.Complete(ctx, use, a.config.Clock())
	case e.status >= 400 && e.status < 500:
		err = a.inside.Idempotency.Release(ctx, use)
	default:
		err = a.inside.Idempotency.Lapse(ctx, use)
	}
	if err != nil {
		a.warn(e, err)
	}
}
