// Package generator invents clock files and people files for everyone who has none:
// for the demonstration, for tests and for load.
//
// The files look like those of two real terminals in an office: four punches a day
// (in, out to lunch, back, out), Monday to Friday, with jitter; keys pressed again
// to be sure, the wrong key pressed and corrected within seconds, or not; overtime
// keys by mistake; outs forgotten; absences; people who join and leave; and a first
// day on which everybody is enrolled with a single "in". Every terminal counts its
// PINs from 1, so the same PIN at two terminals is two people.
//
// Nobody in them exists. Names are put together from lists in many scripts, long and
// short; addresses end in example.org, phone numbers are of the range kept free for
// fiction. The same configuration gives the same bytes, on every machine.
package generator
