package keyring_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func TestWhatGoesWrongWithTheTransitEngine(t *testing.T) {
	const key = "epoch-1-a"
	prepare := func(t *testing.T) (*engine, *keyring.Transit, []byte) {
		e := newEngine(t)
		p := e.provider(t, func(c *keyring.TransitConfig) { c.Timeout = 200 * time.Millisecond })
		if err := p.Create(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		wrapped, err := p.Wrap(t.Context(), key, make([]byte, 32), nil)
		if err != nil {
			t.Fatal(err)
		}
		return e, p, wrapped
	}
	for rule, c := range map[string]struct {
		fault func(e *engine)
		says  string
	}{
		"it is sealed":                      {func(e *engine) { e.sealed = true }, "Vault is sealed (503: unseal the server)"},
		"the token is refused":              {func(e *engine) { e.token = "another" }, "permission denied (403"},
		"a proxy answers":                   {func(e *engine) { e.status = http.StatusBadGateway }, "(502)"},
		"another page answers":              {func(e *engine) { e.status = http.StatusOK }, "not what the transit API documents"},
		"a page that was not found answers": {func(e *engine) { e.status = http.StatusNotFound }, "(404: is the engine mounted"},
		"it does not answer":                {func(e *engine) { e.hangs = true }, "deadline exceeded"},
		"nobody listens":                    {func(*engine) {}, "connection refused"},
	} {
		t.Run(rule, func(t *testing.T) {
			e, p, wrapped := prepare(t)
			if rule == "nobody listens" {
				e.Close()
			} else {
				e.set(func() { c.fault(e) })
			}
			_, wrap := p.Wrap(t.Context(), key, make([]byte, 32), nil)
			_, unwrap := p.Unwrap(t.Context(), key, wrapped, nil)
			for verb, err := range map[string]error{
				"create": p.Create(t.Context(), "epoch-2-b"), "wrap": wrap, "unwrap": unwrap, "destroy": p.Destroy(t.Context(), key),
			} {
				if !errors.Is(err, keyring.ErrProvider) || errors.Is(err, keyring.ErrNoKEK) || errors.Is(err, keyring.ErrWrongKEK) {
					t.Errorf("%s: a fault of the provider must not look like a lost or wrong key: %v", verb, err)
				}
				if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s.secret")) {
					t.Errorf("%s: %v", verb, err)
				}
			}
			e.set(func() {
				if e.keys["tracekeep-"+key] == nil {
					t.Error("the key is gone")
				}
			})
		})
	}
}

// A mount that does not exist answers 404 too; a destruction that asked there
// has destroyed nothing.
func TestAWrongMountIsNoDestruction(t *testing.T) {
	e := newEngine(t)
	p := e.provider(t, func(c *keyring.TransitConfig) { c.Address = e.URL + "/v1/elsewhere" })
	err := p.Destroy(t.Context(), "epoch-1-a")
	wantErr(t, err, keyring.ErrProvider)
	if !strings.Contains(err.Error(), "no handler for route") {
		t.Error(err)
	}
}

func TestVersionsOfATransitKey(t *testing.T) {
	e := newEngine(t)
	p := e.provider(t, nil)
	if err := p.Create(t.Context(), "epoch-1-a"); err != nil {
		t.Fatal(err)
	}
	wrapped, err := p.Wrap(t.Context(), "epoch-1-a", make([]byte, 32), nil)
	if err != nil || !strings.HasPrefix(string(wrapped), "vault:v1:") {
		t.Fatalf("%s %v", wrapped, err)
	}
	e.set(func() { e.keys["tracekeep-epoch-1-a"].rotate() }) // somebody rotates it there
	if _, err := p.Unwrap(t.Context(), "epoch-1-a", wrapped, nil); err != nil {
		t.Fatal(err)
	}
	if again, err := p.Wrap(t.Context(), "epoch-1-a", make([]byte, 32), nil); err != nil || !strings.HasPrefix(string(again), "vault:v2:") {
		t.Fatalf("%s %v", again, err)
	}
	e.set(func() { e.keys["tracekeep-epoch-1-a"].minDecrypt = 2 })
	_, err = p.Unwrap(t.Context(), "epoch-1-a", wrapped, nil)
	wantErr(t, err, keyring.ErrWrongKEK)
	if !strings.Contains(err.Error(), "disallowed by policy") {
		t.Error(err)
	}
}

