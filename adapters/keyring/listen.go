package keyring

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	channel = "tracekeep_keys"

	// A notification carries less than 8,000 bytes, an id 32; beyond some
	// thousands of keys forgetting everything is cheaper than listing them.
	idsPerNotice = 200
	idsAtMost    = 4000
	noticeAll    = "*"
	noticeQuiet  = "quiet "
	noticeEpochs = "epochs" // one was made
)

// announce tells every process, at commit, which keys to forget, and then to
// acknowledge the revocation. The notice names keys, which nobody can connect to
// a subject once their rows are gone. Postgres delivers the notices of one
// transaction in their order.
func announce(ctx context.Context, tx pgx.Tx, what act, keys []uuid.UUID, revocation int64) error {
	notices := []string{noticeAll}
	if len(keys) <= idsAtMost {
		notices = nil
		for start := 0; start < len(keys); start += idsPerNotice {
			var text strings.Builder
			for _, id := range keys[start:min(start+idsPerNotice, len(keys))] {
				text.WriteString(hex.EncodeToString(id[:]))
			}
			notices = append(notices, text.String())
		}
	}
	notices = append(notices, fmt.Sprintf("%s%d %s", noticeQuiet, revocation, what))
	_, err := tx.Exec(ctx, `SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS notice`, channel, notices)
	return err
}

// parseNotice answers false for what it does not understand, which is then
// taken to mean every key.
func parseNotice(text string) ([]uuid.UUID, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%16 != 0 {
		return nil, false
	}
	ids := make([]uuid.UUID, len(raw)/16)
	for i := range ids {
		copy(ids[i][:], raw[i*16:])
	}
	return ids, true
}

// startListening returns once notifications arrive, and fails if they cannot.
func (k *Keyring) startListening(ctx context.Context) error {
	conn, err := k.subscribe(ctx)
	if err != nil {
		return err
	}
	hearing, stop := context.WithCancel(context.Background())
	k.stopListening = stop
	go k.listen(hearing, conn)
	living, stop := context.WithCancel(context.Background())
	k.stopBeating = stop
	go k.keepBeating(living)
	return nil
}

func (k *Keyring) subscribe(ctx context.Context) (*pgx.Conn, error) {
	cfg := k.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = "tracekeep keyring listener"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return conn, nil
}

// listen forgets what it is told to. A lost connection may have lost a
// notification, so everything is forgotten when it breaks and again when it is
// back.
func (k *Keyring) listen(ctx context.Context, conn *pgx.Conn) {
	defer close(k.listening)
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	wait := first
	for {
		if conn != nil {
			err := k.hear(ctx, conn)
			_ = conn.Close(context.WithoutCancel(ctx))
			if ctx.Err() != nil {
				return
			}
			k.cache.flush()
			k.log.Warn("notifications of destroyed keys are interrupted", zap.Error(err))
			wait = first
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, longest)
		var err error
		if conn, err = k.subscribe(ctx); err != nil {
			conn = nil
			continue
		}
		k.cache.flush()
	}
}

func (k *Keyring) hear(ctx context.Context, conn *pgx.Conn) error {
	for {
		notice, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if ids, ok := parseNotice(notice.Payload); ok {
			k.cache.forget(ids)
			continue
		}
		if revocation, what, ok := parseQuiet(notice.Payload); ok {
			k.answer(ctx, revocation, what)
			continue
		}
		if notice.Payload == noticeEpochs {
			continue // whoever meets the epoch loads it
		}
		k.cache.flush()
	}
}

// parseQuiet reads the notice that ends a revocation.
func parseQuiet(text string) (revocation int64, what act, ok bool) {
	rest, ok := strings.CutPrefix(text, noticeQuiet)
	if !ok {
		return 0, "", false
	}
	digits, name, _ := strings.Cut(rest, " ")
	revocation, err := strconv.ParseInt(digits, 10, 64)
	return revocation, act(name), err == nil
}

// answer acknowledges a revocation whose keys were just forgotten. If it cannot
// now, the next beat does.
func (k *Keyring) answer(ctx context.Context, revocation int64, what act) {
	bounded, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	if what == actRetire {
		if err := k.dropRetired(bounded); err != nil {
			k.log.Warn("a retired epoch is not forgotten yet", zap.Error(err))
			return
		}
	}
	if err := k.acknowledge(bounded, revocation); err != nil && ctx.Err() == nil {
		k.log.Warn("a revocation is not acknowledged yet", zap.Error(err))
	}
}

// LoseNotices ends the listener without forgetting anything, as a network does that
// drops every notification. It is for measuring: what this process cached is then
// used until it asks what it missed.
func (k *Keyring) LoseNotices() {
	k.stopListening()
	<-k.listening
}
