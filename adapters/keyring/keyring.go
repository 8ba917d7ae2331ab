package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"tracekeep/eventschema"
)

// ErrNotInitialised says that the database holds no epoch yet: run [Init] once.
var ErrNotInitialised = errors.New("the key store is not initialised")

// Config says where the keys are.
type Config struct {
	URL      string           // Postgres database of the key store, its own
	Provider Provider         // keeps the key of every epoch that is made
	Former   []Provider       // providers that epochs not yet retired were made with
	Random   io.Reader        // crypto/rand.Reader; must allow concurrent reads
	Clock    func() time.Time // time.Now

	// Monotonic is the time since any fixed moment on a clock that no setting
	// moves. Nil takes the monotonic reading that Clock's times carry.
	Monotonic func() time.Duration

	// SealLimit is how often one key seals before the next generation is made;
	// zero is the limit of the design, 2^28, which is also the highest.
	SealLimit int64

	Log *zap.Logger // nil: silent
}

// Validate reports everything that is missing at once.
func (c Config) Validate() error {
	var errs []error
	for _, need := range []struct {
		missing bool
		what    string
	}{
		{c.URL == "", "a database URL"},
		{c.Provider == nil, "a provider of epoch keys"},
		{c.Random == nil, "a source of randomness"},
		{c.Clock == nil, "a clock"},
	} {
		if need.missing {
			errs = append(errs, fmt.Errorf("the key store needs %s", need.what))
		}
	}
	if c.SealLimit < 0 || c.SealLimit > sealLimit {
		errs = append(errs, fmt.Errorf("a key may seal between 1 and %d times", sealLimit))
	}
	return errors.Join(errs...)
}

// Keyring is an open key store. Its methods may be called concurrently.
type Keyring struct {
	pool      *pgxpool.Pool
	random    io.Reader
	clock     func() time.Time
	monotonic func() time.Duration
	started   time.Time
	log       *zap.Logger
	custody   custody
	epochs    epochs
	tokens    tokenKeys
	sealLimit int64
	sealBlock int64 // seals reserved at once
	cache     *cache
	holding   holding

	stopListening context.CancelFunc
	listening     chan struct{} // closed when the listener has ended
	stopBeating   context.CancelFunc
	beating       chan struct{} // closed when the last beat has ended
	closing       sync.Once

	crash func(point) error // of tests, see [Keyring.at]
}

var (
	_ eventschema.Sealer = (*Keyring)(nil)
	_ eventschema.Opener = (*Keyring)(nil)
)

// Init makes the first epoch where there is none and opens the key store. It may
// be repeated, and finishes an Init that was interrupted. It never makes a new
// provider key for an epoch that exists: a lost one is [ErrNoKEK], and must come
// back from its backup or its escrow.
func Init(ctx context.Context, cfg Config) (*Keyring, error) {
	k, err := open(ctx, cfg, true)
	if err != nil {
		return nil, fmt.Errorf("initialise the key store: %w", err)
	}
	return k, nil
}

// Open opens a key store that Init made. ctx bounds the opening only. The
// caller closes it.
func Open(ctx context.Context, cfg Config) (*Keyring, error) {
	k, err := open(ctx, cfg, false)
	if err != nil {
		return nil, fmt.Errorf("open the key store: %w", err)
	}
	return k, nil
}

func open(ctx context.Context, cfg Config, initialise bool) (_ *Keyring, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	pool, err := pgxpool.New(ctx, cfg.URL)
	if err != nil {
		return nil, err
	}
	k := &Keyring{
		pool: pool, random: cfg.Random, clock: cfg.Clock, monotonic: cfg.Monotonic, started: cfg.Clock(),
		custody: newCustody(cfg.Provider, cfg.Former), sealLimit: cfg.SealLimit, sealBlock: sealBlock,
		log: cfg.Log, cache: newCache(), listening: make(chan struct{}), beating: make(chan struct{}),
	}
	if k.sealLimit == 0 {
		k.sealLimit = sealLimit
	}
	k.sealBlock = min(k.sealBlock, k.sealLimit)
	if k.holding.id, err = uuid.NewRandomFromReader(cfg.Random); err != nil {
		return nil, fmt.Errorf("draw the id of a holder: %w", err)
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	if err := migrate(ctx, pool); err != nil {
		return nil, err
	}
	if err := k.unlock(ctx, initialise); err != nil {
		return nil, err
	}
	if err := k.beat(ctx); err != nil {
		return nil, err
	}
	return k, k.startListening(ctx)
}

// unlock makes the first epoch if there is none and it may, and unwraps the
// living ones.
func (k *Keyring) unlock(ctx context.Context, initialise bool) error {
	if initialised, err := k.initialised(ctx); err != nil {
		return err
	} else if !initialised && !initialise {
		return ErrNotInitialised
	} else if !initialised {
		if err := k.makeFirstEpoch(ctx); err != nil {
			return err
		}
	}
	return k.loadEpochs(ctx)
}

func (k *Keyring) initialised(ctx context.Context) (initialised bool, err error) {
	row := k.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM kek_epoch WHERE state = 'living')`)
	return initialised, row.Scan(&initialised)
}

// makeFirstEpoch waits for another process that does the same.
func (k *Keyring) makeFirstEpoch(ctx context.Context) error {
	return k.alone(ctx, true, func() error {
		if initialised, err := k.initialised(ctx); err != nil || initialised {
			return err
		}
		_, err := k.makeEpoch(ctx)
		return err
	})
}

// alone runs what only one process may do at a time. Another one waits, or is
// refused with [ErrRotating].
func (k *Keyring) alone(ctx context.Context, wait bool, do func() error) error {
	conn, err := k.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	locked := true
	if wait {
		_, err = conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(rotationLock))
	} else {
		err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(rotationLock)).Scan(&locked)
	}
	if err != nil {
		return err
	}
	if !locked {
		return ErrRotating
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(rotationLock)); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // ends the lock with the session
		}
	}()
	return do()
}

// Close ends the listener and the connections and forgets every key. A second
// call does nothing.
func (k *Keyring) Close() error {
	k.closing.Do(func() {
		k.stopListening()
		k.stopBeating()
		<-k.listening
		<-k.beating
		k.cache.flush()
		k.leave()
		k.pool.Close()
		k.setEpochs(nil)
	})
	return nil
}

// now reads both clocks.
func (k *Keyring) now() instant {
	at := k.clock()
	if k.monotonic != nil {
		return instant{wall: at.UnixNano(), monotonic: k.monotonic()}
	}
	return instant{wall: at.UnixNano(), monotonic: at.Sub(k.started)}
}

// stamp is the time as Postgres stores it, so that what is answered now equals
// what is read later.
func (k *Keyring) stamp() time.Time { return k.clock().UTC().Truncate(time.Microsecond) }

// inTx runs one transaction. Its isolation is read committed: every change
// locks the fence rows it depends on first.
func (k *Keyring) inTx(ctx context.Context, do func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, k.pool, do)
}
