package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/cmd/internal/app"
	"tracekeep/domain/site"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

type sitesCommand struct {
	Define sitesDefine `cmd:"" help:"Define a site: its code, its zone and, where it has one, its fence."`
	Change sitesChange `cmd:"" help:"Move a fence, change a zone, add or remove stations."`
	Close  sitesClose  `cmd:"" help:"Close a site for good."`
	List   sitesList   `cmd:"" help:"List sites, their fences and their stations."`
}

// Help implements kong's help provider.
func (sitesCommand) Help() string {
	return `A site is a place of work or a centre that is visited. Its code is what punches and shifts name, and is never used again. A
punch that names no site is of the one its station belongs to.

Where a punch keeps its point, because consent to that stands, the fence of its site says whether it lay inside, outside, or too
near to the edge to tell, and how far away in steps of 50 metres. The punch counts in any case: tracekeep hours report shows
outside and uncertain as findings. Erasing the point leaves what the fence said.

Write a centre that begins with a minus as --centre=-33.86,151.21.

Examples:
  tracekeep sites define --data ./records --site harbor_st --zone America/New_York --centre 42.3601,-71.0589 --radius 150 \
      --station gate-1 --station gate-2 --officer 6d1e…
  tracekeep sites define --data ./records --site learning_centre --zone Asia/Manila --station kiosk-1 --officer 6d1e… --json
  tracekeep sites change --data ./records --site harbor_st --radius 300 --centre 42.3601,-71.0589 --remove-station gate-2 --officer 6d1e…
  tracekeep sites change --data ./records --site harbor_st --no-fence --officer 6d1e…
  tracekeep sites close --data ./records --site harbor_st --officer 6d1e…
  tracekeep sites list --data ./records --all --json`
}

// fenceFlags describe a fence.
type fenceFlags struct {
	Centre string `help:"Centre of the fence, WGS 84: latitude and longitude in degrees, as 42.3601,-71.0589." placeholder:"LAT,LON"`
	Radius int    `help:"Radius of the fence in metres, 10 to 50000." placeholder:"METRES"`
}

// fence is the fence that the flags describe, or nil.
func (f fenceFlags) fence() (*eventschema.SiteFence, error) {
	if (f.Centre == "") != (f.Radius == 0) {
		return nil, fmt.Errorf("a fence has a --centre and a --radius")
	}
	if f.Centre == "" {
		return nil, nil //nolint:nilnil // no fence is no mistake
	}
	first, second, found := strings.Cut(f.Centre, ",")
	latitude, errLatitude := microdegrees(first)
	longitude, errLongitude := microdegrees(second)
	if !found || errLatitude != nil || errLongitude != nil {
		return nil, fmt.Errorf("--centre is a latitude and a longitude in degrees, as 42.3601,-71.0589")
	}
	return &eventschema.SiteFence{LatitudeMicrodegrees: latitude, LongitudeMicrodegrees: longitude, RadiusMetres: f.Radius}, nil
}

func microdegrees(text string) (int, error) {
	degrees, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(math.Abs(degrees) <= 180) { // not a number is neither more nor less
		return 0, site.ErrPlace
	}
	return int(math.Round(degrees * 1e6)), nil
}

func degrees(micro int) string { return strconv.FormatFloat(float64(micro)/1e6, 'f', -1, 64) }

// siteFlags are what each change of a site needs.
type siteFlags struct {
	dataFlags
	Site    string    `help:"Code of the site: lower-case letters, digits and underscores." required:"" placeholder:"CODE"`
	Officer uuid.UUID `help:"Id of whoever answers for it." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

func (f siteFlags) steer(ctx context.Context, t *terminal, verb string, command site.Command) error {
	return f.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		receipt, err := a.SteerSite(ctx, clerk(a, f.Officer), command)
		if err != nil {
			return err
		}
		if f.JSON {
			return printJSON(t.out, map[string]any{"site": f.Site, "position": receipt.Position, "repeated": receipt.Repeated})
		}
		if receipt.Repeated {
			verb = "was so already"
		}
		_, err = fmt.Fprintf(t.out, "%s %s\n", f.Site, verb)
		return err
	})
}

type sitesDefine struct {
	siteFlags
	fenceFlags
	Zone     string   `help:"IANA zone of the site, such as America/New_York." required:""`
	Stations []string `name:"station" help:"A station of the site, as punches name it; may be repeated." placeholder:"NAME"`
}

// Run defines a site.
func (c sitesDefine) Run(ctx context.Context, t *terminal) error {
	fence, err := c.fence()
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.steer(ctx, t, "is defined", site.Define{
		Code: c.Site, Zone: c.Zone, Fence: fence, Stations: c.Stations, DefinedAt: t.clock(), DefinedBy: c.Officer,
	})
}

type sitesChange struct {
	siteFlags
	fenceFlags
	NoFence bool     `help:"Take the fence away."`
	Zone    string   `help:"Another IANA zone."`
	Add     []string `name:"station" help:"A station to add; may be repeated." placeholder:"NAME"`
	Remove  []string `name:"remove-station" help:"A station to take away; may be repeated." placeholder:"NAME"`
}

// Run changes a site.
func (c sitesChange) Run(ctx context.Context, t *terminal) error {
	fence, err := c.fence()
	if err == nil && c.NoFence && fence != nil {
		err = fmt.Errorf("--no-fence and --centre are two different changes")
	}
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.steer(ctx, t, "is changed", site.Change{
		Code: c.Site, Zone: c.Zone, Fence: fence, NoFence: c.NoFence, Add: c.Add, Remove: c.Remove, ChangedAt: t.clock(), ChangedBy: c.Officer,
	})
}

type sitesClose struct{ siteFlags }

// Run closes a site.
func (c sitesClose) Run(ctx context.Context, t *terminal) error {
	return c.steer(ctx, t, "is closed", site.Close{Code: c.Site, ClosedAt: t.clock(), ClosedBy: c.Officer})
}

type sitesList struct {
	dataFlags
	All  bool `help:"List those that are closed as well."`
	JSON bool `name:"json" help:"Print one JSON object for each site."`
}

// Run lists sites.
func (c sitesList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		sites, err := a.Sites(ctx)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, s := range sites {
			if s.ClosedAt != nil && !c.All {
				continue
			}
			if c.JSON {
				if err := printJSON(t.out, siteJSON(s)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, siteRow(s))
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "SITE|ZONE|CENTRE|RADIUS|STATIONS|CLOSED", rows)
	})
}

func siteJSON(s projections.Site) map[string]any {
	said := map[string]any{"site": s.Code, "zone": s.Zone, "stations": s.Stations, "defined_at": s.DefinedAt}
	if s.Fence != nil {
		said["fence"] = map[string]any{
			"latitude": float64(s.Fence.LatitudeMicrodegrees) / 1e6, "longitude": float64(s.Fence.LongitudeMicrodegrees) / 1e6, "radius_metres": s.Fence.RadiusMetres,
		}
	}
	if s.ClosedAt != nil {
		said["closed_at"] = s.ClosedAt
	}
	return said
}

func siteRow(s projections.Site) []string {
	centre, radius, closed := "-", "-", "-"
	if s.Fence != nil {
		centre, radius = degrees(s.Fence.LatitudeMicrodegrees)+","+degrees(s.Fence.LongitudeMicrodegrees), strconv.Itoa(s.Fence.RadiusMetres)+" m"
	}
	if s.ClosedAt != nil {
		closed = s.ClosedAt.Format(time.DateOnly)
	}
	return []string{s.Code, printable(s.Zone), centre, radius, printable(strings.Join(s.Stations, ",")), closed}
}
