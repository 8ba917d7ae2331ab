package pgtest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"tracekeep/adapters/pgcluster/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Around(m)) }

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if _, err := conn.Exec(t.Context(), `CREATE TABLE punch (id int)`); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACopyBeginsAsWhatItIsACopyOf(t *testing.T) {
	from := pgtest.Database(t)
	on := func(url, statement string) error {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		_, err = conn.Exec(t.Context(), statement)
		return err
	}
	if err := on(from, `CREATE TABLE punch (id int)`); err != nil {
		t.Fatal(err)
	}
	one, two := pgtest.Copy(t, from), pgtest.Copy(t, from)
	if err := on(one, `DROP TABLE punch`); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(on(two, `INSERT INTO punch VALUES (1)`), on(from, `INSERT INTO punch VALUES (1)`)); err != nil {
		t.Fatal(err)
	}
}

const envChild = "PGTEST_TEST_CHILD"

// TestAKilledTestBinaryLeavesNothingBehind starts itself once more; that process
// says where its cluster is and is killed.
func TestAKilledTestBinaryLeavesNothingBehind(t *testing.T) {
	if os.Getenv(envChild) != "" {
		cfg, err := pgx.ParseConfig(pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("socket", cfg.Host)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), envChild+"=1", pgtest.EnvURL+"=")
	out, err := cmd.Output()
	_, rest, ok := strings.Cut(string(out), "socket ")
	if err == nil || !ok {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
	host, _, _ := strings.Cut(rest, "\n")
	folder := filepath.Dir(filepath.Dir(host))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is still there", folder)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
