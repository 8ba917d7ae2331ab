package app

import (
	"errors"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/consent"
	"tracekeep/domain/erasure"
	"tracekeep/domain/person"
	"tracekeep/domain/timecard"
)

// refusals names every rule of the domain that may say no to a caller. The
// messages of these sentinels hold no value that was sent.
func refusals() []struct {
	err           error
	code, pointer string
} {
	return []struct {
		err           error
		code, pointer string
	}{
		{person.ErrAlreadyRegistered, "already_registered", ""},
		{person.ErrClosed, "account_closed", ""},
		{person.ErrNoName, "no_name", "/legal_name"},
		{person.ErrNothingToCorrect, "nothing_to_correct", ""},
		{person.ErrReason, "no_reason", "/reason"},
		{timecard.ErrNoTime, "no_time", "/occurred_at"},
		{timecard.ErrDirection, "bad_direction", "/direction"},
		{timecard.ErrKind, "bad_kind", "/kind"},
		{timecard.ErrStation, "no_station", "/station"},
		{timecard.ErrOffset, "bad_offset", "/occurred_at"},
		{timecard.ErrInTheFuture, "in_the_future", "/occurred_at"},
		{timecard.ErrOtherPunch, "punch_id_used", "/punch_id"},
		{timecard.ErrNoApprover, "no_approver", "/approved_by"},
		{timecard.ErrSelfApproval, "self_approval", "/approved_by"},
		{timecard.ErrReason, "bad_reason", "/reason"},
		{timecard.ErrYear, "other_year", "/occurred_at"},
		{timecard.ErrNothingChanges, "nothing_changes", ""},
		{consent.ErrPurpose, "bad_purpose", "/purpose"},
		{consent.ErrNotice, "no_notice", "/notice_version"},
		{consent.ErrMethod, "bad_method", "/method"},
		{consent.ErrNoTime, "no_time", "/at"},
		{consent.ErrOrder, "out_of_order", "/at"},
		{erasure.ErrSamePerson, "same_officer", ""},
		{erasure.ErrAlreadyRequested, "already_requested", ""},
		{keyring.ErrTaken, "badge_taken", "/badge"},
	}
}

// outward translates an error of the inside to what the ports promise. It is
// the one place where a domain refusal becomes a code.
func outward(err error) error {
	if err == nil {
		return nil
	}
	for _, r := range refusals() {
		if errors.Is(err, r.err) {
			return &httpapi.Refusal{Code: r.code, Message: r.err.Error(), Pointer: r.pointer}
		}
	}
	switch {
	case errors.Is(err, person.ErrNotRegistered), errors.Is(err, timecard.ErrUnknownPunch), errors.Is(err, erasure.ErrNotRequested):
		return errors.Join(httpapi.ErrNotFound, err)
	case errors.Is(err, domain.ErrStale):
		return errors.Join(httpapi.ErrStale, err)
	case errors.Is(err, domain.ErrBusy), errors.Is(err, domain.ErrConflict):
		return errors.Join(httpapi.ErrConflict, err)
	case errors.Is(err, domain.ErrUnknownOutcome), passes(err):
		return errors.Join(httpapi.ErrUnavailable, err)
	}
	return err
}
