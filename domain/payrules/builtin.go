package payrules

import (
	"fmt"
	"slices"
	"time"
)

// BuiltIn finds a set of rules by its name. None of them names a zone: a day has
// to begin somewhere, and whose clock says so is for the caller to tell.
func BuiltIn(name string) (Rules, bool) {
	all := BuiltIns()
	i := slices.IndexFunc(all, func(r Rules) bool { return r.Name == name })
	if i < 0 {
		return Rules{}, false
	}
	return all[i], true
}

// Earlier lists built-in sets as they were in earlier versions. Nothing new is worked
// out by them: what was locked by one is compared by it.
//
// History:
//   - california version 1 let a salary pay the straight time of overtime.
//   - california version 2 pays a salary for regular hours only (Cal. Labor Code 515(d)).
//   - 207k version 1 counted no short breaks as work.
//   - 207k version 2 does, as 29 CFR 785.18 asks for everybody (29 CFR 553.221(b)).
func Earlier() []Rules {
	ca := california()
	ca.Version, ca.Salary = 1, ""
	all := []Rules{ca}
	for _, r := range workPeriods() {
		r.Version, r.PaidBreaks = 1, Breaks{}
		all = append(all, r)
	}
	return all
}

// BuiltInVersion finds a built-in set in one of its versions.
func BuiltInVersion(name string, version int) (Rules, bool) {
	all := append(BuiltIns(), Earlier()...)
	i := slices.IndexFunc(all, func(r Rules) bool { return r.Name == name && r.Version == version })
	if i < 0 {
		return Rules{}, false
	}
	return all[i], true
}

// BuiltIns lists the sets of rules that need no file.
func BuiltIns() []Rules {
	all := append([]Rules{flsa(), california(), eu(), germany()}, workPeriods()...)
	return append(all,
		court(),
		detail("boston-detail-construction", GuaranteeStep{4 * time.Hour, 4 * time.Hour}, GuaranteeStep{8 * time.Hour, 8 * time.Hour}),
		detail("boston-detail-security", GuaranteeStep{4 * time.Hour, 4 * time.Hour}, GuaranteeStep{UpTo: 6 * time.Hour}, GuaranteeStep{8 * time.Hour, 8 * time.Hour}),
	)
}

var midnight = Clock{}

// flsa pays overtime over 40 hours of a workweek, and knows no daily overtime.
func flsa() Rules {
	return Rules{
		Name: "flsa", Version: 1, Source: "29 U.S.C. 207; 29 CFR 778.101",
		Workweek:   Workweek(time.Sunday, midnight),
		Weekly:     []Limit{{40 * time.Hour, Overtime, "29 U.S.C. 207(a)(1); 29 CFR 778.101"}},
		PaidBreaks: Breaks{20 * time.Minute, "29 CFR 785.18"},
		FlatSum:    PerHour,
	}
}

// california is for those who are not exempt. It does not round: Donohue v. AMN
// forbids it for meals, and Camp v. Home Depot is open for the rest. The exception
// of Labor Code 556 is left out, in favour of the worker: seventh_day in a file of
// rules takes it in.
func california() Rules {
	const overtime = "Cal. Labor Code 510(a)"
	return Rules{
		Name: "california", Version: 2, Source: "Cal. Labor Code 500, 510",
		Workweek: Workweek(time.Sunday, midnight),
		Daily:    []Limit{{8 * time.Hour, Overtime, overtime}, {12 * time.Hour, DoubleTime, overtime}},
		Weekly:   []Limit{{40 * time.Hour, Overtime, overtime}},
		SeventhDay: SeventhDay{Limits: []Limit{
			{0, Overtime, overtime + "; Mendoza v. Nordstrom (2017)"}, {8 * time.Hour, DoubleTime, overtime},
		}},
		ShiftGap:   4 * time.Hour,
		PaidBreaks: Breaks{20 * time.Minute, "29 CFR 785.18; Cal. wage orders § 12"},
		Meals: MealRules{Source: "Cal. Labor Code 226.7, 512(a); Brinker v. Superior Court (2012)", Meals: []Meal{
			{Over: 5 * time.Hour, AtLeast: 30 * time.Minute, BeginBy: 5 * time.Hour, WaivableUpTo: 6 * time.Hour},
			{Over: 10 * time.Hour, AtLeast: 30 * time.Minute, BeginBy: 10 * time.Hour, WaivableUpTo: 12 * time.Hour},
		}},
		RestBreaks: RestBreaks{
			Length: 10 * time.Minute, From: 3*time.Hour + 30*time.Minute, Per: 4 * time.Hour,
			Source: "Cal. Labor Code 226.7; Brinker v. Superior Court (2012)",
		},
		FlatSum: PerRegularHour,
		Salary:  ForRegularHours,
	}
}

