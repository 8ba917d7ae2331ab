package eventnode

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

const (
	groupStreamPrefix = "$persistentsubscription-"
	checkpointSuffix  = "-checkpoint"
	parkedSuffix      = "-parked"

	// typeCheckpoint is the type of the events of a checkpoint stream.
	typeCheckpoint = "$SubscriptionCheckpoint"

	// maxGroupBuffer bounds what a group remembers, whatever a client asks for.
	maxGroupBuffer = 100_000
)

// groupSettings are what a client asked for when it created or updated a
// group. They are stored as they stand, field names included.
type groupSettings struct {
	Stream string
	Group  string
	// First is the first revision or position that the group shows when it has
	// no checkpoint. The end of a stream is looked up when a client asks for
	// it, so that a restart misses nothing.
	First int64
	// FromEnd: the client asked for the end.
	FromEnd         bool
	Strategy        string
	ResolveLinks    bool
	ExtraStatistics bool
	MaxRetries      int32
	MinCheckpoint   int32
	MaxCheckpoint   int32
	MaxConsumers    int32
	LiveBuffer      int32
	ReadBatch       int32
	HistoryBuffer   int32
	MessageTimeout  time.Duration
	CheckpointAfter time.Duration
	Filter          *groupFilter `json:",omitempty"`

	filter *filter // Filter as reads use it, made by validate
}

// groupFilter is a filter as it was asked for.
type groupFilter struct {
	ByType   bool
	Regex    string
	Prefixes []string
}

func groupID(stream, group string) string { return stream + "::" + group }

// groupName is the last part of a group's id: the rest is the name of a stream,
// which stays out of logs.
func groupName(id string) string { return id[strings.LastIndex(id, "::")+len("::"):] }

func (s *groupSettings) id() string { return groupID(s.Stream, s.Group) }

func (s *groupSettings) all() bool { return s.Stream == allStream }

func (s *groupSettings) checkpointStream() string {
	return groupStreamPrefix + s.id() + checkpointSuffix
}

func (s *groupSettings) parkedStream() string { return groupStreamPrefix + s.id() + parkedSuffix }

// validate says why a group cannot have these settings, and makes them ready
// for use.
func (s *groupSettings) validate() error {
	switch {
	case s.Stream == "":
		return errors.New("the stream has no name")
	case s.Group == "":
		return errors.New("the group has no name")
	case newStrategy(s.Strategy) == nil:
		return fmt.Errorf("consumer strategy %q is not known", s.Strategy)
	case s.ReadBatch < 1:
		return errors.New("read batch size must be positive")
	case s.ReadBatch >= s.HistoryBuffer: // as on a real node; else the buffer never has room for a batch
		return errors.New("history buffer size must be greater than read batch size")
	case s.LiveBuffer < 0, s.MaxRetries < 0, s.MinCheckpoint < 0, s.MaxCheckpoint < 0, s.MaxConsumers < 0,
		s.MessageTimeout < 0, s.CheckpointAfter < 0:
		return errors.New("a setting is negative")
	}
	var err error
	s.filter, err = s.parseFilter()
	return err
}

func (s *groupSettings) limits() groupLimits {
	return groupLimits{
		maxRetries: int(s.MaxRetries), maxConsumers: int(s.MaxConsumers), messageTimeout: s.MessageTimeout,
		minCheckpoint: int64(s.MinCheckpoint), maxCheckpoint: int64(s.MaxCheckpoint), checkpointAfter: s.CheckpointAfter,
		buffer: int(min(max(s.HistoryBuffer, s.LiveBuffer), maxGroupBuffer)),
	}
}

// parseFilter gives the filter in the form that reads use; nil when the group
// has none.
func (s *groupSettings) parseFilter() (*filter, error) {
	if s.Filter == nil {
		return nil, nil
	}
	type options = streams.ReadReq_Options_FilterOptions
	e := &streams.ReadReq_Options_FilterOptions_Expression{Regex: s.Filter.Regex, Prefix: s.Filter.Prefixes}
	o := &options{Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: e}}
	if s.Filter.ByType {
		o.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: e}
	}
	return parseFilter(o, false)
}

// startFrom is how clients are told where the group began.
func (s *groupSettings) startFrom() string {
	switch {
	case s.FromEnd:
		return s.showPlace(-1)
	case s.all() && s.First <= 1:
		return s.showPlace(0)
	}
	return s.showPlace(s.First)
}

// showPlace writes a revision, or for $all a position, as clients read it.
func (s *groupSettings) showPlace(place int64) string {
	n := strconv.FormatInt(place, 10)
	if s.all() {
		return "C:" + n + "/P:" + n
	}
	return n
}

// parsePlace reads what showPlace wrote.
func (s *groupSettings) parsePlace(text string) (int64, error) {
	if s.all() {
		commit, _, found := strings.Cut(strings.TrimPrefix(text, "C:"), "/P:")
		if !found {
			return 0, fmt.Errorf("%q is not a position", text)
		}
		text = commit
	}
	place, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a place in the stream", text)
	}
	return place, nil
}
