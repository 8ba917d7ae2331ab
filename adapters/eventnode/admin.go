package eventnode

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// adminServer serves what an operator asks of the node over HTTP, under /admin/.
type adminServer struct {
	store     *store
	scavenges *scavenges
	clock     func() time.Time
	// authorise lets a request pass or says why not: an refusalError with its own
	// code, any other error with 403. It is asked once, before anything else. A
	// secure node has asked for credentials before.
	authorise func(*http.Request) error
	// admins only: what shows every event, whatever the rights to its stream.
	admins func(*http.Request) error

	mu       sync.Mutex
	closed   bool
	requests sync.WaitGroup
	// closing ends requests that take long, when the node stops.
	closing context.Context
	end     context.CancelFunc
}

func (n *Node) newAdmin() *adminServer {
	a := &adminServer{store: n.store, scavenges: n.scavenges, clock: n.cfg.Clock, authorise: http.NewCrossOriginProtection().Check}
	a.admins = func(r *http.Request) error {
		if !callerOf(r.Context()).in(roleAdmins) {
			return errAccessDenied
		}
		return nil
	}
	if n.gate == nil {
		a.authorise, a.admins = loopbackOnly, func(*http.Request) error { return nil }
	}
	a.closing, a.end = context.WithCancel(context.Background())
	return a
}

// enter says whether a request may still be served; it must leave again.
func (a *adminServer) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.requests.Add(1)
	}
	return !a.closed
}

// close ends the requests that are being served and waits for them.
func (a *adminServer) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.end()
	a.requests.Wait()
}

// refusalError is a refusal with its status code.
type refusalError struct {
	code int
	text string
}

func (r *refusalError) Error() string { return r.text }

// loopbackOnly is the authority of a node without users: whoever has an account
// on its machine may act on it, but nobody through a browser there. A page that
// a browser loaded elsewhere shows in the Origin, or, where its name was made to
// point here, in the Host of its requests.
func loopbackOnly(r *http.Request) error {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		return errors.New("only clients on this machine may do this")
	}
	named := r.Host
	if h, _, err := net.SplitHostPort(named); err == nil {
		named = h
	}
	if named != "localhost" && net.ParseIP(named) == nil {
		return errors.New("name this machine localhost, or by its address")
	}
	return http.NewCrossOriginProtection().Check(r)
}

func (a *adminServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admin/scavenge", a.startScavenge)
	mux.HandleFunc("GET /admin/scavenge/{id}", a.scavengeStatus)
	mux.HandleFunc("DELETE /admin/scavenge/{id}", a.stopScavenge)
	mux.HandleFunc("POST /admin/backup", a.sendBackup)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.enter() {
			refuseHTTP(w, http.StatusServiceUnavailable, ErrClosed)
			return
		}
		defer a.requests.Done()
		if err := a.authorise(r); err != nil {
			refuseHTTP(w, http.StatusForbidden, err)
			return
		}
		// What an operator asks for may take as long as it takes, unless the node
		// stops: then nobody waits for a client that reads slowly.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{})
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(a.closing, func() {
			cancel()
			_ = control.SetWriteDeadline(time.Unix(1, 0))
		})()
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

func refuseHTTP(w http.ResponseWriter, code int, err error) {
	var refusal *refusalError
	if errors.As(err, &refusal) {
		code = refusal.code
	}
	answerJSON(w, code, map[string]string{"error": err.Error()})
}

func answerJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}

// ScavengeStatus is what the node says of a scavenge over HTTP. The names of the
// first three are those of a real node.
type ScavengeStatus struct {
	ID       uuid.UUID         `json:"scavengeId"`
	Link     string            `json:"scavengeLink"`
	Result   string            `json:"scavengeResult"`
	Progress *ScavengeProgress `json:"progress,omitempty"` // while it runs
	Report   *ScavengeReport   `json:"report,omitempty"`   // when it is over
	Error    string            `json:"error,omitempty"`
}

