package httpapi

import (
	"embed"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page
var pageFiles embed.FS

// operation describes one operation. The problems it may answer with follow from
// what kind of operation it is.
func (a *API) operation(id, method, path, tag, summary, description string) huma.Operation {
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary, Description: description,
		MaxBodyBytes: a.config.MaxBodyBytes + 1, // guard has measured the body before
		Responses:    map[string]*huma.Response{},
		Extensions:   map[string]any{},
	}
	statuses := []int{http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable}
	row := a.table[id]
	switch {
	case row.Public:
		op.Extensions["x-access"] = "public"
		op.Security = []map[string][]string{}
	case row.Proven:
		op.Extensions["x-access"] = "proven"
		op.Security = []map[string][]string{}
		statuses = append(statuses, http.StatusBadRequest, http.StatusForbidden, http.StatusGone)
	default:
		op.Extensions["x-access"] = row.described()
		op.Security = []map[string][]string{{"bearer": {}}}
		statuses = append(statuses, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone)
	}
	if method == http.MethodPost {
		op.DefaultStatus = http.StatusCreated
		statuses = append(statuses, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if id == "send-batch" {
		statuses = append(statuses, http.StatusTooManyRequests)
	}
	switch id {
	case "correct-person", "close-person", "set-person-fields", "reschedule-shift", "cancel-shift", "change-class", "end-class", "cancel-session":
		op.DefaultStatus = http.StatusOK
		statuses = append(statuses, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	case "verify-identity", "assess-erasure", "approve-erasure", "cancel-erasure", "refuse-erasure", "extend-erasure", "record-notification",
		"approve-retention", "confirm-hold", "review-hold", "request-hold-lift", "lift-hold", "decide-objection", "lift-restriction", "send-batch",
		"complete-shift", "offer-shift", "award-shift", "assign-shift", "unassign-shift", "accept-offer", "decline-offer", "place-bid", "agree-swap", "approve-swap", "refuse-swap",
		"enrol", "withdraw", "mark-attendance", "approve-correction", "refuse-correction", "export-hours", "export-punches", "export-payroll",
		"change-field", "retire-field", "remove-media":
		op.DefaultStatus = http.StatusOK
	case "get-person", "get-erasure", "get-hold", "get-shift", "get-class":
		op.Responses["304"] = &huma.Response{Description: "The client has the current representation."}
	}
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = a.problemResponse(status)
	}
	return op
}

func (a *API) problemResponse(status int) *huma.Response {
	response := &huma.Response{Description: http.StatusText(status)}
	for _, k := range kinds() {
		if k.status != status {
			continue
		}
		example := map[string]any{
			"type": problemBase + k.name, "title": k.title, "status": status,
			"instance": "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e",
		}
		response.Content = map[string]*huma.MediaType{"application/problem+json": {Schema: a.problemSchema, Example: example}}
		break
	}
	return response
}

// described says the row in words, for the document.
func (row Access) described() map[string]string {
	out := map[string]string{}
	for _, role := range Roles() {
		switch row.Roles[role] {
		case All:
			out[string(role)] = "all"
		case Own:
			out[string(role)] = "own"
		case Taught:
			out[string(role)] = "taught"
		}
	}
	return out
}

// registerDocument completes the document, writes it once, and serves it and the
// page that renders it. Huma's own handlers write theirs on the first request
// without a lock.
func (a *API) registerDocument(document *huma.OpenAPI) error {
	document.Info.Description = "Keeps the trace of work for seven years and forgets a person on request. " +
		"The tenant follows from the token. Every personal value is an object with a state. Types of problems are " + problemBase + "<name>."
	document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	schemas := document.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // Huma's own errors, which never leave
	delete(schemas, "ErrorDetail")
	names := make([]any, 0, len(kinds()))
	for _, k := range kinds() {
		names = append(names, problemBase+k.name)
	}
	document.Extensions = map[string]any{"x-problem-types": names}
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post} {
			if op != nil {
				completeOperation(document.Components.Schemas, op)
			}
		}
	}
	asJSON, err := document.MarshalJSON()
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	a.document = asJSON
	a.serve("/openapi.json", "application/openapi+json", asJSON)
	asYAML := sync.OnceValues(document.YAML) // costs more than all the rest and few ask for it
	a.router.Get("/openapi.yaml", func(w http.ResponseWriter, r *http.Request) {
		content, err := asYAML()
		if err != nil {
			writeProblem(w, r, problemOf(fmt.Errorf("write the OpenAPI document: %w", err)))
			return
		}
		w.Header().Set("Content-Type", "application/openapi+yaml")
		_, _ = w.Write(content) // a client that went away is no error of ours
	})
	for path, file := range map[string]struct{ name, contentType string }{
		"/docs":     {"page/docs.html", "text/html; charset=utf-8"},
		"/docs.js":  {"page/docs.js", "text/javascript; charset=utf-8"},
		"/docs.css": {"page/docs.css", "text/css; charset=utf-8"},
	} {
		content, err := pageFiles.ReadFile(file.name)
		if err != nil {
			return fmt.Errorf("read %s: %w", file.name, err)
		}
		a.serve(path, file.contentType, content)
	}
	return nil
}

