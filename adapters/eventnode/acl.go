package eventnode

import (
	"slices"
	"strings"
	"sync"
)

// right is something a caller may want to do with a stream.
type right int

const (
	rightRead right = iota
	rightWrite
	rightDelete
	rightMetaRead
	rightMetaWrite

	rights = 5
)

// rightKeys name the rights in the metadata of a stream.
var rightKeys = [rights]string{"$r", "$w", "$d", "$mr", "$mw"}

// acl says for each right who has it: users and groups by name, or $all. A
// right with nil is not spoken of; an empty list means nobody.
type acl [rights][]string

// defaults for what a stream's own list does not speak of.
var (
	everybodyACL = []string{roleEverybody}
	adminsACL    = []string{roleAdmins}
)

// permits says whether a caller has a right to a stream with this list. Members
// of $admins have every right.
func (l acl) permits(p *principal, want right, stream string) bool {
	if p.in(roleAdmins) {
		return true
	}
	who := l[want]
	if who == nil {
		if who = everybodyACL; strings.HasPrefix(stream, "$") {
			who = adminsACL
		}
	}
	return slices.ContainsFunc(who, func(name string) bool {
		return name == roleEverybody || name == p.name || p.in(name)
	})
}

// aclCache keeps lists by the position of the record that has them, which never
// changes. The old half goes when the young one is full.
type aclCache struct {
	mu         sync.Mutex
	young, old map[int64]acl
}

const aclsPerHalf = 10_000

func (c *aclCache) get(pos int64) (acl, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.young[pos]; ok {
		return l, true
	}
	l, ok := c.old[pos]
	if ok {
		c.keep(pos, l)
	}
	return l, ok
}

func (c *aclCache) put(pos int64, l acl) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(pos, l)
}

func (c *aclCache) keep(pos int64, l acl) {
	if c.young == nil || len(c.young) >= aclsPerHalf {
		c.young, c.old = map[int64]acl{}, c.young
	}
	c.young[pos] = l
}
