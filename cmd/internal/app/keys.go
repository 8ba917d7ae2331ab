package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"tracekeep/adapters/keyring"
)

// keyStore says where the key store is and who keeps the keys above it.
func (a *App) keyStore(cfg Config) (keyring.Config, error) {
	dir, single := cfg.KEKDir, "kek"
	if cfg.KEKFile != "" {
		dir, single = filepath.Dir(cfg.KEKFile), filepath.Base(cfg.KEKFile)
	}
	if dir == "" {
		dir = a.folder.path("keys")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return keyring.Config{}, fmt.Errorf("key folder: %w", err)
		}
	}
	files := keyring.NewFiles(dir, single, a.random)
	store := keyring.Config{
		URL: a.running.Keys, Provider: files, Random: a.random, Clock: a.clock, Log: a.log.Named("keys"),
	}
	if cfg.Transit.Address == "" {
		return store, nil
	}
	transit, err := keyring.NewTransit(cfg.Transit)
	if err != nil {
		return keyring.Config{}, err
	}
	store.Provider, store.Former = transit, []keyring.Provider{files}
	return store, nil
}

// policyFile holds the times to finality of an installation, in its key folder.
const policyFile = "policy.json"

// keyPolicy is what the file says. What it leaves out is as by default.
type keyPolicy struct {
	EpochDays           *int  `json:"epoch_days,omitempty"`
	CoolingOffDays      *int  `json:"cooling_off_days,omitempty"`
	RotationHours       *int  `json:"rotation_hours,omitempty"`
	BackupRetentionDays *int  `json:"backup_retention_days,omitempty"`
	LimitDays           *int  `json:"limit_days,omitempty"`
	RetireWithoutBackup *bool `json:"retire_without_backup,omitempty"`
	RotateByItself      *bool `json:"rotate_by_itself,omitempty"`
}

// KeyPolicy is how long the keys of an installation live, and how they rotate.
type KeyPolicy struct {
	keyring.Lifetimes
	RetireWithoutBackup bool // the provider keeps the only copy of its keys
	RotateByItself      bool // whoever serves the folder rotates when an epoch is over
}

// readPolicy reads the policy of a data folder.
func (f *folder) readPolicy() (KeyPolicy, error) {
	policy := KeyPolicy{Lifetimes: keyring.DefaultLifetimes(), RotateByItself: true}
	path := f.path("keys", policyFile)
	file, err := os.Open(path) //nolint:gosec // a path below the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return policy, nil
	}
	if err != nil {
		return policy, fmt.Errorf("key policy: %w", err)
	}
	defer func() { _ = file.Close() }()
	var stored keyPolicy
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&stored); err != nil {
		return policy, fmt.Errorf("key policy %s: %w", path, err)
	}
	const day = 24 * time.Hour
	for _, field := range []struct {
		from *int
		unit time.Duration
		to   *time.Duration
	}{
		{stored.EpochDays, day, &policy.Epoch}, {stored.CoolingOffDays, day, &policy.CoolingOff}, {stored.RotationHours, time.Hour, &policy.Rotation},
		{stored.BackupRetentionDays, day, &policy.BackupRetention}, {stored.LimitDays, day, &policy.Limit},
	} {
		if field.from != nil {
			*field.to = time.Duration(*field.from) * field.unit
		}
	}
	if stored.RetireWithoutBackup != nil {
		policy.RetireWithoutBackup = *stored.RetireWithoutBackup
	}
	if stored.RotateByItself != nil {
		policy.RotateByItself = *stored.RotateByItself
	}
	return policy, nil
}

// ReadKeyPolicy reads the policy of a data folder without opening it.
func ReadKeyPolicy(dir string) (KeyPolicy, error) { return (&folder{dir: dir}).readPolicy() }

// Reach says who would keep the keys of new epochs, and how far a destruction
// there reaches.
func (c Config) Reach() keyring.Reach {
	if c.Transit.Address != "" {
		return (&keyring.Transit{}).Reach()
	}
	return (&keyring.Files{}).Reach()
}

