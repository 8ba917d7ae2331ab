package httpapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// safeMessages are the beginnings of Huma's messages whose text comes from the
// schema alone. Any other message may quote what was sent and is replaced.
func safeMessages() map[string]string {
	return map[string]string{
		"expected boolean": "type", "expected number >": "range", "expected number <": "range",
		"expected number": "type", "expected integer": "type", "expected string": "type",
		"expected array length": "range", "expected array": "type", "expected object": "type",
		"expected length": "length", "expected value to be one of": "enum",
		"expected string to match pattern": "pattern", "expected string to be RFC": "format",
		"expected required property": "required", "required ": "required",
		"invalid integer": "type", "invalid boolean": "type", "invalid float": "type",
		"unexpected property": "unknown", "unknown query parameter": "unknown",
		"request body is required": "required",
	}
}

// fault rewrites one of Huma's error details: a pointer and a code, and only
// words that the schema itself contains.
func (a *API) fault(detail *huma.ErrorDetail) Fault {
	message, _, _ := strings.Cut(detail.Message, ": ")
	longest, code := "", "invalid"
	for beginning, c := range a.messages {
		if strings.HasPrefix(message, beginning) && len(beginning) > len(longest) {
			longest, code = beginning, c
		}
	}
	if longest == "" {
		message = "the value does not fit"
	}
	location := detail.Location
	if code == "unknown" { // the last step is the name that was sent
		location = location[:max(strings.LastIndexByte(location, '.'), 0)]
		message = "a member or parameter that is not known here"
	}
	pointer := pointerOf(location)
	if name, found := strings.CutPrefix(message, "expected required property "); found {
		pointer += "/" + strings.TrimSuffix(name, " to be present")
	}
	return Fault{Pointer: pointer, Code: code, Message: message}
}

// pointerOf turns body.a[0].b into /a/0/b and query.name into query/name.
func pointerOf(location string) string {
	pointer := strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(location)
	return strings.TrimPrefix(pointer, "body")
}

// rewrite is the transformer through which every answer passes: it turns Huma's
// own error model, which echoes values, into a [Problem] and gives each problem
// its instance.
func (a *API) rewrite(ctx huma.Context, _ string, answer any) (any, error) {
	if model, ok := answer.(*huma.ErrorModel); ok {
		answer = a.problemOfModel(model)
	}
	if problem, ok := answer.(*Problem); ok {
		exchange := exchangeOf(ctx.Context())
		problem.Instance = exchange.instance()
		exchange.note(problem)
		return problem, nil
	}
	return answer, nil
}

func (a *API) problemOfModel(model *huma.ErrorModel) *Problem {
	k := kindInvalid
	switch model.Status {
	case http.StatusBadRequest:
		k = kindMalformed
	case http.StatusRequestEntityTooLarge:
		k = kindTooLarge
	case http.StatusUnsupportedMediaType:
		k = kindMediaType
	case http.StatusUnprocessableEntity:
	default:
		k = kindInternal
	}
	k.status = model.Status // the status line has been chosen
	problem := k.because("")
	for _, detail := range model.Errors {
		if detail != nil && k != kindInternal {
			problem.Errors = append(problem.Errors, a.fault(detail))
		}
	}
	return problem
}
