package eventnode

import (
	"context"
	"errors"

	"google.golang.org/grpc/metadata"
)

var errAccessDenied = errors.New("access denied")

// access decides who may do what. In insecure mode it is nil, and everybody may
// do everything.
//
// A call is decided on when it begins. Reads, subscriptions and consumers of a
// group are decided on again before each piece of what they show, so that
// nothing is shown that was committed after the right to see it was taken away.
type access struct {
	store *store
	acls  aclCache
}

type callerKey struct{}

// caller is who makes a call, or why that is not known.
type caller struct {
	*principal
	err error
}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// asSystem marks what the node does for itself.
func asSystem(ctx context.Context) context.Context {
	return withCaller(ctx, caller{principal: system})
}

// callerOf gives nobody any right in a context that says nothing.
func callerOf(ctx context.Context) caller {
	c, ok := ctx.Value(callerKey{}).(caller)
	if !ok {
		return caller{principal: anonymous}
	}
	return c
}

// authenticated is errAccessDenied for anonymous callers.
func (a *access) authenticated(ctx context.Context) error {
	if a == nil {
		return nil
	}
	switch c := callerOf(ctx); {
	case c.err != nil:
		return c.err
	case c.principal == anonymous:
		return errAccessDenied
	}
	return nil
}

// operators are those who may change persistent subscriptions.
func (a *access) operator(ctx context.Context) error {
	if a == nil {
		return nil
	}
	if err := a.authenticated(ctx); err != nil {
		return err
	}
	if c := callerOf(ctx); !c.in(roleAdmins) && !c.in(roleOps) {
		return errAccessDenied
	}
	return nil
}

// stream is errAccessDenied when the caller lacks a right to a stream as its
// metadata now are. A metadata stream is covered by the rights to the metadata
// of what it describes.
func (a *access) stream(ctx context.Context, want right, name string) error {
	if a == nil {
		return nil
	}
	if err := a.authenticated(ctx); err != nil {
		return err
	}
	if isMetastream(name) {
		switch want {
		case rightRead:
			want = rightMetaRead
		case rightWrite:
			want = rightMetaWrite
		default:
			return errAccessDenied
		}
		name = metaTarget(name)
	}
	if name == "" {
		name = allStream
	}
	if name == allStream && (want == rightWrite || want == rightDelete) {
		return errAccessDenied
	}
	list, err := a.aclOf(ctx, name)
	if err != nil {
		return err
	}
	if !list.permits(callerOf(ctx).principal, want, name) {
		return errAccessDenied
	}
	return nil
}

// aclOf is the list in the latest durable metadata of a stream.
func (a *access) aclOf(ctx context.Context, name string) (acl, error) {
	h, found, err := a.store.readHead(ctx, name)
	// The metadata of a metadata stream is fixed and has no list.
	if err != nil || !found || h.metaPos == 0 || isMetastream(name) {
		return acl{}, err
	}
	if list, ok := a.acls.get(h.metaPos); ok {
		return list, nil
	}
	r, err := a.metadataOf(ctx, name, h)
	if err != nil {
		return acl{}, err
	}
	var list acl
	if r.flags&flagJSON != 0 {
		list = parseACL(r.data)
	}
	a.acls.put(h.metaPos, list)
	return list, nil
}

// metadataOf reads the metadata that a head names. A scavenge may have removed
// them since the head was read: because newer ones took their place, or because
// the stream has ended, which leaves none.
func (a *access) metadataOf(ctx context.Context, name string, h head) (record, error) {
	r, found, err := a.store.findRecord(h.metaPos)
	if err != nil || found {
		return r, err
	}
	now, _, err := a.store.readHead(ctx, name)
	switch {
	case err != nil:
		return record{}, err
	case now.tombstoned:
		return record{}, nil
	}
	return a.store.readRecord(now.metaPos)
}

// follow says whether the caller may see what a link leads to: a link gives
// nobody a right. Whoever reads the whole log sees every event there anyway.
func (a *access) follow(ctx context.Context, name string) (bool, error) {
	for _, stream := range [...]string{name, allStream} {
		switch err := a.stream(ctx, rightRead, stream); {
		case err == nil:
			return true, nil
		case !errors.Is(err, errAccessDenied):
			return false, err
		}
	}
	return false, nil
}

// statusFor is the status of a call that failed or was denied.
func statusFor(setTrailer func(metadata.MD), err error) error {
	if errors.Is(err, errAccessDenied) {
		return accessDenied(setTrailer)
	}
	return statusOf(err)
}
