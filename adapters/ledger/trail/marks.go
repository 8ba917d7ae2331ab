package trail

import "math/bits"

// Marks are a set of leaves, a bit for each leaf up to the last marked.
type Marks struct {
	words []uint64
	count uint64
}

// Add marks a leaf.
func (m *Marks) Add(leaf uint64) {
	for uint64(len(m.words)) <= leaf/64 {
		m.words = append(m.words, 0)
	}
	if !m.Has(leaf) {
		m.words[leaf/64] |= 1 << (leaf % 64)
		m.count++
	}
}

// Remove takes the mark of a leaf away.
func (m *Marks) Remove(leaf uint64) {
	if m.Has(leaf) {
		m.words[leaf/64] &^= 1 << (leaf % 64)
		m.count--
	}
}

// Has says whether a leaf is marked.
func (m *Marks) Has(leaf uint64) bool {
	return leaf/64 < uint64(len(m.words)) && m.words[leaf/64]&(1<<(leaf%64)) != 0
}

// Count is how many leaves are marked.
func (m *Marks) Count() uint64 { return m.count }

// All yields the marked leaves in order.
func (m *Marks) All(yield func(leaf uint64) bool) {
	for i, word := range m.words {
		for ; word != 0; word &= word - 1 {
			if !yield(uint64(i)*64 + uint64(bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}
