package media_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/media"
	"tracekeep/eventschema"
)

var (
	item    = uuid.MustParse("0d9c1b7e-5a1f-4f6e-8d52-0b5f0e2a7c01")
	person  = uuid.MustParse("0d9c1b7e-5a1f-4f6e-8d52-0b5f0e2a7c02")
	officer = uuid.MustParse("0d9c1b7e-5a1f-4f6e-8d52-0b5f0e2a7c03")
	case1   = uuid.MustParse("0d9c1b7e-5a1f-4f6e-8d52-0b5f0e2a7c04")
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	hash    = strings.Repeat("5f2c", 16)
)

func attach(changes ...func(*media.Attach)) media.Command {
	c := media.Attach{
		ItemID: item, PersonID: person, Class: eventschema.MediaSafety, Type: eventschema.MediaJPEG, SHA256: hash, StoredBytes: 4330,
		Bytes: eventschema.Clear("2187"), Caption: eventschema.Clear("guard rail"), AttachedAt: noon.In(time.FixedZone("PST", 8*3600)), AttachedBy: officer,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func attached(class eventschema.MediaClass, kind eventschema.MediaType) *eventschema.MediaAttached {
	return &eventschema.MediaAttached{
		ItemID: item, PersonID: person, Class: class, MediaType: kind, SHA256: hash, StoredBytes: 4330,
		Bytes: eventschema.Clear("2187"), Caption: eventschema.Clear("guard rail"), AttachedAt: noon, AttachedBy: officer,
	}
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

func TestAttach(t *testing.T) {
	kept := attached(eventschema.MediaSafety, eventschema.MediaJPEG)
	class := func(class eventschema.MediaClass, kind eventschema.MediaType) media.Command {
		return attach(func(c *media.Attach) { c.Class, c.Type = class, kind })
	}
	domaintest.Run(t, media.Decider(), map[string]domaintest.Case[media.Command]{
		"a photo of safety":                       {When: attach(), Then: past(kept)},
		"a portrait":                              {When: class(eventschema.MediaPortrait, eventschema.MediaPNG), Then: past(attached(eventschema.MediaPortrait, eventschema.MediaPNG))},
		"a document of the work":                  {When: class(eventschema.MediaWork, eventschema.MediaPDF), Then: past(attached(eventschema.MediaWork, eventschema.MediaPDF))},
		"the same again changes nothing":          {Given: past(kept), When: attach()},
		"another one under the same id":           {Given: past(kept), When: attach(func(c *media.Attach) { c.SHA256 = strings.Repeat("00", 32) }), Refused: media.ErrOther},
		"somebody else's under the same id":       {Given: past(kept), When: attach(func(c *media.Attach) { c.PersonID = officer }), Refused: media.ErrOther},
		"a class that there is not":               {When: class("selfie", eventschema.MediaPNG), Refused: media.ErrClass},
		"a document is no portrait":               {When: class(eventschema.MediaPortrait, eventschema.MediaPDF), Refused: media.ErrType},
		"a type that is not taken in":             {When: class(eventschema.MediaWork, "image/svg+xml"), Refused: media.ErrType},
		"a photo where photos are forbidden":      {When: attach(func(c *media.Attach) { c.NoPhotos = true }), Refused: media.ErrPhotos},
		"a portrait where photos are forbidden":   {When: attach(func(c *media.Attach) { c.NoPhotos, c.Class = true, eventschema.MediaPortrait }), Refused: media.ErrPhotos},
		"a document where photos are forbidden":   {When: attach(func(c *media.Attach) { c.NoPhotos, c.Class, c.Type = true, eventschema.MediaWork, eventschema.MediaPDF }), Then: past(attached(eventschema.MediaWork, eventschema.MediaPDF))},
		"nobody's":                                {When: attach(func(c *media.Attach) { c.PersonID = uuid.Nil }), Refused: media.ErrPerson},
		"what has no hash was not stored":         {When: attach(func(c *media.Attach) { c.SHA256 = "5f2c" }), Refused: media.ErrStored},
		"what has no file was not stored":         {When: attach(func(c *media.Attach) { c.StoredBytes = 0 }), Refused: media.ErrStored},
		"what has no length cannot be read":       {When: attach(func(c *media.Attach) { c.Bytes = eventschema.Personal{} }), Refused: media.ErrStored},
		"a caption has one line":                  {When: attach(func(c *media.Attach) { c.Caption = eventschema.Clear("a\nb") }), Refused: media.ErrText},
		"a file name is short":                    {When: attach(func(c *media.Attach) { c.FileName = eventschema.Clear(strings.Repeat("ä", 256)) }), Refused: media.ErrText},
		"somebody answers for it":                 {When: attach(func(c *media.Attach) { c.AttachedBy = uuid.Nil }), Refused: media.ErrNoActor},
		"it has a time":                           {When: attach(func(c *media.Attach) { c.AttachedAt = time.Time{} }), Refused: media.ErrNoTime},
		"after its removal it does not come back": {Given: past(kept, &eventschema.MediaRemoved{ItemID: item, PersonID: person, CaseID: case1, RemovedAt: noon}), When: attach()},
	})
}

func TestRemoval(t *testing.T) {
	work, portrait := attached(eventschema.MediaWork, eventschema.MediaPDF), attached(eventschema.MediaPortrait, eventschema.MediaPNG)
	asked := &eventschema.MediaRemovalRequested{ItemID: item, PersonID: person, Reason: "no_longer_needed", RequestedAt: noon, RequestedBy: officer}
	removed := &eventschema.MediaRemoved{ItemID: item, PersonID: person, CaseID: case1, RemovedAt: noon}
	ask := func(changes ...func(*media.RequestRemoval)) media.Command {
		c := media.RequestRemoval{PersonID: person, Reason: "no_longer_needed", RequestedAt: noon, RequestedBy: officer}
		for _, change := range changes {
			change(&c)
		}
		return c
	}
	own := func(c *media.RequestRemoval) { c.ByPerson = true }
	remove := media.Remove{CaseID: case1, RemovedAt: noon}
	domaintest.Run(t, media.Decider(), map[string]domaintest.Case[media.Command]{
		"is asked for": {Given: past(work), When: ask(), Then: past(asked)},
		"is asked for again, after a case that was stopped": {Given: past(work, asked), When: ask(), Then: past(asked)},
		"of what is removed changes nothing":                {Given: past(work, asked, removed), When: ask()},
		"of what there is not":                              {When: ask(), Refused: media.ErrUnknown},
		"of somebody else's":                                {Given: past(work), When: ask(func(c *media.RequestRemoval) { c.PersonID = officer }), Refused: media.ErrUnknown},
		"of the own portrait, by the person":                {Given: past(portrait), When: ask(own), Then: past(asked)},
		"of the office's, by the person":                    {Given: past(work), When: ask(own), Refused: media.ErrPortrait},
		"has a reason":                                      {Given: past(work), When: ask(func(c *media.RequestRemoval) { c.Reason = "Ada asked" }), Refused: media.ErrReason},
		"has somebody who answers for it":                   {Given: past(work), When: ask(func(c *media.RequestRemoval) { c.RequestedBy = uuid.Nil }), Refused: media.ErrNoActor},
		"has a time":                                        {Given: past(work), When: ask(func(c *media.RequestRemoval) { c.RequestedAt = time.Time{} }), Refused: media.ErrNoTime},
		"is recorded":                                       {Given: past(work, asked), When: remove, Then: past(removed)},
		"is recorded unasked, with an erasure":              {Given: past(work), When: remove, Then: past(removed)},
		"is recorded once":                                  {Given: past(work, removed), When: remove},
		"of nothing is not recorded":                        {When: remove, Refused: media.ErrUnknown},
		"is recorded under a case":                          {Given: past(work), When: media.Remove{RemovedAt: noon}, Refused: media.ErrNoCase},
		"is recorded with a time":                           {Given: past(work), When: media.Remove{CaseID: case1}, Refused: media.ErrNoTime},
	})
}
