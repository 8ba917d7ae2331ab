package eventnode

import (
	"bytes"
	"encoding/json"
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
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return streamMeta{}
	}
	var m streamMeta
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
			return streamMeta{}
		}
		if v >= n.least {
			*n.into = v
		}
	}
	if acl, found := keys["$acl"]; found && !validACL(acl) {
		return streamMeta{}
	}
	return m
}

func validACL(raw json.RawMessage) bool {
	var rights map[string]json.RawMessage
	if json.Unmarshal(raw, &rights) != nil {
		return false
	}
	for _, key := range []string{"$r", "$w", "$d", "$mr", "$mw"} {
		v, found := rights[key]
		if !found {
			continue
		}
		var one string
		var many []string
		if json.Unmarshal(v, &one) != nil && json.Unmarshal(v, &many) != nil {
			return false
		}
	}
	return true
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

func softDeleteMeta() []byte {
	return fmt.Appendf(nil, `{"$tb":%d}`, int64(tombstoneRevision))
}
