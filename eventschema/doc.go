// Package eventschema says what can happen in Tracekeep: every event, every
// version of it that was ever stored, and which of its values are personal.
//
// Each event has one file. The stored name carries the schema version
// ("punch-recorded.v2") and never derives from a Go name, so a struct may be
// renamed without touching history. An old version stays readable for ever:
// its payload is upcast to the current shape when it is decoded.
//
// A personal value has the type [Personal]. It prints as [personal], refuses to
// be marshalled, and is written only inside a sealed section: one authenticated
// envelope per purpose, which becomes noise when the key of that purpose is
// destroyed. Everything outside the sections is the skeleton: times, sites, pay
// codes and pseudonymous ids. The skeleton is pseudonymous, not anonymous.
package eventschema
