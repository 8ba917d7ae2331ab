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
	URL     string           // Postgres database of the key store, its own
	KEKFile string           // the root, mode 0600
	Random  io.Reader        // crypto/rand.Reader; must allow concurrent reads
	Clock   func() time.Time // time.Now

	// Monotonic is the time since any fixed moment on a clock that no setting
	// moves. Nil takes the monotonic reading that Clock's times carry.
	Monotonic func() time.Duration

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
		{c.KEKFile == "", "a KEK file"},
		{c.Random == nil, "a source of randomness"},
		{c.Clock == nil, "a clock"},
	} {
		if need.missing {
			errs = append(errs, fmt.Errorf("the key store needs %s", need.what))
		}
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
	epochs    []epoch
	tokens    tokenKeys
	cache     *cache
	holding   holding

	stopListening context.CancelFunc
	listening     chan struct{} // closed when the listener has ended
	stopBeating   context.CancelFunc
	beating       chan struct{} // closed when the last beat has ended
	closing       sync.Once
}

var (
	_ eventschema.Sealer = (*Keyring)(nil)
	_ eventschema.Opener = (*Keyring)(nil)
)

// Init makes the KEK file and the first epoch where they are missing and opens
// the key store. It may be repeated, and finishes an Init that was interrupted.
// It never makes a new KEK file for a database that holds an epoch: that is
// [ErrNoKEK], and the file must come back from its backup.
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
		log: cfg.Log, cache: newCache(), listening: make(chan struct{}), beating: make(chan struct{}),
	}
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
	if err := k.unlock(ctx, cfg.KEKFile, initialise); err != nil {
		return nil, err
	}
	if err := k.beat(ctx); err != nil {
		return nil, err
	}
	return k, k.startListening(ctx)
}

// unlock reads the root, makes what is missing if it may, and unwraps the
// epochs.
func (k *Keyring) unlock(ctx context.Context, kekFile string, initialise bool) error {
	var initialised bool
	row := k.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM kek_epoch)`)
	if err := row.Scan(&initialised); err != nil {
		return err
	}
	if !initialised && !initialise {
		return ErrNotInitialised
	}
	key, err := readKEK(kekFile)
	if errors.Is(err, ErrNoKEK) && !initialised {
		if err := makeKEK(kekFile, k.random); err != nil {
			return err
		}
		key, err = readKEK(kekFile)
	}
	if err != nil {
		return err
	}
	root, err := newAEAD(key)
	clear(key)
	if err != nil {
		return err
	}
	if !initialised {
		if err := k.makeFirstEpoch(ctx, root); err != nil {
			return err
		}
	}
	k.epochs, err = k.loadEpochs(ctx, root)
	return err
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
		for _, e := range k.epochs {
			clear(e.index)
		}
		k.tokens.forget()
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
