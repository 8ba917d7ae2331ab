//go:build !cgo

package main

// smallHeap: without cgo the caches of the event store are in Go's heap, and
// collecting later would let it grow by as many times as they are large.
const smallHeap = false
