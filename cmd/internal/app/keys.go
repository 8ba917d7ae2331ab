package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

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
	if _, err := a.policy.Finality(cfg.Reach()); err != nil {
		return fmt.Errorf("key policy: %w; tracekeep keys status shows the sum, and %s holds its parts", err, a.folder.path("keys", policyFile))
	}
	return nil
}
