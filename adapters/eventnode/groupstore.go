package eventnode

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Settings of groups have a key space of their own. They are few, written
// rarely and by whoever changes a group; no event rests on them, so that they
// need not pass through the sequencer.

func (s *groupSettings) encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("settings of group %s: %w", s.Group, err)
	}
	return binary.BigEndian.AppendUint32(b, checksum(b)), nil
}

func decodeGroup(b []byte) (*groupSettings, error) {
	if len(b) < checksumLen {
		return nil, fmt.Errorf("%d bytes are too few", len(b))
	}
	body := b[:len(b)-checksumLen]
	if checksum(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return nil, errors.New("checksum differs")
	}
	s := &groupSettings{}
	if err := json.Unmarshal(body, s); err != nil {
		return nil, err
	}
	return s, s.validate()
}

// putGroup keeps the settings of a group, across a power cut too.
func (s *store) putGroup(set *groupSettings, o *pebble.WriteOptions) error {
	b, err := set.encode()
	if err != nil {
		return err
	}
	if err := s.db.Set(groupKey(set.id()), b, o); err != nil {
		return storageError("settings of group "+set.Group, err)
	}
	return nil
}

func (s *store) dropGroup(id string, o *pebble.WriteOptions) error {
	if err := s.db.Delete(groupKey(id), o); err != nil {
		return storageError("settings of a group", err)
	}
	return nil
}

// loadGroups reads the settings of all groups.
func (s *store) loadGroups() ([]*groupSettings, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceGroup}, UpperBound: after(spaceGroup)})
	if err != nil {
		return nil, storageError("settings of groups", err)
	}
	defer it.Close()
	var all []*groupSettings
	for ok := it.First(); ok; ok = it.Next() {
		raw, err := it.ValueAndErr()
		if err != nil {
			return nil, storageError("settings of groups", err)
		}
		set, err := decodeGroup(raw)
		if err == nil && set.id() != string(it.Key()[1:]) {
			err = errors.New("they are of another group")
		}
		if err != nil {
			return nil, corrupt("settings of group "+groupName(string(it.Key()[1:])), err)
		}
		all = append(all, set)
	}
	return all, wrapStorage("settings of groups", it.Error())
}