// A policy that lets the token create on encrypt must not bring a destroyed key
// back.
func TestADestroyedTransitKeyIsNotMadeAgainByWrapping(t *testing.T) {
	e := newEngine(t)
	e.upsert = true
	p := e.provider(t, nil)
	if err := errors.Join(p.Create(t.Context(), "epoch-1-a"), p.Destroy(t.Context(), "epoch-1-a")); err != nil {
		t.Fatal(err)
	}
	_, err := p.Wrap(t.Context(), "epoch-1-a", make([]byte, 32), nil)
	wantErr(t, err, keyring.ErrNoKEK)
	if len(e.keys) != 0 {
		t.Fatal("the key is back")
	}
}

func TestAKeyThatCouldHaveBeenTakenOutIsNotUsed(t *testing.T) {
	e := newEngine(t)
	key := &engineKey{minDecrypt: 1, exportable: true}
	key.rotate()
	e.keys["tracekeep-epoch-1-a"] = key
	wantErr(t, e.provider(t, nil).Create(t.Context(), "epoch-1-a"), keyring.ErrProvider)
}

func TestTheTokenIsReadAnewFromItsFile(t *testing.T) {
	e := newEngine(t)
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(e.token)
	p := e.provider(t, func(c *keyring.TransitConfig) { c.Token, c.TokenFile = "", file })
	if err := p.Create(t.Context(), "epoch-1-a"); err != nil {
		t.Fatal(err)
	}
	e.set(func() { e.token = "s.renewed" })
	wantErr(t, p.Create(t.Context(), "epoch-1-a"), keyring.ErrProvider)
	write("s.renewed")
	if err := p.Create(t.Context(), "epoch-1-a"); err != nil {
		t.Fatal(err)
	}
}

func TestARedirectIsFollowedToTheActiveNodeOnly(t *testing.T) {
	e := newEngine(t)
	var to string
	standby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(standby.Close)
	p := e.provider(t, func(c *keyring.TransitConfig) { c.Address = standby.URL + "/v1/transit" })
	to = e.URL
	if err := p.Create(t.Context(), "epoch-1-a"); err != nil {
		t.Fatal(err)
	}
	to = standby.URL // in circles
	wantErr(t, p.Create(t.Context(), "epoch-1-a"), keyring.ErrProvider)
	to = "http://203.0.113.7" // out of the machine, without TLS
	wantErr(t, p.Create(t.Context(), "epoch-1-a"), keyring.ErrProvider)
}

func TestTransitConfigurationsThatAreRefused(t *testing.T) {
	good := keyring.TransitConfig{Address: "https://vault.example:8200/v1/transit", Token: "t"}
	if _, err := keyring.NewTransit(good); err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		spoil func(*keyring.TransitConfig)
		says  string
	}{
		"no address":               {func(c *keyring.TransitConfig) { c.Address = "" }, "mount"},
		"an address without mount": {func(c *keyring.TransitConfig) { c.Address = "https://vault.example:8200" }, "mount"},
		"without TLS":              {func(c *keyring.TransitConfig) { c.Address = "http://vault.example:8200/v1/transit" }, "TLS"},
		"no token":                 {func(c *keyring.TransitConfig) { c.Token = "" }, "token"},
	} {
		t.Run(rule, func(t *testing.T) {
			bad := good
			c.spoil(&bad)
			if _, err := keyring.NewTransit(bad); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// An engine that is away while an epoch is needed is a store that cannot be
// asked, and a key store that is open goes on.
func TestAnEngineThatIsAway(t *testing.T) {
	e := newEngine(t)
	s := newStore(t)
	s.provider = e.provider(t, nil)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	e.set(func() { e.sealed = true })
	_, err := keyring.Open(t.Context(), s.config())
	wantErr(t, err, keyring.ErrProvider)
	wantClear(t, k, ref, envelope)
	if _, err := k.Rotate(t.Context(), alone); !errors.Is(err, keyring.ErrProvider) {
		t.Fatal(err)
	}
	wantClear(t, k, ref, seal(t, k, ref))
	e.set(func() { e.sealed = false })
	rotate(t, k, alone)
	erased := erase(t, k, ref)
	wantState(t, s.open(t), ref, envelope, eventschema.UseAudit, eventschema.StateErased, erased.Case)
	if len(e.keys) != 1 {
		t.Fatalf("%d keys at the engine", len(e.keys))
	}
}
