package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// canary stands for a personal value in a place where it does not belong. It is
// a plain word so that it is a legal member name too.
const canary = "canaryofaperson"

func with(member string) string {
	return `{"work_id":"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11","occurred_at":"2026-03-02T08:00:00+01:00","zone":"Europe/Berlin","direction":"in","station":"gate-1",` + member + `}`
}

func without(member string) string {
	members := map[string]string{
		"work_id": `"work_id":"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`, "occurred_at": `"occurred_at":"2026-03-02T08:00:00+01:00"`,
		"zone": `"zone":"Europe/Berlin"`, "direction": `"direction":"in"`, "station": `"station":"gate-1"`,
	}
	name, replacement, _ := strings.Cut(member, "=")
	parts := []string{}
	for key, text := range members {
		switch {
		case key != name:
			parts = append(parts, text)
		case replacement != "":
			parts = append(parts, `"`+key+`":`+replacement)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// badBodies are bodies of a punch that are refused, by the reason in words.
func badBodies() map[string]struct {
	body   string
	status int
} {
	type row = struct {
		body   string
		status int
	}
	deep := strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40)
	return map[string]row{
		"an empty body":                       {" ", 400},
		"no JSON at all":                      {canary, 400},
		"an array":                            {`["` + canary + `"]`, 400},
		"a string":                            {`"` + canary + `"`, 400},
		"null":                                {`null`, 400},
		"two objects":                         {punchNow + `{"` + canary + `":1}`, 400},
		"rubbish behind the object":           {punchNow + canary, 400},
		"a body cut short":                    {punchNow[:60], 400},
		"a comment":                           {`/*` + canary + `*/` + punchNow, 400},
		"a trailing comma":                    {strings.TrimSuffix(punchNow, "}") + ",}", 400},
		"single quotes":                       {strings.ReplaceAll(punchNow, `"`, `'`), 400},
		"a byte order mark":                   {"\ufeff" + punchNow, 400},
		"bytes that are not UTF-8":            {with("\"badge\":\"\xff\xfe" + canary + "\""), 400},
		"an overlong encoding":                {with("\"badge\":\"\xc0\xaf\""), 400},
		"half of a surrogate pair":            {with(`"badge":"` + canary + `\ud800"`), 400},
		"the other half alone":                {with(`"badge":"\udc00` + canary + `"`), 400},
		"a NUL in a string":                   {with(`"badge":"` + canary + `\u0000"`), 400},
		"a member twice":                      {with(`"zone":"` + canary + `"`), 400},
		"a member twice by an escape":         {with(`"z\u006fne":"Europe/Berlin"`), 400},
		"a member in other letters":           {with(`"Zone":"` + canary + `"`), 400},
		"a member with a sign that folds":     {with(`"\u017ftation":"` + canary + `"`), 400},
		"a member with a point":               {with(`"` + canary + `.x":1`), 400},
		"a member without a name":             {with(`"":"` + canary + `"`), 400},
		"nested too deeply":                   {with(`"location":` + deep), 400},
		"arrays nested too deeply":            {with(`"location":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), 400},
		"a number out of range":               {with(`"station_counter":1e999`), 400},
		"a body over the limit":               {with(`"badge":"` + strings.Repeat("x", 70<<10) + `"`), 413},
		"an unknown member":                   {with(`"name":"` + canary + `"`), 422},
		"an unknown member that is a value":   {with(`"` + canary + `":1`), 422},
		"an unknown nested member":            {with(`"location":{"latitude":1,"longitude":1,"` + canary + `":1}`), 422},
		"prototype pollution":                 {with(`"__proto__":{"role":"admin"}`), 422},
		"mass assignment of the tenant":       {with(`"tenant":"` + otherTenant.String() + `"`), 422},
		"mass assignment of received_at":      {with(`"received_at":"2020-01-01T00:00:00Z"`), 422},
		"neither work id nor badge":           {without("work_id"), 422},
		"work id and badge":                   {with(`"badge":"77001"`), 422},
		"a badge nobody has":                  {without(`work_id`)[:1] + `"badge":"` + canary + `",` + without("work_id")[1:], 422},
		"a work id that is no id":             {without(`work_id="` + canary + `"`), 422},
		"a work id in upper case":             {without(`work_id="3F0A8F4E-6C5B-4D5F-9A53-2F1F4D4F6B11"`), 422},
		"a work id as a urn":                  {without(`work_id="urn:uuid:3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`), 422},
		"a work id in braces":                 {without(`work_id="{3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11}"`), 422},
		"a work id as a number":               {without(`work_id=7`), 422},
		"a work id as an object":              {without(`work_id={"` + canary + `":1}`), 422},
		"a punch id that is no id":            {with(`"punch_id":"` + canary + `"`), 422},
		"neither instant nor local time":      {without("occurred_at"), 422},
		"instant and local time":              {with(`"local_time":"2026-03-02T08:00:00"`), 422},
		"an instant that is no time":          {without(`occurred_at="` + canary + `"`), 422},
		"an instant without an offset":        {without(`occurred_at="2026-03-02T08:00:00"`), 422},
		"an instant as a number":              {without(`occurred_at=1772434800`), 422},
		"the 30th of February":                {without(`occurred_at="2026-02-30T08:00:00Z"`), 422},
		"hour 25":                             {without(`occurred_at="2026-03-02T25:00:00Z"`), 422},
		"year 0001":                           {without(`occurred_at="0001-01-01T00:00:00Z"`), 422},
		"year 9999":                           {without(`occurred_at="9999-12-31T23:59:59Z"`), 422},
		"a local time with an offset":         {strings.Replace(without("occurred_at"), "{", `{"local_time":"2026-03-02T08:00:00Z",`, 1), 422},
		"a local time in the gap":             {strings.Replace(without("occurred_at"), "{", `{"local_time":"2026-03-29T02:30:00",`, 1), 422},
		"a zone that does not exist":          {without(`zone="Europe/` + canary + `"`), 422},
		"the zone of the machine":             {without(`zone="Local"`), 422},
		"an empty zone":                       {without(`zone=""`), 422},
		"a zone that climbs out of the table": {without(`zone="../../../etc/passwd"`), 422},
		"a zone as an offset":                 {without(`zone="+01:00"`), 422},
		"no zone":                             {without(`zone`), 422},
		"a direction there is not":            {without(`direction="` + canary + `"`), 422},
		"a direction as null":                 {without(`direction=null`), 422},
		"a kind there is not":                 {with(`"kind":"` + canary + `"`), 422},
		"no station":                          {without("station"), 422},
		"a station with spaces":               {without(`station="` + canary + ` at the gate"`), 422},
		"a station of 10,000 letters":         {without(`station="` + strings.Repeat("a", 10000) + `"`), 422},
		"a station clock with words":          {with(`"station_clock":"` + canary + `"`), 422},
		"a counter below zero":                {with(`"station_counter":-1`), 422},
		"a counter as a fraction":             {with(`"station_counter":1.5`), 422},
		"a counter beyond 64 bits":            {with(`"station_counter":99999999999999999999`), 422},
		"a counter as text":                   {with(`"station_counter":"` + canary + `"`), 422},
		"a latitude beyond the pole":          {with(`"location":{"latitude":90.5,"longitude":0}`), 422},
		"a longitude as text":                 {with(`"location":{"latitude":1,"longitude":"` + canary + `"}`), 422},
		"half a location":                     {with(`"location":{"latitude":1}`), 422},
		"a location as text":                  {with(`"location":"` + canary + `"`), 422},
		"an accuracy below zero":              {with(`"location":{"latitude":1,"longitude":1,"accuracy_metres":-1}`), 422},
		"a location sent and denied":          {with(`"location":{"latitude":1,"longitude":1},"location_denied":true`), 422},
		"a denial as text":                    {with(`"location_denied":"` + canary + `"`), 422},
	}
}

func TestBadPunchesAreRefusedWithoutTheirValues(t *testing.T) {
	s := start(t)
	for name, row := range badBodies() {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, s.send("hr", "POST", "/v1/punches", row.body), row.status)
		})
	}
	if len(s.punches) > 0 {
		t.Errorf("%d bad punches were recorded", len(s.punches))
	}
	assertLogsClean(t, s)
}

func assertRefused(t *testing.T, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%d, want %d: %s", a.StatusCode, status, a.body)
	}
	assertProblem(t, a)
	if strings.Contains(string(a.body), canary) {
		t.Errorf("the value is echoed: %s", a.body)
	}
	for name, values := range a.Header {
		if strings.Contains(strings.Join(values, " "), canary) {
			t.Errorf("the value is echoed in %s: %v", name, values)
		}
	}
}

