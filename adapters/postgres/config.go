package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"go.uber.org/zap"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// DefaultSchema is where the read models stand unless the configuration says
// otherwise.
const DefaultSchema = "read"

// Config says which read models are kept, and where.
type Config struct {
	URL         string // of the database, for pgx
	Schema      string // empty: DefaultSchema. Other schemas whose names begin with it belong to it
	Registry    *eventschema.Registry
	Projections []projections.Projection // in the order of application; see projections.All
	Log         *zap.Logger              // nil: silent
	MaxConns    int32                    // of the pool; 0: as the URL says; fewer than 5 are made 5
	// LoadPage is how many events travel together in a load from empty; 0: 1,000.
	LoadPage int
	// Clock measures how long a rebuild takes. Without one that is not reported.
	Clock func() time.Time
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var wrong []error
	if c.URL == "" {
		wrong = append(wrong, errors.New("read models: url is missing"))
	}
	if c.Schema != "" && !regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`).MatchString(c.Schema) {
		wrong = append(wrong, errors.New("read models: schema must be lower-case letters, digits and underscores"))
	}
	if c.Registry == nil {
		wrong = append(wrong, errors.New("read models: registry is missing"))
	}
	if c.LoadPage < 0 {
		wrong = append(wrong, errors.New("read models: a page of a load has at least one event"))
	}
	if len(c.Projections) == 0 {
		wrong = append(wrong, errors.New("read models: no projection"))
	}
	named := map[string]bool{}
	for _, p := range c.Projections {
		if named[p.Name] {
			wrong = append(wrong, fmt.Errorf("read models: projection %q is given twice", p.Name))
		}
		named[p.Name] = true
	}
	return errors.Join(wrong...)
}

func (c Config) withDefaults() Config {
	if c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.LoadPage == 0 {
		c.LoadPage = loadEvents
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	return c
}
