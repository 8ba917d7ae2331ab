package terminal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/terminal"
	"tracekeep/eventschema"
)

var (
	id       = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	noon     = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	inManila = noon.In(time.FixedZone("PST", 8*3600))

	register = terminal.Register{TerminalID: id, Serial: "CKJF201260017", Station: "gate-1", Zone: "Asia/Manila", RegisteredBy: officer, RegisteredAt: inManila}
	retire   = terminal.Retire{RetiredBy: officer, RetiredAt: inManila}
	waive    = terminal.Waive{Reason: eventschema.WaiverNobody, WaivedBy: officer, WaivedAt: inManila, Until: inManila.Add(time.Hour)}

	resolve = terminal.Resolve{Reading: "2026-10-25 02:10:00", Pass: eventschema.PassSecond, ResolvedBy: officer, ResolvedAt: inManila}

	registered = &eventschema.TerminalRegistered{TerminalID: id, Serial: "CKJF201260017", Station: "gate-1", Zone: "Asia/Manila", RegisteredAt: noon, RegisteredBy: officer}
	retired    = &eventschema.TerminalRetired{TerminalID: id, RetiredAt: noon, RetiredBy: officer}
	waived     = &eventschema.TerminalBacklogWaived{TerminalID: id, Reason: eventschema.WaiverNobody, WaivedAt: noon, WaivedBy: officer, Until: noon.Add(time.Hour)}
	resolved   = &eventschema.TerminalOverlapResolved{TerminalID: id, Reading: "2026-10-25 02:10:00", Pass: eventschema.PassSecond, ResolvedAt: noon, ResolvedBy: officer}
)

func past(events ...eventschema.Event) []eventschema.Event { return events }

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

func TestTerminals(t *testing.T) {
	wholeDay := func(c *terminal.Resolve) { c.Reading, c.Pass = "2026-10-25", eventschema.PassOrder }
	first := changed(resolve, func(c *terminal.Resolve) { c.Pass = eventschema.PassFirst })
	resolvedFirst, resolvedDay := *resolved, *resolved
	resolvedFirst.Pass = eventschema.PassFirst
	resolvedDay.Reading, resolvedDay.Pass = "2026-10-25", eventschema.PassOrder
	elsewhere := changed(register, func(c *terminal.Register) { c.Station = "gate-2" })
	there := *registered
	there.Station = "gate-2"
	domaintest.Run(t, terminal.Decider(), map[string]domaintest.Case[terminal.Command]{
		"a terminal is registered": {When: register, Then: past(registered)},
		"once":                     {Given: past(registered), When: register},
		"it does not change its station by the way": {Given: past(registered), When: elsewhere, Refused: terminal.ErrAlreadyRegistered},
		"nor its zone":                                   {Given: past(registered), When: changed(register, func(c *terminal.Register) { c.Zone = "Asia/Tokyo" }), Refused: terminal.ErrAlreadyRegistered},
		"a retired one may hang elsewhere":               {Given: past(registered, retired), When: elsewhere, Then: past(&there)},
		"somebody answers for it":                        {When: changed(register, func(c *terminal.Register) { c.RegisteredBy = uuid.Nil }), Refused: terminal.ErrNoActor},
		"without a serial number":                        {When: changed(register, func(c *terminal.Register) { c.Serial = "" }), Refused: terminal.ErrSerial},
		"with one that is none":                          {When: changed(register, func(c *terminal.Register) { c.Serial = "BAD SN" }), Refused: terminal.ErrSerial},
		"with one that is too long":                      {When: changed(register, func(c *terminal.Register) { c.Serial = strings.Repeat("1", 33) }), Refused: terminal.ErrSerial},
		"without a station":                              {When: changed(register, func(c *terminal.Register) { c.Station = "" }), Refused: terminal.ErrStation},
		"at a station that a file could not name":        {When: changed(register, func(c *terminal.Register) { c.Station = "gate 1" }), Refused: terminal.ErrStation},
		"without a zone":                                 {When: changed(register, func(c *terminal.Register) { c.Zone = "" }), Refused: terminal.ErrZone},
		"a terminal is retired":                          {Given: past(registered), When: retire, Then: past(retired)},
		"once, too":                                      {Given: past(registered, retired), When: retire},
		"somebody answers for retiring":                  {Given: past(registered), When: terminal.Retire{RetiredAt: noon}, Refused: terminal.ErrNoActor},
		"an unknown one is not retired":                  {When: retire, Refused: terminal.ErrNotRegistered},
		"rows that make no punch are let go":             {Given: past(registered), When: waive, Then: past(waived)},
		"by somebody":                                    {Given: past(registered), When: changed(waive, func(c *terminal.Waive) { c.WaivedBy = uuid.Nil }), Refused: terminal.ErrNoActor},
		"for a reason":                                   {Given: past(registered), When: changed(waive, func(c *terminal.Waive) { c.Reason = "because" }), Refused: terminal.ErrReason},
		"for a day at most":                              {Given: past(registered), When: changed(waive, func(c *terminal.Waive) { c.Until = noon.Add(24*time.Hour + 1) }), Refused: terminal.ErrUntil},
		"and not for the past":                           {Given: past(registered), When: changed(waive, func(c *terminal.Waive) { c.Until = noon }), Refused: terminal.ErrUntil},
		"not those of a retired one, which may not push": {Given: past(registered, retired), When: waive, Refused: terminal.ErrRetired},
		"nor of an unknown one":                          {When: waive, Refused: terminal.ErrNotRegistered},
		"a local time that came twice is resolved":       {Given: past(registered), When: resolve, Then: past(resolved)},
		"once, as everything":                            {Given: past(registered, resolved), When: resolve},
		"also when it hangs elsewhere since":             {Given: past(registered, resolved, retired, &there), When: resolve},
		"it may be resolved otherwise":                   {Given: past(registered, resolved), When: first, Then: past(&resolvedFirst)},
		"a whole day by the order of the rows":           {Given: past(registered, resolved), When: changed(resolve, wholeDay), Then: past(&resolvedDay)},
		"one reading has no order":                       {Given: past(registered), When: changed(resolve, func(c *terminal.Resolve) { c.Pass = eventschema.PassOrder }), Refused: terminal.ErrPass},
		"nor a third pass":                               {Given: past(registered), When: changed(resolve, func(c *terminal.Resolve) { c.Pass = "third" }), Refused: terminal.ErrPass},
		"a reading that is none":                         {Given: past(registered), When: changed(resolve, func(c *terminal.Resolve) { c.Reading = "2026-10-25T02:10" }), Refused: terminal.ErrReading},
		"a day that is none":                             {Given: past(registered), When: changed(resolve, func(c *terminal.Resolve) { c.Reading = "2026-02-30" }), Refused: terminal.ErrReading},
		"somebody answers for resolving":                 {Given: past(registered), When: changed(resolve, func(c *terminal.Resolve) { c.ResolvedBy = uuid.Nil }), Refused: terminal.ErrNoActor},
		"a retired one sends nothing that was twice":     {Given: past(registered, retired), When: resolve, Refused: terminal.ErrRetired},
		"nor one that nobody knows":                      {When: resolve, Refused: terminal.ErrNotRegistered},
		"no command":                                     {Refused: domain.ErrUnknownCommand},
	})
}
