// Package forensics looks for values where they must not be: in any bytes, in
// every form that a value takes on its way through programs.
//
// A [Needles] is made of values and searches streams for all their forms at
// once. What is compressed inside a stream is opened and searched too. An answer
// says what was found by its label, in which form and where, and never holds a
// value.
//
// A search that finds nothing proves something only if it would have found what
// is there: [Control] makes bytes that hold a value in every form, and the
// caller searches those as well.
package forensics
