package mediastore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"tracekeep/eventschema"
)

// Refusals of content. They say nothing of what is in it.
var (
	ErrType     = errors.New("the content is none of the types that are taken in here")
	ErrDamaged  = errors.New("the content is damaged")
	ErrMetadata = errors.New("the document holds a photo with the camera's own record of it, which may say where it was taken; print it anew, or attach the photo itself")
)

// clean finds out of which type content is, by its first bytes and by its structure, and
// passes on what is kept of it. It reads to the end, also what it drops.
func clean(to io.Writer, content io.Reader, accept []eventschema.MediaType) (eventschema.MediaType, error) {
	from := bufio.NewReaderSize(content, 64<<10)
	head, err := from.Peek(len(pngSignature))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	found := sniff(head)
	if !slices.Contains(accept, found) {
		return "", ErrType
	}
	out := bufio.NewWriterSize(to, 64<<10)
	switch found {
	case eventschema.MediaJPEG:
		err = cleanJPEG(out, from)
	case eventschema.MediaPNG:
		err = cleanPNG(out, from)
	case eventschema.MediaPDF:
		err = passPDF(out, from)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, from) // what stands behind an image counts as sent
	}
	if err != nil {
		return "", damaged(err)
	}
	return found, out.Flush()
}

// damaged is content that ended early: what a parser expects is not optional.
func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", ErrDamaged)
	}
	return err
}

func sniff(head []byte) eventschema.MediaType {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return eventschema.MediaJPEG
	case bytes.HasPrefix(head, []byte(pngSignature)):
		return eventschema.MediaPNG
	case bytes.HasPrefix(head, []byte("%PDF-1.")), bytes.HasPrefix(head, []byte("%PDF-2.")):
		return eventschema.MediaPDF
	}
	return ""
}

// exifMark begins a camera's record in a JPEG stream, also in one that a PDF holds.
const exifMark = "Exif\x00\x00"

// passPDF passes a document on as it is. It is no place for a parser of ours: what it
// holds beside photos was put there by whoever wrote it.
func passPDF(to io.Writer, from io.Reader) error {
	const tail = 1024 // within which the end mark stands, ISO 32000-1 annex H
	var last []byte
	block := make([]byte, 32<<10)
	for {
		n, err := from.Read(block)
		last = append(last, block[:n]...)
		if bytes.Contains(last, []byte(exifMark)) {
			return ErrMetadata
		}
		if len(last) > tail {
			last = append(last[:0], last[len(last)-tail:]...)
		}
		if _, writing := to.Write(block[:n]); writing != nil {
			return writing
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if !bytes.Contains(last, []byte("%%EOF")) {
		return fmt.Errorf("%w: it ends early", ErrDamaged)
	}
	return nil
}
