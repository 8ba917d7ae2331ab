package mediastore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Markers of ITU-T T.81, table B.1.
const (
	jpegSOI  = 0xD8
	jpegEOI  = 0xD9
	jpegSOS  = 0xDA
	jpegDNL  = 0xDC
	jpegAPP0 = 0xE0
	jpegEXIF = 0xE1
	jpegAPPE = 0xEE
	jpegCOM  = 0xFE
)

// jpegCleaner passes an image on segment by segment.
type jpegCleaner struct {
	to      *bufio.Writer
	from    *bufio.Reader
	segment [1 << 16]byte
	framed  bool // its size was read
	scanned bool // some of its pixels were
	turned  bool // its orientation was written
}

// cleanJPEG keeps the tables, the frame and the scans, and of the application segments
// what colours and orientation need. It stops behind the end of the image: phones hang
// further images and films there.
func cleanJPEG(to *bufio.Writer, from *bufio.Reader) error {
	c := &jpegCleaner{to: to, from: from}
	if first, err := c.marker(); err != nil || first != jpegSOI {
		return errors.Join(err, ErrDamaged)
	}
	if err := c.write(jpegSOI, nil); err != nil {
		return err
	}
	marker, err := c.marker()
	for err == nil && marker != jpegEOI {
		marker, err = c.pass(marker)
	}
	if err != nil {
		return err
	}
	if !c.scanned {
		return fmt.Errorf("%w: it has no picture", ErrDamaged)
	}
	return c.write(jpegEOI, nil)
}

// marker reads a marker, which any number of fill bytes may precede.
func (c *jpegCleaner) marker() (byte, error) {
	b, err := c.from.ReadByte()
	if err != nil {
		return 0, err
	}
	if b != 0xFF {
		return 0, ErrDamaged
	}
	for b == 0xFF {
		if b, err = c.from.ReadByte(); err != nil {
			return 0, err
		}
	}
	return b, nil
}

// pass passes a segment on, or drops it, and answers the next marker.
func (c *jpegCleaner) pass(marker byte) (byte, error) {
	payload, err := c.payload(marker)
	if err != nil {
		return 0, err
	}
	switch {
	case marker == jpegSOS:
		if !c.framed {
			return 0, ErrDamaged
		}
		c.scanned = true
		if err := c.write(marker, payload); err != nil {
			return 0, err
		}
		return c.scan()
	case marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC:
		if c.framed || len(payload) < 6 || binary.BigEndian.Uint16(payload[1:]) == 0 || binary.BigEndian.Uint16(payload[3:]) == 0 {
			return 0, ErrDamaged
		}
		c.framed = true
	case marker == jpegAPP0:
		payload = plainJFIF(payload)
	case marker == jpegEXIF:
		payload = c.orientation(payload)
	case marker == jpegAPPE: // how colours are transformed
		if len(payload) != 12 || string(payload[:5]) != "Adobe" {
			payload = nil
		}
	case marker > jpegAPP0 && marker <= 0xEF, marker == jpegCOM:
		payload = nil
	case marker == 0xC4, marker == 0xCC, marker >= 0xDB && marker <= 0xDD: // tables, restart interval
	default: // T.81 reserves it, or uses it where no image is whole
		return 0, ErrDamaged
	}
	if payload != nil {
		if err := c.write(marker, payload); err != nil {
			return 0, err
		}
	}
	return c.marker()
}

// payload reads what a segment holds. A marker without one is out of place here.
func (c *jpegCleaner) payload(marker byte) ([]byte, error) {
	if marker < 0xC0 || marker >= 0xD0 && marker <= jpegSOI {
		return nil, ErrDamaged
	}
	if _, err := io.ReadFull(c.from, c.segment[:2]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(c.segment[:2])) - 2
	if n < 0 {
		return nil, ErrDamaged
	}
	_, err := io.ReadFull(c.from, c.segment[:n])
	return c.segment[:n:n], err
}

func (c *jpegCleaner) write(marker byte, payload []byte) error {
	head := []byte{0xFF, marker}
	if marker != jpegSOI && marker != jpegEOI {
		head = binary.BigEndian.AppendUint16(head, uint16(len(payload)+2)) //nolint:gosec // as it was read
	}
	if _, err := c.to.Write(head); err != nil {
		return err
	}
	_, err := c.to.Write(payload)
	return err
}

// scan passes the pixels of a scan on, up to the marker that ends it.
func (c *jpegCleaner) scan() (byte, error) {
	for {
		run, err := c.from.ReadSlice(0xFF)
		full := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !full {
			return 0, err
		}
		if full {
			if _, err := c.to.Write(run); err != nil {
				return 0, err
			}
			continue
		}
		if _, err := c.to.Write(run[:len(run)-1]); err != nil {
			return 0, err
		}
		next, err := c.from.ReadByte()
		for err == nil && next == 0xFF { // fill bytes
			next, err = c.from.ReadByte()
		}
		if err != nil {
			return 0, err
		}
		if next != 0 && (next < 0xD0 || next > 0xD7) { // neither a stuffed byte nor a restart
			return next, nil
		}
		if _, err := c.to.Write([]byte{0xFF, next}); err != nil {
			return 0, err
		}
	}
}

// plainJFIF is the header without its thumbnail; nil where it is none.
func plainJFIF(payload []byte) []byte {
	if len(payload) < 14 || string(payload[:5]) != "JFIF\x00" {
		return nil
	}
	payload = payload[:14:14]
	payload[12], payload[13] = 0, 0
	return payload
}

// orientation is a record of the camera that says nothing but which way up the picture
// is; nil where that was not said, or was said before.
func (c *jpegCleaner) orientation(payload []byte) []byte {
	if len(payload) < len(exifMark) || string(payload[:len(exifMark)]) != exifMark || c.turned {
		return nil
	}
	turn, known := orientationOf(payload[len(exifMark):])
	if !known {
		return nil
	}
	c.turned = true
	// A TIFF header, big-endian, with one directory of one entry (Exif 2.3, 4.5).
	return append([]byte(exifMark), 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, byte(turn), 0, 0, 0, 0, 0, 0)
}

// orientationOf finds the orientation in the first directory of a TIFF structure.
func orientationOf(tiff []byte) (turn uint16, known bool) {
	if len(tiff) < 8 {
		return 0, false
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "MM\x00*":
		order = binary.BigEndian
	case "II*\x00":
		order = binary.LittleEndian
	default:
		return 0, false
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 0, false
	}
	entries := uint64(order.Uint16(tiff[at:]))
	for i := range entries {
		entry := at + 2 + 12*i
		if entry+12 > uint64(len(tiff)) {
			return 0, false
		}
		if order.Uint16(tiff[entry:]) == 0x0112 && order.Uint16(tiff[entry+2:]) == 3 {
			turn = order.Uint16(tiff[entry+8:])
			return turn, turn >= 1 && turn <= 8
		}
	}
	return 0, false
}
