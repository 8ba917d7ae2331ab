package adms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := read(r.Method, r.URL)
	ended := s.converse(w, r, asked)
	s.metrics.requests.WithLabelValues(string(asked.kind), string(ended)).Inc()
}

// converse answers one request. Nothing of a body is read before the terminal is
// known.
func (s *Server) converse(w http.ResponseWriter, r *http.Request, asked request) answer {
	switch {
	case asked.kind == kindOther:
		return say(w, http.StatusNotFound, answerMalformed, "there is nothing here for a terminal")
	case asked.serial == "":
		return say(w, http.StatusBadRequest, answerMalformed, "a serial number is needed: SN=")
	}
	from, err := s.cfg.Register.Find(r.Context(), asked.serial)
	switch {
	case errors.Is(err, ErrUnknown):
		s.account.refuse(asked.serial, s.cfg.Clock())
		s.refusal.Do(func() {
			s.cfg.Log.Warn("a terminal that is not registered was refused; tracekeep terminals list names the latest")
		})
		return say(w, http.StatusForbidden, answerUnknown, "this terminal is not registered")
	case err != nil:
		s.cfg.Log.Error("look up a terminal", zap.Error(err))
		return say(w, http.StatusServiceUnavailable, answerUnavailable, "come again")
	}
	pace := s.paceOf(from.Serial)
	if !pace.limit.Allow() {
		return say(w, http.StatusTooManyRequests, answerTooMany, "come again")
	}
	switch asked.kind {
	case kindHandshake:
		return s.handshake(w, r, asked, from)
	case kindPunches:
		return s.punches(w, r, from, pace)
	case kindTable:
		return s.table(w, r, asked, from)
	case kindPoll, kindReport, kindOther:
	}
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, s.cfg.Limits.BatchBytes)); err != nil {
		return unread(w, err)
	}
	s.account.of(from.Serial, s.cfg.Clock(), func(*Heard) {})
	return ok(w, "OK")
}

func (s *Server) handshake(w http.ResponseWriter, r *http.Request, asked request, from Terminal) answer {
	now := s.cfg.Clock()
	heard := s.account.acknowledged(from.Serial)
	s.account.of(from.Serial, now, func(*Heard) {})
	if r.URL.Query().Get("options") == "" {
		return ok(w, "OK")
	}
	return ok(w, options(from, asked.protocol, heard, now))
}

// table takes what is no batch of punches. It is acknowledged, or the terminal would
// repeat it for ever, and nothing of it is kept.
func (s *Server) table(w http.ResponseWriter, r *http.Request, asked request, from Terminal) answer {
	counts, rows, err := drop(asked.table, http.MaxBytesReader(w, r.Body, s.cfg.Limits.TableBytes))
	if err != nil {
		return unread(w, err)
	}
	for kind, n := range counts {
		s.metrics.dropped.WithLabelValues(kind).Add(float64(n))
	}
	s.account.of(from.Serial, s.cfg.Clock(), func(h *Heard) { h.Dropped += int64(rows) })
	if asked.table == "ATTPHOTO" || asked.table == "OPTIONS" || asked.table == "" {
		return ok(w, "OK")
	}
	return ok(w, "OK: "+strconv.Itoa(rows))
}

// punches takes a batch of punches.
func (s *Server) punches(w http.ResponseWriter, r *http.Request, from Terminal, pace *pace) answer {
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Limits.BodyTime+s.cfg.Limits.WorkTime)
	defer cancel()
	// One batch of a terminal at a time, so that bodies take memory for as many
	// terminals as are registered; and few of all at work, none of which is slow to send.
	if !enter(ctx, pace.batch) {
		return say(w, http.StatusServiceUnavailable, answerTooMany, "come again")
	}
	defer func() { <-pace.batch }()
	batch, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.Limits.BatchBytes))
	if err != nil { // also where it ended before its length: nothing of it is recorded
		return unread(w, err)
	}
	if !enter(ctx, s.work) {
		return say(w, http.StatusServiceUnavailable, answerTooMany, "come again")
	}
	defer func() { <-s.work }()
	verdict, err := s.cfg.Punches.Take(ctx, from, lines(batch))
	if err != nil {
		s.cfg.Log.Error("a batch of a terminal was not recorded; it will come again", zap.String("station", from.Station), zap.Error(err))
		return say(w, http.StatusServiceUnavailable, answerUnavailable, "come again")
	}
	return s.settle(w, from, verdict)
}

