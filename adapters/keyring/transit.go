package keyring

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// TransitProvider is how [Transit] stands in a stored epoch.
const TransitProvider = "transit"

// TransitConfig says where a transit secrets engine is and how to speak to it.
type TransitConfig struct {
	// Address is that of the server and the mount of the engine, for example
	// https://vault.example:8200/v1/transit.
	Address string

	// Token is the token to present; TokenFile, when it is set, is read for each
	// request instead, so that an agent may renew it. Never put a token in an argument.
	Token, TokenFile string

	// Namespace is that of Vault Enterprise or OpenBao; empty: none.
	Namespace string

	// Prefix stands before every key name; empty: tracekeep.
	Prefix string

	// Timeout is for one request; zero: 10 seconds.
	Timeout time.Duration

	// Client speaks HTTP; nil: a client of its own with the system's roots.
	Client *http.Client
}

func (c TransitConfig) validate() error {
	var errs []error
	address, err := url.Parse(c.Address)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || !strings.HasPrefix(address.Path, "/v1/") {
		errs = append(errs, errors.New("the address of the transit engine is its mount, as https://vault.example:8200/v1/transit"))
	} else if address.Scheme == "http" && !loopback(address.Hostname()) {
		errs = append(errs, errors.New("keys do not travel without TLS: the address of the transit engine must be https"))
	}
	if c.Token == "" && c.TokenFile == "" {
		errs = append(errs, errors.New("the transit engine needs a token: name a file that holds it, or set it in the environment"))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Transit is the [Provider] that keeps provider keys in the transit secrets
// engine of HashiCorp Vault or OpenBao, one named key for each epoch. The keys
// never leave it. Destroying one lifts its protection and deletes it; that
// reaches NIST Clear in the engine's storage, and no snapshot of it made before:
// the retention of snapshots is part of the time to finality.
//
// The token needs, on the keys of the prefix and nothing else:
//
//	path "transit/keys/tracekeep-*"        { capabilities = ["create", "update", "read", "delete"] }
//	path "transit/keys/tracekeep-*/config" { capabilities = ["create", "update"] }
//	path "transit/encrypt/tracekeep-*"     { capabilities = ["update"] }
//	path "transit/decrypt/tracekeep-*"     { capabilities = ["update"] }
//
// Leave out "create" on encrypt: the engine would make a missing key there.
// A serving process that never rotates needs encrypt, keys and config not at all.
type Transit struct {
	config TransitConfig
	client *http.Client
}

// NewTransit checks the configuration; it does not speak to the server.
func NewTransit(config TransitConfig) (*Transit, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure the transit provider: %w", err)
	}
	config.Address = strings.TrimRight(config.Address, "/")
	if config.Prefix == "" {
		config.Prefix = "tracekeep"
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	t := &Transit{config: config}
	client := http.Client{}
	if config.Client != nil {
		client = *config.Client
	}
	client.CheckRedirect = t.stay
	t.client = &client
	return t, nil
}

// stay follows a standby's redirect to the active node once, and nowhere without
// TLS: the token goes along.
func (t *Transit) stay(next *http.Request, via []*http.Request) error {
	if len(via) > 1 || next.URL.Scheme != "https" && !loopback(next.URL.Hostname()) {
		return errors.New("a redirect that the token must not follow")
	}
	return nil
}

// Reach implements [Provider].
func (t *Transit) Reach() Reach { return Reach{Provider: TransitProvider, Standard: "clear"} }

func (t *Transit) name(key string) string { return t.config.Prefix + "-" + key }

// transitKey is what the engine says of a key.
type transitKey struct {
	Type            string `json:"type"`
	Derived         bool   `json:"derived"`
	Exportable      bool   `json:"exportable"`
	PlaintextBackup bool   `json:"allow_plaintext_backup"`
}

// Create implements [Provider]. A key that exists is taken only if it could not
// have been taken out of the engine.
func (t *Transit) Create(ctx context.Context, key string) error {
	if err := t.call(ctx, http.MethodPost, "keys/"+t.name(key), map[string]any{
		"type": "aes256-gcm96", "derived": false, "exportable": false, "allow_plaintext_backup": false,
	}, nil); err != nil {
		return fmt.Errorf("create %s: %w", t.name(key), err)
	}
	var made transitKey
	if err := t.call(ctx, http.MethodGet, "keys/"+t.name(key), nil, &made); err != nil {
		return fmt.Errorf("create %s: %w", t.name(key), err)
	}
	if made.Type != "aes256-gcm96" || made.Derived || made.Exportable || made.PlaintextBackup {
		return fmt.Errorf("create %s: %w: a key of that name exists that can be exported or is of another kind", t.name(key), ErrProvider)
	}
	return nil
}

// Wrap implements [Wrapper]. What is stored is the engine's own ciphertext,
// which names the version of the key.
func (t *Transit) Wrap(ctx context.Context, key string, plain, associated []byte) ([]byte, error) {
	// The engine makes a missing key when the token may; a key that is gone must stay gone.
	if err := t.call(ctx, http.MethodGet, "keys/"+t.name(key), nil, &transitKey{}); err != nil {
		return nil, fmt.Errorf("wrap under %s: %w", t.name(key), err)
	}
	var answer struct {
		Ciphertext string `json:"ciphertext"`
	}
	if err := t.call(ctx, http.MethodPost, "encrypt/"+t.name(key), map[string]any{
		"plaintext": base64.StdEncoding.EncodeToString(plain), "associated_data": base64.StdEncoding.EncodeToString(associated),
	}, &answer); err != nil {
		return nil, fmt.Errorf("wrap under %s: %w", t.name(key), err)
	}
	if answer.Ciphertext == "" {
		return nil, fmt.Errorf("wrap under %s: %w: it answers no ciphertext", t.name(key), ErrProvider)
	}
	return []byte(answer.Ciphertext), nil
}

// Unwrap implements [Wrapper].
func (t *Transit) Unwrap(ctx context.Context, key string, wrapped, associated []byte) ([]byte, error) {
	var answer struct {
		Plaintext string `json:"plaintext"`
	}
	err := t.call(ctx, http.MethodPost, "decrypt/"+t.name(key), map[string]any{
		"ciphertext": string(wrapped), "associated_data": base64.StdEncoding.EncodeToString(associated),
	}, &answer)
	var refused *transitError
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusBadRequest:
		// The engine says of a missing key and of a wrong ciphertext alike that the
		// request is bad, in words that change: ask whether there is a key.
		if known := t.call(ctx, http.MethodGet, "keys/"+t.name(key), nil, &transitKey{}); errors.Is(known, ErrNoKEK) {
			return nil, fmt.Errorf("unwrap with %s: %w", t.name(key), known)
		}
		return nil, fmt.Errorf("unwrap with %s: %w: %w", t.name(key), ErrWrongKEK, err)
	case err != nil:
		return nil, fmt.Errorf("unwrap with %s: %w", t.name(key), err)
	}
	plain, err := base64.StdEncoding.DecodeString(answer.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("unwrap with %s: %w: it answers no base64", t.name(key), ErrProvider)
	}
	return plain, nil
}

// Destroy implements [Provider]. It has happened only when the engine says that
// it knows the key no more.
func (t *Transit) Destroy(ctx context.Context, key string) error {
	if gone, err := t.gone(ctx, key); err != nil || gone {
		return err
	}
	if err := t.call(ctx, http.MethodPost, "keys/"+t.name(key)+"/config", map[string]any{"deletion_allowed": true}, nil); err != nil {
		return fmt.Errorf("allow the deletion of %s: %w", t.name(key), err)
	}
	if err := t.call(ctx, http.MethodDelete, "keys/"+t.name(key), nil, nil); err != nil {
		return fmt.Errorf("delete %s: %w", t.name(key), err)
	}
	gone, err := t.gone(ctx, key)
	if err == nil && !gone {
		err = fmt.Errorf("delete %s: %w: it still knows the key", t.name(key), ErrProvider)
	}
	return err
}

func (t *Transit) gone(ctx context.Context, key string) (bool, error) {
	err := t.call(ctx, http.MethodGet, "keys/"+t.name(key), nil, &transitKey{})
	if errors.Is(err, ErrNoKEK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", t.name(key), err)
	}
	return false, nil
}

// transitError is a refusal of the engine, in its own words.
type transitError struct {
	status int
	words  []string
}

func (e *transitError) Error() string {
	said := strings.Join(e.words, "; ")
	switch e.status {
	case http.StatusForbidden:
		said += " (403: the token has expired or its policy does not allow this)"
	case http.StatusServiceUnavailable:
		said += " (503: unseal the server)"
	case http.StatusNotFound:
		said += " (404: is the engine mounted at this address?)"
	default:
		said += fmt.Sprintf(" (%d)", e.status)
	}
	return said
}

// call makes one request. [ErrNoKEK] is a key that the engine does not know; any
// other refusal is [ErrProvider] with the engine's words.
func (t *Transit) call(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, t.config.Timeout)
	defer cancel()
	request, err := t.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := t.client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProvider, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProvider, err)
	}
	if response.StatusCode >= 300 {
		return refusal(response.StatusCode, text)
	}
	if into == nil {
		return nil
	}
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(text, &answer) != nil || json.Unmarshal(answer.Data, into) != nil {
		return fmt.Errorf("%w: its answer is not what the transit API documents", ErrProvider)
	}
	return nil
}

// refusal tells a key that does not exist, which the engine answers to a read
// with 404 and an empty list of errors, from an engine that is not there.
func refusal(status int, text []byte) error {
	var answer struct {
		Errors []string `json:"errors"`
	}
	said := json.Unmarshal(text, &answer) == nil
	if status == http.StatusNotFound && said && answer.Errors != nil && len(answer.Errors) == 0 {
		return ErrNoKEK
	}
	return fmt.Errorf("%w: %w", ErrProvider, &transitError{status: status, words: answer.Errors})
}

func (t *Transit) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, t.config.Address+"/"+path, content)
	if err != nil {
		return nil, err
	}
	token := t.config.Token
	if t.config.TokenFile != "" {
		text, err := os.ReadFile(t.config.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("%w: read the token: %w", ErrProvider, err)
		}
		token = strings.TrimSpace(string(text))
	}
	request.Header.Set("X-Vault-Token", token)
	request.Header.Set("X-Vault-Request", "true")
	if t.config.Namespace != "" {
		request.Header.Set("X-Vault-Namespace", t.config.Namespace)
	}
	return request, nil
}
