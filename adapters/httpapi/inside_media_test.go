package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// someItem is a photo of ada's; mediaLimit is how much is taken in.
var someItem = uuid.MustParse("eeeeeeee-9dc0-41d1-b245-5ffdce74fad2")

const mediaLimit = 200 << 10

// attachment is what was attached.
type attachment struct {
	order   httpapi.MediaOrder
	content []byte
}

func (c *company) MediaLimit() int64 { return mediaLimit }

func (c *company) AttachMedia(_ context.Context, intent httpapi.Intent, order httpapi.MediaOrder, content io.Reader) (httpapi.MediaReceipt, error) {
	got, err := io.ReadAll(io.LimitReader(content, mediaLimit+1))
	switch {
	case err != nil:
		return httpapi.MediaReceipt{}, err
	case len(got) > mediaLimit:
		return httpapi.MediaReceipt{}, httpapi.ErrTooLarge
	case order.Person == stranger:
		return httpapi.MediaReceipt{}, httpapi.ErrNotFound
	case order.Person == erasedPerson:
		return httpapi.MediaReceipt{}, &httpapi.Erased{Case: closedCase, CertificateLeaf: &leaf}
	case !bytes.HasPrefix(got, []byte("%PDF-")):
		return httpapi.MediaReceipt{}, &httpapi.Refusal{Code: "bad_media_type", Message: "not taken in"}
	}
	receipt, err := c.act(intent)
	if err == nil {
		c.mu.Lock()
		c.attached = append(c.attached, attachment{order, got})
		c.mu.Unlock()
	}
	return httpapi.MediaReceipt{Receipt: receipt, ItemID: someItem, MediaType: eventschema.MediaPDF, SHA256: "5f2c"}, err
}

func (c *company) MediaOf(_ context.Context, _ httpapi.Principal, person uuid.UUID) ([]httpapi.MediaView, error) {
	if c.fail != nil || person != ada {
		return nil, c.fail
	}
	of := func(name, text string) httpapi.Personal {
		shown := eventschema.ShownValue{Field: "media." + name, Purpose: eventschema.PurposeMedia}
		return httpapi.Personal{Personal: eventschema.Clear(text), Of: httpapi.ValueOf{Subject: ada, ShownValue: shown}}
	}
	return []httpapi.MediaView{{
		Position: 48300, ItemID: someItem, Class: eventschema.MediaSafety, MediaType: eventschema.MediaPDF, SHA256: "5f2c", StoredBytes: 4330, AttachedAt: now, AttachedBy: stranger,
		Caption: of("caption", "guard rail"), FileName: of("file_name", "räil \"1\".pdf"), Bytes: of("bytes", "15"),
	}}, nil
}

func (c *company) ReadMedia(_ context.Context, by httpapi.Principal, q httpapi.MediaQuestion, begin func(httpapi.MediaBegun), to io.Writer) error {
	switch {
	case c.fail != nil:
		return c.fail
	case q.Person == erasedPerson:
		return &httpapi.Erased{Case: closedCase, CertificateLeaf: &leaf}
	case q.Person != ada || q.Item != someItem && q.Item != uuid.Nil:
		return httpapi.ErrNotFound
	}
	c.mu.Lock()
	c.readings = append(c.readings, reading{by: by, operation: q.Operation})
	c.mu.Unlock()
	begin(httpapi.MediaBegun{ItemID: someItem, MediaType: eventschema.MediaPDF, Bytes: 15, FileName: "räil \"1\".pdf"})
	if _, err := io.WriteString(to, "%PDF-1.7\n"); err != nil || c.broken.Load() {
		return errors.Join(err, errors.New("a chunk is damaged"))
	}
	_, err := io.WriteString(to, "%%EOF\n")
	return err
}

func (c *company) RemoveMedia(_ context.Context, intent httpapi.Intent, r httpapi.MediaRemoval) (httpapi.MediaReceipt, error) {
	if r.Person != ada || r.Item != someItem {
		return httpapi.MediaReceipt{}, httpapi.ErrNotFound
	}
	receipt, err := c.act(intent)
	return httpapi.MediaReceipt{Receipt: receipt, ItemID: r.Item, CaseID: openCase}, err
}
