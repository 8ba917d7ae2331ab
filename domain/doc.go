// Package domain says what may happen next.
//
// Each folder below it decides for one consistency boundary: a pure [Decider]
// that folds events into a state and answers a command with new events or a
// refusal. Nothing in those folders reads a clock, draws a random number or
// talks to anything: time and ids arrive in the command. This package holds
// what they share and the one function that joins a decider to a store,
// [Handle].
package domain
