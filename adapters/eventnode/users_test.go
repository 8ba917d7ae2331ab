package eventnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func someUsers() *users {
	u := newUsers(leastCost)
	u.add("a", []string{"g"}, hashPassword("right", leastCost))
	u.add("ab", nil, hashPassword("c", leastCost))
	return u
}

func TestLogin(t *testing.T) {
	u := someUsers()
	for _, tt := range []struct{ rule, name, password string }{
		{"a wrong password", "a", "wrong"},
		{"no password", "a", ""},
		{"a password that begins like the right one", "a", "right "},
		{"the password of somebody else", "ab", "right"},
		{"a name nobody has", "b", "right"},
		{"no name", "", ""},
		{"a name in other letters", "A", "right"},
		{"an endless password", "a", strings.Repeat("x", longestPassword+1)},
		{"name and password cut elsewhere", "a", "bc"},
	} {
		for range 2 { // before and after the right one was seen
			if who, err := u.login(t.Context(), tt.name, tt.password); !errors.Is(err, errUnauthenticated) || who != nil {
				t.Errorf("%s: %v, %v", tt.rule, who, err)
			}
			for name, password := range map[string]string{"a": "right", "ab": "c"} {
				if who, err := u.login(t.Context(), name, password); err != nil || who.name != name {
					t.Fatalf("the right password of %s: %v, %v", name, who, err)
				}
			}
		}
	}
}

// While others guess, as many as may at once and more who wait, whoever has
// logged in before is let in at once, and too many guesses are turned away.
func TestGuessesHoldUpNobodyWhoIsKnown(t *testing.T) {
	u := someUsers()
	if _, err := u.login(t.Context(), "a", "right"); err != nil {
		t.Fatal(err)
	}
	for range hashesAtOnce {
		u.hashing <- struct{}{} // a guess that takes for ever
	}
	ctx, cancel := context.WithCancel(t.Context())
	var guesses sync.WaitGroup
	var mu sync.Mutex
	told := map[string]int{}
	for i := range hashesWaiting + 10 {
		guesses.Go(func() {
			_, err := u.login(ctx, "a", fmt.Sprint(i))
			mu.Lock()
			defer mu.Unlock()
			told[err.Error()]++
		})
	}
	until(t, "those for whom there is no room are turned away", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return told[errTooManyLogins.Error()] == 10
	})
	if _, err := u.login(t.Context(), "a", "right"); err != nil {
		t.Error(err)
	}
	cancel()
	guesses.Wait()
	if told[context.Canceled.Error()] != hashesWaiting {
		t.Errorf("%v", told)
	}
	if got := status.Code(statusOf(errTooManyLogins)); got != codes.Unavailable {
		t.Errorf("clients are told %v", got)
	}
}

// A guess at a name that nobody has takes a turn as any other does.
func TestUnknownNamesCostAsMuch(t *testing.T) {
	u := someUsers()
	for range hashesAtOnce {
		u.hashing <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"a", "nobody"} {
		if _, err := u.login(ctx, name, "wrong"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s was answered without a turn: %v", name, err)
		}
	}
}

// Many calls that come with the same first login share one hash.
func TestFirstLoginIsHashedOnce(t *testing.T) {
	u := someUsers()
	for range hashesAtOnce {
		u.hashing <- struct{}{}
	}
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			if _, err := u.login(t.Context(), "a", "right"); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "all wait", func() bool { return u.waiting.Load() == 10 })
	u.byName["a"].prove(u, "right")
	u.byName["a"].hash = noPassword(leastCost) // nothing is hashed any more
	for range hashesAtOnce {
		<-u.hashing
	}
	calls.Wait()
}

func TestPasswordHash(t *testing.T) {
	h := hashPassword("secret", usualCost)
	text := h.String()
	if strings.Contains(text, "secret") || !strings.HasPrefix(text, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Errorf("%s", text)
	}
	if again := hashPassword("secret", usualCost).String(); again == text {
		t.Error("two hashes have the same salt")
	}
	back, err := parsePasswordHash(text)
	if err != nil || !back.is("secret") || back.is("Secret") || back.is("") {
		t.Errorf("%v", err)
	}
	if noPassword(usualCost).is("") {
		t.Error("no password is one")
	}
	for rule, bad := range map[string]string{
		"nothing":           "",
		"another kind":      strings.Replace(text, "argon2id", "argon2i", 1),
		"another version":   strings.Replace(text, "v=19", "v=16", 1),
		"endless memory":    strings.Replace(text, "m=47104", "m=4294967295", 1),
		"hardly any memory": strings.Replace(text, "m=47104", "m=8", 1),
		"no passes":         strings.Replace(text, "t=1", "t=0", 1),
		"a longer number":   strings.Replace(text, "t=1", "t=01", 1),
		"more behind it":    text + "x",
		"another part":      text + "$",
		"a short tag":       text[:len(text)-4],
	} {
		if _, err := parsePasswordHash(bad); !errors.Is(err, errPasswordHash) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func FuzzPasswordHash(f *testing.F) {
	f.Add(hashPassword("x", leastCost).String())
	f.Add("$argon2id$v=19$m=47104,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := parsePasswordHash(text); err == nil && h.String() != text {
			t.Errorf("%q is read as %q", text, h)
		}
	})
}

