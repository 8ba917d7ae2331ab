package eventstoredb_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
	"tracekeep/eventschema"
)

// canary is a password that must be seen nowhere. In a connection string it is
// written as below.
const (
	canary        = "c@nary:0f/51?"
	canaryEscaped = "c%40nary:0f%2F51%3F"
)

// secureNode runs a secure node and gives a connection string to it by user,
// with the given password as it is written there.
func secureNode(t testing.TB) (node *eventnode.Node, as func(user, escaped string) string) {
	t.Helper()
	certs := t.TempDir()
	if err := eventnode.MakeCertificates(certs, []string{"localhost", "127.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	node, err := eventnode.Open(eventnode.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Clock: time.Now, CacheBytes: 16 << 20,
		Security: &eventnode.Security{
			CertFile: filepath.Join(certs, eventnode.NodeCert), KeyFile: filepath.Join(certs, eventnode.NodeKey), AdminPassword: canary,
			Users: []eventnode.User{{Name: "app", Password: canary}},
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close() })
	return node, func(user, escaped string) string {
		return strings.Replace(node.ConnectionString(), "://", "://"+user+":"+escaped+"@", 1) +
			"&tlsCAFile=" + filepath.Join(certs, eventnode.CAFile)
	}
}

// heard is a log that a test reads.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) log(c *eventstoredb.Config) {
	c.Log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(h), zap.DebugLevel))
}

// secret reports a text in which the canary can be seen.
func secret(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range []string{canary, canaryEscaped, base64.StdEncoding.EncodeToString([]byte("app:" + canary))} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the password: %s", where, text)
		}
	}
}

// A secure node is used by its connection string alone, as a plain user: all
// that the store, its bulk sibling and subscribers do, except to read the whole
// log, for which an administrator gives the right.
func TestSecureStore(t *testing.T) {
	_, as := secureNode(t)
	var log heard
	admin := eventstoredb.NewStore(connect(t, as("admin", canaryEscaped), log.log))
	client := connect(t, as("app", canaryEscaped), log.log)
	store := eventstoredb.NewStore(client)
	bulk, err := eventstoredb.NewBulk(client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	for name, s := range map[string]domain.Store{"append": store, "batch append": bulk} {
		for rule, check := range contract {
			t.Run(name+"/"+rule, func(t *testing.T) { check(t, s) })
		}
	}
	if _, err := store.LastPosition(t.Context()); !errors.Is(err, eventstoredb.ErrDenied) {
		t.Errorf("the whole log without the right to it: %v", err)
	}
	grant := []eventschema.Proposed{{ID: proposed(1)[0].ID, Type: "$metadata", Data: []byte(`{"$acl":{"$r":"app"}}`)}}
	mustAppend(t, admin, "$$$all", domain.NoStream, grant)
	if last, err := store.LastPosition(t.Context()); err != nil || last == 0 {
		t.Errorf("with the right to it the log ends at %d, %v", last, err)
	}
	messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{Pages: true})
	msg, page := next(t, messages)
	if len(page.Events) == 0 {
		t.Errorf("the first page is %+v", page)
	}
	msg.Ack()
	secret(t, "the log", log.text.String())
}

// What a caller is told whose password or authority is wrong; the right password
// of another account is not in it.
func TestSecureStoreRefuses(t *testing.T) {
	_, as := secureNode(t)
	var log heard
	wrong := strings.Replace(as("app", canaryEscaped), "app:", "ops:", 1)
	client := connect(t, wrong, log.log)
	store := eventstoredb.NewStore(client)
	bulk, err := eventstoredb.NewBulk(client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	calls := map[string]func() error{
		"append": func() error {
			_, err := store.Append(within(t, 20*time.Second), newStream(), domain.NoStream, proposed(1))
			return err
		},
		"read": func() error {
			for _, err := range store.ReadStream(within(t, 20*time.Second), newStream(), 0) {
				return err
			}
			return nil
		},
		"batch append": func() error {
			_, err := bulk.Append(within(t, 20*time.Second), newStream(), domain.NoStream, proposed(1))
			return err
		},
		"the end of the log": func() error {
			_, err := store.LastPosition(within(t, 20*time.Second))
			return err
		},
	}
	for range 3 { // batch append is refused and tried again meanwhile
		for name, call := range calls {
			err := call()
			if !errors.Is(err, eventstoredb.ErrDenied) {
				t.Errorf("%s: %v", name, err)
			}
			secret(t, name, fmt.Sprint(err))
		}
	}

	stranger, _, _ := strings.Cut(as("app", canaryEscaped), "&tlsCAFile")
	err = connect(t, stranger, log.log).Ready(within(t, time.Second))
	if err == nil {
		t.Error("an unknown authority is trusted")
	}
	secret(t, "an unknown authority", fmt.Sprint(err))
	for name, broken := range map[string]string{"no host": "esdb://app:" + canary + "@", "another protocol": "http://app:" + canary + "@localhost"} {
		_, err := eventstoredb.NewClient(eventstoredb.Config{ConnectionString: broken})
		if err == nil {
			continue // what the official client takes is not ours to refuse
		}
		secret(t, name, err.Error())
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	secret(t, "the log", log.text.String())
}
