package bundle

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"tracekeep/adapters/ledger/trail"
)

// Source is the log a bundle is cut from. Every method speaks of the log as one
// checkpoint describes it.
type Source struct {
	Checkpoint trail.Checkpoint
	Handovers  string
	// Subtrees are the complete subtrees that cover the leaves from begin up to
	// end, left to right.
	Subtrees func(begin, end uint64) ([]trail.Hash, error)
	// Earlier proves that the log continues its state at an earlier size.
	Earlier func(size uint64) (trail.Head, []trail.Hash, error)
	// Sign signs a text as a note of the log.
	Sign func(text string) (string, error)
}

// Writer writes one bundle, in the order of leaves. Its memory grows by 32 bytes
// for 256 leaves, and by the certificates. After an error it is of no use, and so
// is what it wrote.
type Writer struct {
	archive *zip.Writer
	source  Source
	about   about

	manifest manifest
	current  io.Writer // of the member that is open
	sum      hash.Hash
	size     uint64
	buffer   *bufio.Writer
	encoder  *json.Encoder // into buffer

	next         uint64 // leaf
	block        []trail.Hash
	blocks       bytes.Buffer
	certificates bytes.Buffer
	heads        bytes.Buffer
	headsAt      map[uint64]struct{}
	opened       bytes.Buffer
}

// NewWriter begins a bundle. schema is the catalogue of events as JSON.
func NewWriter(to io.Writer, source Source, selection Selection, schema []byte) (*Writer, error) {
	w := &Writer{
		archive: zip.NewWriter(to), source: source, buffer: bufio.NewWriterSize(nil, 1<<16), headsAt: map[uint64]struct{}{},
		about: about{
			Format: Format, Origin: source.Checkpoint.Origin, Size: source.Checkpoint.Size, Root: source.Checkpoint.Root, Selection: selection,
		},
		manifest: manifest{Format: manifestFormat},
	}
	w.encoder = json.NewEncoder(w.buffer)
	w.encoder.SetEscapeHTML(false)
	described, err := json.MarshalIndent(w.about, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the bundle: %w", err)
	}
	for _, m := range []struct {
		name    string
		content []byte
	}{
		{readmeMember, []byte(readme)}, {aboutMember, append(described, '\n')}, {checkpointMember, []byte(source.Checkpoint.Text)},
		{handoversMember, []byte(source.Handovers)}, {schemaMember, schema},
	} {
		if err := w.whole(m.name, m.content); err != nil {
			return nil, err
		}
	}
	return w, w.begin(eventsMember)
}

// begin opens a member; it is written through buffer.
func (w *Writer) begin(name string) error {
	// No time, and no compression, whose bytes may change with the library.
	into, err := w.archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	w.current, w.sum, w.size = into, sha256.New(), 0
	w.manifest.Members = append(w.manifest.Members, member{Name: name})
	w.buffer.Reset(w)
	return nil
}

// Write takes what the buffer gives and counts it; it is not for others.
func (w *Writer) Write(content []byte) (int, error) {
	w.sum.Write(content)
	w.size += uint64(len(content))
	return w.current.Write(content)
}

// end closes the member that is open.
func (w *Writer) end() error {
	last := &w.manifest.Members[len(w.manifest.Members)-1]
	if err := w.buffer.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", last.Name, err)
	}
	last.Size, last.SHA256 = w.size, hex.EncodeToString(w.sum.Sum(nil))
	return nil
}

// whole writes a member at once.
func (w *Writer) whole(name string, content []byte) error {
	if err := w.begin(name); err != nil {
		return err
	}
	if _, err := w.buffer.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return w.end()
}

func (w *Writer) put(l line) error {
	if err := w.encoder.Encode(l); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	return nil
}

// Event adds the event of a leaf. hash is what the trail has for it.
func (w *Writer) Event(leaf uint64, hash trail.Hash, event trail.Event) error {
	if err := w.reach(leaf, hash); err != nil {
		return err
	}
	w.manifest.Events++
	l := lineOf(event)
	l.Leaf, l.Hash = &leaf, &hash
	if err := w.put(l); err != nil {
		return err
	}
	return w.certify(leaf, event)
}

