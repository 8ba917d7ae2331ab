package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"tracekeep/eventschema"
)

const (
	// contentTimeout bounds one transfer of content, and contentPause how long a sender
	// may say nothing in it.
	contentTimeout = 10 * time.Minute
	contentPause   = 30 * time.Second
)

// upload is the request of an attachment. Its body is content and goes to the use case
// as it comes: nothing of it is held here.
type upload struct {
	Once
	PersonID ID     `path:"person_id"`
	Class    string `query:"class" required:"true" enum:"work_media,safety_media,portrait" doc:"What it is kept for; a portrait takes the place of the one before." example:"work_media"`
	Caption  string `header:"Media-Caption" maxLength:"6000" doc:"What it shows: up to 500 characters, UTF-8 in percent-encoding." example:"guard%20rail"`
	FileName string `header:"Media-File-Name" maxLength:"3000" doc:"Up to 255 characters, UTF-8 in percent-encoding." example:"rail.jpg"`

	content func(context.Context) (io.Reader, context.Context, context.CancelFunc)
}

// Resolve implements huma.Resolver. It takes hold of the body and its connection.
func (u *upload) Resolve(hctx huma.Context) []error {
	r, w := humachi.Unwrap(hctx)
	u.content = func(ctx context.Context) (io.Reader, context.Context, context.CancelFunc) {
		connection := http.NewResponseController(w) // what it cannot do it says, and then the server's deadlines stay
		_ = connection.SetWriteDeadline(time.Time{})
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), contentTimeout)
		return &paced{from: r.Body, connection: connection}, ctx, cancel
	}
	return nil
}

// paced reads a body whose sender may take long and may not fall silent.
type paced struct {
	from       io.Reader
	connection *http.ResponseController
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	_ = p.connection.SetReadDeadline(time.Now().Add(contentPause))
	return p.from.Read(b)
}

// MediaBody is one photo or document.
type MediaBody struct {
	ItemID             string       `json:"item_id" format:"uuid"`
	Class              string       `json:"class" enum:"work_media,safety_media,portrait" example:"work_media"`
	MediaType          string       `json:"media_type" example:"image/jpeg"`
	State              string       `json:"state" enum:"kept,being_removed,removed" example:"kept"`
	SHA256             string       `json:"sha256" doc:"Of the file as it is stored, sealed: it holds the file against the trail and confirms no guess of the content."`
	StoredBytes        int64        `json:"stored_bytes" example:"135680"`
	AttachedAt         string       `json:"attached_at" format:"date-time" example:"2026-03-02T09:30:00Z"`
	AttachedBy         string       `json:"attached_by" format:"uuid"`
	RemovalRequestedAt *string      `json:"removal_requested_at,omitempty" format:"date-time"`
	RemovedAt          *string      `json:"removed_at,omitempty" format:"date-time"`
	RemovedUnder       string       `json:"removed_under,omitempty" format:"uuid" doc:"The case that destroyed its key."`
	Position           uint64       `json:"position" doc:"Where the trail has the last word about it." example:"48301"`
	Caption            PersonalBody `json:"caption"`
	FileName           PersonalBody `json:"file_name"`
	Bytes              PersonalBody `json:"bytes" doc:"Length of the content, in decimal."`
}

type mediaAnswer struct {
	Body struct {
		PersonID string      `json:"person_id" format:"uuid"`
		Media    []MediaBody `json:"media"`
	}
}

type attachedAnswer struct {
	Ack
	Status int
	Body   struct {
		ItemID    string `json:"item_id" format:"uuid"`
		MediaType string `json:"media_type" doc:"By the content." example:"image/jpeg"`
		SHA256    string `json:"sha256" doc:"Of the file as it is stored, sealed."`
		Position  uint64 `json:"position" example:"48400"`
	}
}

// MediaRemovalBody asks for the end of one item.
type MediaRemovalBody struct {
	Reason string `json:"reason" maxLength:"60" pattern:"^[a-z0-9_]+$" doc:"A code." example:"no_longer_needed"`
}

type mediaRemovedAnswer struct {
	Ack
	Status int
	Body   struct {
		ItemID   string `json:"item_id" format:"uuid"`
		CaseID   string `json:"case_id" format:"uuid" doc:"The case that destroys the key and deletes the file; within moments, unless a legal hold keeps the item."`
		Position uint64 `json:"position" example:"48400"`
	}
}

