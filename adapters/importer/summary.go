package importer

import "time"

// Summary is the account of an import. Every line is accepted, rejected, blank or
// no punch; every punch is an exact duplicate, recorded, or was recorded before; so are
// declared hours, of which none is a duplicate.
type Summary struct {
	Format  string `json:"format"`
	Station string `json:"station"`
	Zone    string `json:"zone"`

	Bytes      int64 `json:"bytes"`
	Lines      int64 `json:"lines"`
	BlankLines int64 `json:"blank_lines"`
	Accepted   int64 `json:"accepted"`
	Rejected   int64 `json:"rejected"`

	// OtherLines belong to the format and are no punches: headers, records about the
	// station or its people.
	OtherLines int64 `json:"other_lines"`
	// Punches are those of the accepted rows: two for a row with start and end.
	Punches int64 `json:"punches"`
	// Declared are the accepted rows with hours and no times of day, DeclaredSeconds how
	// much they come to.
	Declared        int64 `json:"declared"`
	DeclaredSeconds int64 `json:"declared_seconds"`
	// DirectionsDerived are the punches of which the file does not say whether they
	// are in or out.
	DirectionsDerived int64 `json:"directions_derived"`
	// ColumnsIgnored are columns of the file that were not read: there is no place for
	// them, or they are free text.
	ColumnsIgnored []string `json:"columns_ignored,omitempty"`

	ExactDuplicates int64 `json:"exact_duplicates"`
	Recorded        int64 `json:"recorded"`
	AlreadyRecorded int64 `json:"already_recorded"`

	PeopleInFile         int64    `json:"people_in_file"`
	PeopleRegistered     int64    `json:"people_registered"`
	PeopleWithoutPunches int64    `json:"people_without_punches"`
	PeopleRejected       int64    `json:"people_rejected"`
	PeopleColumnsIgnored []string `json:"people_columns_ignored,omitempty"`

	// First and Last are the earliest and latest accepted punch, in local time.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`

	PerState map[string]int64 `json:"per_state"` // accepted rows by the key pressed
	PerYear  map[string]int64 `json:"per_year"`  // accepted rows by local year

	RejectsByReason map[Reason]int64 `json:"rejects_by_reason"` // rows of the clock file
	Rejects         []Rejected       `json:"rejects,omitempty"` // the first of them, in file order
	PeopleRejects   []Rejected       `json:"people_rejects,omitempty"`

	SuspectsByReason map[Reason]int64 `json:"suspects_by_reason"` // rows that were taken and need a look
	Suspects         []Rejected       `json:"suspects,omitempty"` // the first of them
}
