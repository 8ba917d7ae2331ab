package eventnode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// Password hashes have a key space of their own. A real node keeps them in
// streams, where whoever may read the whole log sees them and where the hash of
// every former password stays.

const (
	usersStream = "$users"
	typeUser    = "$User"
)

func durably(cfg Config) *pebble.WriteOptions {
	if cfg.NoSync {
		return pebble.NoSync
	}
	return pebble.Sync
}

func (s *store) loadUser(name string) (hash passwordHash, found bool, err error) {
	raw, err := s.get(userKey(name))
	if err != nil {
		return passwordHash{}, false, storageError("password of "+name, err)
	}
	if raw == nil {
		return passwordHash{}, false, nil
	}
	if len(raw) < checksumLen || checksum(raw[:len(raw)-checksumLen]) != binary.BigEndian.Uint32(raw[len(raw)-checksumLen:]) {
		return passwordHash{}, false, corrupt("password of "+name, errors.New("checksum differs"))
	}
	if hash, err = parsePasswordHash(string(raw[:len(raw)-checksumLen])); err != nil {
		return passwordHash{}, false, corrupt("password of "+name, err)
	}
	return hash, true, nil
}

func (s *store) putUser(name string, hash passwordHash, o *pebble.WriteOptions) error {
	b := []byte(hash.String())
	if err := s.db.Set(userKey(name), binary.BigEndian.AppendUint32(b, checksum(b)), o); err != nil {
		return storageError("password of "+name, err)
	}
	return nil
}

// listUsers sees to it that the stream $users names those whom the node knows,
// as clients and tools expect of a secure node. Names are never taken out again.
func (n *Node) listUsers(ctx context.Context, names []string) error {
	listed, err := n.store.listedUsers(ctx)
	if err != nil {
		return fmt.Errorf("read %s: %w", usersStream, err)
	}
	var events []proposed
	for _, name := range names {
		if !listed[name] {
			events = append(events, proposed{id: uuid.New(), typ: typeUser, data: []byte(name)})
		}
	}
	if len(events) == 0 {
		return nil
	}
	o, err := n.sequencer.write(ctx, &writeRequest{stream: usersStream, expected: expectAny, events: events})
	if err != nil {
		return fmt.Errorf("append to %s: %w", usersStream, err)
	}
	if o.ruling != rulingWrite { // somebody ended the stream for ever; nothing rests on it
		n.cfg.Log.Warn("users are not listed, because the stream takes no events")
	}
	return nil
}

func (s *store) listedUsers(ctx context.Context) (map[string]bool, error) {
	listed := map[string]bool{}
	h, found, err := s.readHead(ctx, usersStream)
	if err != nil || !found || !h.exists() {
		return listed, err
	}
	var p page
	for rg := (revisionRange{from: h.firstVisible(), to: h.last}); ; rg.from += int64(p.considered) {
		if err := s.scanStream(&p, h.no, rg, math.MaxInt32, nil); err != nil {
			return nil, err
		}
		for i := range p.recs {
			if string(p.recs[i].typ) == typeUser {
				listed[string(p.recs[i].data)] = true
			}
		}
		if p.end {
			return listed, nil
		}
	}
}
