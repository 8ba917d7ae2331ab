package mediastore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tracekeep/eventschema"
)

// where is what a phone writes of where it was.
const where = "GPS 48.8583701 2.2944813"

func picture(seed uint64) *image.RGBA {
	random := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // a picture
	img := image.NewRGBA(image.Rect(0, 0, 40, 24))
	for y := range 24 {
		for x := range 40 {
			img.Set(x, y, color.RGBA{R: uint8(random.UintN(256)), G: uint8(random.UintN(256)), B: uint8(random.UintN(256)), A: 255})
		}
	}
	return img
}

func photo(tb testing.TB, seed uint64) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture(seed), &jpeg.Options{Quality: 90}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func drawing(tb testing.TB, seed uint64) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture(seed)); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func segment(marker byte, payload string) []byte {
	head := binary.BigEndian.AppendUint16([]byte{0xFF, marker}, uint16(len(payload)+2)) //nolint:gosec // short
	return append(head, payload...)
}

// exif is a camera's record: the picture is turned, and where it was taken.
func exif(order binary.AppendByteOrder, turn uint16) []byte {
	head := "MM"
	if order.String() == "LittleEndian" {
		head = "II"
	}
	tiff := order.AppendUint16([]byte(head), 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, entry := range [][3]uint16{{0x010F, 2, 0}, {0x0112, 3, turn}} { // maker, orientation
		tiff = order.AppendUint16(order.AppendUint16(tiff, entry[0]), entry[1])
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(order.AppendUint16(tiff, entry[2]), 0)
	}
	return segment(0xE1, exifMark+string(tiff)+where)
}

// within puts segments behind the start of an image.
func within(image []byte, segments ...[]byte) []byte {
	return slices.Concat(image[:2], slices.Concat(segments...), image[2:])
}

func chunk(kind, content string) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(content))) //nolint:gosec // short
	out = append(append(out, kind...), content...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// withChunks puts chunks behind the header of an image.
func withChunks(image []byte, chunks ...[]byte) []byte {
	const header = 8 + 25
	return slices.Concat(image[:header], slices.Concat(chunks...), image[header:])
}

func cleaned(content []byte) ([]byte, eventschema.MediaType, error) {
	var out bytes.Buffer
	found, err := clean(&out, bytes.NewReader(content), eventschema.MediaTypes())
	return out.Bytes(), found, err
}

func TestWhatIsKeptOfAnImage(t *testing.T) {
	plainJPEG, plainPNG := photo(t, 1), drawing(t, 1)
	thumbnail := segment(0xE0, "JFIF\x00\x01\x02\x00\x00\x48\x00\x48\x01\x01"+where)
	for rule, c := range map[string]struct{ content, want []byte }{
		"a plain photo as it is":  {plainJPEG, plainJPEG},
		"no record of the camera": {within(plainJPEG, segment(0xE1, exifMark+where)), plainJPEG},
		"no XMP":                  {within(plainJPEG, segment(0xE1, "http://ns.adobe.com/xap/1.0/\x00"+where)), plainJPEG},
		"no captions of agencies, profiles, comment": {within(plainJPEG, segment(0xED, where), segment(0xE2, where), segment(0xEF, where), segment(0xFE, where)), plainJPEG},
		"no thumbnail":                               {within(plainJPEG, thumbnail), within(plainJPEG, segment(0xE0, "JFIF\x00\x01\x02\x00\x00\x48\x00\x48\x00\x00"))},
		"no further thumbnail":                       {within(plainJPEG, segment(0xE0, "JFXX\x00"+where)), plainJPEG},
		"how its colours are meant":                  {within(plainJPEG, segment(0xEE, "Adobe\x00\x64\x00\x00\x00\x00\x01")), within(plainJPEG, segment(0xEE, "Adobe\x00\x64\x00\x00\x00\x00\x01"))},
		"nothing that is called so":                  {within(plainJPEG, segment(0xEE, "Adobe"+where)), plainJPEG},
		"nothing behind its end":                     {slices.Concat(plainJPEG, []byte(where), exif(binary.BigEndian, 6)), plainJPEG},
		"no fill bytes":                              {within(plainJPEG, []byte{0xFF, 0xFF}), plainJPEG},
		"a plain drawing as it is":                   {plainPNG, plainPNG},
		"no text, time, record, profile or stranger": {withChunks(plainPNG, chunk("tEXt", where), chunk("iTXt", where), chunk("zTXt", where), chunk("tIME", where), chunk("eXIf", where), chunk("iCCP", where), chunk("prVt", where)), plainPNG},
		"no second picture":                          {withChunks(plainPNG, chunk("acTL", where), chunk("fcTL", where), chunk("fdAT", where)), plainPNG},
		"how dark a drawing is meant":                {withChunks(plainPNG, chunk("gAMA", "\x00\x00\xb1\x8f")), withChunks(plainPNG, chunk("gAMA", "\x00\x00\xb1\x8f"))},
		"nothing behind a drawing":                   {slices.Concat(plainPNG, []byte(where)), plainPNG},
	} {
		t.Run(rule, func(t *testing.T) {
			got, _, err := cleaned(c.content)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes of %d, want %d", len(got), len(c.content), len(c.want))
			}
		})
	}
}

