package eventnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// streamMeta is the part of a stream's metadata that changes what readers see.
type streamMeta struct {
	maxCount       int64 // 0: no limit
	maxAge         int64 // seconds, 0: no limit
	truncateBefore int64 // 0: nothing is cut off
}

// oldestShown is the time of the oldest event that $maxAge shows, if there is
// such a limit.
func (m streamMeta) oldestShown(now int64) (ticks int64, limited bool) {
	if m.maxAge <= 0 || m.maxAge > now/ticksPerSecond {
		return 0, false
	}
	return now - m.maxAge*ticksPerSecond, true
}

// parseMeta reads stream metadata. A number that makes no sense counts as
// absent; a value of the wrong type makes all of it empty, as on a real node.
func parseMeta(data []byte) streamMeta {
	m, _, _ := readMeta(data)
	return m
}

// parseACL reads the access control list of stream metadata. It is empty with
// all of the metadata, see parseMeta.
func parseACL(data []byte) acl {
	_, list, _ := readMeta(data)
	return list
}

var errMetadata = errors.New("stream metadata makes no sense")

func readMeta(data []byte) (m streamMeta, list acl, err error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return streamMeta{}, acl{}, errMetadata
	}
	numbers := []struct {
		key   string
		least int64
		into  *int64
	}{
		{"$maxCount", 1, &m.maxCount},
		{"$maxAge", 1, &m.maxAge},
		{"$tb", 0, &m.truncateBefore},
		{"$cacheControl", 1, new(int64)},
	}
	for _, n := range numbers {
		raw, found := keys[n.key]
		if !found {
			continue
		}
		v, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64)
		if err != nil {
			return streamMeta{}, acl{}, errMetadata
		}
		if v >= n.least {
			*n.into = v
		}
	}
	if raw, found := keys["$acl"]; found {
		if list, err = readACL(raw); err != nil {
			return streamMeta{}, acl{}, err
		}
	}
	return m, list, nil
}

func readACL(raw json.RawMessage) (list acl, err error) {
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil {
		return acl{}, errMetadata
	}
	for i, key := range rightKeys {
		v, found := keys[key]
		if !found || string(v) == "null" {
			continue
		}
		var one string
		if json.Unmarshal(v, &one) == nil {
			list[i] = []string{one}
			continue
		}
		list[i] = []string{}
		if json.Unmarshal(v, &list[i]) != nil {
			return acl{}, errMetadata
		}
	}
	return list, nil
}

// withTruncateBefore is a copy of stored metadata with $tb replaced and every
// other key kept; metadata that is not a JSON object starts anew.
func withTruncateBefore(data []byte, tb int64) ([]byte, error) {
	keys := map[string]json.RawMessage{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &keys); err != nil || keys == nil {
			keys = map[string]json.RawMessage{}
		}
	}
	keys["$tb"] = json.RawMessage(strconv.FormatInt(tb, 10))
	out, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("stream metadata: %w", err)
	}
	return out, nil
}

// softDeleteMeta hides all of a stream. Of the metadata before, which may be
// nil, the access control list stays: else whoever may delete a stream could
// make it everybody's, and show its events again.
func softDeleteMeta(before []byte) []byte {
	var keys map[string]json.RawMessage
	if _, _, err := readMeta(before); err == nil && json.Unmarshal(before, &keys) == nil && len(keys["$acl"]) > 0 {
		return fmt.Appendf(nil, `{"$acl":%s,"$tb":%d}`, keys["$acl"], int64(tombstoneRevision))
	}
	return fmt.Appendf(nil, `{"$tb":%d}`, int64(tombstoneRevision))
}
