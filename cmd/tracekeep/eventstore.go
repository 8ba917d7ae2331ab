package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"tracekeep/adapters/eventnode"
)

// eventstoreCommand are the commands of the event store without the rest.
type eventstoreCommand struct {
	Run   eventstoreRun   `cmd:"" default:"withargs" help:"Serve a folder of events over EventStoreDB's protocol."`
	Certs eventstoreCerts `cmd:"" help:"Make certificates for a secure event store."`

	Verify   eventStoreVerifyCommand   `cmd:"" help:"Check every byte and every rule of an event store's folder."`
	Scavenge eventStoreScavengeCommand `cmd:"" help:"Remove from the disk what readers cannot see any more."`
	Backup   eventStoreBackupCommand   `cmd:"" help:"Back an event store up while it runs, or its folder."`
	Restore  eventStoreRestoreCommand  `cmd:"" help:"Make the folder of an event store from a backup."`
}

// Help implements kong's help provider.
func (eventstoreCommand) Help() string {
	return `Without a sub-command it serves: tracekeep eventstore --data DIR --insecure, or --certs DIR.
tracekeep eventstore run --help lists the flags.`
}

type eventstoreRun struct {
	Data      string `help:"Folder of the events; made when absent." placeholder:"DIR" required:"" env:"TRACEKEEP_EVENTSTORE_DATA"`
	Listen    string `help:"Address to serve, host:port." default:"127.0.0.1:2113" env:"TRACEKEEP_EVENTSTORE_LISTEN"`
	Advertise string `help:"The host:port by which clients reach it that discover it; empty: the address served." placeholder:"HOST:PORT" env:"TRACEKEEP_EVENTSTORE_ADVERTISE"`
	Certs     string `help:"Folder of certificates (node/node.crt, node/node.key): serve TLS, ask for passwords." placeholder:"DIR" env:"TRACEKEEP_EVENTSTORE_CERTS"`
	Insecure  bool   `help:"Serve clear text to everybody who can connect."`
	Anywhere  bool   `name:"insecure-anywhere" help:"Allow --insecure on an address that other machines reach."`
	AdminFile string `name:"admin-password-file" help:"File of the password of admin; without it TRACEKEEP_EVENTSTORE_ADMIN_PASSWORD." placeholder:"FILE"`
	OpsFile   string `name:"ops-password-file" help:"File of the password of ops; without it TRACEKEEP_EVENTSTORE_OPS_PASSWORD." placeholder:"FILE"`
	UsersFile string `name:"users-file" help:"JSON file of more users: [{\"name\":…,\"password\":…,\"groups\":[…]}]." placeholder:"FILE" env:"TRACEKEEP_EVENTSTORE_USERS"`
	MaxAppend int    `name:"max-append-size" help:"Most bytes of one append; below 16 MiB." default:"1048576" placeholder:"BYTES"`
	Cache     int64  `help:"Memory for blocks of the folder, in bytes; a build without cgo keeps it in the heap of Go, where it takes up to twice as much." default:"134217728" placeholder:"BYTES"`
	Seed      string `help:"For tests: fill an empty folder first with recorded events, as JSON lines." placeholder:"FILE"`
	JSON      bool   `name:"json" help:"Say where it serves as one JSON line."`
}

// Help implements kong's help provider.
func (eventstoreRun) Help() string {
	return `Runs the embedded event store alone, without read models, keys or trail, until it is told to stop (SIGINT, SIGTERM); calls
that are under way are then finished. The official clients of EventStoreDB connect to it. Logs go to standard error, the
connection string to standard output once clients can connect.

Say whom it trusts. --certs is for everything but a machine of your own: TLS, and a name and a password with every call.
The users are admin, who may do everything, and ops, who may change persistent subscriptions; both have the password
"changeit" until you choose another. A password that is given replaces the stored one. Metadata of streams give rights to
users and groups ("$acl"). --insecure is for development: no encryption, everybody may do everything.

Examples:
  tracekeep eventstore --data events --insecure
  tracekeep eventstore certs certs --host localhost
  tracekeep eventstore --data events --certs certs --listen :2113 --advertise store.example:2113 \
      --admin-password-file /run/secrets/admin
  tracekeep serve --data records --event-store 'esdb://admin:…@store.example:2113?tls=true&tlsCAFile=certs/ca/ca.crt'`
}

