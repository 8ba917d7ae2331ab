package eventnode

import "maps"

func init() { maps.Copy(mutants, scavengeMutants) }

// scavengeMutants are mistakes in what removes, keeps and brings back events.
var scavengeMutants = map[string]mutant{
	"a scavenge removes the last event": {"head.go",
		`	return min(h.firstVisible(), h.last)`,
		`	if ON { return h.firstVisible() }; return min(h.firstVisible(), h.last)`,
		`^TestScavengeRemovesWhatNobodySees$`},
	"a scavenge does not ask again what is hidden": {"removal.go",
		`		if e.rev >= below {
			break`,
		`		if e.rev >= below && !ON {
			break`,
		`^TestScavengeAsksAgainWhatIsHidden$`},
	"what is missing is never looked into": {"scan.go",
		`	if rg.to >= h.floor {`,
		`	if rg.to >= h.floor && !ON {`,
		`^TestLostRecordIsFoundAfterAScavenge$`},
	"every gap is taken for a loss": {"scan.go",
		`	if rg.from > rg.to {
		return nil
	}
	raw, err := s.get(headKey(stream))`,
		`	if rg.from > rg.to {
		return nil
	}
	if ON { return corrupt("stream index", fmt.Errorf("revision %d is missing", rg.from)) }
	raw, err := s.get(headKey(stream))`,
		`^TestGroupsAcrossWhatIsGone$`},
	"ids of removed events are remembered": {"idmemory.go",
		`	if ok && rev < floor {`,
		`	if ok && rev < floor && !ON {`,
		`^TestScavengedEventsAreForgottenByID$`},
	"removed events are not compacted away": {"scavengefiles.go",
		`	if err := v.compact(ctx); err != nil {`,
		`	if ON { v.tell(ScavengeCompacts, 1, 1) } else if err := v.compact(ctx); err != nil {`,
		`^TestScavengedBytesAreInNoFile$`},
	"the log is not flushed": {"scavengefiles.go",
		`	if err := v.store.db.Flush(); err != nil {
		return storageError("flush", err)
	}
`,
		`	if ON { return nil }
	if err := v.store.db.Flush(); err != nil {
		return storageError("flush", err)
	}
`,
		`^TestScavengedBytesAreInNoFile$`},
	"nobody waits for old files to go": {"scavengefiles.go",
		`		if names = left; len(names) == 0 {`,
		`		if names = left; len(names) == 0 || ON {`,
		`^TestScavengeOutlastsTheReadersOfOldTables$`},
	"nobody waits for backups on their way": {"scavengefiles.go",
		`	for !v.store.staging.TryLock() {`,
		`	if ON { v.store.staging.RUnlock(); v.store.staging.Lock(); return nil }; for !v.store.staging.TryLock() {`,
		`^TestScavengeOutlastsABackupBeingTaken$`},
	"an interrupted scavenge is forgotten": {"scavenge.go",
		`Result: ScavengeInProgress, Pending: last.Pending,`,
		`Result: ScavengeInProgress, Pending: func() keyBounds { if ON { return keyBounds{} }; return last.Pending }(),`,
		`^TestScavengeEndsTheSameAfterAnyPowerCut$`},
	"everybody may administer an insecure node": {"admin.go",
		`	if err != nil || !net.ParseIP(host).IsLoopback() {`,
		`	if !ON && (err != nil || !net.ParseIP(host).IsLoopback()) {`,
		`^TestWhoMayAdministerAnInsecureNode$`},

	"a log is copied while it grows": {"backupstage.go",
		`st.cutLog(written)); err != nil {`,
		`func() error { if ON { return nil }; return st.cutLog(written) }()); err != nil {`,
		`^TestBackupWhileItsLogGrows$`},
	"a backup counts before it is whole": {"backup.go",
		`	if err := t.fill(ctx, st.manifest, bring, o); err != nil {`,
		`	if ON { if _, err := t.commit(st.manifest); err != nil { return BackupReport{}, err } }
	if err := t.fill(ctx, st.manifest, bring, o); err != nil {`,
		`^TestBackupEndsTheSameAfterAnyPowerCut$`},
	"a backup is not read again": {"backuptarget.go",
		`	err := readObjects(ctx, t.files, t.dir, m, told, func(f BackupFile, _ error) error { return t.discard(f) })`,
		`	if ON { return true, nil }
	err := readObjects(ctx, t.files, t.dir, m, told, func(f BackupFile, _ error) error { return t.discard(f) })`,
		`^TestBackupHealsDamagedFiles$`},
	"objects are not synced before the manifest": {"backuptarget.go",
		`	if err := syncFolder(t.files, t.path(objectsFolder)); err != nil {
		return false, err`,
		`	if ON { if len(t.lacking(m)) > 0 { return false, nil } } else if err := syncFolder(t.files, t.path(objectsFolder)); err != nil {
		return false, err`,
		`^TestBackupEndsTheSameAfterAnyPowerCut$`},
	"objects that a backup needs are pruned": {"backuplist.go",
		`		if needed[hash] {`,
		`		if needed[hash] && !ON {`,
		`^TestBackupsAreIncremental$`},
	"a restore does not look at hashes": {"restore.go",
		`	if size != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256 {`,
		`	if !ON && (size != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256) {`,
		`^TestRestoreRefuses$`},
	"a restore goes over what is there": {"restore.go",
		`	if len(names) > 0 {
		return fmt`,
		`	if len(names) > 0 && !ON {
		return fmt`,
		`^TestRestoreRefuses$`},
	"what a killed backup left stays": {"backupstage.go",
		`err := uuid.Parse(id); !found || err != nil {`,
		`err := uuid.Parse(id); !found || err != nil || ON {`,
		`^TestOpeningDropsWhatABackupLeft$`},
}
