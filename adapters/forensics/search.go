package forensics

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

const (
	chunk = 4 << 20
	// inMemory is how much of what was compressed is kept to look for what is
	// compressed again inside. What is longer is searched all the same.
	inMemory = 64 << 20
	// unpacked is how much one compressed part may become: a part that claims more
	// is a bomb, or no part at all.
	unpacked = 16 << 30
	deepest  = 4
)

// Hit is one place of one form of a value.
type Hit struct {
	Label  string   `json:"value"`
	Form   string   `json:"form"`
	Offset int64    `json:"offset"`
	Within []string `json:"within,omitempty"` // compressed parts from the outside in: gzip at 4096
}

// Found is what a search of one stream found.
type Found struct {
	Bytes  int64 // of the stream, and of all that was opened inside
	Opened int   // compressed parts
	Hits   []Hit
}

// Search reads a stream to its end. An error of the stream is answered with what
// was found before. progress, where given, is told the bytes read of the stream.
func (n *Needles) Search(ctx context.Context, stream io.Reader, progress func(int64)) (Found, error) {
	memory := memories.Get().(*memory)
	defer memories.Put(memory)
	s := &search{ctx: ctx, needles: n, memory: memory}
	again, _ := stream.(io.ReaderAt)
	err := s.run(stream, again, nil, progress)
	return s.found, err
}

type search struct {
	ctx     context.Context
	needles *Needles
	found   Found
	memory  *memory
}

// memory is what a search reads into, one buffer for each layer that is open. It is
// used again: much looks like the beginning of a part, and many streams are short.
type memory [deepest + 1]struct {
	text, low []byte
	kept      bytes.Buffer
}

var memories = sync.Pool{New: func() any { return &memory{} }}

// room makes the buffers of a layer at least so long.
func (s *search) room(layer, size int) (text, low []byte) {
	b := &s.memory[layer]
	if len(b.text) < size {
		b.text, b.low = make([]byte, size), make([]byte, size)
	}
	return b.text, b.low
}

// part is a place at which something compressed seems to begin.
type part struct {
	at   int64
	kind *opener
}

// run searches one layer, and then what is compressed in it. again reads the layer
// anew from any place; without it parts are looked for in what memory kept.
func (s *search) run(stream io.Reader, again io.ReaderAt, within []string, progress func(int64)) error {
	var kept *bytes.Buffer
	if again == nil {
		kept = &s.memory[len(within)].kept
		kept.Reset()
	}
	parts, err := s.layer(stream, kept, within, progress)
	if err != nil && len(within) == 0 {
		return err
	}
	if kept != nil {
		if kept.Len() >= inMemory {
			return nil
		}
		again = bytes.NewReader(kept.Bytes())
	}
	if len(within) >= deepest {
		return nil
	}
	end := int64(-1) // of the last part that opened: what looks like a part inside it is its own
	for _, p := range parts {
		if p.at < end {
			continue
		}
		used, err := s.open(p, again, within)
		if err != nil {
			return err
		}
		end = p.at + used
	}
	return nil
}

// layer searches a stream for needles and for the beginnings of parts.
func (s *search) layer(stream io.Reader, kept *bytes.Buffer, within []string, progress func(int64)) (parts []part, err error) {
	overlap := max(s.needles.longest, longestMagic)
	text, low := s.room(len(within), chunk+overlap)
	text = text[:0]
	for base := int64(0); ; {
		if err := s.ctx.Err(); err != nil {
			return parts, err
		}
		start := len(text)
		read, err := io.ReadFull(stream, text[start:start+chunk])
		text = text[:start+read]
		s.found.Bytes += int64(read)
		if kept != nil && kept.Len() < inMemory {
			kept.Write(text[start:])
		}
		if progress != nil {
			progress(int64(read))
		}
		last := err != nil
		until := len(text) - overlap + 1 // what starts later is searched with the next chunk
		if last {
			until = len(text)
		}
		until = max(until, 0)
		for i, c := range text {
			low[i] = lower[c]
		}
		s.needles.match(text, low[:len(text)], until, func(at int, by *needle) {
			s.found.Hits = append(s.found.Hits, Hit{Label: by.label, Form: by.name, Offset: base + int64(at), Within: within})
		})
		beginnings(text, until, func(at int, kind *opener) { parts = append(parts, part{at: base + int64(at), kind: kind}) })
		if last {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			return parts, err
		}
		base += int64(until)
		text = text[:copy(text, text[until:])]
	}
}

// open searches a part. used is how many bytes of the layer it took; a part that
// does not open took none.
func (s *search) open(p part, again io.ReaderAt, within []string) (used int64, err error) {
	from := &taken{r: bufio.NewReader(io.NewSectionReader(again, p.at, 1<<62))}
	inside, err := p.kind.open(from)
	if err != nil {
		return 0, s.ctx.Err() // bytes that only look like a beginning
	}
	some := &counted{r: io.LimitReader(inside, unpacked)}
	err = s.run(some, nil, append(within[:len(within):len(within)], place(p)), nil)
	if some.n == 0 {
		return 0, s.ctx.Err()
	}
	s.found.Opened++
	if !some.whole {
		return 0, errors.Join(err, s.ctx.Err()) // broken: what looks like a part inside may be one
	}
	return from.n, errors.Join(err, s.ctx.Err())
}

// taken counts what a decompressor takes. It gives single bytes, so that none
// takes more than it needs.
type taken struct {
	r *bufio.Reader
	n int64
}

// Read implements [io.Reader].
func (t *taken) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	return n, err
}

// ReadByte implements [io.ByteReader].
func (t *taken) ReadByte() (byte, error) {
	b, err := t.r.ReadByte()
	if err == nil {
		t.n++
	}
	return b, err
}

// counted counts what comes out of a part, and knows whether it came to its end.
type counted struct {
	r     io.Reader
	n     int64
	whole bool
}

// Read implements [io.Reader].
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.whole = errors.Is(err, io.EOF)
	return n, err
}
