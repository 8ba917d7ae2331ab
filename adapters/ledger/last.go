package ledger

// LastTwo answers the positions of the last event of the trail and of the one
// before it, 0 when there is none: a store that can only be read from where an
// event stands is read from there to meet the last one again. ok is false for an
// empty trail.
func (l *Ledger) LastTwo() (before, last uint64, ok bool, err error) {
	head := l.current.Load().checkpoint
	if head.Size == 0 {
		return 0, 0, false, nil
	}
	if head.Size > 1 {
		if before, err = (positions{file: l.positions}).at(head.Size - 2); err != nil {
			return 0, 0, false, err
		}
	}
	return before, head.Position, true, nil
}
