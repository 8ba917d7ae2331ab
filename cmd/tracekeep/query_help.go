package main

// Help implements kong's help provider.
func (queryPresence) Help() string {
	return `Lists who is in: whose last punch that counts is an in of the last 16 hours. tracekeep query board also says on which shift, and
whose out is overdue.

Examples:
  tracekeep query presence --data ./records
  tracekeep query presence --data ./records --at 2021-06-15T03:00:00Z --json`
}

// Help implements kong's help provider.
func (queryHours) Help() string {
	return `Adds up hours worked by person, the longest first, or by day of one person. An interval belongs whole to the day on which it began
by the clock of its site; its length is the time that passed, also when the clocks change.

Examples:
  tracekeep query hours --data ./records --from 2021-06-01 --to 2021-06-30
  tracekeep query hours --data ./records --from 2021-06-01 --to 2021-06-30 --person ana --json
  tracekeep query hours --data ./records --from 2021-06-01 --to 2021-06-30 --as-of 2021-06-30 --known-at 2021-07-01T09:00:00Z`
}

// Help implements kong's help provider.
func (queryPeople) Help() string {
	return `Lists who is registered, all or those whom --find names: by an id, a work id or a part of the name.

Examples:
  tracekeep query people --data ./records --find ana
  tracekeep query people --data ./records --over 18 --on 2026-03-01 --json`
}

// Help implements kong's help provider.
func (queryErasures) Help() string {
	return `Lists erasures, the one with the latest news first.

Examples:
  tracekeep query erasures --data ./records
  tracekeep query erasures --data ./records --json`
}