// Run serves until ctx ends.
func (c eventstoreRun) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.config(t)
	if err != nil {
		return err
	}
	if c.Seed != "" {
		if err := c.seed(cfg); err != nil {
			return storeError(err)
		}
	}
	node, err := eventnode.Open(cfg)
	if err != nil {
		return storeError(err)
	}
	if err := c.tell(t, node); err != nil {
		return errors.Join(err, node.Close())
	}
	<-ctx.Done()
	cfg.Log.Info("event store stops", zap.String("address", node.Addr()))
	if err := node.Close(); err != nil {
		return fmt.Errorf("stop the event store: %w", err)
	}
	return nil
}

// config puts together what the flags say, or says what is wrong with them.
func (c eventstoreRun) config(t *terminal) (eventnode.Config, error) {
	if err := c.trust(); err != nil {
		return eventnode.Config{}, &coded{exitUsage, err}
	}
	if _, err := os.Stat(filepath.Join(c.Data, "tenant.json")); err == nil {
		return eventnode.Config{}, &coded{exitUsage, fmt.Errorf("%s is the data folder of a whole tracekeep; its events are in %s",
			c.Data, filepath.Join(c.Data, "events"))}
	}
	security, err := c.security()
	if err != nil {
		return eventnode.Config{}, err
	}
	return eventnode.Config{
		Dir: c.Data, Listen: c.Listen, Advertise: c.Advertise, Security: security, MaxAppendBytes: c.MaxAppend,
		CacheBytes: c.Cache, Clock: t.clock, Log: stderrLog(t),
	}, nil
}

// trust refuses to serve somebody by mistake.
func (c eventstoreRun) trust() error {
	switch {
	case c.Certs == "" && !c.Insecure:
		return errors.New("say whom the event store trusts: --certs DIR for TLS and passwords (tracekeep eventstore certs makes such a folder), " +
			"or --insecure for clear text and everybody")
	case c.Certs != "" && c.Insecure:
		return errors.New("--certs and --insecure exclude each other")
	case c.Insecure && !c.Anywhere && !isLoopback(c.Listen):
		return fmt.Errorf("--insecure lets everybody who reaches %s read and change everything: serve 127.0.0.1, use --certs, "+
			"or add --insecure-anywhere if the network keeps strangers out", c.Listen)
	case c.Insecure && (c.AdminFile != "" || c.OpsFile != "" || c.UsersFile != ""):
		return errors.New("--insecure asks nobody for a password: leave out the files of passwords, or use --certs")
	}
	return nil
}

// isLoopback says whether only this machine can connect. A name other than
// localhost may lead anywhere.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// security reads the secrets, which are never on the command line, where other
// users of the machine see them.
func (c eventstoreRun) security() (*eventnode.Security, error) {
	if c.Insecure {
		return nil, nil
	}
	s := &eventnode.Security{CertFile: filepath.Join(c.Certs, eventnode.NodeCert), KeyFile: filepath.Join(c.Certs, eventnode.NodeKey)}
	for _, p := range []struct {
		file, variable string
		into           *string
	}{
		{c.AdminFile, "TRACEKEEP_EVENTSTORE_ADMIN_PASSWORD", &s.AdminPassword},
		{c.OpsFile, "TRACEKEEP_EVENTSTORE_OPS_PASSWORD", &s.OpsPassword},
	} {
		if *p.into = os.Getenv(p.variable); p.file == "" {
			continue
		}
		text, err := os.ReadFile(p.file)
		if err != nil {
			return nil, fmt.Errorf("password file: %w", err)
		}
		if *p.into = strings.TrimRight(string(text), "\r\n"); *p.into == "" {
			return nil, fmt.Errorf("password file %s is empty", p.file)
		}
	}
	if c.UsersFile == "" {
		return s, nil
	}
	text, err := os.ReadFile(c.UsersFile)
	if err != nil {
		return nil, fmt.Errorf("users file: %w", err)
	}
	var users []struct {
		Name     string   `json:"name"`
		Password string   `json:"password"`
		Groups   []string `json:"groups"`
	}
	if err := json.Unmarshal(text, &users); err != nil {
		return nil, fmt.Errorf("users file %s is not a list of {name, password, groups}", c.UsersFile) // the cause may quote a password
	}
	for _, u := range users {
		s.Users = append(s.Users, eventnode.User{Name: u.Name, Password: u.Password, Groups: u.Groups})
	}
	return s, nil
}