// eu is what Directive 2003/88/EC asks for everywhere. How long a pause is, is
// national: some pause is looked for.
func eu() Rules {
	const directive = "Directive 2003/88/EC, Art. "
	return Rules{
		Name: "eu", Version: 1, Source: "Directive 2003/88/EC; CJEU C-55/18",
		Workweek: Workweek(time.Monday, midnight), ShiftGap: 4 * time.Hour,
		Pauses:     Pauses{Pauses: []Pause{{Over: 6 * time.Hour, Need: time.Minute}}, Source: directive + "4"},
		DailyRest:  Bound{11 * time.Hour, directive + "3"},
		WeeklyRest: Bound{35 * time.Hour, directive + "5"},
		Average:    Average{48 * time.Hour, 17, directive + "6(b), 16(b)"},
	}
}

// germany adds what the Arbeitszeitgesetz says of pauses and days. Its average of
// eight hours a working day over 24 weeks is 48 hours a week of six such days.
func germany() Rules {
	return Rules{
		Name: "de", Version: 1, Source: "ArbZG",
		Workweek: Workweek(time.Monday, midnight), ShiftGap: 4 * time.Hour,
		Pauses: Pauses{
			Pauses:  []Pause{{Over: 6 * time.Hour, Need: 30 * time.Minute}, {Over: 9 * time.Hour, Need: 45 * time.Minute}},
			AtLeast: 15 * time.Minute, LongestStretch: 6 * time.Hour, Source: "ArbZG § 4",
		},
		LongestDay: Bound{10 * time.Hour, "ArbZG § 3"},
		DailyRest:  Bound{11 * time.Hour, "ArbZG § 5"},
		WeeklyRest: Bound{35 * time.Hour, "Directive 2003/88/EC, Art. 5"},
		Average:    Average{48 * time.Hour, 24, "ArbZG § 3"},
	}
}

func workPeriods() []Rules {
	return []Rules{
		workPeriod("207k-7", 7, 43*time.Hour), workPeriod("207k-14", 14, 86*time.Hour), workPeriod("207k-28", 28, 171*time.Hour),
		workPeriod("207k-fire-7", 7, 53*time.Hour), workPeriod("207k-fire-14", 14, 106*time.Hour), workPeriod("207k-fire-28", 28, 212*time.Hour),
	}
}

// workPeriod is for law enforcement and firefighters of a public agency. The
// periods are counted from 4 January 2026; a file of rules gives another day.
func workPeriod(name string, days int, limit time.Duration) Rules {
	const source = "29 U.S.C. 207(k); 29 CFR 553.230"
	return Rules{
		Name: name, Version: 2, Source: source,
		Workweek:   Cycle{Days: days, Anchor: "2026-01-04"},
		Weekly:     []Limit{{limit, Overtime, fmt.Sprintf("%s: %d hours in %d days", source, limit/time.Hour, days)}},
		PaidBreaks: Breaks{20 * time.Minute, "29 CFR 553.221(b), 785.18"},
	}
}

// detail is the custom by which details outside of duty were paid in 2022, as it
// shows in the public record; see [Guarantee].
func detail(name string, steps ...GuaranteeStep) Rules {
	return Rules{
		Name: name, Version: 1, Source: "Boston police paid details, public record of 2022",
		Workweek:  Workweek(time.Sunday, midnight),
		Guarantee: Guarantee{Steps: steps, Source: "minimum hours of a paid detail"},
	}
}

// court is a call to court: four hours at least, and what it took above them.
func court() Rules {
	r := detail("boston-court", GuaranteeStep{4 * time.Hour, 4 * time.Hour})
	r.Source = "Boston police court overtime, public record of 2018 to 2020"
	r.Guarantee.Exact, r.Guarantee.Source = true, "minimum of a call to court"
	return r
}
