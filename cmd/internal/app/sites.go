package app

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/site"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// siteRegister keeps the sites that were read, so that a punch reads only what was
// said of them since.
type siteRegister struct {
	mu    sync.Mutex
	state site.State
	next  uint64 // the first revision that was not read
}

// currentSites is every site as the log has it now: a site that was defined before a
// punch came holds it.
func (a *App) currentSites(ctx context.Context) (site.State, error) {
	decider := site.Decider()
	a.sites.mu.Lock()
	state, next := a.sites.state, a.sites.next
	a.sites.mu.Unlock()
	if state == nil {
		state = decider.Initial()
	}
	stream, from := eventschema.SiteStream(a.tenant).String(), next
	for recorded, err := range a.store.ReadStream(ctx, stream, from) {
		if err != nil {
			return nil, fmt.Errorf("read the sites: %w", err)
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return nil, fmt.Errorf("read the sites: %w", err)
		}
		state, next = decider.Evolve(state, decoded.Event), recorded.Revision+1
	}
	a.sites.mu.Lock()
	defer a.sites.mu.Unlock()
	if next > a.sites.next {
		a.sites.state, a.sites.next = state, next
	}
	return state, nil
}

// SteerSite defines, changes or closes a site. It answers the refusals of [site], and
// [site.ErrZone] for a name that no zone has.
func (a *App) SteerSite(ctx context.Context, by httpapi.Principal, command site.Command) (httpapi.Receipt, error) {
	zone := ""
	switch c := command.(type) {
	case site.Define:
		zone = c.Zone
	case site.Change:
		zone = c.Zone
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return httpapi.Receipt{}, outward(site.ErrZone)
	}
	key, err := a.newID()
	if err != nil {
		return httpapi.Receipt{}, err
	}
	return acknowledge(domain.Handle(ctx, a.handler, site.Decider(), domain.Request{
		Stream: eventschema.SiteStream(a.tenant), Key: "site " + key.String(), Actor: by.Actor(),
	}, command))
}

// Sites lists every site there ever was.
func (a *App) Sites(ctx context.Context) ([]projections.Site, error) {
	return projections.Sites(ctx, a.models.Querier(), a.tenant)
}

// siteAndFence says for which site a punch is, and reads the fence of that site if the
// point of the punch is kept. A punch is kept whatever the fence says (promise ST-47).
func (a *App) siteAndFence(ctx context.Context, p httpapi.PunchEntry, outcome eventschema.LocationOutcome) (string, *eventschema.FenceReading, error) {
	sites, err := a.currentSites(ctx)
	if err != nil {
		return "", nil, err
	}
	code, fence := siteAndFenceIn(sites, p, outcome)
	return code, fence, nil
}

// siteAndFenceIn is the same for whoever has the sites at hand.
func siteAndFenceIn(sites site.State, p httpapi.PunchEntry, outcome eventschema.LocationOutcome) (string, *eventschema.FenceReading) {
	of, known := sites.Of(p.Site, p.Station)
	if !known { // the code stands, whether or not anybody has defined it
		return p.Site, nil
	}
	if of.Fence == nil || outcome != eventschema.LocationRecordedOutcome {
		return of.Code, nil
	}
	point, readable := pointOf(*p.Location)
	if !readable {
		return of.Code, nil
	}
	reading := site.Read(*of.Fence, point)
	return of.Code, &reading
}

// pointOf reads the point of a punch on its way.
func pointOf(l httpapi.Location) (site.Point, bool) {
	degrees := func(value eventschema.Personal) (float64, bool) {
		text, clear := value.Reveal()
		parsed, err := strconv.ParseFloat(text, 64)
		return parsed, clear && err == nil
	}
	var p site.Point
	var latitude, longitude bool
	p.Latitude, latitude = degrees(l.Latitude)
	p.Longitude, longitude = degrees(l.Longitude)
	p.AccuracyMetres, _ = degrees(l.AccuracyMetres) // 0 where it is not stated
	return p, latitude && longitude
}
