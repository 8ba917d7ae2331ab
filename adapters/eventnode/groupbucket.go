package eventnode

import (
	"bytes"
	"encoding/json"
	"errors"
)

// buckets are those of the records of the page, for strategies that pin.
func (g *group) buckets(replayed bool) ([]int, error) {
	all := make([]int, len(g.page.recs))
	for i := range g.page.recs {
		r := &g.page.recs[i]
		all[i] = r.bucket()
		if g.set.Strategy != pinnedByCorrelation {
			continue
		}
		event := r
		if (g.set.ResolveLinks || replayed) && string(r.typ) == typeLink {
			target, _, err := g.load(g.ctx, r.origin(), replayed)
			if err != nil && !errors.Is(err, errScavenged) { // a link that is gone itself leads nowhere
				return nil, err
			}
			if target != nil {
				event = target
			}
		}
		if id := event.correlation(); id != "" {
			all[i] = bucketOf([]byte(id))
		}
	}
	return all, nil
}

// bucket chooses by the stream of an event, or of the event that a link points
// to.
func (r *record) bucket() int {
	if string(r.typ) == typeLink {
		if _, target, found := bytes.Cut(r.data, []byte("@")); found {
			return bucketOf(target)
		}
	}
	return bucketOf(r.name)
}

// correlation is the $correlationId in the metadata of an event, empty for none.
func (r *record) correlation() string {
	var keys map[string]json.RawMessage
	var id string
	if json.Unmarshal(r.meta, &keys) != nil || json.Unmarshal(keys["$correlationId"], &id) != nil {
		return ""
	}
	return id
}
