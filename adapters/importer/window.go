package importer

// window remembers the last rows, so that memory does not grow with the file.
type window struct {
	has  map[[16]byte]struct{}
	ring [][16]byte
	size int
	next int
}

func newWindow(size int) *window {
	return &window{has: map[[16]byte]struct{}{}, size: size}
}

// before tells whether same was seen, and remembers it.
func (w *window) before(same [16]byte) bool {
	if _, ok := w.has[same]; ok {
		return true
	}
	if len(w.ring) < w.size {
		w.ring = append(w.ring, same)
	} else {
		delete(w.has, w.ring[w.next])
		w.ring[w.next] = same
		w.next = (w.next + 1) % len(w.ring)
	}
	w.has[same] = struct{}{}
	return false
}
