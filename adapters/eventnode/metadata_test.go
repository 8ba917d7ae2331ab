package eventnode

import (
	"reflect"
	"testing"
)

func TestParseMeta(t *testing.T) {
	for name, tt := range map[string]struct {
		json string
		want streamMeta
	}{
		"all that changes a read":           {`{"$maxCount":5,"$maxAge":60,"$tb":7,"mine":[1]}`, streamMeta{5, 60, 7}},
		"the whole stream hidden":           {`{"$tb":9223372036854775807}`, streamMeta{truncateBefore: tombstoneRevision}},
		"numbers keep all their digits":     {`{"$tb":9007199254740993}`, streamMeta{truncateBefore: 9007199254740993}},
		"a number that makes no sense":      {`{"$maxCount":0,"$maxAge":-1,"$tb":-1}`, streamMeta{}},
		"a wrong type empties all":          {`{"$maxCount":5,"$tb":"x"}`, streamMeta{}},
		"a fraction empties all":            {`{"$maxCount":5,"$tb":1.5}`, streamMeta{}},
		"a wrong access list empties all":   {`{"$maxCount":5,"$acl":{"$r":1}}`, streamMeta{}},
		"an access list of names":           {`{"$maxCount":5,"$acl":{"$r":["a"],"$w":"b"}}`, streamMeta{maxCount: 5}},
		"not JSON":                          {`{`, streamMeta{}},
		"JSON that is no object":            {`[1]`, streamMeta{}},
		"nothing":                           {``, streamMeta{}},
		"a number too great to be revision": {`{"$tb":9223372036854775808}`, streamMeta{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseMeta([]byte(tt.json)); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTruncateBeforeKeepsTheOtherKeys(t *testing.T) {
	for from, want := range map[string]string{
		`{"$tb":9223372036854775807,"$maxCount":3,"mine":{"a":[1,2]}}`: `{"$maxCount":3,"$tb":4,"mine":{"a":[1,2]}}`,
		``:     `{"$tb":4}`,
		`null`: `{"$tb":4}`,
		`[1]`:  `{"$tb":4}`,
	} {
		if got, err := withTruncateBefore([]byte(from), 4); err != nil || string(got) != want {
			t.Errorf("%s became %s (%v), want %s", from, got, err, want)
		}
	}
}

// Metadata that hide events after a deletion let in whom they let in before.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{"$acl":{"$r":"a","$w":["b",null],"$d":[]},"$maxCount":3}`, `{"$acl":{"$r":null}}`, `{"$acl":[]}`, `{"$tb":9223372036854775807}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		meta, list, err := readMeta(data)
		if err != nil {
			if meta != (streamMeta{}) || !reflect.DeepEqual(list, acl{}) {
				t.Errorf("metadata that make no sense say %v, %v", meta, list)
			}
			return
		}
		cut, err := withTruncateBefore(data, 5)
		if err != nil {
			t.Fatal(err)
		}
		after, listAfter, err := readMeta(cut)
		meta.truncateBefore = 5
		if err != nil || after != meta || !reflect.DeepEqual(listAfter, list) {
			t.Errorf("%s became %s: %v, %v (%v)", data, cut, after, listAfter, err)
		}
	})
}
