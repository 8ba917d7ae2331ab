package app

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"tracekeep/adapters/eventnode"
)

// Config says where the parts are. A store that has no address is started
// inside this process, below the data folder.
type Config struct {
	Data       string // data folder; required
	EventStore string // esdb://host:port; empty: embedded node
	ReadModels string // postgres://… of the read models; empty: private cluster
	Keys       string // postgres://… of the key store; empty: private cluster
	NodeListen string // where the embedded node listens; empty: a free loopback port
	KEKFile    string // key-encryption key; empty: below the data folder
	// NodeLimits bound what clients can make the embedded node hold.
	NodeLimits eventnode.Limits
	// PostgresBin is the folder of the binaries for the private cluster; empty: searched.
	PostgresBin string

	Clock  func() time.Time // required
	Random io.Reader        // required; safe for concurrent reads
	Log    *zap.Logger      // nil: silent
	// Metrics is where the parts register what they count; nil: nowhere to be seen.
	Metrics *prometheus.Registry
}

// Validate reports everything that is wrong at once.
func (c Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("a data folder is required (--data)"))
	}
	if (c.ReadModels == "") != (c.Keys == "") {
		errs = append(errs, errors.New("give the read models and the key store each a database, or neither (--read-models, --keys)"))
	}
	if c.ReadModels != "" && c.ReadModels == c.Keys {
		errs = append(errs, errors.New("the key store needs a database of its own: a dump of the read models must not hold keys (--keys)"))
	}
	if c.Clock == nil || c.Random == nil {
		errs = append(errs, errors.New("a clock and a source of randomness are required"))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("configuration: %w", errors.Join(errs...))
}
