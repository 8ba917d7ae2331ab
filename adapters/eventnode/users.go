package eventnode

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"
)

const (
	// hashesAtOnce bounds the memory and the processor that logins may take,
	// hashesWaiting the calls that wait for it.
	hashesAtOnce  = 2
	hashesWaiting = 64
)

var (
	errUnauthenticated = errors.New("unknown user or wrong password")
	errTooManyLogins   = errors.New("too many logins at once")
)

// principal is who makes a call.
type principal struct {
	name   string
	groups []string
}

// anonymous calls without credentials, system is the node itself.
var (
	anonymous = &principal{name: "anonymous"}
	system    = &principal{name: "system", groups: []string{roleAdmins}}
)

func (p *principal) in(group string) bool { return slices.Contains(p.groups, group) }

// user is somebody with a password. The node keeps its hash, and once a
// password was right a keyed hash of it, which is quick to compare and says
// nothing outside this process.
type user struct {
	principal
	hash   passwordHash
	proved atomic.Pointer[[sha256.Size]byte]
}

// users are those who may call a node. They do not change while it runs.
type users struct {
	names  []string // in the order in which they were added
	byName map[string]*user
	// nobody stands in for a name that nobody has, so that a guess at it takes
	// as long as one at a password.
	nobody  *user
	key     []byte
	hashing chan struct{}
	waiting atomic.Int64
}

func newUsers(at cost) *users {
	return &users{
		byName: map[string]*user{}, nobody: &user{hash: noPassword(at)},
		key: randomBytes(sha256.Size), hashing: make(chan struct{}, hashesAtOnce),
	}
}

func (u *users) add(name string, groups []string, hash passwordHash) *user {
	x := &user{principal: principal{name: name, groups: groups}, hash: hash}
	u.byName[name] = x
	u.names = append(u.names, name)
	return x
}

// keyed is the hash by which a password that was right is known again.
func (u *users) keyed(name, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, u.key)
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(name))))
	mac.Write([]byte(name))
	mac.Write([]byte(password))
	mac.Sum(sum[:0])
	return sum
}

// login answers who has this name and password. The first login of a user costs
// a password hash, each later one a keyed hash. A wrong password always costs a
// password hash, and only a few are computed at once, which bounds both what
// guessing costs the node and how fast it can be. Errors: errUnauthenticated,
// errTooManyLogins, that of ctx.
func (u *users) login(ctx context.Context, name, password string) (*principal, error) {
	if len(password) > longestPassword {
		return nil, errUnauthenticated
	}
	who, known := u.byName[name]
	if !known {
		who = u.nobody
	}
	sum := u.keyed(name, password)
	if who.knows(sum) {
		return &who.principal, nil
	}
	if err := u.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-u.hashing }()
	if who.knows(sum) { // many calls came with the same first login
		return &who.principal, nil
	}
	if !who.hash.is(password) || !known {
		return nil, errUnauthenticated
	}
	who.proved.Store(&sum)
	return &who.principal, nil
}

func (x *user) knows(sum [sha256.Size]byte) bool {
	proved := x.proved.Load()
	return proved != nil && hmac.Equal(proved[:], sum[:])
}

func (u *users) takeTurn(ctx context.Context) error {
	if u.waiting.Add(1) > hashesWaiting {
		u.waiting.Add(-1)
		return errTooManyLogins
	}
	defer u.waiting.Add(-1)
	select {
	case u.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openUsers reads admin and ops from the folder, makes them at first start, and
// gives them the passwords that the configuration names. All other users exist
// in memory only.
func (s *store) openUsers(cfg Config) (*users, error) {
	all := newUsers(cfg.hashCost)
	sec := cfg.Security
	for _, u := range []User{
		{Name: userAdmin, Password: sec.AdminPassword, Groups: []string{roleAdmins}},
		{Name: userOps, Password: sec.OpsPassword, Groups: []string{roleOps}},
	} {
		if err := s.openUser(all, u, cfg); err != nil {
			return nil, err
		}
	}
	for _, u := range sec.Users {
		all.add(u.Name, u.Groups, hashPassword(u.Password, cfg.hashCost)).prove(all, u.Password)
	}
	return all, nil
}

// openUser opens one of the users that every node has.
func (s *store) openUser(all *users, u User, cfg Config) error {
	hash, found, err := s.loadUser(u.Name)
	if err != nil {
		return err
	}
	wanted := u.Password
	if wanted == "" {
		wanted = DefaultPassword
	}
	same := found && hash.is(wanted)
	if !found || u.Password != "" && !same {
		if hash, same = hashPassword(wanted, cfg.hashCost), true; found {
			cfg.Log.Info("password of a user was changed by the configuration", zap.String("user", u.Name))
		}
		if err := s.putUser(u.Name, hash, durably(cfg)); err != nil {
			return err
		}
	}
	x := all.add(u.Name, u.Groups, hash)
	if !same {
		return nil
	}
	x.prove(all, wanted)
	if wanted == DefaultPassword {
		cfg.Log.Warn("a user has the default password; choose another one", zap.String("user", u.Name))
	}
	return nil
}

func (x *user) prove(all *users, password string) {
	sum := all.keyed(x.name, password)
	x.proved.Store(&sum)
}
