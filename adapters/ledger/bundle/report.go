package bundle

import (
	"cmp"
	"slices"
	"time"

	"tracekeep/adapters/ledger/trail"
)

// maxFindings bounds a report; what follows is only counted.
const maxFindings = 200

// Trust is what the auditor brings. Nothing of it comes from the bundle.
type Trust struct {
	// Key is a verifier key of the log, the first or any later one.
	Key string
	// Policy says which witnesses must have signed; nil asks for none.
	Policy *trail.Policy
	// Earlier are signed checkpoints of the log that the auditor kept. The log of
	// the bundle must continue each of them.
	Earlier []string
}

// Report is the outcome of [Verify].
type Report struct {
	OK         bool          `json:"ok"`
	Origin     string        `json:"origin"`
	Size       uint64        `json:"size"`
	Root       trail.Hash    `json:"root"`
	Checkpoint string        `json:"checkpoint"` // the signed note, as the bundle has it; to be kept for [Trust.Earlier]
	Selection  Selection     `json:"selection"`
	Key        string        `json:"key"`  // in force at the checkpoint
	Keys       int           `json:"keys"` // that the log has had
	Events     uint64        `json:"events"`
	Bytes      uint64        `json:"bytes"` // of the bundle
	First      *Place        `json:"first,omitempty"`
	Last       *Place        `json:"last,omitempty"`
	Skipped    uint64        `json:"skipped_leaves"`
	Proven     bool          `json:"proven"` // the events give the signed root
	Witnessed  *Witnessed    `json:"witnessed,omitempty"`
	Earlier    []Continued   `json:"earlier,omitempty"`
	Certified  uint64        `json:"certificates"`
	Opened     uint64        `json:"opened_values"`
	Unlisted   []string      `json:"types_without_schema,omitempty"`
	Accounts   trail.Summary `json:"accounts"`
	// Findings are in the order of leaves and at most 200; More counts the rest.
	Findings []trail.Finding `json:"findings"`
	More     uint64          `json:"more"`
}

// Place is where an event stands.
type Place struct {
	Position uint64    `json:"position"`
	Leaf     uint64    `json:"leaf"`
	Recorded time.Time `json:"recorded_at"`
}

// Witnessed says which witnesses signed, and of how many leaves.
type Witnessed struct {
	Size      uint64   `json:"size"`
	By        []string `json:"by"`
	Satisfied bool     `json:"satisfied"`
}

// Continued says whether the log continues a checkpoint that the auditor kept.
type Continued struct {
	Size uint64 `json:"size"`
	// Holds is true when it does. It is not known where the bundle holds no proof
	// from this size; then Known is false and nothing is claimed.
	Holds bool `json:"holds"`
	Known bool `json:"known"`
}

func (r *Report) add(f trail.Finding) {
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

// of reports what is wrong with a member as a whole.
func (r *Report) of(kind trail.Kind, detail string) { r.add(trail.Finding{Kind: kind, Detail: detail}) }

func (r *Report) close() {
	slices.SortStableFunc(r.Findings, func(a, b trail.Finding) int {
		return cmp.Or(cmp.Compare(a.Leaf, b.Leaf), cmp.Compare(a.Position, b.Position))
	})
	r.OK = len(r.Findings) == 0
}
