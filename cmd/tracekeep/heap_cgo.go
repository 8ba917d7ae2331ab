//go:build cgo

package main

// smallHeap: the caches of the event store are outside of Go's heap.
const smallHeap = true
