// Package importer reads the file that a time clock writes, and a people file
// beside it, and hands over punches.
//
// The clock file is ZKTeco's ATTLOG as taken from the terminal by USB stick: one
// punch a line, PIN TAB local time TAB verify TAB state TAB work code TAB reserved.
// The people file is CSV (RFC 4180) with a header that names pin and a name.
//
//	parse a line → find its instant → find whose PIN it is → hand over in file order
//
// A file of any size passes through in bounded memory: lines longer than 4 KiB are
// one rejected row each, batches have a fixed number of rows, two of them wait at
// most. A bad row is rejected with its line number and a reason and the good ones
// are kept; importing the same file again records nothing twice, because the sink
// answers what it already had. No message holds a value of a row.
//
// # What is kept, and what is not
//
// Every punch is kept, also the repeats within a minute that people press when they
// are not sure: to set them aside is a rule of hours, with a version, and not a
// matter of reading a file. Only a line that is the same in every column that is read
// (all but the reserved ones), at the same instant, is the same punch; it counts as
// an exact duplicate and is handed over once. Duplicates further apart than 262,144 different lines are handed over and
// answered by the sink as already recorded.
//
// Reference figures of the same files, made by other programs, differ therefore:
// "kept" there leaves out repeats within 60 seconds, accepted here does not;
// accepted counts exact duplicates, recorded does not. Pairing, sessions and hours
// are no figures of an import at all.
//
// # Local time
//
// The station writes local time without an offset. A time that the clocks skipped
// never was and is always rejected. A time that came twice, where clocks went back,
// is rejected too unless the caller chooses (see [Overlap]). A row dated before 2001
// comes from a station whose clock was reset (ZKTeco falls back to 2000-01-01), a
// row more than 24 hours ahead from one that runs wrong: both are rejected.
package importer
