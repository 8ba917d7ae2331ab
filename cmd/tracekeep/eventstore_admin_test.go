package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"tracekeep/adapters/eventnode"
)

// somePast is a stream of ten events of which two are to be seen.
func somePast(t *testing.T, client *esdb.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 10 {
		if err := appendOne(ctx, client, "s"); err != nil {
			t.Fatal(err)
		}
	}
	var meta esdb.StreamMetadata
	meta.SetMaxCount(2)
	if _, err := client.SetStreamMetadata(ctx, "s", esdb.AppendToStreamOptions{}, meta); err != nil {
		t.Fatal(err)
	}
}

func said[T any](t *testing.T, a answer) (value T) {
	t.Helper()
	a.ok(t)
	if err := json.Unmarshal([]byte(a.out), &value); err != nil {
		t.Fatalf("%v: %q", err, a.out)
	}
	return value
}

// An event store is scavenged, backed up, restored and verified, while it runs
// and when it does not, insecure and secure.
func TestAnEventStoreIsLookedAfter(t *testing.T) {
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	tracekeep(t, "eventstore", "certs", certs).ok(t)
	for name, mode := range map[string][]string{"insecure": {"--insecure"}, "secure": {"--certs", certs}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, backups := filepath.Join(dir, "events"), filepath.Join(dir, "backups")
			at, stop := eventStore(t, append([]string{"--data", data}, mode...)...)
			somePast(t, at.as(t, "admin", eventnode.DefaultPassword))
			connection := strings.Replace(at.Connection, "://", "://admin:"+eventnode.DefaultPassword+"@", 1)

			whole := said[eventnode.BackupReport](t, tracekeep(t, "eventstore", "backup", "--connection", connection, "--to", backups, "--json"))
			scavenged := said[eventnode.ScavengeReport](t, tracekeep(t, "eventstore", "scavenge", "--connection", connection, "--json"))
			if scavenged.Events != 8 || scavenged.Streams != 1 {
				t.Errorf("removed %+v", scavenged)
			}
			if a := tracekeep(t, "eventstore", "scavenge", "--data", data); a.code != exitInUse || !strings.Contains(a.err, "--connection") {
				t.Errorf("a folder in use: %d %s", a.code, a.err)
			}
			stop().ok(t)

			again := said[eventnode.BackupReport](t, tracekeep(t, "eventstore", "backup", "--data", data, "--to", backups, "--json"))
			if listed := tracekeep(t, "eventstore", "restore", "--from", backups, "--list"); listed.code != exitOK ||
				!(strings.Index(listed.out, whole.Name) < strings.Index(listed.out, again.Name)) {
				t.Errorf("the backups are listed as %d %s%s", listed.code, listed.out, listed.err)
			}
			for which, want := range map[string]struct {
				backup eventnode.BackupReport
				events int64
			}{"before the scavenge": {whole, 11}, "after it": {again, 3}} {
				to := filepath.Join(dir, fmt.Sprint("restored ", want.events))
				restored := said[eventnode.RestoreReport](t, tracekeep(t, "eventstore", "restore", "--from", backups, "--backup", want.backup.Name, "--data", to, "--json"))
				if restored.Position != want.backup.Position {
					t.Errorf("%s: restored up to %d, backed up to %d", which, restored.Position, want.backup.Position)
				}
				verified := said[eventnode.VerifyReport](t, tracekeep(t, "eventstore", "verify", "--data", to, "--json"))
				// A secure store lists its users, and both tell of scavenges.
				if verified.Defects > 0 || verified.Events < want.events {
					t.Errorf("%s: %+v", which, verified)
				}
			}
			if left := said[eventnode.ScavengeReport](t, tracekeep(t, "eventstore", "scavenge", "--data", data, "--json")); left.Events != 0 {
				t.Errorf("%d events were left over", left.Events)
			}
		})
	}
}

func TestWhatOperatorsAreToldOfAnEventStore(t *testing.T) {
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	tracekeep(t, "eventstore", "certs", certs).ok(t)
	secure, _ := eventStore(t, "--data", filepath.Join(dir, "events"), "--certs", certs)
	as := func(who string) string { return strings.Replace(secure.Connection, "://", "://"+who+"@", 1) }
	backups := filepath.Join(dir, "backups")
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const canary = "canary-51f0"
	for rule, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"neither folder nor node":       {[]string{"scavenge"}, exitUsage, "--connection"},
		"both":                          {[]string{"scavenge", "--data", dir, "--connection", secure.Connection}, exitUsage, "can't be used together"},
		"no address":                    {[]string{"scavenge", "--connection", "esdb://user:" + canary + "@"}, exitUsage, "esdb://127.0.0.1:2113"},
		"no credentials":                {[]string{"scavenge", "--connection", secure.Connection}, exitFailed, "user:password"},
		"wrong credentials":             {[]string{"backup", "--connection", as("admin:" + canary), "--to", backups}, exitFailed, "user:password"},
		"a backup shows every event":    {[]string{"backup", "--connection", as("ops:" + eventnode.DefaultPassword), "--to", backups}, exitFailed, "refused"},
		"a throttle that is none":       {[]string{"scavenge", "--data", dir, "--throttle", "0"}, exitUsage, "1 to 100"},
		"a folder of something else":    {[]string{"scavenge", "--data", certs}, exitFailed, "event store"},
		"no backup to restore":          {[]string{"restore", "--from", certs, "--data", filepath.Join(dir, "r")}, exitFailed, "backup"},
		"no backup of the name":         {[]string{"restore", "--from", filepath.Join(dir, "none"), "--backup", "x", "--data", filepath.Join(dir, "r")}, exitFailed, "none"},
		"fewer backups than none":       {[]string{"backup", "--data", dir, "--to", backups, "--keep", "-1"}, exitUsage, "eep"},
		"a target that is not a folder": {[]string{"restore", "--from", certs, "--data", filepath.Join(dir, "file")}, exitFailed, ""},
		"an unreachable node":           {[]string{"scavenge", "--connection", "esdb://127.0.0.1:1?tls=false"}, exitFailed, "refused"},
	} {
		a := tracekeep(t, append([]string{"eventstore"}, tt.args...)...)
		if a.code != tt.code || !strings.Contains(a.err, tt.says) {
			t.Errorf("%s: exit code %d, said %q", rule, a.code, a.err)
		}
		if strings.Contains(a.err+a.out, canary) {
			t.Errorf("%s: a password is shown: %s", rule, a.err)
		}
	}
}
