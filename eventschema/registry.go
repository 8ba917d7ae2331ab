package eventschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Errors of decoding. An event that cannot be decoded stops its reader: it is
// never skipped, because a skipped event is a wrong figure nobody notices.
var (
	ErrUnknownEvent   = errors.New("event type is not registered")
	ErrUnknownVersion = errors.New("event schema version is newer than this release")
	ErrPayload        = errors.New("event payload does not fit its schema")
)

// Definition registers one event: its current version and how every older one
// becomes the next.
type Definition struct {
	Type    string
	Version int
	New     func() Event
	// Upcasts holds, for each older version, the step to the version after it.
	Upcasts map[int]Upcast

	// plain, where set, reads the versions from plainSince on as Encode writes them;
	// see [plain]. It answers false, and leaves the event alone, for any other form.
	plain      func(data []byte, event Event) bool
	plainSince int
}

// Upcast lifts one stored version to the next. It runs on sealed events, so it
// never sees a personal value: Data reshapes the skeleton and Fields says where
// a field of an old section is found now ("section.field" to "section.field").
type Upcast struct {
	Data   func(json.RawMessage) (json.RawMessage, error)
	Fields map[string]string
}

// Registry knows every registered event. It is immutable after [NewRegistry].
type Registry struct {
	definitions map[string]Definition
	stored      map[string]storedVersion
}

type storedVersion struct {
	definition Definition
	version    int
}

// NewRegistry makes the registry of this release. It fails when a definition is
// incomplete, which is a mistake of the programmer and found by every test.
func NewRegistry() (*Registry, error) {
	return registryOf(
		removalListed(), retentionBatchSubmitted(), retentionBatchApproved(),
		personRegistered(), personCorrected(), personClosed(), workOpened(), workEnded(),
		punchRecorded(), punchCorrected(), hoursDeclared(), declarationCorrected(), locationRecorded(),
		consentGiven(), consentWithdrawn(),
		erasureRequested(), identityVerified(), scopeAssessed(), holdChecked(), coolingOffStarted(), erasureApproved(),
		erasureStepStarted(), fenceClosed(), fenceReopened(), writersDrained(), mentionsReviewed(), keysDestroyed(),
		cachesQuiesced(), readModelsScrubbed(), copiesPursued(), recipientNotified(), erasureVerified(), recordsExpired(), erasureCertified(), epochsRetired(),
		erasureCancelled(), erasureRefused(), deadlineExtended(),
		holdPlaced(), holdConfirmed(), holdReviewed(), holdLiftRequested(), holdLifted(), holdLapsed(),
		processingRestricted(), objectionDecided(), restrictionLifted(), disclosureRecorded(), periodLocked(), timeCardLocked(),
		correctionRequested(), correctionApproved(), correctionRefused(),
		valuesRead(),
		deviceInvited(), deviceEnrolled(), deviceRevoked(), batchReceived(),
		terminalRegistered(), terminalRetired(), terminalBacklogWaived(), terminalOverlapResolved(),
		shiftPlanned(), shiftRescheduled(), shiftOffered(), offerAccepted(), offerDeclined(), bidPlaced(), shiftAssigned(), shiftUnassigned(),
		swapRequested(), swapAgreed(), swapApproved(), swapRefused(), shiftCancelled(), shiftCompleted(),
		classDefined(), classChanged(), classEnded(), sessionPlanned(), sessionCancelled(), enrolmentOpened(), enrolmentEnded(), attendanceMarked(),
		siteDefined(), siteChanged(), siteClosed(),
		fieldDefined(), fieldChanged(), fieldRetired(), personFieldsSet(), workFieldsSet(),
		mediaAttached(), mediaRemovalRequested(), mediaRemoved(),
	)
}

func registryOf(definitions ...Definition) (*Registry, error) {
	r := &Registry{definitions: map[string]Definition{}, stored: map[string]storedVersion{}}
	for _, d := range definitions {
		if d.Type == "" || d.Version < 1 || d.New == nil {
			return nil, fmt.Errorf("define %q: type, version and constructor are required", d.Type)
		}
		if _, taken := r.definitions[d.Type]; taken {
			return nil, fmt.Errorf("define %q: registered twice", d.Type)
		}
		if got := d.New().EventType(); got != d.Type {
			return nil, fmt.Errorf("define %q: constructor makes %q", d.Type, got)
		}
		for v := 1; v <= d.Version; v++ {
			if v < d.Version && d.Upcasts[v].Data == nil {
				return nil, fmt.Errorf("define %q: no upcast from version %d", d.Type, v)
			}
			r.stored[StoredName(d.Type, v)] = storedVersion{definition: d, version: v}
		}
		r.definitions[d.Type] = d
	}
	return r, nil
}

// Definitions lists every registered event by type.
func (r *Registry) Definitions() []Definition {
	out := make([]Definition, 0, len(r.definitions))
	for _, d := range r.definitions {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Definition) int {
		if a.Type < b.Type {
			return -1
		}
		return 1
	})
	return out
}

// Knows says whether a stored name is one of ours, in any version.
func (r *Registry) Knows(storedName string) bool {
	_, ok := r.stored[storedName]
	return ok
}

// asStored lifts a version to one that only adds optional fields.
func asStored(data json.RawMessage) (json.RawMessage, error) { return data, nil }
