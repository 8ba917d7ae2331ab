package pgcluster_test

import (
	"testing"

	"go.uber.org/goleak"

	"tracekeep/adapters/pgcluster/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Around(m)) }
