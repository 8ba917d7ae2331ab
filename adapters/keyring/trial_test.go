package keyring_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tracekeep/adapters/keyring"
	"tracekeep/adapters/pgcluster"
)

// tried puts a copy to everything that is held, and answers which probes opened
// with what, and why an epoch did not unlock.
func tried(t *testing.T, k *keyring.Keyring, c *keyring.Copy, escrows []keyring.OpenedEscrow, probes ...keyring.Probe) (opened map[string][]int, locked []string) {
	t.Helper()
	trials, err := k.Try(t.Context(), c, escrows, probes, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened = map[string][]int{}
	for _, trial := range trials {
		with, _, _ := strings.Cut(trial.With, " ")
		opened[with] = append(opened[with], trial.Opened...)
		if trial.Unlock != "" {
			locked = append(locked, trial.Unlock)
		}
	}
	return opened, locked
}

// Whoever holds a copy of the key store from before an erasure opens with it what
// the provider or an escrow of its epoch unwraps, and nothing once both are gone.
// The same attempts open the envelopes of the living, or they would show nothing.
//
// promise: DS-26
func TestWhatACopyOfTheKeyStoreStillOpens(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	gone, stays := subject(t, k), subject(t, k)
	probes := []keyring.Probe{{At: at(gone), Envelope: seal(t, k, gone)}, {At: at(stays), Envelope: seal(t, k, stays)}}
	const goneProbe, livingProbe = 0, 1
	dump := dumped(t, s.url)
	before, err := keyring.CopyIn(t.Context(), "restored", s.url)
	if err != nil {
		t.Fatal(err)
	}
	fromDump, err := keyring.CopyFrom("dump", bytes.NewReader(dump))
	if err != nil {
		t.Fatal(err)
	}
	if before.Keys() != 2 || fromDump.Keys() != 2 {
		t.Fatalf("%d and %d keys", before.Keys(), fromDump.Keys())
	}
	made, file := escrow(t, k, safe(t, passphrase))
	kept, err := keyring.OpenEscrow(safe(t, passphrase), file)
	if err != nil {
		t.Fatal(err)
	}
	escrows := []keyring.OpenedEscrow{kept}
	erase(t, k, gone)
	now := func() *keyring.Copy {
		t.Helper()
		c, err := k.CopyNow(t.Context(), "now")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	check := func(rule string, c *keyring.Copy, with []keyring.OpenedEscrow, provider, escrow []int) {
		t.Helper()
		opened, _ := tried(t, k, c, with, probes...)
		if !slices.Equal(opened["provider"], provider) || !slices.Equal(opened["escrow"], escrow) {
			t.Errorf("%s: opened %v", rule, opened)
		}
	}
	both := []int{goneProbe, livingProbe}
	sorted := func(c *keyring.Copy) []int {
		opened, _ := tried(t, k, c, nil, probes...)
		return slices.Sorted(slices.Values(opened["provider"]))
	}
	check("the key store as it is opens the living only", now(), escrows, []int{livingProbe}, []int{livingProbe})
	for _, c := range []*keyring.Copy{before, fromDump} {
		if got := sorted(c); !slices.Equal(got, both) {
			t.Errorf("%s from before opened %v: it must open everything, or this test shows nothing", c.Name, got)
		}
	}
	if err := k.DestroyEscrow(t.Context(), made.ID, false); err != nil {
		t.Fatal(err)
	}
	rotate(t, k, alone)
	check("after the epoch has retired too", now(), nil, []int{livingProbe}, nil)
	for _, c := range []*keyring.Copy{before, fromDump} {
		opened, locked := tried(t, k, c, nil, probes...)
		if len(opened["provider"]) != 0 || !slices.Equal(locked, []string{"its provider key is gone"}) {
			t.Errorf("%s after the epoch has retired: opened %v, locked %v", c.Name, opened, locked)
		}
	}
	opened, _ := tried(t, k, before, escrows, probes...)
	if got := slices.Sorted(slices.Values(opened["escrow"])); !slices.Equal(got, both) {
		t.Errorf("a copy of an escrow that was said to be gone opens %v: what escrows reach must be found", got)
	}
}

// A provider that cannot be asked shows nothing, and says so.
func TestATrialWithoutTheProviderIsNoTrial(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	c, err := k.CopyNow(t.Context(), "now")
	if err != nil {
		t.Fatal(err)
	}
	probe := keyring.Probe{At: at(ref), Envelope: seal(t, k, ref)}
	if err := os.Chmod(s.keks(t)[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Try(t.Context(), c, nil, []keyring.Probe{probe}, nil); !errors.Is(err, keyring.ErrKEKPermission) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoCopyIsRefused(t *testing.T) {
	for rule, dump := range map[string]string{
		"nothing":            "",
		"another dump":       "COPY public.person (id, name) FROM stdin;\n1\ta\n\\.\n",
		"a row cut off":      "COPY public.kek_epoch (epoch, provider, wrapped_kek, wrapped_index) FROM stdin;\n1\tfile\n\\.\n",
		"a number that none": "COPY public.kek_epoch (epoch, provider, wrapped_kek, wrapped_index) FROM stdin;\nx\tfile\t\\\\x00\t\\\\x00\n\\.\n",
		"bytes that are not": "COPY public.kek_epoch (epoch, provider, wrapped_kek, wrapped_index) FROM stdin;\n1\tfile\tzz\t\\\\x00\n\\.\n",
	} {
		if _, err := keyring.CopyFrom(rule, strings.NewReader(dump)); !errors.Is(err, keyring.ErrNotACopy) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if _, err := keyring.CopyIn(t.Context(), "none", "postgres://127.0.0.1:1/none"); !errors.Is(err, keyring.ErrNotACopy) {
		t.Errorf("%v", err)
	}
}

func FuzzCopyFrom(f *testing.F) {
	f.Add("COPY public.kek_epoch (epoch, provider, wrapped_kek, wrapped_index) FROM stdin;\n1\tfile\t\\\\x00\t\\\\x00\n\\.\n")
	f.Add("COPY dek (key_id, epoch, generation, wrapped) FROM stdin;\n\\N\t1\t1\t\\\\x00\n")
	f.Fuzz(func(t *testing.T, dump string) {
		c, err := keyring.CopyFrom("fuzz", strings.NewReader(dump))
		if (c == nil) == (err == nil) && !errors.Is(err, keyring.ErrNotACopy) {
			t.Errorf("%v, %v", c, err)
		}
	})
}

// dumped is what pg_dump says of a database.
func dumped(t *testing.T, url string) []byte {
	t.Helper()
	folder, _, err := pgcluster.Binaries(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	dump, err := exec.CommandContext(t.Context(), filepath.Join(folder, "pg_dump"), "--dbname", url).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, dump)
	}
	if !bytes.Contains(dump, []byte("COPY public.dek")) {
		t.Fatal("the dump holds no keys")
	}
	return dump
}
