package keyring

// point names a place in a rotation at which a crash must do no harm.
type point string

// The points, in the order in which a rotation passes them.
const (
	pointIntended    point = "the name of the provider key is stored"
	pointProviderKey point = "the provider key exists"
	pointEpochMade   point = "the epoch is living"
	pointMoved       point = "a batch of keys has moved"
	pointRetokened   point = "the tokens are made again"
	pointTested      point = "the restore test has passed"
	pointRetiring    point = "the epoch takes no part any more"
	pointQuiet       point = "no process holds the epoch"
	pointKeyGone     point = "the provider key is destroyed"
	pointRetired     point = "the receipt is written"
)

// at lets a test fail or stop the process here. In a running Tracekeep it does
// nothing.
func (k *Keyring) at(p point) error {
	if k.crash == nil {
		return nil
	}
	return k.crash(p)
}
