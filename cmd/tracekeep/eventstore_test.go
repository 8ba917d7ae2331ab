package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// ready is the line that says where an event store serves.
type ready struct {
	Data, Address, Connection string
	Secure                    bool
}

// eventStore runs tracekeep eventstore until the test ends or stop is called,
// which gives what the command said.
func eventStore(t *testing.T, args ...string) (at ready, stop func() answer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var out, log lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"eventstore", "--listen", "127.0.0.1:0", "--json"}, args...),
			&terminal{out: &out, err: &log, clock: time.Now, random: rand.Reader})
	}()
	stopped := false
	stop = func() answer {
		stopped = true
		cancel()
		return answer{code: <-ended, out: out.text.String(), err: log.text.String()}
	}
	t.Cleanup(func() {
		if !stopped {
			stop().ok(t)
		}
	})
	if err := json.Unmarshal([]byte(out.waitFor(t, "{")), &at); err != nil {
		t.Fatal(err)
	}
	return at, stop
}

// as connects with the credentials of a user.
func (r ready) as(t *testing.T, user, password string) *esdb.Client {
	t.Helper()
	connection := r.Connection
	if r.Secure {
		connection = strings.Replace(connection, "://", "://"+user+":"+password+"@", 1)
	}
	config, err := esdb.ParseConnectionString(connection)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func appendOne(ctx context.Context, client *esdb.Client, stream string) error {
	_, err := client.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{},
		esdb.EventData{EventID: uuid.New(), EventType: "t", ContentType: esdb.ContentTypeJson, Data: []byte("{}")})
	return err
}

// What an event store refuses to start with, and what it then says to do.
func TestEventStoreRefusals(t *testing.T) {
	dir := t.TempDir()
	at := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tracekeep(t, "eventstore", "certs", filepath.Join(dir, "certs")).ok(t)
	whole := filepath.Join(dir, "whole")
	if err := os.MkdirAll(whole, 0o700); err != nil {
		t.Fatal(err)
	}
	at("whole/tenant.json", "{}")
	used, _ := eventStore(t, "--data", filepath.Join(dir, "used"), "--insecure")
	secure := []string{"--data", filepath.Join(dir, "d"), "--certs", filepath.Join(dir, "certs")}
	const canary = "canary-77d1"
	for rule, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"it must be said whom to trust":          {[]string{"--data", dir}, exitUsage, "--certs DIR"},
		"both is contradictory":                  {append(secure, "--insecure"), exitUsage, "exclude each other"},
		"clear text beyond this machine":         {[]string{"--data", dir, "--insecure", "--listen", "0.0.0.0:0"}, exitUsage, "--insecure-anywhere"},
		"clear text on every address":            {[]string{"--data", dir, "--insecure", "--listen", ":0"}, exitUsage, "--insecure-anywhere"},
		"clear text on a name":                   {[]string{"--data", dir, "--insecure", "--listen", "example.org:0"}, exitUsage, "--insecure-anywhere"},
		"passwords that nobody asks for":         {[]string{"--data", dir, "--insecure", "--users-file", at("u", "[]")}, exitUsage, "--certs"},
		"the folder of a whole tracekeep":        {[]string{"--data", whole, "--insecure"}, exitUsage, filepath.Join(whole, "events")},
		"no certificates":                        {[]string{"--data", dir, "--certs", filepath.Join(dir, "none")}, exitFailed, "no such file"},
		"no password file":                       {append(secure, "--admin-password-file", filepath.Join(dir, "none")), exitFailed, "password file"},
		"an empty password file":                 {append(secure, "--ops-password-file", at("empty", "\n")), exitFailed, "is empty"},
		"a users file that is no JSON":           {append(secure, "--users-file", at("bad", `[{"password":"`+canary+`"}`)), exitFailed, "is not a list"},
		"a user without a name":                  {append(secure, "--users-file", at("nameless", `[{"password":"`+canary+`"}]`)), exitFailed, "Users[0]"},
		"a folder in use":                        {[]string{"--data", used.Data, "--insecure", "--listen", "127.0.0.1:0"}, exitInUse, "in use"},
		"an address in use":                      {[]string{"--data", filepath.Join(dir, "e"), "--insecure", "--listen", used.Address}, exitInUse, "in use"},
		"a size that is too large":               {[]string{"--data", dir, "--insecure", "--max-append-size", "99999999"}, exitFailed, "MaxAppendBytes"},
		"a seed that is missing":                 {[]string{"--data", filepath.Join(dir, "f"), "--insecure", "--seed", filepath.Join(dir, "none")}, exitFailed, "seed"},
		"a seed that is broken, with its line":   {[]string{"--data", filepath.Join(dir, "g"), "--insecure", "--seed", at("seed", "\n{")}, exitFailed, "line 2"},
		"a seed out of order":                    {[]string{"--data", filepath.Join(dir, "h"), "--insecure", "--seed", at("order", seed(5, 7))}, exitFailed, "revision 7"},
		"certificates would overwrite":           {[]string{"certs", filepath.Join(dir, "certs")}, exitFailed, "name another folder"},
		"an address that is none, with security": {append(secure, "--advertise", "x"), exitFailed, "Advertise"},
	} {
		t.Run(rule, func(t *testing.T) {
			got := tracekeep(t, append([]string{"eventstore"}, tt.args...)...).ok(t, tt.code)
			if !strings.Contains(got.err, tt.says) || strings.Contains(got.err, canary) {
				t.Errorf("it says %s", got.err)
			}
		})
	}
}

