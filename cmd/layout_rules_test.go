package cmd_test

// rule is one row of the table of who may import what. A package belongs to the
// row with the longest path that is the package itself or a folder above it.
type rule struct {
	path string
	own  []string // own packages: "domain" is that package alone, "domain/..." also those below it
	// third lists third-party packages in the same notation; anyThird lifts the limit.
	third    []string
	anyThird bool
	// noStd lists packages of the standard library that are closed, those below them included.
	noStd []string
	// pure forbids clock, id generation and randomness.
	pure bool
	// exact says that a package below path needs a row of its own.
	exact bool
	// testOnly says that only tests may import the package.
	testOnly bool
}

// outside is what reaches out of the process or depends on the machine.
var outside = []string{"crypto/rand", "database/sql", "log", "math/rand", "net", "os", "plugin", "syscall", "unsafe"}

// effects is what no rule of the domain needs: time, ids and values arrive in the command.
var effects = append([]string{"context", "crypto", "encoding/json", "io", "runtime", "testing"}, outside...)

const (
	uuidPkg = "github.com/google/uuid"
	zapPkg  = "go.uber.org/zap/..."
	pgxPkg  = "github.com/jackc/pgx/v5/..."
	goose   = "github.com/pressly/goose/v3/..."
	client  = "github.com/EventStore/EventStore-Client-Go/v4/..."
	mill    = "github.com/ThreeDotsLabs/watermill/..."
	grpcPkg = "google.golang.org/grpc/..."
	proto   = "google.golang.org/protobuf/..."
	xsync   = "golang.org/x/sync/..."
	xtime   = "golang.org/x/time/..."
	prom    = "github.com/prometheus/..."
)

// proofs are the libraries of the trail, and all that an auditor's verifier rests on.
var proofs = []string{"github.com/transparency-dev/merkle/...", "github.com/transparency-dev/formats/...", "golang.org/x/mod/sumdb/..."}

// inner is what every adapter may know of the inside.
var inner = []string{"eventschema", "domain", "domain/..."}

