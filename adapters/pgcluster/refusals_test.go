package pgcluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/pgcluster"
)

func TestMissingBinariesSayWhatToInstall(t *testing.T) {
	_, err := pgcluster.Start(t.Context(), pgcluster.Config{Dir: folder(t), BinDir: t.TempDir()})
	if !errors.Is(err, pgcluster.ErrNotInstalled) {
		t.Fatalf("got %v, want ErrNotInstalled", err)
	}
	for _, way := range []string{"apt-get install", "dnf install", "brew install", "apk add"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("the error does not say %q", way)
		}
	}
}

func TestAnotherVersionsDataIsLeftAlone(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	keep(t, c)
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "data", "PG_VERSION")
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("9.6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = pgcluster.Start(t.Context(), pgcluster.Config{Dir: dir})
	if !errors.Is(err, pgcluster.ErrVersion) || !strings.Contains(err.Error(), "pg_upgrade") {
		t.Fatalf("got %v, want ErrVersion", err)
	}
	if err := os.WriteFile(name, before, 0o600); err != nil {
		t.Fatal(err)
	}
	kept(t, begin(t, dir))
}

func TestFoldersThatAreRefused(t *testing.T) {
	cases := map[string]struct {
		make func(t *testing.T, dir string)
		want error
		root bool
	}{
		"a folder that holds other files, which must not be closed": {
			make: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "letter.txt")) },
			want: pgcluster.ErrNotACluster,
		},
		"a data directory that is no cluster": {
			make: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "data", "letter.txt")) },
			want: pgcluster.ErrNotACluster,
		},
		"a folder below a directory that the account cannot pass": {
			make: func(t *testing.T, dir string) {
				if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
					t.Fatal(err)
				}
			},
			want: pgcluster.ErrUnreachable,
			root: true,
		},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("only a root process drops to an account")
			}
			dir := folder(t)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			c.make(t, dir)
			_, err := pgcluster.Start(t.Context(), pgcluster.Config{Dir: dir})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAPathTooLongForASocketGetsAShortPrivateOne(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("long", 30), "pg")
	c := begin(t, dir)
	keep(t, c)
	cfg, err := pgx.ParseConfig(c.URL("kept"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o700 || strings.HasPrefix(cfg.Host, dir) {
		t.Fatalf("socket directory %s has mode %04o", cfg.Host, st.Mode().Perm())
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cfg.Host); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the socket directory stays behind: %v", err)
	}
}

func TestAnExpiredContextLeavesNothingRunning(t *testing.T) {
	dir := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pgcluster.Start(ctx, pgcluster.Config{Dir: dir}); err == nil {
		t.Fatal("started under an expired context")
	}
	keep(t, begin(t, dir))
}

// The duplicate-key message, the text of a bad literal, statements and their
// parameters all carry values; none may reach the server log.
func TestNoValueReachesTheServerLog(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	keep(t, c)
	const canary = "Zaphira-Quillfeather"
	url := c.URL("kept")
	must(t, url, `INSERT INTO word VALUES ($1)`, canary)
	for _, sql := range []string{
		`INSERT INTO word VALUES ('` + canary + `')`,
		`SELECT '` + canary + `'::int`,
		`SELECT '` + canary + `'::uuid`,
		`SELECT 1 FROM "` + canary + `"`,
		`DO $$ BEGIN RAISE WARNING 'warned'; PERFORM 1/0; END $$ -- ` + canary,
	} {
		if _, err := query(t, url, sql); err == nil {
			t.Fatalf("%s did not fail", sql)
		}
	}
	if _, err := query(t, url, `INSERT INTO word VALUES ($1)`, canary); err == nil {
		t.Fatal("the duplicate did not fail")
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "ready to accept connections") {
		t.Fatalf("this is not the server log:\n%s", log)
	}
	if strings.Contains(string(log), canary) {
		t.Fatalf("the server log holds the value:\n%s", log)
	}
}