// checkFinality refuses to start under a policy that could break the promise of
// when an erasure is final.
func (a *App) checkFinality(cfg Config) (err error) {
	if a.policy, err = a.folder.readPolicy(); err != nil {
		return err
	}
	f, err := a.policy.Finality(cfg.Reach())
	if err != nil {
		return fmt.Errorf("key policy: %w; tracekeep keys status shows the sum, and %s holds its parts", err, a.folder.path("keys", policyFile))
	}
	a.finalAfter = f.Final - a.policy.CoolingOff
	a.coolingOff = a.policy.CoolingOff
	if shorter := a.casePolicy.CoolingOff; shorter != nil {
		a.coolingOff = *shorter
	}
	if a.coolingOff > a.policy.CoolingOff {
		return fmt.Errorf("cases would cool off for %s (--cooling-off), and the key policy counts with %s: shorten one, or lengthen the other in %s",
			a.coolingOff, a.policy.CoolingOff, a.folder.path("keys", policyFile))
	}
	return nil
}

// Keys is the key store, for the commands that look after it.
func (a *App) Keys() *keyring.Keyring { return a.keys }

// KeyPolicy is the policy that the data folder was opened under.
func (a *App) KeyPolicy() KeyPolicy { return a.policy }

// VerifyRestored opens every key of a restored copy of the key store.
func (a *App) VerifyRestored(ctx context.Context, cfg Config, url string, progress func(done, all int64)) ([]keyring.RestoreTest, error) {
	store, err := a.keyStore(cfg)
	if err != nil {
		return nil, err
	}
	store.URL = url
	return keyring.VerifyRestored(ctx, store, progress)
}

// keepKeys looks once an hour whether an epoch is over, until ctx ends.
func (a *App) keepKeys(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		switch _, err := a.RotateIfDue(ctx); {
		case err == nil, ctx.Err() != nil, errors.Is(err, keyring.ErrRotating):
		case keyring.Waits(err):
			a.log.Warn("an epoch of keys waits for its retirement; tracekeep keys status says for what", zap.Error(err))
		default:
			a.log.Error("the keys are not rotated", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// RotateIfDue rotates the keys when the newest epoch is over, or a rotation is
// unfinished, and the policy lets it. It answers whether there was anything to do.
func (a *App) RotateIfDue(ctx context.Context) (due bool, err error) {
	epochs, err := a.keys.Epochs(ctx)
	if err != nil || len(epochs) == 0 || !a.policy.RotateByItself {
		return false, err
	}
	newest, older := epochs[len(epochs)-1], epochs[:len(epochs)-1]
	if len(older) == 0 && a.clock().Before(newest.CreatedAt.Add(a.policy.Epoch)) {
		return false, nil
	}
	options := keyring.RetireOptions{WithoutBackup: a.policy.RetireWithoutBackup}
	if readyToRetire(older, newest) {
		for _, epoch := range older { // the rotation waits for a condition alone, which may be met now
			if _, err := a.keys.Retire(ctx, epoch.Epoch, options); err != nil {
				return true, err
			}
		}
		return true, nil
	}
	_, err = a.keys.Rotate(ctx, keyring.RotateOptions{RetireOptions: options})
	return true, err
}

func readyToRetire(older []keyring.EpochStatus, newest keyring.EpochStatus) bool {
	for _, epoch := range older {
		if epoch.Keys+epoch.Tokens > 0 {
			return false
		}
	}
	return len(older) > 0 && !newest.TestedAt.IsZero()
}

// RecoverKeys gives epochs of a data folder that nobody serves, and that cannot
// be opened because a provider key is lost, a new one from an escrow.
func RecoverKeys(ctx context.Context, cfg Config, safe keyring.Safe, escrow []byte) (recovered []int, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a, err := newApp(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.folder, err = openFolder(cfg.Data); err != nil {
		return nil, err
	}
	a.onClose(a.folder.close)
	a.running = running{Keys: cfg.Keys}
	if err := a.startPostgres(ctx, cfg); err != nil {
		return nil, err
	}
	store, err := a.keyStore(cfg)
	if err != nil {
		return nil, err
	}
	return keyring.Recover(ctx, store, safe, escrow)
}