// rules is the table. A package without a row fails.
var rules = []rule{
	{path: "eventschema", third: []string{uuidPkg}, noStd: outside, pure: true, exact: true},
	{path: "domain", own: []string{"eventschema"}, third: []string{uuidPkg}, noStd: append([]string{"encoding/json"}, outside...), pure: true, exact: true},
	{path: "domain/domaintest", own: []string{"eventschema", "domain"}, third: []string{uuidPkg, "github.com/google/go-cmp/..."}, noStd: outside, pure: true, testOnly: true},
	{path: "domain/assignment", own: []string{"eventschema", "domain", "domain/localtime"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/calendar", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/consent", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/device", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/course", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/disclosure", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/reading", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/erasure", own: []string{"eventschema", "domain", "domain/calendar"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/field", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/hold", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/hours", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/localtime", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/media", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/payperiod", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/payrules", own: []string{"eventschema", "domain", "domain/calendar", "domain/hours", "domain/localtime"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/person", own: []string{"eventschema", "domain", "domain/field"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/removal", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/restriction", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/retention", own: []string{"eventschema", "domain", "domain/calendar"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/site", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/terminal", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/timecard", own: []string{"eventschema", "domain"}, third: []string{uuidPkg}, noStd: effects, pure: true},
	{path: "domain/work", own: []string{"eventschema", "domain", "domain/field"}, third: []string{uuidPkg}, noStd: effects, pure: true},

	// See domain/decisions/0002 for the hours rule. Of pgx only the transaction, the
	// values and the errors it speaks in: a projection gets no pool.
	{path: "projections", own: []string{"eventschema", "domain/hours"}, third: []string{uuidPkg, "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn", "github.com/jackc/pgx/v5/pgtype"}, noStd: outside, pure: true, exact: true},

	{path: "adapters/adms", third: []string{zapPkg, prom, xtime, "golang.org/x/net/netutil"}},
	{path: "adapters/certificate", own: inner, third: []string{uuidPkg, "github.com/johnfercher/maroto/v2/...", "github.com/pdfcpu/pdfcpu/...", "golang.org/x/image/font/gofont/..."}},
	// What an app that sends batches is written after: the format, and nothing else.
	{path: "adapters/devicebatch", third: []string{uuidPkg}},
	{path: "adapters/eventnode", own: inner, third: []string{uuidPkg, zapPkg, client, grpcPkg, xsync, proto, prom, "google.golang.org/genproto/googleapis/rpc/status", "github.com/cockroachdb/pebble/v2/...", "golang.org/x/crypto/argon2", "github.com/dlclark/regexp2/v2"}},
	{path: "adapters/eventstoredb", own: inner, third: []string{uuidPkg, zapPkg, client, grpcPkg, proto, mill, xsync, xtime}},
	// Of these only parquet-go is for code that ships: the others read back, in tests, what it writes.
	{path: "adapters/exporter", own: inner, third: []string{uuidPkg, "github.com/parquet-go/parquet-go/...", "github.com/fraugster/parquet-go/...", "github.com/xuri/excelize/v2", "github.com/arran4/golang-ical"}},
	// It searches bytes and knows nothing of ours.
	{path: "adapters/forensics", third: []string{"github.com/klauspost/compress/...", "golang.org/x/text/...", "github.com/cockroachdb/pebble/v2/..."}},
	{path: "adapters/generator", own: inner},
	{path: "adapters/httpapi", own: append([]string{"projections"}, inner...), third: []string{uuidPkg, zapPkg, xtime, "github.com/danielgtaylor/huma/v2/...", "github.com/go-chi/chi/v5/..."}},
	{path: "adapters/importer", own: inner, third: []string{uuidPkg, zapPkg, xsync, "golang.org/x/text/...", "go.yaml.in/yaml/v3", "github.com/xuri/excelize/v2"}},
	{path: "adapters/keyring", own: inner, third: []string{uuidPkg, zapPkg, pgxPkg, goose, xsync, "filippo.io/age"}},
	{path: "adapters/ledger", own: append([]string{"adapters/ledger/..."}, inner...), third: append([]string{uuidPkg, zapPkg}, proofs...)},
	// What an auditor reads and runs: nothing of ours but itself, no connection, no clock.
	{path: "adapters/ledger/bundle", own: []string{"adapters/ledger/trail"}, third: proofs, noStd: outside, pure: true},
	{path: "adapters/ledger/trail", third: proofs, noStd: outside, pure: true},
	{path: "adapters/mediastore", own: inner, third: []string{uuidPkg, "filippo.io/age"}},
	{path: "adapters/pgcluster", own: inner, third: []string{uuidPkg, zapPkg, pgxPkg}},
	{path: "adapters/postgres", own: append([]string{"projections"}, inner...), third: []string{uuidPkg, zapPkg, pgxPkg, goose, mill, xsync}},
	{path: "adapters/zaplog", own: inner, third: []string{zapPkg, mill}},

	// See also its own test, which follows the imports to their ends.
	{path: "cmd/tracekeep-verify", own: []string{"adapters/ledger/bundle", "adapters/ledger/trail"}},
	{path: "cmd", own: []string{"eventschema", "domain/...", "projections", "adapters/...", "cmd/..."}, anyThird: true},
}

// testTools may be imported by every test.
var testTools = []string{
	"github.com/google/go-cmp/...", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/anishathalye/porcupine",
	zapPkg, uuidPkg, // zap to show that a log leaks nothing
	"golang.org/x/net/http2/...", // to speak to a server as a broken client would
}

// startable are the real stores that tests of adapters may start. See domain/decisions/0004.
var startable = []string{"adapters/eventnode/...", "adapters/eventstoredb/...", "adapters/pgcluster/..."}

// topFolders and topFiles are all that stands at the top, beside dot-files and
// what .gitignore keeps out of the repository.
var (
	topFolders = []string{"eventschema", "domain", "adapters", "projections", "cmd"}
	topFiles   = []string{"go.mod", "go.sum", "Makefile", "docker-compose.yml", "README.md", "LICENSE"}
)

// impure lists, by import path, what a pure package may not name.
var impure = map[string][]string{
	"time": {"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"},
	uuidPkg: {
		"New", "NewString", "NewRandom", "NewRandomFromReader", "NewUUID", "NewV6", "NewV7", "NewV7FromReader",
		"NewDCEPerson", "NewDCEGroup", "NewDCESecurity", "SetRand", "EnableRandPool",
	},
}
