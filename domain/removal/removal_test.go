package removal_test

import (
	"testing"
	"time"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/removal"
	"tracekeep/eventschema"
)

const punches = "punches-0123456789abcdef0123456789abcdef.00112233445566778899aabbccddeeff.2026"

var listedAt = time.Date(2033, 7, 1, 2, 0, 0, 0, time.UTC)

func list(first uint64, n int) removal.List {
	c := removal.List{Stream: punches, FirstRevision: first, Ground: eventschema.RemovalCut, ListedAt: listedAt}
	for i := range uint64(n) {
		c.Leaves, c.Positions = append(c.Leaves, 10+first+i), append(c.Positions, 1000+7*(first+i))
		c.Bodies = append(c.Bodies, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	}
	return c
}

func listed(first uint64, n int) *eventschema.RemovalListed {
	c := list(first, n)
	return &eventschema.RemovalListed{
		Stream: c.Stream, FirstRevision: first, Leaves: c.Leaves, Positions: c.Positions, Bodies: c.Bodies, Ground: c.Ground, ListedAt: listedAt,
	}
}

func bent(change func(*removal.List)) removal.List {
	c := list(0, 2)
	change(&c)
	return c
}

func TestList(t *testing.T) {
	past := func(events ...eventschema.Event) []eventschema.Event { return events }
	domaintest.Run(t, removal.Decider(), map[string]domaintest.Case[removal.Command]{
		"what is removed first is listed from revision 0": {When: list(0, 3), Then: past(listed(0, 3))},
		"the next listing goes on":                        {Given: past(listed(0, 3)), When: list(3, 2), Then: past(listed(3, 2))},
		"nothing is left out":                             {Given: past(listed(0, 3)), When: list(4, 1), Refused: removal.ErrNotNext},
		"nothing is listed twice":                         {Given: past(listed(0, 3)), When: list(2, 2), Refused: removal.ErrNotNext},
		"a stream is listed from its beginning":           {When: list(1, 1), Refused: removal.ErrNotNext},
		"an empty listing says nothing":                   {When: list(0, 0), Refused: removal.ErrEmpty},
		"every event has its position":                    {When: bent(func(c *removal.List) { c.Positions = c.Positions[:1] }), Refused: removal.ErrUneven},
		"every event has the hash of its body":            {When: bent(func(c *removal.List) { c.Bodies = c.Bodies[:1] }), Refused: removal.ErrUneven},
		"leaves rise":                                     {When: bent(func(c *removal.List) { c.Leaves[1] = c.Leaves[0] }), Refused: removal.ErrOrder},
		"positions rise":                                  {When: bent(func(c *removal.List) { c.Positions[1] = 1 }), Refused: removal.ErrOrder},
		"metadata are listed like other events":           {When: bent(func(c *removal.List) { c.Stream = "$$" + punches }), Then: past(bentEvent("$$" + punches))},
		"the store's own streams have no leaves":          {When: bent(func(c *removal.List) { c.Stream = "$stats-1" }), Refused: removal.ErrOwn},
		"nor their metadata":                              {When: bent(func(c *removal.List) { c.Stream = "$$$stats-1" }), Refused: removal.ErrOwn},
		"a listing is never removed":                      {When: bent(func(c *removal.List) { c.Stream = "removal-a.b" }), Refused: removal.ErrOwn},
		"nor its metadata":                                {When: bent(func(c *removal.List) { c.Stream = "$$removal-a.b" }), Refused: removal.ErrOwn},
		"it has a time":                                   {When: bent(func(c *removal.List) { c.ListedAt = time.Time{} }), Refused: removal.ErrNoTime},
	})
}

func bentEvent(stream string) *eventschema.RemovalListed {
	event := listed(0, 2)
	event.Stream = stream
	return event
}