// WhyRead is what a reader may say of why content is read.
type WhyRead struct {
	Reason string `query:"reason" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"Why it is read, a code; it stands in the reading that is recorded." example:"incident_review"`
}

func (w WhyRead) operation(id string) string {
	if w.Reason == "" {
		return id
	}
	return id + "-" + strings.ReplaceAll(w.Reason, "_", "-")
}

func (a *API) registerMedia(api huma.API) {
	attach := a.operation("attach-media", http.MethodPost, "/v1/people/{person_id}/media", "Media", "Attach a photo or a document to a person",
		"The body is the content: JPEG, PNG or PDF, told by what is in it. Of an image everything is dropped but the picture and which way up it is. "+
			"It is sealed as it comes, and durable when this is answered.")
	attach.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "%PDF-1.7\n%%EOF\n"},
	}}
	huma.Register(api, attach, func(ctx context.Context, in *upload) (*attachedAnswer, error) { return a.attachMedia(ctx, in) })
	huma.Register(api, a.operation("list-media", http.MethodGet, "/v1/people/{person_id}/media", "Media", "The photos and documents of a person",
		"Oldest first, those that were removed included."),
		func(ctx context.Context, in *struct {
			Fresh
			PersonID ID `path:"person_id"`
		}) (*mediaAnswer, error) {
			return a.listMedia(ctx, in.PersonID)
		})
	huma.Register(api, a.contentOperation("read-media", "/v1/people/{person_id}/media/{item_id}", "Read a photo or a document"),
		func(ctx context.Context, in *struct {
			Fresh
			WhyRead
			PersonID ID `path:"person_id"`
			ItemID   ID `path:"item_id"`
		}) (*huma.StreamResponse, error) {
			return a.readMedia(ctx, MediaQuestion{Person: in.PersonID.id(), Item: in.ItemID.id(), Operation: in.operation("read-media")}), nil
		})
	huma.Register(api, a.contentOperation("get-portrait", "/v1/people/{person_id}/portrait", "Read the portrait of a person"),
		func(ctx context.Context, in *struct {
			Fresh
			WhyRead
			PersonID ID `path:"person_id"`
		}) (*huma.StreamResponse, error) {
			return a.readMedia(ctx, MediaQuestion{Person: in.PersonID.id(), Operation: in.operation("get-portrait")}), nil
		})
	huma.Register(api, a.operation("remove-media", http.MethodPost, "/v1/people/{person_id}/media/{item_id}/removal", "Media", "Remove one photo or document",
		"Its key is destroyed, alone, and then its file is deleted. A person may remove the own portrait."),
		func(ctx context.Context, in *struct {
			Once
			PersonID ID `path:"person_id"`
			ItemID   ID `path:"item_id"`
			Body     MediaRemovalBody
		}) (*mediaRemovedAnswer, error) {
			return a.removeMedia(ctx, MediaRemoval{Person: in.PersonID.id(), Item: in.ItemID.id(), Reason: in.Body.Reason, ReceivedAt: a.now()})
		})
}

// contentOperation describes an answer that is content.
func (a *API) contentOperation(id, path, summary string) huma.Operation {
	op := a.operation(id, http.MethodGet, path, "Media", summary,
		"Who reads is recorded before the first byte. Each part was authenticated before it is sent; a transfer that is broken off is not the whole.")
	op.Responses["200"] = &huma.Response{
		Description: "The content, in the type that was found when it was attached.",
		Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "%PDF-1.7\n%%EOF\n"},
		},
	}
	return op
}

func (a *API) attachMedia(ctx context.Context, in *upload) (*attachedAnswer, error) {
	order := MediaOrder{Person: in.PersonID.id(), Class: eventschema.MediaClass(in.Class), ReceivedAt: a.now()}
	for header, v := range map[string]struct {
		sent string
		into *eventschema.Personal
	}{"Media-Caption": {in.Caption, &order.Caption}, "Media-File-Name": {in.FileName, &order.FileName}} {
		text, err := url.PathUnescape(v.sent)
		if err != nil || !utf8.ValidString(text) {
			return nil, invalid("header/"+header, "format", "UTF-8 in percent-encoding is expected")
		}
		*v.into = eventschema.Clear(text)
	}
	what := intent(ctx)
	content, ctx, cancel := in.content(ctx)
	defer cancel()
	receipt, err := a.inside.Media.AttachMedia(ctx, what, order, content)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &attachedAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt)}
	answer.Body.ItemID, answer.Body.MediaType = receipt.ItemID.String(), string(receipt.MediaType)
	answer.Body.SHA256, answer.Body.Position = receipt.SHA256, receipt.Position
	return answer, nil
}

