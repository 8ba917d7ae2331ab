package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
)

const (
	ownCosignerFile   = "log.mldsa"
	ownCosignerSuffix = "/mldsa"
	publicSuffix      = ".vkey"
)

// Cosigner signs checkpoints beside the key of a log, with an ML-DSA-44 key, as
// C2SP tlog-cosignature has it: as a witness, or for the log itself, so that its
// checkpoints also hold against somebody who can break Ed25519. Its verifier key
// belongs into the policy of whoever asks for it; see [trail.Policy].
type Cosigner struct {
	signer      note.Signer
	verifierKey string
}

// MakeCosigner draws a key and writes it to a new file, which only its owner can
// read, and the verifier key to a second one, whose name ends in .vkey. Errors:
// [fs.ErrExist], and [ErrConfig] for a name that no key has.
func MakeCosigner(file, name string) (*Cosigner, error) {
	if err := checkOrigin(name); err != nil {
		return nil, fmt.Errorf("name of a cosigner: %w", err)
	}
	for _, path := range []string{file, file + publicSuffix} {
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
	}
	secret, public, err := fnote.GenerateMLDSAKey(name)
	if err != nil {
		return nil, fmt.Errorf("make a cosigner: %w", err)
	}
	// The secret comes last: without it there is no cosigner, and a crash leaves none.
	if err := writeDurable(file+publicSuffix, []byte(public+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("write the key of a cosigner: %w", err)
	}
	if err := writeDurable(file, []byte(secret+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the key of a cosigner: %w", err)
	}
	return ReadCosigner(file)
}

// ReadCosigner reads what [MakeCosigner] wrote. Errors: [ErrCorrupt] for keys that
// are none or do not belong together, and [fs.ErrNotExist].
func ReadCosigner(file string) (*Cosigner, error) {
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the key of a cosigner: %w", err)
	}
	public, err := os.ReadFile(file + publicSuffix)
	if err != nil {
		return nil, fmt.Errorf("read the key of a cosigner: %w", err)
	}
	c := &Cosigner{verifierKey: strings.TrimSpace(string(public))}
	signer, err := fnote.NewMLDSASigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, ErrCorrupt) // the library's error may quote the secret
	}
	verifier, err := fnote.NewMLDSAVerifier(c.verifierKey)
	if err != nil || verifier.Name() != signer.Name() || verifier.KeyHash() != signer.KeyHash() {
		return nil, fmt.Errorf("%s does not belong to %s: %w", file+publicSuffix, file, ErrCorrupt)
	}
	c.signer = signer
	return c, nil
}

// VerifierKey is the public key as a policy has it.
func (c *Cosigner) VerifierKey() string { return c.verifierKey }

// Cosign adds a signature to a signed checkpoint. The caller has checked that it
// continues every one that was signed before: that is what a cosignature says.
// Errors: [ErrMalformed].
func (c *Cosigner) Cosign(checkpoint string) (string, error) {
	body := trail.CutNote(checkpoint)
	if _, err := trail.ParseCheckpoint(body); err != nil {
		return "", err
	}
	alone, err := note.Sign(&note.Note{Text: body}, c.signer)
	if err != nil {
		return "", fmt.Errorf("cosign: %w", err)
	}
	_, signature, _ := strings.Cut(string(alone), "\n\n")
	return checkpoint + signature, nil
}

// readOwnCosigner reads the ML-DSA key of a log, which it need not have.
func readOwnCosigner(dir string) (*Cosigner, error) {
	own, err := ReadCosigner(filepath.Join(dir, ownCosignerFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, ownCosignerFile)); err == nil {
			return nil, fmt.Errorf("%s is missing: %w", ownCosignerFile+publicSuffix, ErrCorrupt)
		}
		return nil, nil
	}
	return own, err
}

// MakeCosigner has the log sign its checkpoints with an ML-DSA-44 key as well, from
// now on, under the name <origin>/mldsa. It answers the verifier key. The key stays
// when the Ed25519 key changes. Errors: [fs.ErrExist] when it has one.
func (l *Ledger) MakeCosigner() (string, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return "", err
	}
	path := filepath.Join(l.dir, ownCosignerFile)
	if err := dropDraft(path); err != nil {
		return "", err
	}
	own, err := MakeCosigner(path, l.origin+ownCosignerSuffix)
	if err != nil {
		return "", err
	}
	l.own = own
	if err := l.publish(*l.current.Load()); err != nil {
		l.failed = err
		return "", err
	}
	return own.verifierKey, nil
}

// dropDraft removes a public key whose secret a crash kept from being written.
func dropDraft(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return dropFile(filepath.Dir(path), filepath.Base(path)+publicSuffix)
}

// CosignerKey is the ML-DSA-44 verifier key of the log, empty when it has none.
func (l *Ledger) CosignerKey() string {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.own == nil {
		return ""
	}
	return l.own.verifierKey
}
