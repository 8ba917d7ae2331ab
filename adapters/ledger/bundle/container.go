package bundle

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"tracekeep/adapters/ledger/trail"
)

const (
	// maxSmall bounds a member that is read whole.
	maxSmall = 64 << 20
	// maxLine bounds one line: the largest event a store takes, escaped.
	maxLine = 128 << 20
)

// container is the opened archive.
type container struct {
	file    io.ReaderAt
	size    int64
	members map[string]*zip.File
	order   []*zip.File
	sums    map[string]member // as read
}

// errContainer says that the file is not the archive of a bundle.
var errContainer = errors.New("the file does not end as a bundle does: it was cut short, or it is none")

// openContainer reads the directory of the archive. Members that a bundle does
// not have are refused, because nobody would look into them.
func openContainer(file io.ReaderAt, size int64) (*container, error) {
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return nil, errContainer
	}
	c := &container{file: file, size: size, members: map[string]*zip.File{}, order: archive.File, sums: map[string]member{}}
	var names []string
	for _, f := range archive.File {
		if f.Method != zip.Store || c.members[f.Name] != nil {
			return nil, fmt.Errorf("%w: member %.40q", errContainer, f.Name)
		}
		c.members[f.Name] = f
		names = append(names, f.Name)
	}
	want := slices.Clone(order)
	if c.members[openedMember] == nil {
		want = slices.DeleteFunc(want, func(name string) bool { return name == openedMember })
	}
	if !slices.Equal(names, want) {
		return nil, fmt.Errorf("%w: its members are %.200q", errContainer, names)
	}
	return c, nil
}

// measure reads every member once, takes its SHA-256, and holds the file, byte
// for byte, against the archive that the writer makes of these members: an
// archive has places that no reader looks at.
func (c *container) measure(ctx context.Context, progress func(done int64)) error {
	same := &comparer{file: bufio.NewReaderSize(io.NewSectionReader(c.file, 0, c.size), 1<<20)}
	again := zip.NewWriter(same)
	var done int64
	for _, f := range c.order {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read the bundle: %w", err)
		}
		into, err := again.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		if err != nil {
			return fmt.Errorf("compare the archive: %w", err)
		}
		content, err := f.Open()
		if err != nil {
			return fmt.Errorf("%w: member %s", errContainer, f.Name)
		}
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(sum, into), content) //nolint:gosec // a member is stored as it is: what unpacks to more differs from the archive at once
		if err = errors.Join(err, content.Close()); err != nil {
			if !errors.Is(err, errDiffers) {
				return fmt.Errorf("member %s is damaged: %w", f.Name, errContainer)
			}
			return err
		}
		c.sums[f.Name] = member{Name: f.Name, Size: uint64(n), SHA256: hex.EncodeToString(sum.Sum(nil))}
		done += n
		progress(done)
	}
	if err := again.Close(); err != nil {
		return err
	}
	return same.rest()
}

// comparer fails at the first byte that is not the next one of the file.
type comparer struct {
	file *bufio.Reader
	at   int64
}

var errDiffers = errors.New("the archive has bytes that no exporter writes")

// Write implements io.Writer.
func (c *comparer) Write(content []byte) (int, error) {
	held := make([]byte, len(content))
	if _, err := io.ReadFull(c.file, held); err != nil {
		return 0, fmt.Errorf("after byte %d: %w", c.at, errDiffers)
	}
	if !bytes.Equal(held, content) {
		for i := range held {
			if held[i] != content[i] {
				return 0, fmt.Errorf("byte %d: %w", c.at+int64(i), errDiffers)
			}
		}
	}
	c.at += int64(len(content))
	return len(content), nil
}

// rest fails when the file goes on.
func (c *comparer) rest() error {
	if _, err := c.file.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after byte %d: %w", c.at, errDiffers)
	}
	return nil
}

// small reads a member whole.
func (c *container) small(name string) ([]byte, error) {
	f := c.members[name]
	if f.UncompressedSize64 > maxSmall {
		return nil, fmt.Errorf("%s has %d bytes: %w", name, f.UncompressedSize64, trail.ErrMalformed)
	}
	content, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, errContainer)
	}
	text, err := io.ReadAll(content)
	if err = errors.Join(err, content.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, errContainer)
	}
	return text, nil
}

// lines reads a member line by line as JSON. take says with an error that a line
// is not what it should be.
func (c *container) lines(name string, take func(number uint64, text []byte) error) error {
	content, err := c.members[name].Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", name, errContainer)
	}
	defer content.Close()
	reader := bufio.NewReaderSize(content, 1<<20)
	for number := uint64(1); ; number++ {
		text, err := readLine(reader)
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("%s, line %d: %w", name, number, trail.ErrMalformed)
		}
		if err := take(number, text); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, number, err)
		}
	}
}

// readLine answers a line without its end; the last one must have an end, too.
func readLine(reader *bufio.Reader) ([]byte, error) {
	text, err := reader.ReadSlice('\n')
	if err == nil {
		return text[:len(text)-1], nil
	}
	long := bytes.Clone(text)
	for errors.Is(err, bufio.ErrBufferFull) && len(long) <= maxLine {
		text, err = reader.ReadSlice('\n')
		long = append(long, text...)
	}
	switch {
	case err == nil:
		return long[:len(long)-1], nil
	case errors.Is(err, io.EOF) && len(long) > 0:
		return long, io.ErrUnexpectedEOF
	}
	return long, err
}

// strictly reads JSON that may have nothing but what is known.
func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(into) != nil || decoder.More() {
		return trail.ErrMalformed
	}
	return nil
}
