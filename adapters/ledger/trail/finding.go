package trail

// Kind says what is wrong.
type Kind string

// The kinds of finding. The first six are about events, measured by a trail that
// agrees with its signature.
const (
	KindAltered   Kind = "altered"   // the event at this position is not the recorded one
	KindRemoved   Kind = "removed"   // the trail has a leaf here, no event and no record of a removal explains it
	KindInserted  Kind = "inserted"  // there is an event the trail never saw
	KindReordered Kind = "reordered" // a recorded event stands at another place
	KindTruncated Kind = "truncated" // the events end before the trail; Position is the first missing one
	KindGap       Kind = "gap"       // revisions of a stream neither exist nor were listed as removed
	// KindForked: events, hashes and the signed checkpoint cannot all be true.
	// Position is the first one under the oldest disagreement, 0 when the whole
	// trail was rewritten.
	KindForked Kind = "forked"
	// KindRolledBack: the log ends before one of its checkpoints that was kept
	// outside. Leaf is where it ends.
	KindRolledBack   Kind = "rolled_back"
	KindBadSignature Kind = "bad_signature" // a signed text is not signed by the key that should have
	KindCorrupt      Kind = "corrupt"       // a file is damaged, the events are as signed
	KindUnwitnessed  Kind = "unwitnessed"   // the policy asks for witnesses that did not sign
	KindFalseClaim   Kind = "false_claim"   // a certificate or a list of removals says what the trail does not
)

// Finding is one thing that is wrong. Stream and Revision are those of the event
// that is there, empty where there is none.
type Finding struct {
	Position uint64 `json:"position"`
	Leaf     uint64 `json:"leaf"` // rank of the event in the trail
	Stream   string `json:"stream,omitempty"`
	Revision uint64 `json:"revision"`
	Kind     Kind   `json:"kind"`
	Detail   string `json:"detail"`
}
