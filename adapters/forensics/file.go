package forensics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// SearchFile searches a file, and the rows of a table of the event store's index,
// whose blocks are compressed.
func (n *Needles) SearchFile(ctx context.Context, name string, progress func(int64)) (found Found, err error) {
	file, err := os.Open(name) //nolint:gosec // whoever searches names what is searched
	if err != nil {
		return found, err
	}
	found, err = n.Search(ctx, file, progress)
	if err = errors.Join(err, file.Close()); err != nil || filepath.Ext(name) != ".sst" {
		return found, err
	}
	rows, err := tableRows(ctx, name)
	if err != nil {
		return found, nil //nolint:nilerr // some other file of that name; its bytes were searched
	}
	inside, err := n.Search(ctx, rows, nil)
	for _, hit := range inside.Hits {
		hit.Within = append([]string{"rows of the table"}, hit.Within...)
		found.Hits = append(found.Hits, hit)
	}
	found.Bytes += inside.Bytes
	found.Opened += 1 + inside.Opened
	return found, errors.Join(err, rows.Close())
}

// tableRows reads the keys and values of a table one behind the other.
func tableRows(ctx context.Context, name string) (io.ReadCloser, error) {
	file, err := vfs.Default.Open(name)
	if err != nil {
		return nil, err
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	table, err := sstable.NewReader(ctx, readable, sstable.ReaderOptions{})
	if err != nil {
		return nil, errors.Join(err, readable.Close())
	}
	r, w := io.Pipe()
	go func() {
		err := writeRows(table, w)
		_ = w.CloseWithError(errors.Join(err, table.Close()))
	}()
	return r, nil
}

func writeRows(table *sstable.Reader, to io.Writer) (err error) {
	rows, err := table.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return fmt.Errorf("read a table: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for row := rows.First(); row != nil; row = rows.Next() {
		value, _, err := row.V.Value(nil)
		if err != nil {
			return fmt.Errorf("read a table: %w", err)
		}
		for _, part := range [][]byte{row.K.UserKey, value} {
			if _, err := to.Write(part); err != nil {
				return err
			}
		}
	}
	return rows.Error()
}
