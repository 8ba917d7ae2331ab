package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/adms"
	"tracekeep/adapters/importer"
	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

const (
	pushActorRole = "terminal"
	pushCards     = 1024 // more than a batch has people
	// registerAge is how long the register of terminals is remembered. Whoever tries
	// serial numbers out causes no more queries than this.
	registerAge = time.Second
)

// Pushes takes what terminals push. It implements [adms.Register] and
// [adms.Punches].
type Pushes struct {
	app *App

	mu       sync.Mutex
	register map[string]adms.Terminal
	at       time.Time
}

// Pushes answers what terminals push to.
func (a *App) Pushes() *Pushes { return &Pushes{app: a} }

// Find implements [adms.Register].
func (p *Pushes) Find(ctx context.Context, serial string) (adms.Terminal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.app.clock()
	if age := now.Sub(p.at); p.register == nil || age < 0 || age > registerAge {
		if err := p.read(ctx); err != nil {
			return adms.Terminal{}, err
		}
		p.at = now
	}
	found, known := p.register[serial]
	if !known {
		return adms.Terminal{}, adms.ErrUnknown
	}
	return found, nil
}

func (p *Pushes) read(ctx context.Context) error {
	all, err := p.app.Terminals(ctx)
	if err != nil {
		return err
	}
	register := make(map[string]adms.Terminal, len(all))
	for _, t := range all {
		if !t.Registered {
			continue
		}
		zone, err := importer.ParseZone(t.Zone)
		if err != nil {
			return fmt.Errorf("the zone of a terminal: %w", err)
		}
		one := adms.Terminal{Serial: t.Serial, Station: t.Station, Zone: zone, Overlaps: map[string]string{}}
		for reading, pass := range t.Overlaps {
			one.Overlaps[reading] = string(pass)
		}
		if t.WaivedUntil != nil {
			one.WaivedUntil = *t.WaivedUntil
		}
		register[t.Serial] = one
	}
	p.register = register
	return nil
}

// Take implements [adms.Punches]. The rows are read, and each punch is known again,
// as if they were in a file.
func (p *Pushes) Take(ctx context.Context, from adms.Terminal, batch []byte) (adms.Verdict, error) {
	correlation, err := p.app.newID()
	if err != nil {
		return adms.Verdict{}, err
	}
	sink := &pushImport{clockImport: clockImport{
		app: p.app, actor: eventschema.Actor{ID: p.app.operator, Role: pushActorRole}, source: eventschema.SourceTerminal,
		correlation: correlation, cards: newCardCache(pushCards),
	}}
	read, err := importer.Run(ctx, importer.Options{
		Clock: bytes.NewReader(batch), Size: int64(len(batch)), Format: "adms", Station: from.Station, Zone: from.Zone, Now: p.app.clock(),
		Overlaps: overlaps(from.Overlaps),
	}, sink)
	if err != nil && !errors.Is(err, importer.ErrNotClockFile) { // every row has its verdict then, too
		return adms.Verdict{}, unnamed(err)
	}
	p.app.fault("push recorded")
	v := adms.Verdict{
		Rows: int(read.Lines - read.BlankLines), Recorded: int(read.Recorded), Already: int(read.AlreadyRecorded + read.ExactDuplicates),
		Templates: int(read.RejectsByReason[importer.Biometric]), Held: map[string]int{}, Suspect: map[string]int{},
	}
	for reason, n := range read.RejectsByReason {
		if reason != importer.Biometric {
			v.Held[string(reason)] = int(n)
		}
	}
	for reason, n := range read.SuspectsByReason {
		v.Suspect[string(reason)] = int(n)
	}
	return v, nil
}

func overlaps(passes map[string]string) map[string]importer.Overlap {
	choices := make(map[string]importer.Overlap, len(passes))
	for reading, pass := range passes {
		choices[reading] = importer.Overlap(pass) // the words are the same
	}
	return choices
}

// unnamed is an error without the names of streams, which a log must not have
// (domain/decisions/0040).
func unnamed(err error) error {
	stream := regexp.MustCompile(`[a-z]+-[0-9a-f]{32}\.[0-9a-f]{32}(\.[0-9]+)?`)
	return errors.New(stream.ReplaceAllLiteralString(err.Error(), "a stream"))
}

// pushImport takes one batch. It implements [importer.Sink] and [importer.Recaller].
// It registers nobody.
type pushImport struct{ clockImport }

// Resolve implements [importer.Sink]. A PIN of the station goes before a badge that
// is valid everywhere, as with single punches. Of somebody who is being erased the
// batch is asked for again: within moments there is nobody of this PIN.
func (c *pushImport) Resolve(ctx context.Context, station string, pins []string, _ map[string]importer.Person) (map[string]uuid.UUID, int, error) {
	values := make([]string, 0, 2*len(pins))
	for _, pin := range pins {
		values = append(values, badgeToken(station, pin), pin)
	}
	found, err := c.app.keys.Find(ctx, c.app.tenant, tokenBadge, values...)
	if err != nil {
		return nil, 0, fmt.Errorf("look up the PINs of a station: %w", err)
	}
	known, works := make(map[string]uuid.UUID, len(pins)), make([]uuid.UUID, 0, len(pins))
	for _, pin := range pins {
		who, ours := found[badgeToken(station, pin)]
		if !ours {
			if who, ours = found[pin]; !ours {
				continue
			}
		}
		known[pin], works = who.Work, append(works, who.Work)
	}
	status, err := c.app.keys.Status(ctx, c.app.tenant, works...)
	if err != nil {
		return nil, 0, err
	}
	for pin, work := range known {
		switch status[work].Fence {
		case keyring.FenceClosing:
			return nil, 0, errBeingErased
		case keyring.FenceErased, keyring.FenceRestricted: // of whoever is erased, or came of age
			delete(known, pin)
		}
	}
	return known, 0, nil
}

// Recall implements [importer.Recaller].
func (c *pushImport) Recall(ctx context.Context, work uuid.UUID, from, before time.Time) ([]importer.Press, error) {
	names := []eventschema.StreamName{eventschema.PunchesStream(c.app.tenant, work, from)}
	if last := eventschema.PunchesStream(c.app.tenant, work, before); last != names[0] {
		names = append(names, last)
	}
	var presses []importer.Press
	for _, name := range names {
		card, err := c.cards.take(ctx, c.app.bulk, name)
		if err != nil {
			return nil, err
		}
		c.cards.give(name, card) // for the append that follows
		for _, p := range card.State.Presses(from, before) {
			presses = append(presses, importer.Press{At: p.At, Direction: p.Direction})
		}
	}
	return presses, nil
}

// TerminalAccount is what terminals did that push, as the process that serves them
// last wrote it.
func (a *App) TerminalAccount() (adms.Account, error) {
	text, err := os.ReadFile(a.folder.path(terminalsFile))
	if errors.Is(err, os.ErrNotExist) {
		return adms.Account{}, nil
	}
	var account adms.Account
	if err == nil {
		err = json.Unmarshal(text, &account)
	}
	if err != nil {
		return adms.Account{}, fmt.Errorf("read what terminals did: %w", err)
	}
	return account, nil
}

// KeepTerminalAccount writes what terminals did for [App.TerminalAccount].
func (a *App) KeepTerminalAccount(account adms.Account) error {
	text, err := json.Marshal(account)
	if err != nil {
		return fmt.Errorf("write what terminals did: %w", err)
	}
	return writeFile(a.folder.path(terminalsFile), text)
}

const terminalsFile = "terminals.json"
