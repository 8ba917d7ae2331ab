package eventstoredb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/zap"
)

// Config says which store a [Client] talks to and how patient it is.
type Config struct {
	// ConnectionString is esdb://host:port?tls=false and the like. Required.
	ConnectionString string
	// MaxInFlight bounds the calls that run at once, abandoned ones included.
	// Further calls get domain.ErrUnavailable. 0 means 1,024.
	MaxInFlight int
	// CallTimeout bounds an append whose context has no deadline, and how long
	// a read may go without an event. 0 means 10 s.
	CallTimeout time.Duration
	// MinPause and MaxPause bound the pauses between attempts to connect. They
	// double; up to half of each is left to chance. 0 means 100 ms and 4 s, so
	// that with the connecting itself a store that is back is found within 5 s.
	MinPause, MaxPause time.Duration
	// Jitter draws from [0,1). nil means math/rand.
	Jitter func() float64
	// Log hears of lost and found connections, never of payloads. nil means nobody.
	Log *zap.Logger
}

// Limits that no caller needs to change.
const (
	connectTimeout = 3 * time.Second // one attempt to connect
	retireGrace    = time.Second     // for calls in flight on a connection given up
	hungGrace      = 5 * time.Second // then for calls that do not heed their context
	maxTimeouts    = 3               // in a row, before a silent connection is given up
)

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if _, err := esdb.ParseConnectionString(c.ConnectionString); err != nil {
		errs = append(errs, errors.New("ConnectionString is not esdb://host:port")) // the cause may quote a password
	}
	if c.MaxInFlight < 0 {
		errs = append(errs, fmt.Errorf("MaxInFlight is %d", c.MaxInFlight))
	}
	if c.CallTimeout < 0 {
		errs = append(errs, fmt.Errorf("CallTimeout is %s", c.CallTimeout))
	}
	if c.MinPause < 0 || c.MaxPause < 0 || c.MaxPause > 0 && c.MaxPause < c.MinPause {
		errs = append(errs, fmt.Errorf("pauses are %s to %s", c.MinPause, c.MaxPause))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("event store client configuration: %w", errors.Join(errs...))
}

func (c Config) withDefaults() Config {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 1024
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = 10 * time.Second
	}
	if c.MinPause == 0 {
		c.MinPause = 100 * time.Millisecond
	}
	if c.MaxPause == 0 {
		c.MaxPause = max(4*time.Second, c.MinPause)
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	return c
}

// bare reads the connection string for the bare client. One attempt at
// discovery is all it gets: the supervisor has its own pauses, and a bare client
// that is busy discovering makes every caller wait.
func (c Config) bare() (*esdb.Configuration, error) {
	bare, err := esdb.ParseConnectionString(c.ConnectionString)
	if err != nil {
		return nil, c.Validate()
	}
	bare.MaxDiscoverAttempts = 1
	bare.DiscoveryInterval = 1
	bare.GossipTimeout = min(bare.GossipTimeout, int(connectTimeout/time.Second))
	return bare, nil
}
