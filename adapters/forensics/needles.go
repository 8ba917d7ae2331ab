package forensics

import (
	"bytes"
	"slices"
)

// Value is something to look for. The label stands for it in answers.
type Value struct {
	Label string
	Text  string
	Bytes []byte // looked for as they are, beside the forms of Text
}

// Needles finds all forms of many values in one pass over bytes: what begins like
// one is looked up at every place, and the rest is compared there. It may be used
// by several searches at once.
type Needles struct {
	TooShort []string // labels of values of which no form is long enough

	byPrefix map[[Shortest]byte][]needle
	first    [1 << 16]bool // first two bytes of any needle
	longest  int
}

type needle struct {
	label string
	form
}

// lower folds ASCII letters.
var lower = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()

func folded(text []byte) []byte {
	low := make([]byte, len(text))
	for i, c := range text {
		low[i] = lower[c]
	}
	return low
}

// NewNeedles prepares values. Those that are equal are looked for once.
func NewNeedles(values ...Value) *Needles {
	n := &Needles{byPrefix: map[[Shortest]byte][]needle{}}
	for _, v := range values {
		all := forms(v.Text)
		if len(v.Bytes) >= Shortest {
			all = append(all, form{name: "bytes", text: v.Bytes, exact: true})
		}
		if len(v.Text) < Shortest && len(v.Bytes) < Shortest { // its longer forms are as short in what they say
			n.TooShort = append(n.TooShort, v.Label)
			continue
		}
		for _, f := range all {
			n.add(needle{label: v.Label, form: f})
		}
	}
	return n
}

func (n *Needles) add(one needle) {
	low := folded(one.text)
	if !one.exact {
		one.text = low
	}
	key := [Shortest]byte(low[:Shortest])
	same := func(other needle) bool { return other.exact == one.exact && bytes.Equal(other.text, one.text) }
	if slices.ContainsFunc(n.byPrefix[key], same) {
		return
	}
	n.byPrefix[key] = append(n.byPrefix[key], one)
	n.first[uint16(low[0])|uint16(low[1])<<8] = true
	n.longest = max(n.longest, len(low))
}

// match reports the needles that start in text before until. low is the text
// folded.
func (n *Needles) match(text, low []byte, until int, found func(at int, by *needle)) {
	for i := 0; i < until && i+Shortest <= len(low); i++ {
		if !n.first[uint16(low[i])|uint16(low[i+1])<<8] {
			continue
		}
		candidates := n.byPrefix[[Shortest]byte(low[i:i+Shortest])]
		for c := range candidates {
			in := low
			if candidates[c].exact {
				in = text
			}
			if bytes.HasPrefix(in[i:], candidates[c].text) {
				found(i, &candidates[c])
			}
		}
	}
}
