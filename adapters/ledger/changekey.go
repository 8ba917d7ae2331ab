package ledger

import (
	"fmt"
	"io"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
)

// ChangeKey gives the log a new key, drawn from random, and destroys the old
// one. The hand-over, signed by both, goes into the file log.handovers: with it,
// whoever trusts any key of the log can check everything that any of them signed.
// A crash leaves the old key in force or the new one, never neither: the next
// [Open] finishes what was begun. After another failure nothing more is written,
// as after a failed [Ledger.Append].
func (l *Ledger) ChangeKey(random io.Reader) (trail.Handover, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return trail.Handover{}, err
	}
	said, err := l.changeKey(random)
	if err != nil {
		l.failed = err
		return trail.Handover{}, fmt.Errorf("change the key of the trail: %w", err)
	}
	return said, nil
}

func (l *Ledger) changeKey(random io.Reader) (trail.Handover, error) {
	older, at := l.key.Load(), l.current.Load()
	newer, err := makeKey(l.dir, nextKeyFile, l.origin, random)
	if err != nil {
		return trail.Handover{}, err
	}
	l.passes("key made")
	said := trail.Handover{
		Origin: l.origin, Size: at.checkpoint.Size, Root: at.checkpoint.Root, Old: older.verifierKey, New: newer.verifierKey,
	}
	signed, err := note.Sign(&note.Note{Text: said.Text()}, older.handover, newer.handover)
	if err != nil {
		return said, fmt.Errorf("sign the hand-over: %w", err)
	}
	handovers := string(signed)
	if older.handovers != "" {
		handovers = older.handovers + "\n" + handovers
	}
	keys, err := trail.ParseKeys(newer.verifierKey, handovers)
	if err != nil {
		return said, err
	}
	// From here on the new key is the one that counts.
	if err := writeDurable(filepath.Join(l.dir, handoversFile), []byte(handovers), 0o644); err != nil {
		return said, err
	}
	l.passes("hand-over written")
	if err := putInForce(l.dir); err != nil {
		return said, err
	}
	l.passes("key in force")
	if err := keepVerifierKey(l.dir, keys); err != nil {
		return said, err
	}
	l.passes("verifier key written")
	l.key.Store(&logKeys{logKey: newer, keys: keys, handovers: handovers})
	return said, l.publish(*at)
}

// usable says whether the log can still be written.
func (l *Ledger) usable() error {
	switch {
	case l.closed:
		return ErrClosed
	case l.failed != nil:
		return fmt.Errorf("%w: %w", ErrFailed, l.failed)
	}
	return nil
}

// Keys are all the keys the log has had.
func (l *Ledger) Keys() trail.Keys { return l.key.Load().keys }

// Handovers is the text of all changes of the key, for [trail.ParseKeys]; empty
// while the log has its first key.
func (l *Ledger) Handovers() string { return l.key.Load().handovers }
