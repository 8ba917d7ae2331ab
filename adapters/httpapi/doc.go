// Package httpapi is the way in over HTTP: version 1 of the API, its OpenAPI
// 3.1 document and a page that renders it.
//
// A request passes, in this order: request id, access log, recovery, security
// headers, the size and form of its body, the bearer token, the access table
// (access.go, deny by default), the Idempotency-Key, the wait for X-Min-Position,
// and only then its operation. An operation talks to the inside through the
// interfaces of ports.go, which cmd implements.
//
// An export is the one answer that is streamed (exports.go): it is broken off when it
// fails, because a part of a file looks like a whole one.
//
// Two things hold for every answer. A personal value is an object with a state,
// so an erased value never looks like an empty one. A problem (RFC 9457) names
// the place and the rule that was broken and never repeats a value that was sent.
package httpapi