// tell says where clients connect, once they can.
func (c eventstoreRun) tell(t *terminal, node *eventnode.Node) error {
	connection := node.ConnectionString()
	if ca := filepath.Join(c.Certs, eventnode.CAFile); c.Certs != "" {
		absolute, err := filepath.Abs(ca)
		if err != nil {
			return fmt.Errorf("folder of certificates: %w", err)
		}
		if _, err := os.Stat(absolute); err == nil {
			connection += "&tlsCAFile=" + absolute
		}
	}
	if c.JSON {
		return printJSON(t.out, struct {
			Data       string `json:"data"`
			Address    string `json:"address"`
			Connection string `json:"connection"`
			Secure     bool   `json:"secure"`
		}{c.Data, node.Addr(), connection, !c.Insecure})
	}
	hint := "everybody who reaches it may do everything"
	if !c.Insecure {
		hint = "clients add user:password@ before the host"
	}
	_, err := fmt.Fprintf(t.out, "tracekeep event store serves %s\n  address     %s\n  connection  %s\n  (%s)\n", c.Data, node.Addr(), connection, hint)
	return err
}

// storeError gives a failure of the event store its exit code.
func storeError(err error) error {
	if errors.Is(err, eventnode.ErrLocked) || errors.Is(err, eventnode.ErrPortInUse) {
		return &coded{exitInUse, err}
	}
	if errors.Is(err, eventnode.ErrNotEmpty) {
		return fmt.Errorf("%w; --seed fills an empty folder only", err)
	}
	return err
}

// stderrLog is the log of a process that serves and has no folder of its own
// for it.
func stderrLog(t *terminal) *zap.Logger {
	out := zapcore.Lock(zapcore.AddSync(t.err))
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), out, zap.InfoLevel))
}

type eventstoreCerts struct {
	Dir  string   `arg:"" help:"Folder for them; made when absent."`
	Host []string `help:"Name or address by which clients reach the event store; may be repeated." default:"localhost,127.0.0.1,::1"`
	JSON bool     `name:"json" help:"Print the files as one JSON line."`
}

// Help implements kong's help provider.
func (eventstoreCerts) Help() string {
	return `Makes an authority of its own (ca/ca.crt, ca/ca.key) and a certificate of a node signed by it (node/node.crt, node/node.key).
Clients are given ca/ca.crt; keep ca/ca.key elsewhere than on the node. Nothing is overwritten. Certificates of your own
authority serve as well, under the same names; a node notices when they are replaced.

Examples:
  tracekeep eventstore certs certs
  tracekeep eventstore certs certs --host store.example --host 10.0.0.7`
}

// Run makes the files.
func (c eventstoreCerts) Run(_ context.Context, t *terminal) error {
	err := eventnode.MakeCertificates(c.Dir, c.Host, t.clock())
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w; name another folder, or remove it", err)
	}
	if err != nil {
		return err
	}
	path := func(name string) string { return filepath.Join(c.Dir, name) }
	if c.JSON {
		return printJSON(t.out, map[string]string{"ca": path(eventnode.CAFile), "cert": path(eventnode.NodeCert), "key": path(eventnode.NodeKey)})
	}
	_, err = fmt.Fprintf(t.out, "authority    %s (for clients)\ncertificate  %s\nkey          %s\n", path(eventnode.CAFile), path(eventnode.NodeCert), path(eventnode.NodeKey))
	return err
}
