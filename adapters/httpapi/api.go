package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"go.uber.org/zap"
)

// minToken is the shortest bearer token accepted in a configuration.
const minToken = 16

// Config is what the API needs beside the inside. [Config.Validate] reports
// everything that is wrong with it at once.
type Config struct {
	Clock  func() time.Time
	Random io.Reader // cryptographically secure
	Log    *zap.Logger

	// Tokens maps a bearer token to its principal. For development; the console's
	// sessions and OIDC come in front of this.
	Tokens map[string]Principal
	// PageTokenKey seals page tokens; every process behind one address shares it.
	PageTokenKey [32]byte

	Pay PayBook // rules and plans beside the built-in sets

	MaxBodyBytes   int64         // 0 means 64 KiB
	RequestTimeout time.Duration // 0 means 15 s; also the lease of an Idempotency-Key
	FreshnessWait  time.Duration // 0 means 2 s; the longest wait for X-Min-Position
}

// Validate reports every mistake of the configuration. It names no token.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("http api: "+what))
		}
	}
	need(c.Clock != nil, "a clock is required")
	need(c.Random != nil, "a source of randomness is required")
	need(c.Log != nil, "a logger is required")
	need(c.PageTokenKey != [32]byte{}, "a page token key is required")
	c.Pay.validate(need)
	need(c.MaxBodyBytes >= 0 && c.RequestTimeout >= 0 && c.FreshnessWait >= 0, "limits are not negative")
	for token, principal := range c.Tokens {
		need(len(token) >= minToken, fmt.Sprintf("a token has fewer than %d characters", minToken))
		need(principal.Tenant != uuid.Nil && principal.ID != uuid.Nil, "a principal needs a tenant and an id")
		need(principal.Role.known(), "a principal has an unknown role")
	}
	return errors.Join(errs...)
}

// API is the HTTP interface. It is an http.Handler and safe for concurrent use.
type API struct {
	config   Config
	inside   Inside
	bearers  []bearer
	pages    pages
	table    map[string]Access
	messages map[string]string
	router   chi.Router
	document []byte // OpenAPI 3.1 as JSON

	problemSchema *huma.Schema
}

// New builds the API. It fails when the configuration or the inside is incomplete.
func New(config Config, inside Inside) (*API, error) {
	if err := errors.Join(config.Validate(), inside.validate()); err != nil {
		return nil, err
	}
	if config.MaxBodyBytes == 0 {
		config.MaxBodyBytes = 64 << 10
	}
	if config.RequestTimeout == 0 {
		config.RequestTimeout = 15 * time.Second
	}
	if config.FreshnessWait == 0 {
		config.FreshnessWait = 2 * time.Second
	}
	sealer, err := newPages(config.PageTokenKey, config.Random)
	if err != nil {
		return nil, err
	}
	a := &API{config: config, inside: inside, pages: sealer, table: Table(), messages: safeMessages(), router: chi.NewMux()}
	for token, principal := range config.Tokens {
		a.bearers = append(a.bearers, bearer{hash: sha256.Sum256([]byte(token)), principal: principal})
	}
	a.config.Tokens = nil
	if err := a.routes(); err != nil {
		return nil, err
	}
	return a, nil
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// OpenAPI is the OpenAPI 3.1 document as JSON. The caller does not change it.
func (a *API) OpenAPI() []byte { return a.document }

// Server is an http.Server for the API with every limit set. The caller starts
// it and shuts it down.
func (a *API) Server(address string) *http.Server {
	return &http.Server{
		Addr: address, Handler: a,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      a.config.RequestTimeout + 15*time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(connectionErrors{a.config.Log}, "", 0),
	}
}

func (a *API) routes() error {
	a.router.Use(a.outermost)
	a.router.NotFound(func(w http.ResponseWriter, r *http.Request) { writeProblem(w, r, kindNotFound.because("")) })
	a.router.MethodNotAllowed(a.methodNotAllowed)
	api := humachi.New(a.router, a.humaConfig())
	api.UseMiddleware(a.guard)
	a.problemSchema = schemaOf[Problem](api.OpenAPI().Components.Schemas)
	a.registerPunches(api)
	a.registerPeople(api)
	a.registerConsents(api)
	a.registerReading(api)
	a.registerTrail(api)
	a.registerErasures(api)
	a.registerRetentions(api)
	a.registerCertificates(api)
	a.registerHolds(api)
	a.registerRestrictions(api)
	a.registerDisclosures(api)
	a.registerReadings(api)
	a.registerDevices(api)
	a.registerArrivals(api)
	a.registerSites(api)
	a.registerFields(api)
	a.registerMedia(api)
	a.registerWorkforce(api)
	a.registerShiftReading(api)
	a.registerShiftPlanning(api)
	a.registerShiftAnswers(api)
	a.registerClasses(api)
	a.registerEnrolments(api)
	a.registerSessions(api)
	a.registerCorrectionRequests(api)
	a.registerPayPeriodReading(api)
	a.registerExports(api)
	a.registerHealth(api)
	return a.registerDocument(api.OpenAPI())
}

// methodNotAllowed names the methods that are (RFC 9110 § 15.5.6).
func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if a.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	writeProblem(w, r, kindMethod.because(""))
}

// humaConfig turns off what Huma would serve by itself: its documentation pages
// load scripts from elsewhere, and its schema links add members to answers.
func (a *API) humaConfig() huma.Config {
	config := huma.DefaultConfig("Tracekeep", "1.0.0")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{a.rewrite}
	return config
}

// writeProblem answers with a problem outside of an operation.
func writeProblem(w http.ResponseWriter, r *http.Request, problem *Problem) {
	e := exchangeOf(r.Context())
	problem.Instance = e.instance()
	e.note(problem)
	for name, values := range problem.header {
		w.Header()[name] = values
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(problem); err != nil {
		body.Reset() // strings and integers always encode
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(problem.Status)
	_, _ = w.Write(body.Bytes()) // a client that went away is no error of ours
}

func (a *API) warn(e *exchange, err error) {
	a.config.Log.Warn("idempotency record", zap.Stringer("request", e.id), zap.Error(err))
}

// caller is who sent the request that ctx belongs to.
func caller(ctx context.Context) Principal { return exchangeOf(ctx).principal }

// intent is the intent of the change that ctx belongs to.
func intent(ctx context.Context) Intent { return exchangeOf(ctx).intent }

func (in Inside) validate() error {
	if in.Punches == nil || in.People == nil || in.Consents == nil || in.Reading == nil || in.Trail == nil ||
		in.Erasures == nil || in.Certificates == nil || in.Holds == nil || in.Restrictions == nil || in.Disclosures == nil || in.Readings == nil || in.Retentions == nil ||
		in.Sites == nil || in.Fields == nil || in.Media == nil || in.Workforce == nil || in.Shifts == nil || in.Classes == nil || in.Rolls == nil || in.Corrections == nil || in.Payroll == nil ||
		in.Exports == nil || in.Devices == nil || in.Batches == nil || in.Arrivals == nil ||
		in.Freshness == nil || in.Health == nil || in.Idempotency == nil {
		return errors.New("http api: every port of the inside is required")
	}
	return nil
}