// Who knows which password after each start of the same folder.
func TestPasswordsAcrossStarts(t *testing.T) {
	dir, secure := t.TempDir(), secured(t)
	for _, life := range []struct {
		rule       string
		change     func(*Security)
		right      map[string]string
		wrong      map[string]string
		log, quiet string // what the log says, and what it does not
	}{
		{"a new folder has the default passwords, and warns", func(*Security) {},
			map[string]string{"admin": DefaultPassword, "ops": DefaultPassword, "anna": "of anna"}, nil, "default password", "was changed"},
		{"a configured password replaces the stored one", func(s *Security) { s.AdminPassword = "new of admin" },
			map[string]string{"admin": "new of admin", "ops": DefaultPassword}, map[string]string{"admin": DefaultPassword}, "was changed", ""},
		{"and stays when it is not configured any more", func(*Security) {},
			map[string]string{"admin": "new of admin"}, map[string]string{"admin": DefaultPassword}, "default password", "was changed"},
		{"the same again changes nothing", func(s *Security) { s.AdminPassword, s.OpsPassword = "new of admin", "new of ops" },
			map[string]string{"admin": "new of admin", "ops": "new of ops"}, map[string]string{"ops": DefaultPassword}, "", "default password"},
		{"who is not listed any more is gone", func(s *Security) { s.Users = nil },
			map[string]string{"ops": "new of ops"}, map[string]string{"anna": "of anna"}, "", ""},
	} {
		t.Run(life.rule, func(t *testing.T) {
			core, logged := observer.New(zap.DebugLevel)
			n := start(t, secure, func(c *Config) {
				c.Dir, c.Log = dir, zap.New(core)
				life.change(c.Security)
			})
			for who, password := range life.right {
				if _, err := n.gate.users.login(t.Context(), who, password); err != nil {
					t.Errorf("%s is not let in with %q: %v", who, password, err)
				}
			}
			for who, password := range life.wrong {
				if _, err := n.gate.users.login(t.Context(), who, password); !errors.Is(err, errUnauthenticated) {
					t.Errorf("%s is let in with %q: %v", who, password, err)
				}
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			said := fmt.Sprint(logged.All())
			if !strings.Contains(said, life.log) || life.quiet != "" && strings.Contains(said, life.quiet) {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

// No password, and no hash of one, is in the log of the process, in an error, or
// in the events that a reader of the whole log sees.
func TestPasswordsAreNowhereToBeSeen(t *testing.T) {
	const canary = "canary-5e1f"
	var log bytes.Buffer
	out := zapcore.Lock(zapcore.AddSync(&log))
	n := start(t, secured(t), func(c *Config) {
		c.Log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), out, zap.DebugLevel))
		c.Security.AdminPassword = canary
	})
	conn := secureConn(t, n)
	err := doAppend(with(within(t), basic(canary, canary)), conn, "s")
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
	if got := status.Code(doRead(onePage)(with(within(t), basic("admin", canary)), conn, usersStream)); got != codes.OK {
		t.Fatal(got)
	}
	for _, r := range recordsOf(t, n.store) {
		if all := string(r.data) + string(r.meta); strings.Contains(all, "argon2") || strings.Contains(all, canary) {
			t.Errorf("%s has %s", r.name, all)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "login was refused") {
		t.Errorf("the log says %s", log.String())
	}
	for _, config := range []Security{
		{CertFile: "none", KeyFile: "none", AdminPassword: canary},
		{Users: []User{{Name: "a:b", Password: canary}, {Name: "x", Password: canary}, {Name: "x", Password: canary}}},
	} {
		_, err := Open(Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Clock: n.cfg.Clock, Security: &config})
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%v", err)
		}
	}
}

func TestDamagedPassword(t *testing.T) {
	secure := secured(t)
	for name, raw := range map[string][]byte{"nothing": {}, "damaged": []byte("$argon2id$v=19$m=47104,t=1,p=1$xxxx")} {
		dir := t.TempDir()
		n := start(t, secure, func(c *Config) { c.Dir = dir })
		cfg := n.cfg
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, dir, userKey("admin"), raw)
		if _, err := Open(cfg); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A folder of insecure mode becomes a secure one, and the other way round.
func TestSecurityIsSwitched(t *testing.T) {
	dir, secure := t.TempDir(), secured(t)
	at := func(c *Config) { c.Dir = dir }
	n := start(t, at)
	letters(t, connect(t, n), "s", "a")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // users are listed once
		n = start(t, at, secure)
		c := connectAs(t, n, "admin")
		if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 10); got != "a" {
			t.Errorf("read %q", got)
		}
		if got := readTypes(t, c, usersStream, esdb.ReadStreamOptions{}, 100); got != strings.Repeat(typeUser, 5) {
			t.Errorf("%s holds %q", usersStream, got)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	letters(t, connect(t, start(t, at)), usersStream, "a")
}
