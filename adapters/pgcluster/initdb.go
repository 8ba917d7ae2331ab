package pgcluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hba admits whoever can reach the socket, and nothing else.
const hba = "# The socket stands in a directory of mode 0700; there is no TCP.\nlocal all all trust\n"

// makeCluster makes the data directory under another name and moves it into
// place, so that a kill in the middle leaves no half-made cluster that a later
// start would have to judge.
func makeCluster(ctx context.Context, bin binaries, account account, dir string, noSync bool) error {
	made := filepath.Join(dir, "data.new") // has never served: an attempt that was killed
	if err := os.RemoveAll(made); err != nil {
		return err
	}
	if err := runInitdb(ctx, bin, account, dir, made, noSync); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(made, "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := os.Remove(data); err != nil && !os.IsNotExist(err) { // an empty directory, see dataVersion
		return err
	}
	if err := os.Rename(made, data); err != nil {
		return err
	}
	return syncDir(dir)
}

// runInitdb prefers a locale that knows letters beyond ASCII and sorts the same
// on every machine; older systems know only C.
func runInitdb(ctx context.Context, bin binaries, account account, dir, made string, noSync bool) error {
	var said []string
	for _, locale := range []string{"C.UTF-8", "C"} {
		args := []string{"-D", made, "--encoding=UTF8", "--locale=" + locale, "--data-checksums",
			"--username=" + superuser, "--auth=trust"}
		if noSync {
			args = append(args, "--no-sync")
		}
		out, err := account.command(ctx, dir, bin.initdb, args...).CombinedOutput()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("initdb: %w", ctx.Err())
		}
		said = append(said, fmt.Sprintf("initdb with locale %s: %v: %s", locale, err, strings.TrimSpace(string(out))))
	}
	return fmt.Errorf("%s", strings.Join(said, "\n"))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
