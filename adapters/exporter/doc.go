// Package exporter writes what leaves the house: tables as CSV, XLSX, Parquet and
// JSON, the files that payroll programs read, and iCalendar feeds.
//
// Every writer streams: what it keeps in memory does not grow with the rows. The
// same rows give the same bytes, whenever and wherever they are written: nothing
// of the clock, the machine or the order of a map enters a file. Values are
// written as they are, except where a format cannot hold one; the functions say
// where. A value that was erased says so and is never empty: the caller gives it
// as a text.
//
// A file appears under its name when it is whole; see [WriteFile].
package exporter
