// Package importer reads the files that time clocks and time trackers write, and a
// people file beside them, and hands over punches.
//
// A format turns bytes into rows, each with its verdict: [Formats] lists them. A
// table of columns, in text or in a workbook, is described by a [Mapping]; those of
// known programs are built in. The people file is CSV (RFC 4180) with a header that
// names a key (pin, id or email) and a name.
//
//	read a row → find its instants → find whose it is → hand over → account for it
//
// A file of any size passes through in bounded memory: lines of a clock's file longer
// than 4 KiB are one rejected row each, a table's row may have 1 MiB, batches have a
// fixed number of rows, two of them wait at most. Rows with start and end are sorted
// first, 500,000 of a file at most, and workbooks are held whole; beyond its measure
// a file is refused ([ErrTooLarge]). A bad row is rejected with its line number and a reason and the good ones
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
// A row with a date and hours, and no times of day, is no punch: it is handed over as
// declared hours, each row by itself, also where two say the same. Only what its file
// says of it tells it apart, so a row that its program changed later comes as another one.
//
// A row with start and end is two punches. Of formats that say neither in nor out the
// direction is derived, see [Punch]. Projects, tasks and notes are not kept, unless a
// [JobColumn] gives codes to what a column names; the summary names the columns that were not read. A row may be taken and yet be suspect:
// the station's clock was set back, its counter jumped, entries overlap.
//
// Reference figures of the same files, made by other programs, differ therefore:
// "kept" there leaves out repeats within 60 seconds, accepted here does not;
// accepted counts exact duplicates, recorded does not. Pairing, sessions and hours
// are no figures of an import at all.
//
// # Local time
//
// Most files have local time without an offset. A time that the clocks skipped
// never was and is always rejected. A time that came twice, where clocks went back,
// is rejected too unless the caller chooses (see [Overlap]). A row dated before 2001
// comes from a station whose clock was reset (ZKTeco falls back to 2000-01-01), a
// row more than 24 hours ahead from one that runs wrong: both are rejected.
package importer
