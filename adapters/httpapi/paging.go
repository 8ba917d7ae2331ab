package httpapi

import (
	"encoding/binary"
	"net/url"
	"strconv"

	"github.com/google/uuid"
)

// maxPageSize bounds a page.
const maxPageSize = 500

// Paging is how every list is asked for.
type Paging struct {
	Size  int    `query:"page_size" minimum:"1" maximum:"500" default:"100" doc:"How many at most."`
	Token string `query:"page_token" maxLength:"256" doc:"next_page_token of the page before, with the same filter."`
}

func (a *API) cursor(asks question, paging Paging, size int) ([]byte, *Problem) {
	if paging.Token == "" {
		return make([]byte, size), nil
	}
	cursor, err := a.pages.open(asks, paging.Token)
	if err != nil || len(cursor) != size {
		return nil, kindPageToken.because("Start again without page_token.")
	}
	return cursor, nil
}

func (a *API) cursorID(asks question, paging Paging) (uuid.UUID, *Problem) {
	cursor, problem := a.cursor(asks, paging, len(uuid.UUID{}))
	if problem != nil {
		return uuid.Nil, problem
	}
	return uuid.UUID(cursor), nil
}

func (a *API) cursorPosition(asks question, paging Paging) (uint64, *Problem) {
	cursor, problem := a.cursor(asks, paging, 8)
	if problem != nil {
		return 0, problem
	}
	return binary.BigEndian.Uint64(cursor), nil
}

func (a *API) nextID(asks question, paging Paging, after uuid.UUID, filter []string, link, token *string) error {
	return a.next(asks, paging, after[:], filter, link, token)
}

func (a *API) nextPosition(asks question, paging Paging, after uint64, link, token *string, filter ...string) error {
	return a.next(asks, paging, binary.BigEndian.AppendUint64(nil, after), filter, link, token)
}

// next fills the token of the next page and its link, which is relative to the
// list itself.
func (a *API) next(asks question, paging Paging, cursor []byte, filter []string, link, token *string) error {
	sealed, err := a.pages.seal(asks, cursor)
	if err != nil {
		return problemOf(err)
	}
	query := url.Values{"page_size": {strconv.Itoa(paging.Size)}, "page_token": {sealed}}
	for i := 0; i+1 < len(filter); i += 2 {
		if filter[i+1] != "" {
			query.Set(filter[i], filter[i+1])
		}
	}
	*token, *link = sealed, "<?"+query.Encode()+`>; rel="next"`
	return nil
}
