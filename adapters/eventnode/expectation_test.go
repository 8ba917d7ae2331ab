package eventnode

import (
	"errors"
	"testing"

	"github.com/google/uuid"
)

// pastEvents is a stream's history, oldest first.
type pastEvents []uuid.UUID

func (p pastEvents) idAt(rev int64) (uuid.UUID, bool, error) {
	if rev < 0 || rev >= int64(len(p)) {
		return uuid.UUID{}, false, nil
	}
	return p[rev], true, nil
}

func (p pastEvents) revisionOf(id uuid.UUID) (int64, bool, error) {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == id {
			return int64(i), true, nil
		}
	}
	return 0, false, nil
}

func TestRule(t *testing.T) {
	ids := func(letters string) (l []uuid.UUID) {
		for _, x := range letters {
			l = append(l, uuid.UUID{byte(x)})
		}
		return l
	}
	type given struct {
		stream            string // one letter an event
		tombstoned, soft  bool
		metadataHasEvents bool
	}
	tests := map[string]struct {
		given    given
		expected expectation
		events   string
		want     ruling
		rev      int64
	}{
		"a tombstoned stream takes nothing, whatever is expected": {given{stream: "ab", tombstoned: true}, expectAny, "c", rulingStreamDeleted, 0},
		"a tombstoned stream takes no repetition either":          {given{stream: "ab", tombstoned: true}, 0, "b", rulingStreamDeleted, 0},
		"a stream tombstoned before its first event":              {given{tombstoned: true}, expectNoStream, "a", rulingStreamDeleted, 0},

		"no stream, and there is none":                                       {given{}, expectNoStream, "a", rulingWrite, 0},
		"no stream, but there is one":                                        {given{stream: "a"}, expectNoStream, "b", rulingWrongVersion, 0},
		"no stream, and its first events are these":                          {given{stream: "ab"}, expectNoStream, "ab", rulingIdempotent, 1},
		"no stream, and a longer stream begins with these":                   {given{stream: "abc"}, expectNoStream, "ab", rulingIdempotent, 1},
		"no stream, and only the first is the same":                          {given{stream: "ab"}, expectNoStream, "ax", rulingWrongVersion, 0},
		"no stream, and these go on where the stream ends":                   {given{stream: "a"}, expectNoStream, "ab", rulingWrongVersion, 0},
		"no stream, no events, but there is a stream":                        {given{stream: "a"}, expectNoStream, "", rulingWrongVersion, 0},
		"no stream, and it was soft-deleted":                                 {given{stream: "ab", soft: true}, expectNoStream, "c", rulingWrite, 0},
		"no stream, soft-deleted, and these were its first events":           {given{stream: "ab", soft: true}, expectNoStream, "ab", rulingIdempotent, 1},
		"no stream, soft-deleted, and a later event differs":                 {given{stream: "ab", soft: true}, expectNoStream, "ax", rulingWrongVersion, 0},
		"any, into nothing":                                                  {given{}, expectAny, "a", rulingWrite, 0},
		"any, events never seen":                                             {given{stream: "a"}, expectAny, "b", rulingWrite, 0},
		"any, and all are known":                                             {given{stream: "abc"}, expectAny, "bc", rulingIdempotent, 2},
		"any, known in another order":                                        {given{stream: "abc"}, expectAny, "cb", rulingIdempotent, 1},
		"any, the first known and a later one not":                           {given{stream: "ab"}, expectAny, "bx", rulingWrongVersion, 0},
		"any, the first unknown and a later one known":                       {given{stream: "ab"}, expectAny, "xb", rulingWrite, 0},
		"any, no events":                                                     {given{stream: "ab"}, expectAny, "", rulingWrite, 0},
		"any, soft-deleted":                                                  {given{stream: "ab", soft: true}, expectAny, "c", rulingWrite, 0},
		"stream exists, and it does":                                         {given{stream: "a"}, expectStreamExists, "b", rulingWrite, 0},
		"stream exists, and it does not":                                     {given{}, expectStreamExists, "a", rulingWrongVersion, 0},
		"stream exists, with metadata only":                                  {given{metadataHasEvents: true}, expectStreamExists, "a", rulingWrite, 0},
		"stream exists, soft-deleted":                                        {given{stream: "a", soft: true}, expectStreamExists, "b", rulingStreamDeleted, 0},
		"stream exists, and all are known":                                   {given{stream: "ab"}, expectStreamExists, "ab", rulingIdempotent, 1},
		"exact, at the end":                                                  {given{stream: "ab"}, 1, "c", rulingWrite, 0},
		"exact, at the end, with an id the stream has":                       {given{stream: "ab"}, 1, "b", rulingWrite, 0},
		"exact, at the end of a soft-deleted stream":                         {given{stream: "ab", soft: true}, 1, "c", rulingWrite, 0},
		"exact, in the future":                                               {given{stream: "ab"}, 2, "c", rulingWrongVersion, 0},
		"exact, of a stream that never was":                                  {given{}, 0, "a", rulingWrongVersion, 0},
		"exact, in the past, and these came right after it":                  {given{stream: "abcd"}, 0, "bc", rulingIdempotent, 2},
		"exact, in the past, and something else came after it":               {given{stream: "abcd"}, 0, "x", rulingWrongVersion, 0},
		"exact, in the past, and a later one differs":                        {given{stream: "abcd"}, 0, "bx", rulingWrongVersion, 0},
		"exact, in the past, and these reach beyond the end":                 {given{stream: "abc"}, 0, "bcd", rulingWrongVersion, 0},
		"exact, in the past of a soft-deleted stream, and the first differs": {given{stream: "abc", soft: true}, 0, "x", rulingWrongVersion, 0},
		"exact, in the past, no events":                                      {given{stream: "abc"}, 0, "", rulingWrongVersion, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			past := ids(tt.given.stream)
			st := streamState{last: int64(len(past)) - 1, tombstoned: tt.given.tombstoned, softDeleted: tt.given.soft, hasMeta: tt.given.metadataHasEvents || tt.given.soft}
			got, rev, err := rule(st, tt.expected, ids(tt.events), pastEvents(past))
			if err != nil || got != tt.want || got == rulingIdempotent && rev != tt.rev {
				t.Errorf("ruling %d at revision %d (%v), want %d at %d", got, rev, err, tt.want, tt.rev)
			}
		})
	}
}

// unreadable is a history that cannot be read.
type unreadable struct{ err error }

func (u unreadable) idAt(int64) (uuid.UUID, bool, error)       { return uuid.UUID{}, false, u.err }
func (u unreadable) revisionOf(uuid.UUID) (int64, bool, error) { return 0, false, u.err }

func TestRuleRefusesWhatItCannotCheck(t *testing.T) {
	broken := errors.New("disk")
	for _, expected := range []expectation{expectAny, expectStreamExists, expectNoStream, 0} {
		_, _, err := rule(streamState{last: 5}, expected, []uuid.UUID{{1}}, unreadable{broken})
		if !errors.Is(err, broken) {
			t.Errorf("expecting %d: %v", expected, err)
		}
	}
}