func (a *API) listMedia(ctx context.Context, person ID) (*mediaAnswer, error) {
	views, err := a.inside.Media.MediaOf(ctx, caller(ctx), person.id())
	if err != nil {
		return nil, problemOf(err)
	}
	var values []Personal
	for _, view := range views {
		values = append(values, view.Values()...)
	}
	released, err := a.release(ctx, "list-media", values...)
	if err != nil {
		return nil, err
	}
	answer := &mediaAnswer{}
	answer.Body.PersonID, answer.Body.Media = person.id().String(), make([]MediaBody, len(views))
	for i, view := range views {
		answer.Body.Media[i] = mediaBody(view, released)
	}
	return answer, nil
}

func mediaBody(view MediaView, release Release) MediaBody {
	body := MediaBody{
		ItemID: view.ItemID.String(), Class: string(view.Class), MediaType: string(view.MediaType), State: "kept", SHA256: view.SHA256, StoredBytes: view.StoredBytes,
		AttachedAt: rfc3339(view.AttachedAt), AttachedBy: view.AttachedBy.String(), RemovalRequestedAt: optionalTime(view.RemovalRequestedAt),
		RemovedAt: optionalTime(view.RemovedAt), Position: view.Position,
		Caption: personalBody(view.Caption, release), FileName: personalBody(view.FileName, release), Bytes: personalBody(view.Bytes, release),
	}
	switch {
	case view.RemovedAt != nil:
		body.State, body.RemovedUnder = "removed", view.RemovedUnder.String()
	case view.RemovalRequestedAt != nil:
		body.State = "being_removed"
	}
	return body
}

// readMedia streams, as an export does: what goes wrong behind the first byte breaks the
// connection off.
func (a *API) readMedia(ctx context.Context, question MediaQuestion) *huma.StreamResponse {
	by := caller(ctx)
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humachi.Unwrap(hctx)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), contentTimeout)
		defer cancel()
		connection := http.NewResponseController(w)
		_ = connection.SetWriteDeadline(time.Time{})
		defer context.AfterFunc(ctx, func() { _ = connection.SetWriteDeadline(time.Unix(1, 0)) })() // who reads too slowly is not waited for
		begun := false
		err := a.inside.Media.ReadMedia(ctx, by, question, func(known MediaBegun) {
			begun = true
			contentHeader(w.Header(), known)
			w.WriteHeader(http.StatusOK)
		}, w)
		switch {
		case err == nil:
		case !begun:
			writeProblem(w, r, problemOf(err))
		default:
			e := exchangeOf(r.Context())
			e.status, e.cause = http.StatusInternalServerError, err // for the log: the client saw 200 and no end
			panic(http.ErrAbortHandler)
		}
	}}
}

// contentHeader keeps a document from acting as one of our pages.
func contentHeader(h http.Header, known MediaBegun) {
	disposition := "attachment"
	if known.MediaType.Image() {
		disposition = "inline"
	}
	if known.FileName != "" { // RFC 8187: the name of another form is a guess
		disposition += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(known.FileName), "+", "%20")
	}
	h.Set("Content-Type", string(known.MediaType))
	h.Set("Content-Length", strconv.FormatInt(known.Bytes, 10))
	h.Set("Content-Disposition", disposition)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("X-Item-Id", known.ItemID.String())
}

func (a *API) removeMedia(ctx context.Context, removal MediaRemoval) (*mediaRemovedAnswer, error) {
	receipt, err := a.inside.Media.RemoveMedia(ctx, intent(ctx), removal)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &mediaRemovedAnswer{Ack: ack(receipt.Receipt), Status: http.StatusOK}
	answer.Body.ItemID, answer.Body.CaseID, answer.Body.Position = receipt.ItemID.String(), receipt.CaseID.String(), receipt.Position
	return answer, nil
}
