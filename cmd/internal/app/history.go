package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// History implements [httpapi.Reading]: the events of the person's own stream,
// of the erasures, restrictions and disclosures about them and, while the link
// can be read, of their work record and of the cases about that.
func (a *App) History(ctx context.Context, by httpapi.Principal, id uuid.UUID, after uint64, limit int) ([]httpapi.EventView, error) {
	person, err := a.Person(ctx, by, id)
	if err != nil {
		return nil, err
	}
	streams := []uuid.UUID{id}
	if work, err := WorkIDOf(person); err == nil {
		streams = append(streams, work)
		cases, err := projections.ErasuresOfRecord(ctx, a.models.Querier(), a.tenant, work)
		if err != nil {
			return nil, outward(err)
		}
		for _, c := range cases {
			streams = append(streams, c.CaseID)
		}
	}
	cases, err := projections.ErasuresOf(ctx, a.models.Querier(), a.tenant, id)
	if err != nil {
		return nil, outward(err)
	}
	for _, c := range cases {
		streams = append(streams, c.CaseID)
	}
	restrictions, err := projections.RestrictionsOf(ctx, a.models.Querier(), a.tenant, id)
	if err != nil {
		return nil, outward(err)
	}
	for _, r := range restrictions {
		streams = append(streams, r.CaseID)
	}
	disclosures, err := projections.DisclosuresOf(ctx, a.models.Querier(), a.tenant, id)
	if err != nil {
		return nil, outward(err)
	}
	for _, d := range disclosures {
		streams = append(streams, d.DisclosureID)
	}
	query := projections.AuditQuery{Streams: streams, OldestFirst: true, Limit: limit}
	if after > 0 {
		query.From = &after
	}
	entries, err := projections.Audit(ctx, a.models.Querier(), a.tenant, query)
	if err != nil {
		return nil, outward(err)
	}
	views, err := a.openEntries(ctx, by, entries)
	for _, view := range views {
		for i := range view.Personal {
			view.Personal[i].Value.Of.Subject = id // of the work record too: a reading names the person alone
		}
	}
	return views, err
}

// openEntries reads the events behind entries of the feed, a run of one stream
// at a time, and opens them.
func (a *App) openEntries(ctx context.Context, by httpapi.Principal, entries []projections.AuditEntry) ([]httpapi.EventView, error) {
	wanted := map[string]map[uint64]int{}
	first := map[string]uint64{}
	for i, e := range entries {
		stream := e.Stream.String()
		if wanted[stream] == nil {
			wanted[stream], first[stream] = map[uint64]int{}, e.Revision
		}
		wanted[stream][e.Revision] = i
		first[stream] = min(first[stream], e.Revision)
	}
	views := make([]httpapi.EventView, len(entries))
	for stream, revisions := range wanted {
		left := len(revisions)
		for recorded, err := range a.store.ReadStream(ctx, stream, first[stream]) {
			if errors.Is(err, eventstoredb.ErrStreamDeleted) {
				left = 0
				for _, i := range revisions {
					if views[i], err = a.expiredView(ctx, entries[i]); err != nil {
						return nil, outward(err)
					}
				}
				break
			}
			if err != nil {
				return nil, outward(err)
			}
			i, asked := revisions[recorded.Revision]
			if !asked {
				continue
			}
			if views[i], err = a.eventView(ctx, by, recorded); err != nil {
				return nil, outward(err)
			}
			if left--; left == 0 {
				break
			}
		}
		if left > 0 {
			return nil, fmt.Errorf("%d events of %s are in the feed and not in the store", left, stream)
		}
	}
	return views, nil
}

// expiredView shows what the feed knows of an event whose stream has just ended:
// within moments the feed forgets it too.
func (a *App) expiredView(ctx context.Context, e projections.AuditEntry) (httpapi.EventView, error) {
	status, err := a.keys.Status(ctx, a.tenant, e.Stream.ID)
	if err != nil {
		return httpapi.EventView{}, err
	}
	facts, err := json.Marshal(map[string]any{"expired": true, "case": status[e.Stream.ID].Case})
	return httpapi.EventView{
		Position: e.Position, Revision: e.Revision, Stream: e.Stream.String(), EventID: e.EventID, Type: e.EventType,
		RecordedAt: e.RecordedAt, Actor: e.Actor, CorrelationID: e.CorrelationID, Facts: facts,
	}, err
}

func (a *App) eventView(ctx context.Context, by httpapi.Principal, recorded eventschema.Recorded) (httpapi.EventView, error) {
	decoded, err := a.registry.Decode(recorded)
	if err != nil {
		return httpapi.EventView{}, err
	}
	if err := a.registry.Open(ctx, a.keys, &decoded, by.Use()); err != nil {
		return httpapi.EventView{}, err
	}
	facts, err := json.Marshal(decoded.Event)
	if err != nil {
		return httpapi.EventView{}, fmt.Errorf("show %s at position %d: %w", recorded.Type, recorded.Position, eventschema.ErrPayload)
	}
	view := httpapi.EventView{
		Position: recorded.Position, Revision: recorded.Revision, Stream: recorded.Stream, EventID: recorded.ID,
		Type: recorded.Type, RecordedAt: recorded.Created, Actor: decoded.Meta.Actor, Facts: facts,
		CorrelationID: decoded.Meta.CorrelationID, CausationID: decoded.Meta.CausationID,
	}
	view.Personal, err = a.namedValues(ctx, decoded.Event, readerOfFields(by, ""))
	return view, err
}

// namedValues lists the personal values of an event that was opened. Fields of the
// tenant's own, which an event holds joined, come apart, and a reader is shown those that
// are for them.
func (a *App) namedValues(ctx context.Context, event eventschema.Event, reader field.Reader) ([]httpapi.NamedPersonal, error) {
	var named []httpapi.NamedPersonal
	for _, section := range event.Sections() {
		for _, f := range section.Fields {
			switch {
			case f.Value.State() == eventschema.StateAbsent:
			case f.Value.State() == eventschema.StateClear && eventschema.JoinsFields(event.EventType()):
				parts, err := a.partedValues(ctx, section, *f.Value, reader)
				if err != nil {
					return nil, err
				}
				named = append(named, parts...)
			default:
				value := a.personal(ctx, *f.Value)
				value.Of = httpapi.ValueOf{Subject: section.Subject, ShownValue: eventschema.ShownValue{Field: section.Name + "." + f.Name, Purpose: section.Purpose}}
				named = append(named, httpapi.NamedPersonal{Section: section.Name, Field: f.Name, Purpose: section.Purpose, Value: value})
			}
		}
	}
	return named, nil
}

// partedValues are the values that one section holds joined, by code. One that clears its
// field is absent.
func (a *App) partedValues(ctx context.Context, section eventschema.Section, joined eventschema.Personal, reader field.Reader) ([]httpapi.NamedPersonal, error) {
	parts, err := eventschema.PartFields(joined)
	if err != nil {
		return nil, err
	}
	defined, err := a.currentFields(ctx)
	if err != nil {
		return nil, err
	}
	var named []httpapi.NamedPersonal
	for _, code := range slices.Sorted(maps.Keys(parts)) {
		named = append(named, httpapi.NamedPersonal{
			Section: section.Name, Field: code, Purpose: section.Purpose,
			Value: a.shownField(ctx, reader, defined[code], section.Subject, parts[code], map[uuid.UUID]*uint64{}),
		})
	}
	return named, nil
}