// Which way up a picture is stays, because a phone turns no pixels.
func TestThePictureStaysTheRightWayUp(t *testing.T) {
	plain := photo(t, 2)
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		for turn := range uint16(10) {
			got, _, err := cleaned(within(plain, exif(order, turn), exif(order, 5)))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(got, []byte(where)) {
				t.Error("where it was taken stays too")
			}
			kept := uint16(5) // the second record counts where the first says nothing
			if turn >= 1 && turn <= 8 {
				kept = turn
			}
			at := bytes.Index(got, []byte(exifMark))
			if found, known := orientationOf(got[at+len(exifMark):]); at < 0 || !known || found != kept || bytes.Count(got, []byte(exifMark)) != 1 {
				t.Errorf("turned by %d comes out as %d", turn, found)
			}
			if again, _, err := cleaned(got); err != nil || !bytes.Equal(again, got) {
				t.Error("cleaning it again changes it")
			}
			if _, err := jpeg.Decode(bytes.NewReader(got)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestContentThatIsRefused(t *testing.T) {
	plainJPEG, plainPNG := photo(t, 3), drawing(t, 3)
	changed := func(content []byte, at int, to byte) []byte {
		c := slices.Clone(content)
		c[at] = to
		return c
	}
	frame := bytes.Index(plainJPEG, []byte{0xFF, 0xC0})
	for rule, c := range map[string]struct {
		content []byte
		want    error
	}{
		"nothing":                       {nil, ErrType},
		"a web page":                    {[]byte("<html><script>"), ErrType},
		"a film of a phone":             {[]byte("\x00\x00\x00\x18ftypmp42"), ErrType},
		"an image by name only":         {[]byte("\xff\xd8"), ErrType},
		"a JPEG without a picture":      {[]byte("\xff\xd8\xff\xd9"), ErrDamaged},
		"a JPEG that ends early":        {plainJPEG[:len(plainJPEG)-2], ErrDamaged},
		"a JPEG without a frame":        {slices.Concat(plainJPEG[:2], segment(0xDA, "\x01\x01\x00\x00\x3f\x00"), []byte{1, 2, 0xFF, 0xD9}), ErrDamaged},
		"a JPEG with two frames":        {within(plainJPEG, plainJPEG[frame:frame+19]), ErrDamaged},
		"a JPEG without a height":       {changed(changed(plainJPEG, frame+5, 0), frame+6, 0), ErrDamaged},
		"a segment of no length":        {within(plainJPEG, []byte{0xFF, 0xE5, 0, 1}), ErrDamaged},
		"a marker that is reserved":     {within(plainJPEG, segment(0xF0, "x")), ErrDamaged},
		"bytes between segments":        {within(plainJPEG, segment(0xFE, "a"), []byte("x")), ErrDamaged},
		"an image inside an image":      {within(plainJPEG, []byte{0xFF, 0xD8}), ErrDamaged},
		"a PNG that ends early":         {plainPNG[:len(plainPNG)-12], ErrDamaged},
		"a PNG with a changed picture":  {changed(plainPNG, 60, plainPNG[60]^1), ErrDamaged},
		"a PNG without a width":         {slices.Concat(plainPNG[:8], chunk("IHDR", "\x00\x00\x00\x00\x00\x00\x00\x01\x08\x02\x00\x00\x00"), plainPNG[33:]), ErrDamaged},
		"a PNG without a header":        {slices.Concat(plainPNG[:8], plainPNG[33:]), ErrDamaged},
		"a PNG with two headers":        {withChunks(plainPNG, plainPNG[8:33]), ErrDamaged},
		"a PNG without a picture":       {slices.Concat(plainPNG[:33], chunk("IEND", "")), ErrDamaged},
		"a PNG with a needed stranger":  {withChunks(plainPNG, chunk("ABCD", "x")), ErrDamaged},
		"a palette as a place to write": {withChunks(plainPNG, chunk("PLTE", strings.Repeat("x", 769))), ErrDamaged},
		"a document that ends early":    {[]byte("%PDF-1.7\nhello"), ErrDamaged},
		"a document with a phone's photo": {slices.Concat([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("x"), 32<<10-11),
			exif(binary.BigEndian, 1), []byte("%%EOF")), ErrMetadata}, // across the border of two blocks
	} {
		t.Run(rule, func(t *testing.T) {
			if _, _, err := cleaned(c.content); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	if _, err := clean(io.Discard, bytes.NewReader(paper(100)), eventschema.MediaTypesOf(eventschema.MediaPortrait, false)); !errors.Is(err, ErrType) {
		t.Errorf("a document as a portrait: %v", err)
	}
}

// Whatever comes, what is let through is let through unchanged the next time, and holds
// nothing of a camera's record but the orientation.
func FuzzClean(f *testing.F) {
	for _, seed := range [][]byte{
		photo(f, 4), drawing(f, 4), paper(40), within(photo(f, 5), exif(binary.LittleEndian, 6), segment(0xFE, where)),
		withChunks(drawing(f, 5), chunk("tEXt", where)), []byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00"), []byte(pngSignature), nil,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, found, err := cleaned(content)
		if err != nil {
			return
		}
		if len(got) > len(content)+40 {
			t.Fatalf("%d bytes became %d", len(content), len(got))
		}
		again, same, err := cleaned(got)
		if err != nil || same != found || !bytes.Equal(again, got) {
			t.Fatalf("cleaned again: %v, %s after %s, %d bytes after %d", err, same, found, len(again), len(got))
		}
		for at := 2; found == eventschema.MediaJPEG && got[at+1] != jpegSOS; { // segment by segment, since tables may hold any bytes
			n := int(binary.BigEndian.Uint16(got[at+2:]))
			if got[at+1] == jpegEXIF && (n != 34 || !bytes.HasPrefix(got[at+4:], []byte(exifMark))) {
				t.Fatalf("a record of %d bytes stays", n)
			}
			at += 2 + n
		}
	})
}
