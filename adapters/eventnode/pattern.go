package eventnode

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/dlclark/regexp2/v2"
)

const (
	// longestPattern bounds what a client may let the node compile.
	longestPattern = 4 << 10
	// matchWithin bounds one comparison, which may otherwise take for ever: a
	// few characters are enough for a pattern that backtracks.
	matchWithin = 250 * time.Millisecond
)

var errSlowPattern = errors.New("the regular expression takes too long; simplify it")

// pattern is a regular expression as a client sends it: in the language of
// .NET, which a real node speaks. What Go's own engine understands too, it
// matches in linear time; look-ahead and the like, which some clients send
// unasked to leave out system events, need an engine that backtracks.
type pattern struct {
	linear *regexp.Regexp
	full   *regexp2.Regexp // when linear is nil
}

func compilePattern(text string) (*pattern, error) {
	if len(text) > longestPattern {
		return nil, fmt.Errorf("a regular expression of %d bytes, allowed are %d", len(text), longestPattern)
	}
	linear, err := regexp.Compile(text)
	if err == nil {
		return &pattern{linear: linear}, nil
	}
	full, fullErr := regexp2.Compile(text)
	if fullErr != nil {
		return nil, fullErr
	}
	full.MatchTimeout = matchWithin
	return &pattern{full: full}, nil
}

// matches fails with errSlowPattern.
func (p *pattern) matches(subject []byte) (bool, error) {
	if p.linear != nil {
		return p.linear.Match(subject), nil
	}
	found, err := p.full.MatchString(string(subject))
	if err != nil { // it has no other reason to fail
		return false, errSlowPattern
	}
	return found, nil
}
