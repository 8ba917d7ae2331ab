package eventnode

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// backupFormat names the layout of a folder of backups and of its manifests.
const backupFormat = "tracekeep-eventnode-backup-1"

// longestManifest bounds what is read of one.
const longestManifest = 64 << 20

// BackupManifest says what one backup is made of.
type BackupManifest struct {
	Format string `json:"format"`
	// Store is the format of the folder that was backed up.
	Store string    `json:"store"`
	Node  uuid.UUID `json:"node"`
	// Position is that of the last record in the backup, 0 for none. The backup
	// has everything up to it and nothing behind it.
	Position int64        `json:"position"`
	Taken    time.Time    `json:"taken"`
	Files    []BackupFile `json:"files"`
}

// BackupFile is one file of a backup; it is kept under its hash, once, however
// many backups have it.
type BackupFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Bytes is the size of all files together.
func (m BackupManifest) Bytes() int64 {
	total := int64(0)
	for _, f := range m.Files {
		total += f.Size
	}
	return total
}

var (
	hashText = regexp.MustCompile(`^[0-9a-f]{64}$`)
	fileText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

// validate refuses what this version cannot restore, and names that would lead
// out of a folder.
func (m BackupManifest) validate() error {
	switch {
	case m.Format != backupFormat:
		return fmt.Errorf("%w: %q", ErrUnknownFormat, m.Format)
	case m.Store != storeFormat:
		return fmt.Errorf("%w: of a store %q", ErrUnknownFormat, m.Store)
	case m.Position < 0 || len(m.Files) == 0:
		return errors.New("it says nothing of a store")
	}
	for i, f := range m.Files {
		switch {
		case !fileText.MatchString(f.Name) || !engineFile(f.Name):
			return fmt.Errorf("file %d has a name that no file of an event store has", i+1)
		case f.Size < 0 || !hashText.MatchString(f.SHA256):
			return fmt.Errorf("%s has a size of %d and a hash of %d characters", f.Name, f.Size, len(f.SHA256))
		case i > 0 && m.Files[i-1].Name >= f.Name:
			return fmt.Errorf("%s is not in its place", f.Name)
		}
	}
	return nil
}

// sealedManifest is a manifest as it is written: with the hash of its text.
type sealedManifest struct {
	SHA256   string          `json:"sha256"`
	Manifest json.RawMessage `json:"manifest"`
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (m BackupManifest) encode() ([]byte, error) {
	m.Format, m.Store, m.Taken = backupFormat, storeFormat, m.Taken.UTC()
	slices.SortFunc(m.Files, func(a, b BackupFile) int { return strings.Compare(a.Name, b.Name) })
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("manifest of the backup: %w", err)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest of the backup: %w", err)
	}
	b, err := json.Marshal(sealedManifest{SHA256: hashOf(body), Manifest: body})
	if err != nil {
		return nil, fmt.Errorf("manifest of the backup: %w", err)
	}
	return append(b, '\n'), nil
}

// decodeManifest takes nothing but what encode makes: every changed bit is found.
func decodeManifest(b []byte) (BackupManifest, error) {
	var sealed sealedManifest
	if err := strictJSON(b, &sealed); err != nil {
		return BackupManifest{}, err
	}
	if sealed.SHA256 != hashOf(sealed.Manifest) {
		return BackupManifest{}, errors.New("its hash differs")
	}
	var m BackupManifest
	if err := json.Unmarshal(sealed.Manifest, &m); err != nil {
		return BackupManifest{}, err
	}
	if err := m.validate(); err != nil {
		return BackupManifest{}, err
	}
	if again, err := m.encode(); err != nil || !bytes.Equal(again, b) {
		return BackupManifest{}, errors.New("it is not as it was written")
	}
	return m, nil
}

func strictJSON(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}
