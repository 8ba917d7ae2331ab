package eventschema

// PaidBy is by which rules a group of people was paid, and by which what changes
// later is compared. It is part of [PeriodLocked] and [TimeCardLocked]. It says
// nothing of rates: money about people is not kept in clear.
type PaidBy struct {
	Group string      `json:"group,omitempty"` // code; empty where there was one
	Rest  bool        `json:"rest,omitempty"`  // everybody who was in no other group
	Zone  string      `json:"zone"`            // whose clock began the days, for rules that name none
	Job   string      `json:"job,omitempty"`   // of work whose punch named none
	Rules []PaidRules `json:"rules"`           // the first are for the jobs that no others are for

	FirstMealWaived  bool `json:"first_meal_waived,omitempty"`
	SecondMealWaived bool `json:"second_meal_waived,omitempty"`
}

// PaidRules is a set of rules and the jobs it was for.
type PaidRules struct {
	Jobs    []string `json:"jobs,omitempty"`
	Name    string   `json:"name"`
	Version int      `json:"version"`
	Digest  string   `json:"digest"` // SHA-256 of the whole set in hexadecimal
}

// JobTime is time that was paid for one job: a code, or empty where nobody said.
// Premium hours are for no job.
type JobTime struct {
	Job  string   `json:"job"`
	Time PaidTime `json:"time"`
}