// promise: ST-15
func assertLogsClean(t *testing.T, s *server) {
	t.Helper()
	if s.logs.Len() == 0 {
		t.Error("nothing was logged")
	}
	for _, entry := range s.logs.All() {
		for key, value := range entry.ContextMap() {
			if text, ok := value.(string); ok && (strings.Contains(text, canary) || strings.Contains(text, tokenOf("hr"))) {
				t.Errorf("the log says %s=%s", key, text)
			}
		}
	}
}

func TestBadRequestsElsewhereAreRefusedWithoutTheirValues(t *testing.T) {
	s := start(t)
	person := "/v1/people/" + ada.String()
	for name, row := range map[string]struct {
		method, path, body string
		status             int
	}{
		"a person id that is no id":              {"GET", "/v1/people/" + canary, "", 422},
		"a person id with an escaped slash":      {"GET", "/v1/people/..%2f" + canary, "", 422},
		"a person id that is not UTF-8":          {"GET", "/v1/people/%ff" + canary, "", 422},
		"a path that does not exist":             {"GET", "/v1/" + canary, "", 404},
		"another version":                        {"GET", "/v2/people", "", 404},
		"a method that is not there":             {"DELETE", person, "", 405},
		"PUT on a person":                        {"PUT", person, `{}`, 405},
		"an unknown parameter":                   {"GET", "/v1/people?" + canary + "=1", "", 422},
		"a parameter twice":                      {"GET", "/v1/people?q=" + canary + "&q=b", "", 400},
		"a parameter twice by an escape":         {"GET", "/v1/people?q=" + canary + "&%71=b", "", 400},
		"a parameter without a value":            {"GET", "/v1/people?q&page_size=5", "", 400},
		"a parameter that is not UTF-8":          {"GET", "/v1/people?q=%ff" + canary, "", 400},
		"a parameter with a NUL":                 {"GET", "/v1/people?q=" + canary + "%00", "", 400},
		"a parameter with a bad escape":          {"GET", "/v1/people?q=%zz" + canary, "", 400},
		"a semicolon in the query":               {"GET", "/v1/people?q=a;b=" + canary, "", 400},
		"a search of 101 letters":                {"GET", "/v1/people?q=" + strings.Repeat("a", 101), "", 422},
		"a page of none":                         {"GET", "/v1/people?page_size=0", "", 422},
		"a page of 501":                          {"GET", "/v1/people?page_size=501", "", 422},
		"a page size in words":                   {"GET", "/v1/people?page_size=" + canary, "", 422},
		"a page token made up":                   {"GET", "/v1/people?page_token=" + canary, "", 400},
		"hours without days":                     {"GET", "/v1/hours?work_id=" + adasWork.String(), "", 422},
		"hours of a day that is none":            {"GET", "/v1/hours?from=2026-02-30&to=2026-03-02&work_id=" + adasWork.String(), "", 422},
		"hours in words":                         {"GET", "/v1/hours?from=" + canary + "&to=2026-03-02&work_id=" + adasWork.String(), "", 422},
		"hours backwards":                        {"GET", "/v1/hours?from=2026-03-02&to=2026-03-01&work_id=" + adasWork.String(), "", 422},
		"hours of two years":                     {"GET", "/v1/hours?from=2026-01-01&to=2027-12-31&work_id=" + adasWork.String(), "", 422},
		"hours of nobody":                        {"GET", "/v1/hours?from=2026-03-01&to=2026-03-02", "", 422},
		"hours by both ids":                      {"GET", "/v1/hours?from=2026-03-01&to=2026-03-02&work_id=" + adasWork.String() + "&person_id=" + ada.String(), "", 422},
		"a body with a GET":                      {"GET", person, `{"` + canary + `":1}`, 400},
		"a body where none is taken":             {"POST", "/v1/erasures/" + openCase.String() + "/approval", `{"` + canary + `":1}`, 403},
		"a person without a name":                {"POST", "/v1/people", `{"email":"` + canary + `@example.org"}`, 422},
		"an empty name":                          {"POST", "/v1/people", `{"legal_name":""}`, 422},
		"a name with a line end":                 {"POST", "/v1/people", `{"legal_name":"` + canary + `\nx"}`, 422},
		"a name of 201 letters":                  {"POST", "/v1/people", `{"legal_name":"` + strings.Repeat("ä", 201) + `"}`, 422},
		"an e-mail without an at":                {"POST", "/v1/people", `{"legal_name":"A","email":"` + canary + `"}`, 422},
		"a birth date in words":                  {"POST", "/v1/people", `{"legal_name":"A","birth_date":"` + canary + `"}`, 422},
		"a phone in words":                       {"POST", "/v1/people", `{"legal_name":"A","phone":"` + canary + `"}`, 422},
		"an id of the client's choice":           {"POST", "/v1/people", `{"legal_name":"A","person_id":"` + ada.String() + `"}`, 422},
		"a correction of nothing":                {"POST", person + "/corrections", `{"reason":"name_change"}`, 422},
		"a reason in free text":                  {"POST", person + "/closure", `{"reason":"` + canary + ` was fired"}`, 422},
		"a closure in the year 1":                {"POST", person + "/closure", `{"reason":"left","closed_at":"0001-01-01T00:00:00Z"}`, 422},
		"consent to a purpose there is not":      {"POST", "/v1/consents", `{"work_id":"` + adasWork.String() + `","purpose":"` + canary + `","notice_version":"1","language":"de","method":"app"}`, 422},
		"consent without a notice":               {"POST", "/v1/consents", `{"work_id":"` + adasWork.String() + `","purpose":"location","language":"de","method":"app"}`, 422},
		"a punch correction without values":      {"POST", "/v1/punches/" + stranger.String() + "/corrections", `{"work_id":"` + adasWork.String() + `","punch_occurred_at":"2026-03-02T07:00:00Z","reason":"other","approved_by":"` + ada.String() + `"}`, 422},
		"a void punch with values":               {"POST", "/v1/punches/" + stranger.String() + "/corrections", `{"work_id":"` + adasWork.String() + `","punch_occurred_at":"2026-03-02T07:00:00Z","void":true,"direction":"in","reason":"other","approved_by":"` + ada.String() + `"}`, 422},
		"a punch correction without an approver": {"POST", "/v1/punches/" + stranger.String() + "/corrections", `{"work_id":"` + adasWork.String() + `","punch_occurred_at":"2026-03-02T07:00:00Z","void":true,"reason":"other"}`, 422},
		"a proof of a word":                      {"GET", "/v1/events/" + canary + "/proof", "", 422},
		"a proof of a negative position":         {"GET", "/v1/events/-1/proof", "", 422},
		"a proof beyond 64 bits":                 {"GET", "/v1/events/99999999999999999999/proof", "", 422},
		"a proof of what is not there":           {"GET", "/v1/events/9000000/proof", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, s.send("hr", row.method, row.path, row.body, "If-Match", `"3"`), row.status)
		})
	}
	if len(s.intents) > 0 {
		t.Errorf("%d bad requests were let through", len(s.intents))
	}
	assertLogsClean(t, s)
}

func TestBadHeadersAreRefusedWithoutTheirValues(t *testing.T) {
	s := start(t)
	for name, row := range map[string]struct {
		header, value string
		status        int
	}{
		"a body of another type":         {"Content-Type", "text/" + canary, 415},
		"a form":                         {"Content-Type", "application/x-www-form-urlencoded", 415},
		"no type":                        {"Content-Type", "", 415},
		"a type that cannot be read":     {"Content-Type", "application/json; " + canary, 415},
		"another charset":                {"Content-Type", "application/json; charset=latin-1", 415},
		"another format of the same":     {"Content-Type", "application/cbor", 415},
		"a compressed body":              {"Content-Encoding", "gzip", 415},
		"an Accept that is hard to read": {"Accept", ";;q,", 201},
		"an Accept for something else":   {"Accept", "text/html;q=" + canary, 201},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.send("hr", "POST", "/v1/punches", punchNow, row.header, row.value)
			if row.status == http.StatusCreated {
				s.expect(a, 201, "")
				return
			}
			assertRefused(t, a, row.status)
		})
	}
}