func (a *API) serve(path, contentType string, content []byte) {
	a.router.Get(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content) // a client that went away is no error of ours
	})
}

// completeOperation adds examples, and the second success that a repeated
// request has.
func completeOperation(registry huma.Registry, op *huma.Operation) {
	if op.RequestBody != nil {
		fillExamples(registry, op.RequestBody.Content)
	}
	for _, response := range op.Responses {
		fillExamples(registry, response.Content)
	}
	if created := op.Responses["201"]; created != nil {
		created.Description = "Recorded."
		repeated := *created
		repeated.Description = "Had been recorded before by the same request; nothing was recorded twice."
		op.Responses["200"] = &repeated
	}
	if op.OperationID == "ready" {
		failing := *op.Responses["200"]
		failing.Description = "At least one part is failing."
		op.Responses["503"] = &failing
	}
	for _, response := range op.Responses {
		if response.Headers == nil {
			response.Headers = map[string]*huma.Param{}
		}
		response.Headers["X-Request-Id"] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"}}
	}
}

func fillExamples(registry huma.Registry, content map[string]*huma.MediaType) {
	for _, media := range content {
		if media.Example == nil && media.Schema != nil {
			media.Example = exampleOf(registry, media.Schema)
		}
	}
}

// exampleOf builds an example from a schema: required members, and optional ones
// that have an example of their own.
func exampleOf(registry huma.Registry, schema *huma.Schema) any {
	for schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	if len(schema.Examples) > 0 {
		return schema.Examples[0]
	}
	if len(schema.Enum) > 0 {
		return schema.Enum[0]
	}
	switch schema.Type {
	case huma.TypeObject:
		members := map[string]any{}
		for name, member := range schema.Properties {
			if slices.Contains(schema.Required, name) || len(member.Examples) > 0 {
				members[name] = exampleOf(registry, member)
			}
		}
		return members
	case huma.TypeArray:
		return []any{exampleOf(registry, schema.Items)}
	case huma.TypeInteger, huma.TypeNumber:
		return 0
	case huma.TypeBoolean:
		return false
	case huma.TypeString:
		return exampleText(schema)
	}
	return map[string]any{}
}

func exampleText(schema *huma.Schema) string {
	switch {
	case schema.Format == "uuid":
		return "7d444840-9dc0-41d1-b245-5ffdce74fad2"
	case schema.Format == "date-time":
		return "2026-03-02T07:00:00Z"
	case schema.ContentEncoding == "base64":
		return "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	}
	return "text"
}

func schemaOf[T any](registry huma.Registry) *huma.Schema {
	return registry.Schema(reflect.TypeFor[T](), true, reflect.TypeFor[T]().Name())
}
