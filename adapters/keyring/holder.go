package keyring

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	// beatEvery is how often a holder says that it lives and asks what it missed.
	beatEvery = 5 * time.Second

	// leaseTTL is how long after the start of its last beat a holder may use
	// what it cached. A holder that cannot reach the database stops then.
	leaseTTL = 30 * time.Second

	// clockAllowance is how much two clocks may differ over the times above.
	clockAllowance = 5 * time.Second
)

// holding is this process as a holder of keys: it registers before it caches
// its first key, beats while it lives, and acknowledges what it has forgotten.
type holding struct {
	id uuid.UUID

	mu sync.Mutex // one beat at a time

	// watched remembers the beats of the other holders and when they were first
	// seen, on this process's clocks alone.
	watchMu sync.Mutex
	watched map[uuid.UUID]watch
}

type watch struct {
	beats int64
	since instant
}

// act is what a revocation did.
type act string

const (
	actClose    act = "close"    // no new seals
	actRestrict act = "restrict" // opened for legal claims and audits only
	actDestroy  act = "destroy"
	actRetire   act = "retire" // of an epoch
)

// revoke records, in the transaction that changes keys, that every holder must
// forget them, and tells the holders at commit.
func (k *Keyring) revoke(ctx context.Context, tx pgx.Tx, what act, tenant, underCase uuid.UUID, keys []uuid.UUID) error {
	var revocation int64
	row := tx.QueryRow(ctx, `INSERT INTO revocation (tenant, case_id, act, made_at) VALUES ($1, $2, $3, $4) RETURNING revocation`,
		[16]byte(tenant), [16]byte(underCase), string(what), k.stamp())
	if err := row.Scan(&revocation); err != nil {
		return err
	}
	return announce(ctx, tx, what, keys, revocation)
}

// beat registers the holder or renews its lease, forgets whatever was revoked
// unheard, and acknowledges it. It is called at the start, every [beatEvery],
// and before a fetch when the lease has run out.
func (k *Keyring) beat(ctx context.Context) error {
	k.holding.mu.Lock()
	defer k.holding.mu.Unlock()
	begun := k.now()
	tag, err := k.pool.Exec(ctx, `UPDATE cache_holder SET beats = beats + 1, seen_at = $2 WHERE holder = $1`,
		[16]byte(k.holding.id), k.stamp())
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		// Somebody may have taken this process for dead and waited for it no longer.
		k.cache.flush()
		if _, err := k.pool.Exec(ctx, `INSERT INTO cache_holder (holder, beats, started_at, seen_at) VALUES ($1, 1, $2, $2)
			ON CONFLICT DO NOTHING`, [16]byte(k.holding.id), k.stamp()); err != nil {
			return err
		}
	}
	if err := k.catchUp(ctx); err != nil {
		return err
	}
	k.cache.renew(begun)
	return nil
}

// stayHolder renews a lease that has run out, before a fetch begins.
func (k *Keyring) stayHolder(ctx context.Context) error {
	if k.cache.leased(k.now()) {
		return nil
	}
	return k.beat(ctx)
}

// catchUp acknowledges what no notification told. Notifications carry the keys;
// without one everything is forgotten.
func (k *Keyring) catchUp(ctx context.Context) error {
	rows, err := k.pool.Query(ctx, `SELECT revocation, act FROM revocation r WHERE quiet_at IS NULL
		AND NOT EXISTS (SELECT FROM cache_ack a WHERE a.revocation = r.revocation AND a.holder = $1)`, [16]byte(k.holding.id))
	if err != nil {
		return err
	}
	var missed []int64
	var retired bool
	var revocation int64
	var what act
	if _, err := pgx.ForEachRow(rows, []any{&revocation, (*string)(&what)}, func() error {
		missed, retired = append(missed, revocation), retired || what == actRetire
		return nil
	}); err != nil || len(missed) == 0 {
		return err
	}
	k.cache.flush()
	if retired {
		if err := k.dropRetired(ctx); err != nil {
			return err
		}
	}
	return k.acknowledge(ctx, missed...)
}

// acknowledge says that this process has forgotten what was revoked. A holder
// that was removed acknowledges nothing.
func (k *Keyring) acknowledge(ctx context.Context, revocations ...int64) error {
	_, err := k.pool.Exec(ctx, `INSERT INTO cache_ack (holder, revocation)
		SELECT h.holder, r.revocation FROM cache_holder h, revocation r
		WHERE h.holder = $1 AND r.revocation = ANY ($2::bigint[]) AND r.quiet_at IS NULL
		ON CONFLICT DO NOTHING`, [16]byte(k.holding.id), revocations)
	return err
}

// keepBeating renews the lease until ctx ends. A lease that has run out leaves
// nothing behind that could be used.
func (k *Keyring) keepBeating(ctx context.Context) {
	defer close(k.beating)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		bounded, cancel := context.WithTimeout(ctx, beatEvery)
		err := k.beat(bounded)
		if err == nil {
			err = k.removeDead(bounded)
		}
		cancel()
		if err == nil || ctx.Err() != nil {
			continue
		}
		k.log.Warn("this process cannot say that it lives; it uses no cached key after its lease", zap.Error(err))
		if !k.cache.leased(k.now()) {
			k.cache.flush()
			k.setEpochs(nil) // whoever needs one loads it again
		}
	}
}

// removeDead removes the holders that have not beaten for longer than their
// lease, as this process saw it: what they cached, they no longer use. It never
// compares the clocks of two machines.
func (k *Keyring) removeDead(ctx context.Context) error {
	rows, err := k.pool.Query(ctx, `SELECT holder, beats FROM cache_holder`)
	if err != nil {
		return err
	}
	now := k.now()
	var holder uuid.UUID
	var beats int64
	var dead []watch
	var ids []uuid.UUID
	seen := map[uuid.UUID]watch{}
	k.holding.watchMu.Lock()
	_, err = pgx.ForEachRow(rows, []any{into(&holder), &beats}, func() error {
		w, known := k.holding.watched[holder]
		if !known || w.beats != beats {
			w = watch{beats: beats, since: now}
		}
		seen[holder] = w
		if holder != k.holding.id && now.monotonic-w.since.monotonic >= leaseTTL+clockAllowance {
			dead, ids = append(dead, w), append(ids, holder)
		}
		return nil
	})
	if err == nil {
		k.holding.watched = seen
	}
	k.holding.watchMu.Unlock()
	if err != nil {
		return err
	}
	for i, w := range dead {
		if _, err := k.pool.Exec(ctx, `
			WITH gone AS (DELETE FROM cache_holder WHERE holder = $1 AND beats = $2 RETURNING holder)
			UPDATE revocation r SET silent = array_append(r.silent, gone.holder) FROM gone
			WHERE r.quiet_at IS NULL AND NOT EXISTS (
				SELECT FROM cache_ack a WHERE a.revocation = r.revocation AND a.holder = gone.holder)`,
			[16]byte(ids[i]), w.beats); err != nil {
			return err
		}
	}
	return nil
}

// leave takes this process off the list of holders. It has forgotten everything.
func (k *Keyring) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := k.pool.Exec(ctx, `DELETE FROM cache_holder WHERE holder = $1`, [16]byte(k.holding.id)); err != nil {
		k.log.Info("left without saying so; others notice within the lease", zap.Error(err))
	}
}
