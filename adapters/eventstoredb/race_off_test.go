//go:build !race

package eventstoredb_test

const raced = false
