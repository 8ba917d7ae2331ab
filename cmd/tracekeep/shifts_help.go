package main

// Help implements kong's help provider.
func (shiftsPlan) Help() string {
	return `Plans a shift at the local times of its site. What comes back does so at the same local times, also when the clocks change, on the
days from the one of --start to --until; days of --except are left out. Each is a shift of its own: move or call off one of them, or
with --following it and all that come after it.

Examples:
  tracekeep shifts plan --data ./records --kind duty --employer agency --site gate_1 --zone Asia/Manila --start '2026-05-04 22:00' \
      --end '2026-05-05 06:00' --repeat mon,tue,wed --until 2026-06-30 --except 2026-06-12 --officer 6d1e…
  tracekeep shifts plan --data ./records --kind task --employer agency --site stock --zone Asia/Manila --start '2026-05-04 08:00' \
      --end '2026-05-08 17:00' --officer 6d1e… --json`
}

// Help implements kong's help provider.
func (shiftsOffer) Help() string {
	return `Puts the people in the order of a strategy and offers the shift to the first of them, as many as there are places; bidding and
release_to_all offer it to everybody who is free. Who cannot have it is passed over, with the rule and the figures that say so.
tracekeep shifts explain shows the order and the reasons.

Examples:
  tracekeep shifts offer --data ./records --shift 77aa… --strategy rotation --candidate 3f0a… --candidate 91bc… \
      --respond-by 2026-05-03T12:00:00Z --officer 6d1e…
  tracekeep shifts offer --data ./records --shift 77aa… --strategy seniority --candidates people.jsonl --asked 5 --respond-by 2026-05-03T12:00:00Z --json`
}

// Help implements kong's help provider.
func (shiftsAccept) Help() string {
	return `Takes a place on a shift that was offered, and is refused with the figures where another shift, the rest or a cap stands against it.

Examples:
  tracekeep shifts accept --data ./records --shift 77aa… --work 3f0a…
  tracekeep shifts accept --data ./records --shift 77aa… --work 3f0a… --qualification traffic --json`
}

// Help implements kong's help provider.
func (shiftsDecline) Help() string {
	return `Says no to an offer. Whoever declined is passed over when the shift is offered again.

Examples:
  tracekeep shifts decline --data ./records --shift 77aa… --work 3f0a… --reason family`
}

// Help implements kong's help provider.
func (shiftsBid) Help() string {
	return `Bids for a shift that is open to bids; another bid of the same person takes its place. Equal bids are decided by their time, then
by lot.

Examples:
  tracekeep shifts bid --data ./records --shift 77aa… --work 3f0a… --points 40`
}

// Help implements kong's help provider.
func (shiftsAward) Help() string {
	return `Gives the free places to the best bids of those who can still have the shift.

Examples:
  tracekeep shifts award --data ./records --shift 77aa… --officer 6d1e…
  tracekeep shifts award --data ./records --shift 77aa… --candidates people.jsonl --json`
}

// Help implements kong's help provider.
func (shiftsAssign) Help() string {
	return `Gives somebody a place on the word of an officer, unless another shift, the rest or a cap stands against it.

Examples:
  tracekeep shifts assign --data ./records --shift 77aa… --work 3f0a… --officer 6d1e…
  tracekeep shifts assign --data ./records --shift 77aa… --work 3f0a… --qualification traffic --officer 6d1e… --json`
}

// Help implements kong's help provider.
func (shiftsUnassign) Help() string {
	return `Takes somebody off a shift that is not completed.

Examples:
  tracekeep shifts unassign --data ./records --shift 77aa… --work 3f0a… --reason sick --officer 6d1e…`
}

// Help implements kong's help provider.
func (shiftsComplete) Help() string {
	return `Closes a shift that is over, or a task: how everybody came to it is what the punches say by now, five minutes at either end being
within the grace, and whoever is not rated is unrated.

Examples:
  tracekeep shifts complete --data ./records --shift 77aa… --rating 3f0a…=meets --rating 91bc…=exceeds --officer 6d1e… --json`
}

// Help implements kong's help provider.
func (shiftsList) Help() string {
	return `Lists shifts by start; tracekeep roster lists those of some days, also as they were.

Examples:
  tracekeep shifts list --data ./records --open
  tracekeep shifts list --data ./records --site harbor_st --json`
}

// Help implements kong's help provider.
func (shiftsCancel) Help() string {
	return `Calls a shift off, also one that has begun; it stays in the roster as cancelled.

Examples:
  tracekeep shifts cancel --data ./records --shift 77aa… --reason weather --officer 6d1e…
  tracekeep shifts cancel --data ./records --shift 77aa… --following --reason contract_ended --officer 6d1e… --json`
}

// Help implements kong's help provider.
func (swapRequest) Help() string {
	return `Asks somebody to take a place, in the name of who has it, and prints the id of the swap. The other one agrees next.

Examples:
  tracekeep shifts swap request --data ./records --shift 77aa… --from 3f0a… --to 91bc… --json`
}

// Help implements kong's help provider.
func (swapAgree) Help() string {
	return `Agrees to take a place. The place moves when an officer approves it.

Examples:
  tracekeep shifts swap agree --data ./records --shift 77aa… --swap 5e21… --work 91bc…`
}

// Help implements kong's help provider.
func (swapApprove) Help() string {
	return `Moves the place, unless another shift, the rest or a cap stands against who takes it.

Examples:
  tracekeep shifts swap approve --data ./records --shift 77aa… --swap 5e21… --officer 6d1e…
  tracekeep shifts swap approve --data ./records --shift 77aa… --swap 5e21… --qualification traffic --officer 6d1e… --json`
}

// Help implements kong's help provider.
func (swapRefuse) Help() string {
	return `Ends a swap that is not approved yet; both can ask again.

Examples:
  tracekeep shifts swap refuse --data ./records --shift 77aa… --swap 5e21… --reason too_late --officer 6d1e…`
}
