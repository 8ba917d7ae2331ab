package httpapi

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// errPageToken refuses a token that this process's key did not seal for this
// tenant, operation and filter. Nothing more is said about it.
var errPageToken = errors.New("page token does not open")

// maxPageToken bounds what is decoded at all.
const maxPageToken = 256

// pages seals cursors. A cursor is opaque to the client and useless elsewhere:
// it opens only for the tenant, operation and filter it was made for.
type pages struct {
	aead   cipher.AEAD
	random io.Reader
}

func newPages(key [32]byte, random io.Reader) (pages, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return pages{}, fmt.Errorf("page token key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return pages{}, fmt.Errorf("page token key: %w", err)
	}
	return pages{aead: aead, random: random}, nil
}

// question names what a page is a page of.
type question struct {
	tenant    uuid.UUID
	operation string
	filter    []string
	path      []string // ids in the path of the list, which its link repeats by itself
}

// associated is the length-prefixed form of the question, so that no two
// questions share one.
func (q question) associated() []byte {
	out := append([]byte("tracekeep page token v1"), q.tenant[:]...)
	for _, part := range slices.Concat([]string{q.operation}, q.filter, q.path) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part))) //nolint:gosec // bounded by the header limit
		out = append(out, part...)
	}
	return out
}

func (p pages) seal(q question, cursor []byte) (string, error) {
	nonce := make([]byte, p.aead.NonceSize(), p.aead.NonceSize()+len(cursor)+p.aead.Overhead())
	if _, err := io.ReadFull(p.random, nonce); err != nil {
		return "", fmt.Errorf("seal a page token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(p.aead.Seal(nonce, nonce, cursor, q.associated())), nil
}

func (p pages) open(q question, token string) ([]byte, error) {
	if len(token) > maxPageToken || strings.ContainsAny(token, "\r\n") { // the decoder would skip line ends
		return nil, errPageToken
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < p.aead.NonceSize() {
		return nil, errPageToken
	}
	cursor, err := p.aead.Open(nil, sealed[:p.aead.NonceSize()], sealed[p.aead.NonceSize():], q.associated())
	if err != nil {
		return nil, errPageToken
	}
	return cursor, nil
}
