package eventnode

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A backup over the network is one request: the hashes that the folder of backups
// has, and one answer, a tar archive with the manifest first and then every file
// that is lacking, under its hash. The node freezes its folder for as long as the
// answer takes.
const (
	manifestEntry = "manifest.json"
	longestHave   = 64 << 20
	tarType       = "application/x-tar"
)

// backupRequest is the body of POST /admin/backup.
type backupRequest struct {
	Have []string `json:"have"`
}

// sendBackup serves POST /admin/backup. An answer that breaks off is missing
// files that its manifest names.
func (a *adminServer) sendBackup(w http.ResponseWriter, r *http.Request) {
	if err := a.admins(r); err != nil {
		refuseHTTP(w, http.StatusForbidden, err)
		return
	}
	var asked backupRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, longestHave)).Decode(&asked); err != nil {
		refuseHTTP(w, http.StatusBadRequest, fmt.Errorf("a list of the hashes that are there already: %w", err))
		return
	}
	st, err := a.store.takeStage(r.Context(), a.clock(), func(int64, int64) {})
	if err != nil {
		refuseHTTP(w, http.StatusInternalServerError, err)
		return
	}
	have := map[string]bool{}
	for _, hash := range asked.Have {
		have[hash] = true
	}
	w.Header().Set("Content-Type", tarType)
	if err := errors.Join(st.send(r.Context(), w, have), st.drop()); err != nil {
		panic(http.ErrAbortHandler) // the client must not take it for whole
	}
}

func (st *stage) send(ctx context.Context, w io.Writer, have map[string]bool) error {
	b, err := st.manifest.encode()
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	if err := archive.WriteHeader(&tar.Header{Name: manifestEntry, Mode: 0o600, Size: int64(len(b))}); err != nil {
		return err
	}
	if _, err := archive.Write(b); err != nil {
		return err
	}
	for _, f := range st.manifest.Files {
		if have[f.SHA256] {
			continue
		}
		have[f.SHA256] = true
		if err := st.sendFile(ctx, archive, f); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (st *stage) sendFile(ctx context.Context, archive *tar.Writer, f BackupFile) error {
	file, err := st.store.fs.Open(st.store.fs.PathJoin(st.dir, f.Name), vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := archive.WriteHeader(&tar.Header{Name: f.SHA256, Mode: 0o600, Size: f.Size}); err != nil {
		return err
	}
	_, err = copyAll(ctx, archive, file, func(int) {})
	return err
}

// ReceiveBackup adds a backup of a node elsewhere to a folder of backups. fetch
// asks the node: it sends body to POST /admin/backup and gives the answer. It is
// called again when a file in the folder turns out to be damaged. What
// Node.Backup says of the folder and of the result holds here too.
func ReceiveBackup(ctx context.Context, dir string, o BackupOptions, clock func() time.Time, fetch func(ctx context.Context, body []byte) (io.ReadCloser, error)) (report BackupReport, err error) {
	if err := o.Validate(); err != nil {
		return BackupReport{}, err
	}
	o = o.withDefaults()
	began := clock()
	t, err := openTarget(vfs.Default, wholePath(vfs.Default, dir))
	if err != nil {
		return BackupReport{}, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	m, sound := BackupManifest{}, false
	for try := 0; try < 2 && !sound; try++ {
		if m, err = t.receive(ctx, fetch, o, &report); err != nil {
			return BackupReport{}, fmt.Errorf("back up to %s: %w", dir, err)
		}
		if sound, err = t.sound(ctx, m, func(done, total int64) { o.Progress(BackupVerifies, done, total) }); err != nil {
			return BackupReport{}, fmt.Errorf("back up to %s: %w", dir, err)
		}
	}
	if !sound {
		return BackupReport{}, fmt.Errorf("back up to %s: %w", dir, errUnsound)
	}
	came := report
	report = reportOf(m)
	report.Copied, report.CopiedBytes = came.Copied, came.CopiedBytes
	err = t.end(m, o, &report)
	report.Took = clock().Sub(began)
	return report, err
}

// receive asks once and keeps what comes.
func (t *backupTarget) receive(ctx context.Context, fetch func(context.Context, []byte) (io.ReadCloser, error), o BackupOptions, report *BackupReport) (m BackupManifest, err error) {
	asked := backupRequest{Have: []string{}}
	for hash := range t.has {
		asked.Have = append(asked.Have, hash)
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return m, err
	}
	answer, err := fetch(ctx, body)
	if err != nil {
		return m, err
	}
	defer answer.Close()
	archive := tar.NewReader(answer)
	if m, err = receiveManifest(archive); err != nil {
		return m, err
	}
	return m, t.receiveFiles(ctx, archive, m, o, report)
}

func (t *backupTarget) receiveFiles(ctx context.Context, archive *tar.Reader, m BackupManifest, o BackupOptions, report *BackupReport) error {
	lacking := map[string]BackupFile{}
	total, done := int64(0), int64(0)
	for _, f := range t.lacking(m) {
		if _, there := t.has[f.SHA256]; there { // with another size: it is brought next time
			if err := t.discard(f); err != nil {
				return err
			}
		} else if _, known := lacking[f.SHA256]; !known {
			lacking[f.SHA256] = f
			total += f.Size
		}
	}
	for len(lacking) > 0 {
		h, err := archive.Next()
		if err != nil {
			return fmt.Errorf("the answer broke off, %d files are missing: %w", len(lacking), err)
		}
		f, wanted := lacking[h.Name]
		if !wanted {
			return fmt.Errorf("the node sent %q, which was not asked for", h.Name)
		}
		delete(lacking, h.Name)
		if err := t.write(ctx, archive, f, func(n int) {
			done += int64(n)
			o.Progress(BackupCopies, done, total)
		}); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		report.Copied++
		report.CopiedBytes += f.Size
	}
	return nil
}

func receiveManifest(archive *tar.Reader) (BackupManifest, error) {
	h, err := archive.Next()
	if err != nil {
		return BackupManifest{}, fmt.Errorf("the answer is no backup: %w", err)
	}
	if h.Name != manifestEntry || h.Size > longestManifest {
		return BackupManifest{}, fmt.Errorf("the answer begins with %q, not with a manifest", h.Name)
	}
	b, err := io.ReadAll(archive)
	if err != nil {
		return BackupManifest{}, fmt.Errorf("manifest: %w", err)
	}
	m, err := decodeManifest(b)
	if err != nil {
		return BackupManifest{}, fmt.Errorf("manifest: %w", err)
	}
	return m, nil
}
