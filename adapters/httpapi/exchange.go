package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"go.uber.org/zap"
)

// exchange is one request and its answer, as the outer layers see it. It is used
// by one goroutine at a time.
type exchange struct {
	http.ResponseWriter
	id        uuid.UUID
	principal Principal
	operation string
	intent    Intent
	status    int
	problem   string
	cause     error
}

type exchangeKey struct{}

// exchangeOf finds the exchange of a request; outside of one it is an empty one.
func exchangeOf(ctx context.Context) *exchange {
	if found, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return found
	}
	return &exchange{}
}

func (e *exchange) instance() string { return "urn:uuid:" + e.id.String() }

// note keeps what the log is told about a problem.
func (e *exchange) note(problem *Problem) { e.problem, e.cause = problem.Type, problem.cause }

// WriteHeader implements http.ResponseWriter and remembers the status.
func (e *exchange) WriteHeader(status int) {
	if e.status == 0 {
		e.status = status
	}
	e.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (e *exchange) Write(b []byte) (int, error) {
	if e.status == 0 {
		e.status = http.StatusOK
	}
	return e.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// Hijack implements http.Hijacker only to refuse: nothing here upgrades.
func (e *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

// outermost gives the request its id, its deadline and the security headers,
// recovers from a panic, and writes the access log. The log names the route, not
// the path, and the principal by its id: no query, no header, no body.
func (a *API) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := a.config.Clock()
		e := &exchange{ResponseWriter: w}
		id, err := uuid.NewRandomFromReader(a.config.Random)
		e.id = id
		secure(w.Header())
		w.Header().Set("X-Request-Id", e.id.String())
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), exchangeKey{}, e), a.config.RequestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Header.Del("Accept") // every answer has one form
		defer func() {
			if thrown := recover(); thrown == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				a.logAccess(r, e, began)
				panic(thrown) // an answer that is broken off must not end as if it were whole
			} else if thrown != nil {
				// The value thrown may quote the request: only its type is logged.
				a.config.Log.Error("panic", zap.Stringer("request", e.id), zap.String("operation", e.operation),
					zap.String("type", fmt.Sprintf("%T", thrown)), zap.StackSkip("stack", 2))
				if e.status == 0 {
					writeProblem(e, r, kindInternal.because(""))
				}
			}
			a.logAccess(r, e, began)
		}()
		if err != nil {
			writeProblem(e, r, problemOf(fmt.Errorf("draw a request id: %w", err)))
			return
		}
		next.ServeHTTP(e, r)
	})
}

func (a *API) logAccess(r *http.Request, e *exchange, began time.Time) {
	route := "unmatched"
	if c := chi.RouteContext(r.Context()); c != nil && c.RoutePattern() != "" {
		route = c.RoutePattern()
	}
	fields := []zap.Field{
		zap.Stringer("request", e.id), zap.String("method", plainMethod(r.Method)), zap.String("route", route),
		zap.Int("status", e.status), zap.Duration("took", a.config.Clock().Sub(began)),
	}
	if e.principal.ID != uuid.Nil {
		fields = append(fields, zap.Stringer("tenant", e.principal.Tenant), zap.Stringer("principal", e.principal.ID),
			zap.String("role", string(e.principal.Role)))
	}
	if e.problem != "" {
		fields = append(fields, zap.String("problem", e.problem))
	}
	if e.status >= http.StatusInternalServerError {
		a.config.Log.Error("request", append(fields, zap.Error(e.cause))...)
		return
	}
	a.config.Log.Info("request", fields...)
}

// plainMethod keeps a method that a client made up out of the log.
func plainMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// secure sets the headers that every answer carries, whatever it is.
func secure(h http.Header) {
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// connectionErrors is where net/http writes what goes wrong on a connection. Its
// text holds addresses, so only the fact is kept.
type connectionErrors struct{ log *zap.Logger }

// Write implements io.Writer.
func (c connectionErrors) Write(b []byte) (int, error) {
	c.log.Debug("connection error")
	return len(b), nil
}

var _ io.Writer = connectionErrors{}
