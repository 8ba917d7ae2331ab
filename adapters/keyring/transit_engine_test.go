package keyring_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tracekeep/adapters/keyring"
)

// engine stands in for the transit secrets engine of Vault and OpenBao: the
// endpoints that Tracekeep uses, written from the API's documentation and the
// engine's own words for what goes wrong. It encrypts for real.
type engine struct {
	*httptest.Server
	mu     sync.Mutex
	token  string
	upsert bool // the token may create on encrypt, against the documented policy
	sealed bool
	status int  // answered instead, as by a proxy before it
	hangs  bool // until the client has gone
	keys   map[string]*engineKey
	calls  []string
}

type engineKey struct {
	versions   []cipher.AEAD
	minDecrypt int
	deletable  bool
	exportable bool
}

func newEngine(tb testing.TB) *engine {
	tb.Helper()
	e := &engine{token: "s.secret", keys: map[string]*engineKey{}}
	e.Server = httptest.NewServer(e)
	tb.Cleanup(e.Close)
	return e
}

func (e *engine) provider(tb testing.TB, change func(*keyring.TransitConfig)) *keyring.Transit {
	tb.Helper()
	config := keyring.TransitConfig{Address: e.URL + "/v1/transit", Token: e.token, Client: e.Client()}
	if change != nil {
		change(&config)
	}
	provider, err := keyring.NewTransit(config)
	if err != nil {
		tb.Fatal(err)
	}
	return provider
}

func (e *engine) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func fails(w http.ResponseWriter, status int, words ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": append([]string{}, words...)})
}

func answers(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data, "warnings": nil})
}

// ServeHTTP implements http.Handler.
func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	if hangs := e.hangs; hangs {
		e.mu.Unlock()
		<-r.Context().Done()
		return
	}
	defer e.mu.Unlock()
	path, mounted := strings.CutPrefix(r.URL.Path, "/v1/transit/")
	e.calls = append(e.calls, r.Method+" "+path)
	switch {
	case e.status != 0:
		w.WriteHeader(e.status)
		_, _ = fmt.Fprint(w, "<html>bad gateway</html>")
		return
	case e.sealed:
		fails(w, http.StatusServiceUnavailable, "Vault is sealed")
		return
	case r.Header.Get("X-Vault-Token") != e.token:
		fails(w, http.StatusForbidden, "permission denied")
		return
	case !mounted:
		fails(w, http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", strings.TrimPrefix(r.URL.Path, "/v1/")))
		return
	}
	var body map[string]any
	if r.Method == http.MethodPost && json.Unmarshal(text, &body) != nil {
		fails(w, http.StatusBadRequest, "failed to parse JSON input")
		return
	}
	e.route(w, r.Method, strings.Split(path, "/"), body)
}

func (e *engine) route(w http.ResponseWriter, method string, path []string, body map[string]any) {
	name := path[1]
	key := e.keys[name]
	switch {
	case path[0] == "keys" && len(path) == 2 && method == http.MethodPost:
		if key == nil {
			key = &engineKey{minDecrypt: 1}
			key.exportable, _ = body["exportable"].(bool)
			key.rotate()
			e.keys[name] = key
		}
		answers(w, key.describe(name))
	case path[0] == "keys" && len(path) == 2 && method == http.MethodGet:
		if key == nil {
			fails(w, http.StatusNotFound)
			return
		}
		answers(w, key.describe(name))
	case path[0] == "keys" && len(path) == 2 && method == http.MethodDelete:
		switch {
		case key == nil:
			fails(w, http.StatusBadRequest, fmt.Sprintf("error deleting policy %s: could not delete key; not found", name))
		case !key.deletable:
			fails(w, http.StatusBadRequest, fmt.Sprintf("error deleting policy %s: deletion is not allowed for this key", name))
		default:
			delete(e.keys, name)
			w.WriteHeader(http.StatusNoContent)
		}
	case path[0] == "keys" && len(path) == 3 && path[2] == "config":
		if key == nil {
			fails(w, http.StatusBadRequest, fmt.Sprintf("no existing key named %s could be found", name))
			return
		}
		key.deletable, _ = body["deletion_allowed"].(bool)
		answers(w, key.describe(name))
	case path[0] == "encrypt":
		if key == nil && e.upsert {
			key = &engineKey{minDecrypt: 1}
			key.rotate()
			e.keys[name] = key
		}
		if key == nil {
			fails(w, http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
			return
		}
		key.encrypt(w, body)
	case path[0] == "decrypt":
		if key == nil {
			fails(w, http.StatusBadRequest, "encryption key not found")
			return
		}
		key.decrypt(w, body)
	default:
		fails(w, http.StatusNotFound, "unsupported path")
	}
}

func (k *engineKey) rotate() {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	block, _ := aes.NewCipher(raw)
	aead, _ := cipher.NewGCM(block)
	k.versions = append(k.versions, aead)
}

func (k *engineKey) describe(name string) map[string]any {
	versions := map[string]int64{}
	for i := range k.versions {
		versions[strconv.Itoa(i+1)] = 1772352000
	}
	return map[string]any{
		"name": name, "type": "aes256-gcm96", "derived": false, "deletion_allowed": k.deletable, "exportable": k.exportable,
		"allow_plaintext_backup": false, "latest_version": len(k.versions), "min_decryption_version": k.minDecrypt,
		"min_encryption_version": 0, "supports_encryption": true, "supports_decryption": true, "keys": versions,
	}
}

func field(body map[string]any, name string) []byte {
	text, _ := body[name].(string)
	raw, _ := base64.StdEncoding.DecodeString(text)
	return raw
}

func (k *engineKey) encrypt(w http.ResponseWriter, body map[string]any) {
	nonce := make([]byte, 12)
	_, _ = rand.Read(nonce)
	sealed := k.versions[len(k.versions)-1].Seal(nonce, nonce, field(body, "plaintext"), field(body, "associated_data"))
	answers(w, map[string]any{
		"ciphertext": fmt.Sprintf("vault:v%d:%s", len(k.versions), base64.StdEncoding.EncodeToString(sealed)), "key_version": len(k.versions),
	})
}

func (k *engineKey) decrypt(w http.ResponseWriter, body map[string]any) {
	text, _ := body["ciphertext"].(string)
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 || parts[0] != "vault" {
		fails(w, http.StatusBadRequest, "invalid ciphertext: no prefix")
		return
	}
	version, err := strconv.Atoi(strings.TrimPrefix(parts[1], "v"))
	raw, decoded := base64.StdEncoding.DecodeString(parts[2])
	switch {
	case err != nil || decoded != nil || len(raw) < 12 || version < 1:
		fails(w, http.StatusBadRequest, "invalid ciphertext: could not decode base64")
	case version > len(k.versions):
		fails(w, http.StatusBadRequest, "invalid ciphertext: version is too new")
	case version < k.minDecrypt:
		fails(w, http.StatusBadRequest, "ciphertext or signature version is disallowed by policy (too old)")
	default:
		plain, err := k.versions[version-1].Open(nil, raw[:12], raw[12:], field(body, "associated_data"))
		if err != nil {
			fails(w, http.StatusBadRequest, "cipher: message authentication failed")
			return
		}
		answers(w, map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)})
	}
}