// seed is one recorded event as a line.
func seed(position, revision int) string {
	return fmt.Sprintf(`{"pos":%d,"stream":"s","rev":%d,"id":"%s","type":"t","contentType":"application/json","ticks":16000000000000000,"data":"%s","meta":""}`+"\n",
		position, revision, uuid.New(), base64.StdEncoding.EncodeToString([]byte("{}")))
}

func TestInsecureEventStore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "seed.jsonl")
	if err := os.WriteFile(file, []byte(seed(100, 0)+"\n"+strings.TrimSpace(seed(300, 1))), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "events")
	at, stop := eventStore(t, "--data", data, "--insecure", "--seed", file)
	if at.Secure || at.Connection != "esdb://"+at.Address+"?tls=false" || at.Data != data {
		t.Errorf("%+v", at)
	}
	client := at.as(t, "", "")
	events, err := client.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{100, 300} {
		if e, err := events.Recv(); err != nil || e.Event.Position.Commit != want || e.Event.CreatedDate.Unix() != 1_600_000_000 {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	events.Close()
	said := stop().ok(t)
	for _, line := range strings.Split(strings.TrimSpace(said.err), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log says %s", line)
		}
	}
	// The same flags again: the seed is for an empty folder.
	again := tracekeep(t, "eventstore", "--data", data, "--insecure", "--seed", file).ok(t, exitFailed)
	if !strings.Contains(again.err, "empty folder only") {
		t.Errorf("it says %s", again.err)
	}
}

func TestSecureEventStore(t *testing.T) {
	dir := t.TempDir()
	certs, admin, users := filepath.Join(dir, "certs"), filepath.Join(dir, "admin"), filepath.Join(dir, "users")
	tracekeep(t, "eventstore", "certs", certs, "--host", "127.0.0.1", "--host", "localhost").ok(t)
	for path, content := range map[string]string{
		admin: "canary-of-admin\n", users: `[{"name":"app","password":"canary-of-app","groups":["writers"]}]`,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TRACEKEEP_EVENTSTORE_OPS_PASSWORD", "canary-of-ops")
	at, stop := eventStore(t, "--data", filepath.Join(dir, "events"), "--certs", certs, "--admin-password-file", admin, "--users-file", users)
	if !at.Secure || !strings.Contains(at.Connection, "tls=true&tlsCAFile="+certs) {
		t.Errorf("%+v", at)
	}
	for _, tt := range []struct {
		user, password, stream string
		want                   esdb.ErrorCode
	}{
		{"admin", "canary-of-admin", "$mine", -1},
		{"admin", "changeit", "s", esdb.ErrorCodeUnauthenticated},
		{"ops", "canary-of-ops", "s", -1},
		{"ops", "canary-of-ops", "$mine", esdb.ErrorCodeAccessDenied},
		{"app", "canary-of-app", "s", -1},
		{"app", "canary-of-ops", "s", esdb.ErrorCodeUnauthenticated},
	} {
		code := esdb.ErrorCode(-1)
		if err, fine := esdb.FromError(appendOne(t.Context(), at.as(t, tt.user, tt.password), tt.stream)); !fine {
			code = err.Code()
		}
		if code != tt.want {
			t.Errorf("%s with %s to %s: code %d, want %d", tt.user, tt.password, tt.stream, code, tt.want)
		}
	}
	said := stop().ok(t)
	if all := said.out + said.err; strings.Contains(all, "canary") || !strings.Contains(all, "login was refused") {
		t.Errorf("it says %s", all)
	}
}

// A signal stops it once the calls under way are answered.
func TestEventStoreStopsOnASignal(t *testing.T) {
	cmd := child(t.Context(), t, "eventstore", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--insecure", "--json")
	var out lockedBuffer
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var at ready
	if err := json.Unmarshal([]byte(out.waitFor(t, "{")), &at); err != nil {
		t.Fatal(err)
	}
	client := at.as(t, "", "")
	if err := appendOne(t.Context(), client, "s"); err != nil {
		t.Fatal(err)
	}
	subscription, err := client.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	if !strings.Contains(log.String(), "event store stops") {
		t.Errorf("the log says %s", log.String())
	}
}
