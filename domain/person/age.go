package person

import "time"

// IsOver says whether somebody born on a day has completed so many years on another
// day; both are dates, 2006-01-02. Who was born on 29 February completes a year on
// 1 March where there is no such day (§§ 187 and 188 BGB, and the common law): until
// then they are as young as they may be. known is false where a date is none.
func IsOver(birthDate string, years int, on string) (over, known bool) {
	born, errBorn := time.Parse(time.DateOnly, birthDate)
	day, errDay := time.Parse(time.DateOnly, on)
	if errBorn != nil || errDay != nil || day.Before(born) {
		return false, false
	}
	completed := day.Year() - born.Year()
	if day.Month() < born.Month() || day.Month() == born.Month() && day.Day() < born.Day() {
		completed--
	}
	return completed >= years, true
}
