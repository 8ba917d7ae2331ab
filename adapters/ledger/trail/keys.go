package trail

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxKeys is more keys than a log has in centuries of weekly changes.
const maxKeys = 10_000

// Handover is what a log says when it changes its key. Both keys sign it: the
// old one so that whoever trusts it may trust the new one, the new one so that
// nobody can pass on what is not theirs.
type Handover struct {
	Origin string
	// Size and Root are the log when it happened. The old key signs for no larger
	// log, the new one for no smaller.
	Size uint64
	Root Hash
	Old  string // verifier keys
	New  string
}

// Text is what is signed.
func (h Handover) Text() string {
	return strings.Join([]string{
		HandoverLabel, h.Origin, strconv.FormatUint(h.Size, 10), h.Root.String(), h.Old, h.New, "",
	}, "\n")
}

func parseHandover(text string) (Handover, error) {
	refused := fmt.Errorf("hand-over of the key: %w", ErrMalformed)
	lines := strings.Split(text, "\n")
	if len(lines) != 7 {
		return Handover{}, refused
	}
	size, err := strconv.ParseUint(lines[2], 10, 63)
	if err != nil {
		return Handover{}, refused
	}
	h := Handover{Origin: lines[1], Size: size, Old: lines[4], New: lines[5]}
	if h.Root.UnmarshalText([]byte(lines[3])) != nil || h.Text() != text {
		return Handover{}, refused
	}
	return h, nil
}

// Term is the part of a log's life in which one key signed for it.
type Term struct {
	Key Key
	// From and To are the sizes of the log the key signs for, both included; To is
	// the largest number for the key in force.
	From, To uint64
}

// Keys are the keys a log has had, the oldest first. The zero value knows none.
type Keys struct {
	terms     []Term
	handovers []Handover
}

// OneKey are the keys of a log that never changed its key, as far as is known.
func OneKey(verifierKey string) (Keys, error) { return ParseKeys(verifierKey, "") }

// ParseKeys reads the hand-overs of a log, the oldest first with an empty line
// between two, and finds the trusted key among its keys. Each hand-over must be
// signed by both of its keys, so trust in one key is trust in all. Errors:
// [ErrMalformed], and [ErrSignature] also when the trusted key is none of them.
func ParseKeys(trusted, handovers string) (Keys, error) {
	key, err := ParseKey(trusted)
	if err != nil {
		return Keys{}, err
	}
	if strings.TrimSpace(handovers) == "" {
		return Keys{terms: []Term{{Key: key, To: math.MaxUint64}}}, nil
	}
	signed, err := splitNotes(handovers)
	if err != nil {
		return Keys{}, err
	}
	var keys Keys
	for i, text := range signed {
		if err := keys.follow(text); err != nil {
			return Keys{}, fmt.Errorf("hand-over %d: %w", i+1, err)
		}
	}
	for _, term := range keys.terms {
		if term.Key.text == key.text {
			return keys, nil
		}
	}
	return Keys{}, fmt.Errorf("the trusted key is none that the log handed over: %w", ErrSignature)
}

// splitNotes takes notes that follow each other apart. The text of a hand-over
// has no empty line, so text and signatures alternate.
func splitNotes(text string) ([]string, error) {
	parts := strings.Split(text, "\n\n")
	if len(parts)%2 != 0 || len(parts) > 2*maxKeys || !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("hand-overs of the key: %w", ErrMalformed)
	}
	notes := make([]string, 0, len(parts)/2)
	for i := 0; i < len(parts); i += 2 {
		signatures := strings.TrimSuffix(parts[i+1], "\n")
		notes = append(notes, parts[i]+"\n\n"+signatures+"\n")
	}
	return notes, nil
}

// follow adds the next hand-over.
func (k *Keys) follow(signed string) error {
	said, err := parseHandover(CutNote(signed))
	if err != nil {
		return err
	}
	older, err := ParseKey(said.Old)
	if err != nil {
		return err
	}
	newer, err := ParseKey(said.New)
	if err != nil {
		return err
	}
	if older.text == newer.text || older.Origin() != said.Origin || newer.Origin() != said.Origin {
		return fmt.Errorf("keys of another log: %w", ErrMalformed)
	}
	if _, err := openNote(signed, older.handover, newer.handover); err != nil {
		return fmt.Errorf("signed by both keys: %w", err)
	}
	if len(k.terms) == 0 {
		k.terms = []Term{{Key: older}}
	}
	last := &k.terms[len(k.terms)-1]
	if last.Key.text != older.text || last.From > said.Size {
		return fmt.Errorf("it does not follow the one before: %w", ErrSignature)
	}
	last.To = said.Size
	k.terms = append(k.terms, Term{Key: newer, From: said.Size, To: math.MaxUint64})
	k.handovers = append(k.handovers, said)
	return nil
}

// Origin is the name of the log.
func (k Keys) Origin() string { return k.terms[0].Key.Origin() }

// Current is the verifier key in force.
func (k Keys) Current() string { return k.terms[len(k.terms)-1].Key.text }

// Terms are the keys and what they sign for.
func (k Keys) Terms() []Term { return k.terms }

// Handovers are the changes of the key, the oldest first.
func (k Keys) Handovers() []Handover { return k.handovers }

// OpenCheckpoint reads a signed checkpoint of the log. The key that signed it
// must have been in force at its size. Errors: [ErrMalformed], [ErrSignature].
func (k Keys) OpenCheckpoint(text string) (Checkpoint, error) {
	var refusal error
	for _, term := range k.terms {
		head, err := term.Key.openCheckpoint(text)
		switch {
		case err == nil && head.Size >= term.From && head.Size <= term.To:
			return head, nil
		case err == nil:
			refusal = fmt.Errorf("checkpoint of size %d under a key for sizes %d to %d: %w", head.Size, term.From, term.To, ErrSignature)
		case refusal == nil:
			refusal = err
		}
	}
	return Checkpoint{}, refusal
}

// OpenNote reads a note of the log, such as a certificate, and says when the key
// that signed it was in force. Errors: [ErrMalformed], [ErrSignature].
func (k Keys) OpenNote(signed string) (string, Term, error) {
	refusal := fmt.Errorf("note: %w", ErrSignature)
	for _, term := range k.terms {
		text, err := term.Key.openNote(signed)
		if err == nil {
			return text, term, nil
		}
		if !errors.Is(err, ErrSignature) {
			refusal = err
		}
	}
	return "", Term{}, refusal
}

// OpenCheckpoint reads a signed checkpoint and checks its signature under one
// key. The answer has no Position. Errors: [ErrMalformed], [ErrSignature].
func OpenCheckpoint(text, verifierKey string) (Checkpoint, error) {
	key, err := ParseKey(verifierKey)
	if err != nil {
		return Checkpoint{}, err
	}
	return key.openCheckpoint(text)
}

// OpenNote answers the text of a note that a key of a log signed. Errors:
// [ErrMalformed], [ErrSignature].
func OpenNote(signed, verifierKey string) (string, error) {
	key, err := ParseKey(verifierKey)
	if err != nil {
		return "", err
	}
	return key.openNote(signed)
}
