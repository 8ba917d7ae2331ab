package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// mediaFile, in the data folder, says what an installation takes in.
const mediaFile = "media.json"

// mediaRules is what it says.
type mediaRules struct {
	Photos    string `json:"photos"`     // allowed or forbidden (promise TC-07); empty: allowed
	MostBytes int64  `json:"most_bytes"` // of one photo or document; 0: 50 MiB
}

func (r mediaRules) noPhotos() bool { return r.Photos == "forbidden" }

// readMediaRules reads the rules. A file that cannot be read keeps the service from
// starting: what a school forbids must not happen because of a slip of the pen.
func readMediaRules(path string) (mediaRules, error) {
	text, err := os.ReadFile(path) //nolint:gosec // below the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return mediaRules{}, nil
	}
	if err != nil {
		return mediaRules{}, fmt.Errorf("read the rules of media: %w", err)
	}
	rules, err := parseMediaRules(string(text))
	if err != nil {
		return mediaRules{}, fmt.Errorf("rules of media %s: %w", path, err)
	}
	return rules, nil
}

func parseMediaRules(text string) (rules mediaRules, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return mediaRules{}, err
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return mediaRules{}, errors.New("one JSON object is expected, and nothing behind it")
	}
	const most = 1 << 30
	switch {
	case rules.Photos != "" && rules.Photos != "allowed" && rules.Photos != "forbidden":
		return mediaRules{}, errors.New(`photos are "allowed" or "forbidden"`)
	case rules.MostBytes < 0 || rules.MostBytes > most:
		return mediaRules{}, fmt.Errorf("most_bytes is at most %d, and 0 or left out for the usual limit", most)
	}
	return rules, nil
}
