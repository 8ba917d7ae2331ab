package mediastore

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"syscall"

	"filippo.io/age"
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Writing is a writer from its file to its event: as long as it has not ended, nobody
// takes its file for one that no event names.
type Writing struct {
	store *Store
	lock  *os.File
}

// Begin begins to write. The caller ends it, once the outcome of its append is known or
// cannot be known.
func (s *Store) Begin() (*Writing, error) {
	lock, err := s.lock(syscall.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("media folder: %w", err)
	}
	return &Writing{store: s, lock: lock}, nil
}

// End ends it.
func (w *Writing) End() { _ = w.lock.Close() }

// Stored says what was taken in.
type Stored struct {
	Blob
	Type        eventschema.MediaType // as found
	Bytes       int64                 // of the content as it is kept
	StoredBytes int64
}

// Put takes in content of one of the types, and is durable when it returns. at is
// [eventschema.MediaBlob] of the item, whose key exists. Nothing stays behind an error.
// Errors: [ErrTooLarge], [ErrType], [ErrDamaged], [ErrMetadata], those of the sealer and
// of the reader.
func (w *Writing) Put(ctx context.Context, at eventschema.Coordinates, accept []eventschema.MediaType, content io.Reader) (_ Stored, err error) {
	root := w.store.root
	attempt, err := uuid.NewRandom() // two uploads of one item must not write into one file
	if err != nil {
		return Stored{}, fmt.Errorf("store content: %w", err)
	}
	temporary := path.Join(incoming, eventschema.Hex(attempt))
	file, err := root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Stored{}, fmt.Errorf("store content: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Remove(temporary))
		}
	}()
	stored, err := w.write(ctx, file, at, accept, content)
	if err = errors.Join(err, syncAndClose(file, err)); err != nil {
		return Stored{}, err
	}
	if err := root.MkdirAll(stored.folder(), 0o700); err != nil {
		return Stored{}, fmt.Errorf("store content: %w", err)
	}
	if err := root.Rename(temporary, stored.name()); err != nil {
		return Stored{}, fmt.Errorf("store content: %w", err)
	}
	if err := errors.Join(w.store.syncFolder(stored.folder()), w.store.syncFolder(".")); err != nil {
		return Stored{}, errors.Join(fmt.Errorf("store content: %w", err), w.store.Remove(stored.Blob))
	}
	return stored, nil
}

func syncAndClose(file *os.File, before error) error {
	if before != nil {
		return file.Close()
	}
	return errors.Join(file.Sync(), file.Close())
}

func (w *Writing) write(ctx context.Context, file io.Writer, at eventschema.Coordinates, accept []eventschema.MediaType, content io.Reader) (Stored, error) {
	sum := sha256.New()
	sealed := &counter{to: io.MultiWriter(file, sum)}
	out := bufio.NewWriterSize(sealed, 64<<10)
	box, err := age.Encrypt(out, recipient{ctx: ctx, sealer: w.store.sealer, at: at})
	if err != nil {
		return Stored{}, fmt.Errorf("seal content: %w", err)
	}
	plain := &counter{to: box}
	found, err := clean(plain, &bounded{from: &reader{ctx: ctx, from: content}, left: w.store.limit}, accept)
	if err != nil {
		return Stored{}, err
	}
	length := plain.n
	if _, err := io.CopyN(plain, zeros{}, padded(length)-length); err != nil {
		return Stored{}, fmt.Errorf("seal content: %w", err)
	}
	if err := errors.Join(box.Close(), out.Flush()); err != nil {
		return Stored{}, fmt.Errorf("seal content: %w", err)
	}
	return Stored{
		Blob: Blob{Item: at.Item, SHA256: hex.EncodeToString(sum.Sum(nil))}, Type: found, Bytes: length, StoredBytes: sealed.n,
	}, nil
}

// WithheldError says why content cannot be read, as the keyring has it.
type WithheldError struct {
	State eventschema.State
	Case  uuid.UUID // that erased or restricted it
}

// Error implements error.
func (e *WithheldError) Error() string { return "the content is " + string(e.State) }

// Read writes the content of a file, whose length its event seals. Every chunk is
// authenticated before it is written; an error behind the first ones says that what was
// written is not the whole. Errors: *[WithheldError] before the first byte,
// [ErrMissing], [ErrCorrupt], those of the opener and of the writer.
func (s *Store) Read(ctx context.Context, at eventschema.Coordinates, use eventschema.Use, b Blob, bytes int64, to io.Writer) error {
	file, err := s.open(b)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return unseal(ctx, s.opener, at, use, file, bytes, to)
}

func unseal(ctx context.Context, opener eventschema.Opener, at eventschema.Coordinates, use eventschema.Use, sealed io.Reader, bytes int64, to io.Writer) error {
	id := &identity{ctx: ctx, opener: opener, at: at, use: use}
	plain, err := age.Decrypt(bufio.NewReaderSize(&reader{ctx: ctx, from: sealed}, 64<<10), id)
	switch {
	case id.failed != nil:
		return id.failed
	case err != nil:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	out := &counter{to: to}
	if _, err := io.CopyN(out, plain, bytes); err != nil {
		return corrupt(ctx, out.failed, err)
	}
	rest := &blank{}
	if _, err := io.Copy(rest, plain); err != nil {
		return corrupt(ctx, nil, err)
	}
	if bytes+rest.n != padded(bytes) {
		return fmt.Errorf("%w: it is not as long as it was", ErrCorrupt)
	}
	return nil
}

// corrupt tells what is wrong with the file from what is wrong with the writer and from
// a caller that went away.
func corrupt(ctx context.Context, writing, err error) error {
	switch {
	case writing != nil:
		return writing
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// stanzaType marks, in the header of a file, the key that the keyring sealed.
const stanzaType = "tracekeep-item"

// recipient lets the keyring seal the key of a file.
type recipient struct {
	ctx    context.Context
	sealer eventschema.Sealer
	at     eventschema.Coordinates
}

// Wrap implements age.Recipient.
func (r recipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	envelope, err := r.sealer.Seal(r.ctx, r.at, fileKey)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{Type: stanzaType, Body: envelope}}, nil
}

// identity lets the keyring open it.
type identity struct {
	ctx    context.Context
	opener eventschema.Opener
	at     eventschema.Coordinates
	use    eventschema.Use
	failed error
}

// Unwrap implements age.Identity.
func (i *identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != stanzaType || len(stanzas[0].Args) > 0 {
		return nil, errors.New("its header is of another kind")
	}
	opening, err := i.opener.Open(i.ctx, i.at, stanzas[0].Body, i.use)
	if err != nil {
		i.failed = fmt.Errorf("open a stored file: %w", err)
		return nil, i.failed
	}
	if opening.State != eventschema.StateClear {
		i.failed = &WithheldError{State: opening.State, Case: opening.Case}
		return nil, i.failed
	}
	return opening.Plaintext, nil
}
