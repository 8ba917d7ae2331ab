package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// RotationStep is one of the steps of a rotation, in their order.
type RotationStep string

// The steps of a rotation.
const (
	StepCreate RotationStep = "create"       // make the next epoch
	StepRewrap RotationStep = "rewrap"       // move every key to it
	StepTokens RotationStep = "tokens"       // make the blind-index tokens again
	StepTest   RotationStep = "restore-test" // open every key from the provider, read anew
	StepRetire RotationStep = "retire"       // destroy what the old epochs were wrapped with
)

// RotationSteps lists the steps in their order.
func RotationSteps() []RotationStep {
	return []RotationStep{StepCreate, StepRewrap, StepTokens, StepTest, StepRetire}
}

// RotateOptions say how far a rotation goes and what it may do.
type RotateOptions struct {
	Until RotationStep // the last step; empty: retire
	RetireOptions

	// Progress is told how far a step is.
	Progress func(step RotationStep, done, all int64)

	// BeforeRetiring runs when the newest epoch has passed its restore test, to
	// make and verify a copy of it. Nil: somebody else has, or does.
	BeforeRetiring func(ctx context.Context) error
}

// Rotation is what a rotation did.
type Rotation struct {
	Epoch      int  // the newest
	Created    bool // by this call; false when an unfinished rotation went on
	Moved      int64
	TokensLeft int
	Test       RestoreTest
	Retired    []Retirement
}

// Rotate takes the keys from one epoch to the next. Every step may be
// interrupted anywhere, and a rotation that is called again goes on where the
// last one stopped: a new epoch is begun only when there is a single one. Keys
// are made, used and destroyed all the while.
func (k *Keyring) Rotate(ctx context.Context, options RotateOptions) (done Rotation, err error) {
	err = k.alone(ctx, false, func() error { return k.rotate(ctx, options, &done) })
	if err != nil {
		return done, fmt.Errorf("rotate the keys: %w", err)
	}
	return done, nil
}

func (k *Keyring) rotate(ctx context.Context, options RotateOptions, done *Rotation) (err error) {
	if options.Progress == nil {
		options.Progress = func(RotationStep, int64, int64) {}
	}
	progress := func(step RotationStep) func(done, all int64) {
		return func(done, all int64) { options.Progress(step, done, all) }
	}
	for _, step := range RotationSteps() {
		switch step {
		case StepCreate:
			done.Epoch, done.Created, err = k.nextEpoch(ctx)
		case StepRewrap:
			done.Moved, err = k.Rewrap(ctx, progress(step))
		case StepTokens:
			if done.TokensLeft, err = k.RetokenStored(ctx, progress(step)); err == nil {
				err = k.at(pointRetokened)
			}
		case StepTest:
			if done.Test, err = k.TestProvider(ctx, progress(step)); err == nil {
				err = k.at(pointTested)
			}
		case StepRetire:
			done.Retired, err = k.retireOlder(ctx, options)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		options.Progress(step, 1, 1)
		if step == options.Until {
			return nil
		}
	}
	return nil
}

// nextEpoch makes an epoch unless an older one still waits for its retirement.
func (k *Keyring) nextEpoch(ctx context.Context) (newest int, created bool, err error) {
	var epochs, making int
	row := k.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state <> 'making'), count(*) FILTER (WHERE state = 'making'),
		coalesce(max(epoch) FILTER (WHERE state = 'living'), 0) FROM kek_epoch`)
	if err := row.Scan(&epochs, &making, &newest); err != nil {
		return 0, false, err
	}
	switch {
	case newest == 0:
		return 0, false, ErrNotInitialised
	case epochs > 1 && making == 0:
		return newest, false, k.loadEpochs(ctx)
	}
	newest, err = k.makeEpoch(ctx)
	return newest, err == nil, err
}

func (k *Keyring) retireOlder(ctx context.Context, options RotateOptions) ([]Retirement, error) {
	if options.BeforeRetiring != nil {
		if err := options.BeforeRetiring(ctx); err != nil {
			return nil, err
		}
	}
	rows, err := k.pool.Query(ctx, `SELECT epoch FROM kek_epoch WHERE state <> 'making'
		AND epoch < (SELECT max(epoch) FROM kek_epoch WHERE state = 'living') ORDER BY epoch`)
	if err != nil {
		return nil, err
	}
	older, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, err
	}
	var retired []Retirement
	for _, number := range older {
		receipt, err := k.retire(ctx, number, options.RetireOptions)
		if err != nil {
			return retired, fmt.Errorf("epoch %d: %w", number, err)
		}
		retired = append(retired, receipt)
	}
	return retired, nil
}

// Waits says whether an error of a rotation is one of the conditions of a
// retirement, which somebody has to meet, and not a failure.
func Waits(err error) bool {
	for _, condition := range []error{ErrTokensLeft, ErrNoBackup, ErrEscrowed} {
		if errors.Is(err, condition) {
			return true
		}
	}
	return false
}
