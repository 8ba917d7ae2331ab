package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tracekeep/eventschema"
)

// ConsentBody is a consent as sent.
type ConsentBody struct {
	WorkID        ID     `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`
	Purpose       string `json:"purpose" enum:"location" example:"location"`
	NoticeVersion string `json:"notice_version" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._-]+$" example:"2026-01" doc:"The notice that was shown."`
	Language      string `json:"language" maxLength:"35" pattern:"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$" example:"de" doc:"The language it was shown in, BCP 47."`
	Method        string `json:"method" enum:"app,paper,kiosk" example:"app"`
}

// WithdrawalBody is a withdrawal: two members and it is done (GDPR Art. 7(3)).
type WithdrawalBody struct {
	WorkID  ID     `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`
	Purpose string `json:"purpose" enum:"location" example:"location"`
	Method  string `json:"method,omitempty" enum:"app,paper,kiosk" default:"app"`
}

func (a *API) registerConsents(api huma.API) {
	huma.Register(api, a.operation("give-consent", http.MethodPost, "/v1/consents", "Consents", "Give consent to a purpose",
		"Proves which notice was shown, in which language, by which method."),
		func(ctx context.Context, in *struct {
			Once
			Body ConsentBody
		}) (*changedAnswer, error) {
			return consented(a.inside.Consents.GiveConsent(ctx, intent(ctx), Consent{
				Work: in.Body.WorkID.id(), Purpose: eventschema.Purpose(in.Body.Purpose), NoticeVersion: in.Body.NoticeVersion,
				Language: in.Body.Language, Method: in.Body.Method, At: a.config.Clock().UTC(),
			}))
		})
	huma.Register(api, a.operation("withdraw-consent", http.MethodPost, "/v1/consents/withdrawals", "Consents", "Withdraw consent to a purpose",
		"As easy as giving it, and not retroactive."),
		func(ctx context.Context, in *struct {
			Once
			Body WithdrawalBody
		}) (*changedAnswer, error) {
			return consented(a.inside.Consents.WithdrawConsent(ctx, intent(ctx), Consent{
				Work: in.Body.WorkID.id(), Purpose: eventschema.Purpose(in.Body.Purpose), Method: in.Body.Method, At: a.config.Clock().UTC(),
			}))
		})
}

// consented answers without an ETag: a consent is never changed against one.
func consented(receipt Receipt, err error) (*changedAnswer, error) {
	answer, err := changed(receipt, err)
	if err != nil {
		return nil, err
	}
	answer.Status, answer.ETag = created(receipt), ""
	return answer, nil
}