func statusOfScavenge(id uuid.UUID, result string) ScavengeStatus {
	return ScavengeStatus{ID: id, Link: "/admin/scavenge/" + id.String(), Result: result}
}

func (r *scavengeRun) status() ScavengeStatus {
	if !r.over() {
		st := statusOfScavenge(r.id, ScavengeInProgress)
		r.mu.Lock()
		progress := r.progress
		r.mu.Unlock()
		st.Progress = &progress
		return st
	}
	st := statusOfScavenge(r.id, r.result())
	st.Report = &r.report
	if r.err != nil {
		st.Error = r.err.Error()
	}
	return st
}

// result is how a scavenge that is over went.
func (r *scavengeRun) result() string {
	switch {
	case r.err == nil:
		return ScavengeSuccess
	case errors.Is(r.err, context.Canceled):
		return ScavengeStopped
	}
	return ScavengeFailed
}

// startScavenge answers as soon as the scavenge runs. Of the parameters of a
// real node only throttlePercent means something here.
func (a *adminServer) startScavenge(w http.ResponseWriter, r *http.Request) {
	o := ScavengeOptions{}
	if text := r.URL.Query().Get("throttlePercent"); text != "" {
		var err error
		if o.ThrottlePercent, err = strconv.Atoi(text); err != nil || o.ThrottlePercent < 1 {
			refuseHTTP(w, http.StatusBadRequest, errors.New("throttlePercent must be a number from 1 to 100"))
			return
		}
	}
	run, err := a.scavenges.start(context.WithoutCancel(r.Context()), o)
	switch {
	case errors.Is(err, ErrScavenging):
		st := a.scavenges.latestRun().status()
		st.Error = err.Error()
		answerJSON(w, http.StatusBadRequest, st)
	case errors.Is(err, ErrClosed):
		refuseHTTP(w, http.StatusServiceUnavailable, err)
	case err != nil:
		refuseHTTP(w, http.StatusBadRequest, err)
	default:
		answerJSON(w, http.StatusOK, statusOfScavenge(run.id, ScavengeInProgress))
	}
}

var errNoScavenge = errors.New("there is no such scavenge; the node remembers the latest one")

// scavengeStatus knows the latest scavenge, by its id and as "last", and as
// "current" while it runs.
func (a *adminServer) scavengeStatus(w http.ResponseWriter, r *http.Request) {
	if run, found := a.find(r.PathValue("id")); found {
		answerJSON(w, http.StatusOK, run.status())
		return
	}
	state, err := a.store.loadScavenge()
	if err != nil {
		refuseHTTP(w, http.StatusInternalServerError, err)
		return
	}
	name := r.PathValue("id")
	if state.ID == uuid.Nil || a.scavenges.latestRun() != nil || name != "last" && name != state.ID.String() {
		refuseHTTP(w, http.StatusNotFound, errNoScavenge)
		return
	}
	// It ended, one way or the other, in an earlier life of the node.
	if state.Result == ScavengeInProgress {
		state.Result = ScavengeInterrupted
	}
	answerJSON(w, http.StatusOK, statusOfScavenge(state.ID, state.Result))
}

func (a *adminServer) find(name string) (*scavengeRun, bool) {
	run := a.scavenges.latestRun()
	found := run != nil && (name == run.id.String() || name == "last" || name == "current" && !run.over())
	return run, found
}

// stopScavenge answers when the scavenge has stopped.
func (a *adminServer) stopScavenge(w http.ResponseWriter, r *http.Request) {
	run, found := a.find(r.PathValue("id"))
	if !found || r.PathValue("id") == "last" {
		refuseHTTP(w, http.StatusNotFound, errNoScavenge)
		return
	}
	run.stop(nil)
	select {
	case <-run.done:
		answerJSON(w, http.StatusOK, run.status())
	case <-r.Context().Done():
	}
}