// Gone adds a leaf whose event the store no longer has; removed is what a listing
// kept of it, nil when none names it.
func (w *Writer) Gone(leaf uint64, hash trail.Hash, position uint64, removed *trail.Removed) error {
	if err := w.reach(leaf, hash); err != nil {
		return err
	}
	if removed == nil {
		w.manifest.Missing++
		return w.put(line{Leaf: &leaf, Hash: &hash, Missing: true, Position: position})
	}
	w.manifest.Removed++
	return w.put(line{Leaf: &leaf, Hash: &hash, Removed: removed})
}

// Unrecorded adds an event that the store has and the trail has not.
func (w *Writer) Unrecorded(event trail.Event) error {
	w.manifest.Unrecorded++
	return w.put(lineOf(event))
}

// reach skips the leaves before the next one that is given.
func (w *Writer) reach(leaf uint64, hash trail.Hash) error {
	if leaf < w.next || leaf >= w.about.Size {
		return fmt.Errorf("leaf %d after %d of %d: %w", leaf, w.next, w.about.Size, errOrder)
	}
	if err := w.skip(leaf); err != nil {
		return err
	}
	w.next++
	if leaf%blockWidth == 0 {
		w.block = w.block[:0]
	}
	if uint64(len(w.block)) == leaf%blockWidth {
		w.block = append(w.block, hash)
	}
	if len(w.block) == blockWidth {
		root := trail.Reduce(w.block)
		w.blocks.Write(root[:])
		w.block = w.block[:0]
	}
	return nil
}

var errOrder = errors.New("leaves must be given in order")

func (w *Writer) skip(to uint64) error {
	if to == w.next {
		return nil
	}
	subtrees, err := w.source.Subtrees(w.next, to)
	if err != nil {
		return err
	}
	first := w.next
	w.next, w.block = to, w.block[:0]
	return w.put(line{Leaf: &first, Skip: to - first, Subtrees: subtrees})
}

// certify keeps the certificate of an event apart, with the state of the log that
// it names.
func (w *Writer) certify(leaf uint64, event trail.Event) error {
	signed, is := trail.IsCertificate(event)
	if !is {
		return nil
	}
	text, err := marshalLine(certificateLine{Leaf: leaf, Position: event.Position, Certificate: signed})
	if err != nil {
		return fmt.Errorf("write a certificate: %w", err)
	}
	w.certificates.Write(text)
	if said, err := trail.ReadCertificate(signed); err == nil && said.Trail.Size <= w.about.Size {
		return w.Head(said.Trail.Size, "")
	}
	return nil
}

// Head adds an earlier state of the log, with its signed checkpoint where there
// is one.
func (w *Writer) Head(size uint64, checkpoint string) error {
	if _, known := w.headsAt[size]; known && checkpoint == "" || size > w.about.Size {
		return nil
	}
	head, hashes, err := w.source.Earlier(size)
	if err != nil {
		return err
	}
	text, err := marshalLine(headLine{Head: head, Checkpoint: checkpoint, Consistency: hashes})
	if err != nil {
		return fmt.Errorf("write a head: %w", err)
	}
	w.headsAt[size] = struct{}{}
	w.heads.Write(text)
	return nil
}

// Open adds a personal value in clear.
func (w *Writer) Open(value Opened) error {
	text, err := marshalLine(value)
	if err != nil {
		return fmt.Errorf("write an opened value: %w", err)
	}
	w.opened.Write(text)
	return nil
}

// Close ends the bundle: the rest of the log is skipped, and everything is signed.
func (w *Writer) Close() error {
	if err := errors.Join(w.skip(w.about.Size), w.end()); err != nil {
		return err
	}
	for _, m := range []struct {
		name    string
		content *bytes.Buffer
	}{{blocksMember, &w.blocks}, {certificatesMember, &w.certificates}, {headsMember, &w.heads}, {openedMember, &w.opened}} {
		if m.name == openedMember && m.content.Len() == 0 {
			continue
		}
		if err := w.whole(m.name, m.content.Bytes()); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(w.manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	signed, err := w.source.Sign(string(text) + "\n")
	if err != nil {
		return err
	}
	if err := w.whole(manifestMember, []byte(signed)); err != nil {
		return err
	}
	if err := w.archive.Close(); err != nil {
		return fmt.Errorf("end the bundle: %w", err)
	}
	return nil
}
