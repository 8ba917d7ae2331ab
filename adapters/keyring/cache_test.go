package keyring

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestAKeyIsFreshOnlyWhileBothClocksSaySo(t *testing.T) {
	const ttl = time.Minute
	cases := map[string]struct {
		wall, monotonic time.Duration
		want            bool
	}{
		"just fetched":              {0, 0, true},
		"a moment before the limit": {ttl - 1, ttl - 1, true},
		"at the limit":              {ttl, ttl, false},
		"the machine was paused, its monotonic clock stood":    {time.Hour, 0, false},
		"the wall clock was set back, the monotonic one ran":   {-time.Hour, ttl, false},
		"the wall clock was set back, nothing else is known":   {-time.Hour, 0, false},
		"the wall clock was held, the monotonic one ran":       {0, ttl, false},
		"the wall clock jumped ahead":                          {24 * time.Hour, time.Second, false},
		"the monotonic clock started again, as after a reboot": {time.Second, -time.Second, false},
	}
	fetched := instant{wall: 1_000_000_000_000, monotonic: time.Hour}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			now := instant{wall: fetched.wall + int64(c.wall), monotonic: fetched.monotonic + c.monotonic}
			if got := fetched.within(now, ttl); got != c.want {
				t.Errorf("fresh is %v, want %v", got, c.want)
			}
		})
	}
}

// A fetch that was under way when its key was destroyed brings a key that is
// gone.
func TestAFetchUnderWayDoesNotBringADestroyedKeyBack(t *testing.T) {
	c := newCache()
	e := &entry{id: uuid.UUID{1}, ref: Ref{Subject: uuid.UUID{2}}}
	begun := c.begin()
	c.forget([]uuid.UUID{e.id})
	if c.keep(begun, true, e) {
		t.Error("kept after forget")
	}
	begun = c.begin()
	c.flush()
	if c.keep(begun, true, e) {
		t.Error("kept after flush")
	}
	if len(c.byID)+len(c.current) != 0 {
		t.Error("the cache holds the key")
	}
	if !c.keep(c.begin(), true, e) || c.byID[e.id] != e || c.current[e.ref] != e {
		t.Error("an undisturbed fetch is not kept")
	}
}

// Erasures of others must not keep a long fetch from ever succeeding.
func TestAFetchUnderWayKeepsWhatWasNotInvalidated(t *testing.T) {
	c := newCache()
	gone, stays := &entry{id: uuid.UUID{1}}, &entry{id: uuid.UUID{2}}
	begun := c.begin()
	c.forget([]uuid.UUID{gone.id})
	if c.keep(begun, false, gone, stays) || c.byID[gone.id] != nil || c.byID[stays.id] != stays {
		t.Error("kept what was destroyed, or not what was not")
	}
	begun = c.begin()
	many := make([]uuid.UUID, forgottenLimit)
	for i := range many {
		many[i] = uuid.UUID{3, byte(i), byte(i >> 8)}
	}
	c.forget(many)
	c.forget([]uuid.UUID{stays.id}) // more than are remembered one by one
	if c.keep(begun, false, stays, gone) || len(c.forgotten) > forgottenLimit {
		t.Error("kept after more was forgotten than is remembered")
	}
}

func TestATombstoneEndsSealing(t *testing.T) {
	c := newCache()
	living := &entry{id: uuid.UUID{1}, ref: Ref{Subject: uuid.UUID{2}}}
	c.keep(c.begin(), true, living)
	c.keep(c.begin(), false, &entry{id: living.id, erased: true})
	if c.current[living.ref] != nil {
		t.Error("the key still seals")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	c := newCache()
	entries := make([]*entry, cacheLimit+1000)
	for i := range entries {
		id := uuid.UUID{byte(i), byte(i >> 8), byte(i >> 16)}
		entries[i] = &entry{id: id, ref: Ref{Subject: id}}
	}
	c.keep(c.begin(), true, entries...)
	if len(c.byID) != cacheLimit || len(c.current) != cacheLimit {
		t.Errorf("%d keys, %d current", len(c.byID), len(c.current))
	}
}

func TestANoticeThatIsNotUnderstoodMeansEveryKey(t *testing.T) {
	for _, text := range []string{noticeAll, "zz", "0011", "00112233445566778899aabbccddeeff00"} {
		if _, ok := parseNotice(text); ok {
			t.Errorf("%q was understood", text)
		}
	}
	ids, ok := parseNotice("00112233445566778899aabbccddeeff")
	if !ok || len(ids) != 1 || ids[0] != uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff") {
		t.Errorf("%v %v", ids, ok)
	}
}
