package eventstoredb

import (
	"context"
	"fmt"
)

// LastPosition is the position of the last event of the whole log, 0 when the
// log is empty. Errors as [Store.ReadStream].
func (s *Store) LastPosition(ctx context.Context) (uint64, error) {
	position, err := s.client.tail(ctx, TopicAll)
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", translate(err))
	}
	return position, nil
}
