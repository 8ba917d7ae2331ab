package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tracekeep/eventschema"
)

// CertificateBody carries the certificate byte for byte.
type CertificateBody struct {
	CaseID      string `json:"case_id" format:"uuid"`
	Kind        string `json:"kind" enum:"effective,final" example:"effective"`
	CertifiedAt string `json:"certified_at" format:"date-time" example:"2026-03-06T10:00:00Z"`
	Leaf        uint64 `json:"leaf" doc:"The place in the trail of the destruction it certifies." example:"48290"`
	Position    uint64 `json:"position" example:"48310"`
	Certificate string `json:"certificate" doc:"A signed note; it can be checked offline and identifies nobody."`
}

// Kind chooses one of the certificates of a case.
type Kind struct {
	Kind string `query:"kind" enum:"effective,final" default:"effective" doc:"The final one follows when every older copy of the key store is noise."`
}

func (k Kind) kind() eventschema.CertificateKind { return eventschema.CertificateKind(k.Kind) }

type printedAnswer struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte `contentType:"application/pdf"`
}

func (a *API) registerCertificates(api huma.API) {
	huma.Register(api, a.operation("get-erasure-certificate", http.MethodGet, "/v1/erasures/{case_id}/certificate", "Erasures", "The certificate of an erasure",
		"404 until the case is certified."),
		func(ctx context.Context, in *struct {
			Fresh
			Kind
			CaseID ID `path:"case_id"`
		}) (*struct{ Body CertificateBody }, error) {
			view, err := a.inside.Certificates.Certificate(ctx, caller(ctx), in.CaseID.id(), in.kind())
			if err != nil {
				return nil, problemOf(err)
			}
			return &struct{ Body CertificateBody }{CertificateBody{
				CaseID: view.CaseID.String(), Kind: string(view.Kind), CertifiedAt: rfc3339(view.CertifiedAt), Leaf: view.Leaf,
				Position: view.Position, Certificate: view.Certificate,
			}}, nil
		})
	printed := a.operation("print-erasure-certificate", http.MethodGet, "/v1/erasures/{case_id}/certificate.pdf", "Erasures", "The certificate of an erasure, to print",
		"404 until the case is certified.")
	printed.Responses["200"] = &huma.Response{
		Description: "The certificate as PDF, with the signed text.",
		Content: map[string]*huma.MediaType{"application/pdf": {
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "%PDF-1.4 …",
		}},
	}
	huma.Register(api, printed, func(ctx context.Context, in *struct {
		Fresh
		Kind
		CaseID ID `path:"case_id"`
	}) (*printedAnswer, error) {
		page, err := a.inside.Certificates.PrintCertificate(ctx, caller(ctx), in.CaseID.id(), in.kind())
		if err != nil {
			return nil, problemOf(err)
		}
		return &printedAnswer{ContentType: "application/pdf", Disposition: `attachment; filename="erasure-` + string(in.CaseID) + `.pdf"`, Body: page}, nil
	})
}