func enter(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle acknowledges a batch, or has the terminal keep it.
func (s *Server) settle(w http.ResponseWriter, from Terminal, v Verdict) answer {
	now := s.cfg.Clock()
	held := v.held()
	waived := held > 0 && now.Before(from.WaivedUntil)
	s.metrics.count(v, waived)
	var news bool // whether what is held differs from before
	s.account.of(from.Serial, now, func(h *Heard) {
		h.Batches++
		h.Recorded += int64(v.Recorded)
		h.Already += int64(v.Already)
		h.Dropped += int64(v.Templates)
		for reason, n := range v.news() {
			if h.Suspect == nil {
				h.Suspect = map[string]int64{}
			}
			h.Suspect[reason] += int64(n)
		}
		if held > 0 && !waived {
			if news = !maps.Equal(h.Held, v.Held); len(h.Held) == 0 {
				h.HeldSince = now
			}
			h.Held = maps.Clone(v.Held)
			return
		}
		news = len(h.Held) > 0
		h.Held, h.HeldSince, h.LastBatch = nil, time.Time{}, now
		if waived {
			h.Waived += int64(held)
		}
	})
	s.tell(from, v, held, waived, news)
	if held > 0 && !waived {
		return say(w, http.StatusServiceUnavailable, answerHeld, fmt.Sprintf("keep it; rows that make no punch yet: %d", held))
	}
	return ok(w, "OK: "+strconv.Itoa(v.Rows))
}

// tell writes to the log what somebody has to look at.
func (s *Server) tell(from Terminal, v Verdict, held int, waived, news bool) {
	station := zap.String("station", from.Station)
	switch {
	case waived:
		s.cfg.Log.Warn("rows of a terminal that make no punch were let go", station, zap.Any("rows", v.Held))
	case held > 0 && news:
		s.cfg.Log.Warn("rows of a terminal make no punch; it keeps and repeats them", station, zap.Any("rows", v.Held))
	case news:
		s.cfg.Log.Info("a terminal has nothing more to repeat", station)
	}
	if news := v.news(); len(news) > 0 {
		s.cfg.Log.Warn("punches of a terminal were recorded and need a look", station, zap.Any("rows", news))
	}
}

// lines takes the rows out of a form field, in which some firmwares send them.
func lines(batch []byte) []byte {
	form, found := bytes.CutPrefix(batch, []byte("data="))
	if !found || bytes.IndexByte(form, '\t') >= 0 {
		return batch
	}
	if text, err := url.QueryUnescape(string(bytes.TrimRight(form, "\r\n"))); err == nil {
		return []byte(text)
	}
	return batch
}

func unread(w http.ResponseWriter, err error) answer {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return say(w, http.StatusRequestEntityTooLarge, answerTooLarge, "send less at once")
	}
	return say(w, http.StatusBadRequest, answerMalformed, "the body ended before its length")
}

func ok(w http.ResponseWriter, text string) answer { return write(w, http.StatusOK, answerOK, text) }

// say answers with something that no firmware takes for an acknowledgement, and
// hangs up: what is left of the body is not waited for.
func say(w http.ResponseWriter, status int, as answer, text string) answer {
	w.Header().Set("Connection", "close")
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(errorDelay))
	}
	return write(w, status, as, text+"\n")
}

func write(w http.ResponseWriter, status int, as answer, text string) answer {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a terminal that went away asks again
	return as
}
