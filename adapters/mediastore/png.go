package mediastore

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngKept lists the chunks that are kept and the most that each may hold; the pixels
// have no bound of their own (PNG, third edition, 11). Texts, times, the camera's record,
// profiles and further pictures are not among them.
func pngKept(kind string) (most uint32, kept bool) {
	switch kind {
	case "IHDR":
		return 13, true
	case "PLTE":
		return 768, true
	case "IDAT":
		return 1<<31 - 1, true
	case "IEND":
		return 0, true
	case "tRNS":
		return 256, true
	case "cHRM":
		return 32, true
	case "gAMA", "sBIT":
		return 4, true
	case "sRGB":
		return 1, true
	case "bKGD":
		return 6, true
	case "pHYs":
		return 9, true
	}
	return 0, false
}

// cleanPNG keeps the chunks that show the picture, and stops behind its end.
func cleanPNG(to *bufio.Writer, from *bufio.Reader) error {
	if _, err := io.CopyN(to, from, int64(len(pngSignature))); err != nil {
		return err
	}
	first, pixels := true, false
	for {
		var head [8]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return err
		}
		length, kind := binary.BigEndian.Uint32(head[:]), string(head[4:])
		most, kept := pngKept(kind)
		critical := head[4]&0x20 == 0
		switch {
		case first != (kind == "IHDR"), critical && !kept, kept && length > most, length > 1<<31-1:
			return ErrDamaged
		case !kept:
			if _, err := io.CopyN(io.Discard, from, int64(length)+4); err != nil {
				return err
			}
			continue
		}
		if err := pngChunk(to, from, head, length); err != nil {
			return err
		}
		first, pixels = false, pixels || kind == "IDAT"
		if kind == "IEND" {
			if !pixels {
				return fmt.Errorf("%w: it has no picture", ErrDamaged)
			}
			return nil
		}
	}
}

// pngChunk passes a chunk on and checks its sum.
func pngChunk(to io.Writer, from io.Reader, head [8]byte, length uint32) error {
	sum := crc32.NewIEEE()
	_, _ = sum.Write(head[4:]) // a hash takes everything
	if _, err := to.Write(head[:]); err != nil {
		return err
	}
	if string(head[4:]) == "IHDR" {
		return pngHeader(to, io.TeeReader(from, sum), from, sum.Sum32)
	}
	if _, err := io.CopyN(io.MultiWriter(to, sum), from, int64(length)); err != nil {
		return err
	}
	return pngSum(to, from, sum.Sum32())
}

// pngHeader refuses an image without a size.
func pngHeader(to io.Writer, summed, from io.Reader, sum func() uint32) error {
	var header [13]byte
	if _, err := io.ReadFull(summed, header[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(header[:]) == 0 || binary.BigEndian.Uint32(header[4:]) == 0 {
		return ErrDamaged
	}
	if _, err := to.Write(header[:]); err != nil {
		return err
	}
	return pngSum(to, from, sum())
}

func pngSum(to io.Writer, from io.Reader, want uint32) error {
	var stored [4]byte
	if _, err := io.ReadFull(from, stored[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(stored[:]) != want {
		return ErrDamaged
	}
	_, err := to.Write(stored[:])
	return err
}
