// Package cmd is the only place where the parts of Tracekeep meet. It holds no
// code itself, only the commands below it and the tests of the house.
//
// Follow one punch to see how they meet. An importer or the HTTP API
// (adapters/importer, adapters/httpapi) makes a command of it. domain.Handle
// loads the stream, asks the pure decider in domain/timecard, and appends the
// event that follows through adapters/eventstoredb, which speaks the store's
// gRPC protocol to adapters/eventnode in this process or to a KurrentDB cluster:
// only the connection string differs. Personal values never get that far in
// clear: eventschema hands each section of an event to adapters/keyring, which
// seals it under a key that can be destroyed alone.
//
// From the log the event goes three ways. adapters/postgres applies it to the
// read models of projections, in one transaction with its checkpoint.
// adapters/ledger commits to its bytes in a Merkle log, so that an auditor can
// check the history without trusting us. And whoever asks reads it back through
// adapters/httpapi, where sealed values are opened last, or shown as erased.
//
// The command tracekeep is the service and the operator's tool, and has a
// command for each thing that operators, HR, auditors and privacy officers do; the
// README lists them by whom they are for. What its subcommands share, the opened
// stores above all, is in internal/app. The command tracekeep-verify is what an
// auditor runs, and shares nothing with it.
//
// Adapters never import each other. Each says in a small interface what it
// needs, and a command gives it the other adapter that has it. The tests in this
// folder hold the whole tree to that: see layout_rules_test.go for the table of
// who may import what.
package cmd
