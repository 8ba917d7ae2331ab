package main

// Help implements kong's help provider.
func (exportHours) Help() string {
	return `Writes a row for every interval of work, and one for hours that were declared without times, by work id and time. An interval belongs
to the day on which it began. What the columns hold, and how an export is recorded, says tracekeep export --help.

Examples:
  tracekeep export hours --data ./records --from 2026-03-01 --to 2026-03-31 --format xlsx --to-file march.xlsx \
      --officer 6d1e… --recipient payroll_bureau --purpose payroll --reason processor
  tracekeep export hours --data ./records --from 2026-03-01 --to 2026-03-31 --to-file - \
      --officer 6d1e… --recipient payroll_bureau --purpose payroll --reason processor | gzip > march.csv.gz`
}

// Help implements kong's help provider.
func (exportPunches) Help() string {
	return `Writes a row for every punch: what counts, beside what was recorded. A punch that was voided is in it and says so. What the columns
hold, and how an export is recorded, says tracekeep export --help.

Examples:
  tracekeep export punches --data ./records --from 2026-03-01 --to 2026-03-31 --site gate-1 --format parquet --to-file gate-1.parquet \
      --officer 6d1e… --recipient auditor --purpose audit --reason required_or_permitted_by_law --approved-by 77f0…`
}

// Help implements kong's help provider.
func (exportPeople) Help() string {
	return `Writes a row for every person, with the values that --fields names and no others. How an export is recorded says tracekeep export
--help.

Examples:
  tracekeep export people --data ./records --person ana --format json --to-file ana.json --fields legal_name,email \
      --officer 6d1e… --recipient new_employer --purpose portability --reason directed_by_subject`
}
