package adms

import (
	"net/http"
	"net/url"
	"strings"
)

// kind is what a request is about. It is a label of metrics, so the set is closed.
type kind string

const (
	kindHandshake kind = "handshake"
	kindPunches   kind = "punches"
	kindTable     kind = "table" // any other table
	kindPoll      kind = "poll"  // getrequest and ping
	kindReport    kind = "report"
	kindOther     kind = "other"
)

// request is what a terminal asks, so far as its address says.
type request struct {
	kind     kind
	serial   string
	table    string // upper case
	protocol string // version of the terminal; empty where it says none
}

// read reads the method and address of a request. What it does not know is
// [kindOther]; a serial number that cannot be one is empty.
func read(method string, address *url.URL) request {
	query := address.Query() // what of it cannot be read is left out
	r := request{kind: kindOther, serial: first(query, "SN", "sn"), table: strings.ToUpper(query.Get("table")), protocol: query.Get("pushver")}
	if !validSerial(r.serial) {
		r.serial = ""
	}
	if len(r.table) > 16 {
		r.table = ""
	}
	path, ok := strings.CutPrefix(address.Path, "/iclock/")
	if !ok {
		return r
	}
	path = strings.TrimSuffix(path, ".aspx") // as some firmwares have it
	posted := method == http.MethodPost
	switch {
	case path == "cdata" && posted && r.table == "ATTLOG":
		r.kind = kindPunches
	case path == "cdata" && posted:
		r.kind = kindTable
	case path == "cdata" && method == http.MethodGet:
		r.kind = kindHandshake
	case (path == "getrequest" || path == "ping") && method == http.MethodGet:
		r.kind = kindPoll
	case path == "devicecmd" && posted, path == "registry": // which is posted or got
		r.kind = kindReport
	}
	return r
}

func first(query url.Values, names ...string) string {
	for _, name := range names {
		if query.Has(name) {
			return query.Get(name)
		}
	}
	return ""
}

// validSerial keeps what no terminal is called out of the register, the list of
// refused ones, and the answers.
func validSerial(serial string) bool {
	for _, c := range []byte(serial) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return serial != "" && len(serial) <= 32
}
