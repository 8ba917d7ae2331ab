package app

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/keyring"
)

// Config says where the parts are. A store that has no address is started
// inside this process, below the data folder.
type Config struct {
	Data       string // data folder; required
	EventStore string // esdb://host:port; empty: embedded node
	ReadModels string // postgres://… of the read models; empty: private cluster
	Keys       string // postgres://… of the key store; empty: private cluster
	NodeListen string // where the embedded node listens; empty: a free loopback port
	KEKDir     string // folder of the files that wrap epoch keys; empty: below the data folder
	KEKFile    string // the one such file of the first release; empty: kek in that folder
	// Transit keeps what wraps epoch keys in Vault or OpenBao, when its address is
	// set. Epochs made before stay with their files until they are retired.
	Transit keyring.TransitConfig
	// NodeLimits bound what clients can make the embedded node hold.
	NodeLimits eventnode.Limits
	// PostgresBin is the folder of the binaries for the private cluster; empty: searched.
	PostgresBin string

	// Verifier is the database of the key store as somebody sees it who may read no
	// key (keyring.VerifierRole); empty: made in the private cluster, else the
	// rights of the service.
	Verifier string
	Cases    CasePolicy // required, see [DefaultCases]

	// Fault, where set, is called at each point of an erasure at which a process
	// may die. Only tests set it.
	Fault func(point string)

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
	if c.KEKFile != "" && c.KEKDir != "" && filepath.Dir(c.KEKFile) != filepath.Clean(c.KEKDir) {
		errs = append(errs, errors.New("the KEK file of the first release stands in the folder of the others (--kek-file, --kek-dir)"))
	}
	if c.Clock == nil || c.Random == nil {
		errs = append(errs, errors.New("a clock and a source of randomness are required"))
	}
	if err := c.Cases.validate(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("configuration: %w", errors.Join(errs...))
}
