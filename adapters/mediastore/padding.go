package mediastore

import (
	"errors"
	"io"
	"math/bits"
)

// shortest is the length that every shorter content is filled up to.
const shortest = 4 << 10

// padded is the length that content is filled up to: the next number whose binary form
// has no more significant digits than its length has digits (the Padmé scheme of
// padded uniform random blobs, Nikitin et al. 2019). It adds less than an eighth and
// leaves some 150 lengths up to 50 MiB.
func padded(n int64) int64 {
	if n <= shortest {
		return shortest
	}
	digits := bits.Len64(uint64(n)) - 1
	last := digits - bits.Len64(uint64(digits))
	mask := int64(1)<<last - 1
	return (n + mask) &^ mask
}

// zeros reads as zeros without end.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// blank takes zeros and nothing else.
type blank struct{ n int64 }

var errNotBlank = errors.New("there is more behind the content")

// Write implements io.Writer.
func (b *blank) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != 0 {
			return 0, errNotBlank
		}
	}
	b.n += int64(len(p))
	return len(p), nil
}

// counter counts what it passes on.
type counter struct {
	to     io.Writer
	n      int64
	failed error
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	c.failed = err
	return n, err
}

// bounded gives out what was allowed and then refuses.
type bounded struct {
	from io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 { // one more, to see whether there is more
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
