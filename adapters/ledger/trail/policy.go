package trail

import (
	"fmt"
	"strings"

	"github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
)

// maxPolicy bounds a policy file, in bytes.
const maxPolicy = 1 << 20

// Policy says whose signatures a checkpoint needs beside the log's: a file in the
// format of Sigsum and C2SP, with lines
//
//	log <verifier key>
//	witness <name> <verifier key> [<URL>]
//	group <name> <k, "any" or "all"> <names of witnesses or groups>
//	quorum <name or "none">
//
// A witness key is of type 0x04 (Ed25519) or 0x06 (ML-DSA-44) as C2SP
// tlog-cosignature has them. The log itself may be a witness, with its ML-DSA key.
type Policy struct {
	log       string
	quorum    witness.Group
	witnesses []Witness
}

// Witness is one cosigner of a policy.
type Witness struct {
	Name string
	Key  note.Verifier
	URL  string // where it is asked to cosign; empty when it cannot be
}

// noURL stands for a missing URL, which the library wants to be there.
const noURL = "https://witness.invalid"

// ParsePolicy reads a policy file. A key may stand for one witness only, else one
// witness would count twice. Errors: [ErrMalformed].
func ParsePolicy(text string) (Policy, error) {
	if len(text) > maxPolicy {
		return Policy{}, fmt.Errorf("policy of %d bytes: %w", len(text), ErrMalformed)
	}
	var p Policy
	var lines []string
	names := map[string]string{}
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if err := p.note(fields, names); err != nil {
			return Policy{}, fmt.Errorf("policy, line %d: %w", number+1, err)
		}
		if fields[0] == "witness" && len(fields) == 3 {
			fields = append(fields, noURL)
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	quorum, err := witness.ParsePolicy([]byte(strings.Join(lines, "\n") + "\n"))
	if err != nil {
		return Policy{}, fmt.Errorf("policy: %w: %w", err, ErrMalformed)
	}
	p.quorum = quorum
	return p, nil
}

// note keeps what the library does not, and refuses what it lets through.
func (p *Policy) note(fields []string, names map[string]string) error {
	switch {
	case fields[0] == "log" && len(fields) >= 2:
		key, err := ParseKey(fields[1])
		if err != nil {
			return err
		}
		if p.log != "" {
			return fmt.Errorf("a second log: %w", ErrMalformed)
		}
		p.log = key.String()
	case fields[0] == "group" && len(fields) >= 3 && strings.Trim(fields[2], "0") == "":
		return fmt.Errorf("group %s asks for nobody: %w", fields[1], ErrMalformed)
	case fields[0] == "group" && len(fields) > 3:
		return unlikeEachOther(fields[3:])
	case fields[0] == "witness" && len(fields) >= 3:
		w, err := newWitness(fields)
		if err != nil {
			return err
		}
		known := fmt.Sprintf("%s+%08x", w.Key.Name(), w.Key.KeyHash())
		if other := names[known]; other != "" {
			return fmt.Errorf("%s and %s have the same key: %w", other, w.Name, ErrMalformed)
		}
		names[known] = w.Name
		p.witnesses = append(p.witnesses, w)
	}
	return nil
}

func newWitness(fields []string) (Witness, error) {
	one, err := witness.ParsePolicy([]byte("witness w " + fields[2] + " " + noURL + "\nquorum w\n"))
	if err != nil {
		return Witness{}, fmt.Errorf("witness %s: %w", fields[1], ErrMalformed)
	}
	w := Witness{Name: fields[1]}
	for _, key := range one.Endpoints() {
		w.Key = key
	}
	if len(fields) > 3 {
		w.URL = fields[3]
	}
	return w, nil
}

// unlikeEachOther refuses a group that counts a member twice.
func unlikeEachOther(members []string) error {
	seen := map[string]bool{}
	for _, member := range members {
		if seen[member] {
			return fmt.Errorf("%s is a member twice: %w", member, ErrMalformed)
		}
		seen[member] = true
	}
	return nil
}

// Log is the verifier key of the log, empty when the policy names none.
func (p Policy) Log() string { return p.log }

// Witnesses are all that the policy names.
func (p Policy) Witnesses() []Witness { return p.witnesses }

// Asks says whether the policy asks for any signature beside the log's.
func (p Policy) Asks() bool { return p.quorum.N > 0 }

// Satisfied says whether the quorum signed a checkpoint. Whether the log signed
// it is another question.
func (p Policy) Satisfied(checkpoint string) bool {
	return len(checkpoint) <= maxNote && p.quorum.Satisfied([]byte(checkpoint))
}

// Signed names the witnesses that signed a checkpoint.
func (p Policy) Signed(checkpoint string) []string {
	var names []string
	for _, w := range p.witnesses {
		opened, err := note.Open([]byte(checkpoint), note.VerifierList(w.Key))
		if err == nil && len(opened.Sigs) == 1 {
			names = append(names, w.Name)
		}
	}
	return names
}
