package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Readings writes down who is shown personal values, before they are shown, and
// says who was. Errors: ErrUnrecorded, ErrUnavailable.
type Readings interface {
	// RecordReading writes down, durably, that the principal is about to be shown
	// those of the values that can be read, and answers the release that shows
	// them. Without any it writes nothing. operation is a code.
	RecordReading(ctx context.Context, by Principal, operation string, values ...Personal) (Release, error)
	// ReadingsOf lists who was shown values of a person, newest first, from before
	// the position given (0 from the newest); limit as for People. It answers for
	// somebody erased as well: a reading names ids.
	ReadingsOf(ctx context.Context, by Principal, person uuid.UUID, before uint64, limit int) ([]ReadingView, error)
}

// ValueOf says which value of whom a value is.
type ValueOf struct {
	Subject uuid.UUID // a person id; a work id only where nothing leads to the person
	eventschema.ShownValue
}

// Personal is a personal value as this reader may see it. CertificateLeaf is the
// leaf of the trail whose destruction the certificate of an erased value is about,
// once there is a certificate.
type Personal struct {
	eventschema.Personal
	CertificateLeaf *uint64
	Of              ValueOf
}

// Reveal answers the value of a clear one whose reading was recorded.
func (p Personal) Reveal(release Release) (string, bool) {
	if !release.recorded[p.Of] {
		return "", false
	}
	return p.Personal.Reveal()
}

// Release shows the values whose reading was recorded, and no others. The zero
// Release shows none.
type Release struct{ recorded map[ValueOf]bool }

// ReleaseOf is the receipt of a reading that was recorded.
func ReleaseOf(values ...ValueOf) Release {
	r := Release{recorded: make(map[ValueOf]bool, len(values))}
	for _, v := range values {
		r.recorded[v] = true
	}
	return r
}

// Values lists what is personal of a person.
func (view PersonView) Values() []Personal {
	return []Personal{view.WorkID, view.LegalName, view.BirthDate, view.Email, view.Phone}
}

// Values lists what is personal in an event.
func (view EventView) Values() []Personal {
	values := make([]Personal, len(view.Personal))
	for i := range view.Personal {
		values[i] = view.Personal[i].Value
	}
	return values
}

// ReadingView is one reading of values of a person.
type ReadingView struct {
	Position  uint64
	ReadID    uuid.UUID
	ReadAt    time.Time
	ReadBy    eventschema.Actor
	Operation string
	Use       eventschema.Use
	Shown     []eventschema.ShownValue
	Together  int // of how many people the same was shown at once
}
