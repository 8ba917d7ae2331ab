package app

import (
	"errors"
	"slices"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/mediastore"
	"tracekeep/domain"
	"tracekeep/domain/consent"
	"tracekeep/domain/device"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/erasure"
	"tracekeep/domain/field"
	"tracekeep/domain/hold"
	"tracekeep/domain/media"
	"tracekeep/domain/payperiod"
	"tracekeep/domain/person"
	"tracekeep/domain/restriction"
	"tracekeep/domain/retention"
	"tracekeep/domain/site"
	"tracekeep/domain/timecard"
	"tracekeep/domain/work"
)

// refusal is one rule as a caller is told of it.
type refusal struct {
	err           error
	code, pointer string
}

// refusals names every rule of the domain that may say no to a caller. The
// messages of these sentinels hold no value that was sent.
func refusals() []refusal {
	return []refusal{
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
		{timecard.ErrCode, "bad_code", ""},
		{timecard.ErrReasonOfVisit, "reason_of_visit", "/reason"},
		{timecard.ErrYear, "other_year", "/occurred_at"},
		{timecard.ErrDecided, "already_decided", ""},
		{timecard.ErrGround, "bad_ground", "/ground"},
		{timecard.ErrNothingChanges, "nothing_changes", ""},
		{timecard.ErrHours, "bad_hours", "/seconds"},
		{timecard.ErrWorkDate, "bad_work_date", "/work_date"},
		{timecard.ErrOtherDeclaration, "declaration_id_used", "/declaration_id"},
		{consent.ErrPurpose, "bad_purpose", "/purpose"},
		{consent.ErrNotice, "no_notice", "/notice_version"},
		{consent.ErrMethod, "bad_method", "/method"},
		{consent.ErrNoTime, "no_time", "/at"},
		{consent.ErrOrder, "out_of_order", "/at"},
		{keyring.ErrTaken, "badge_taken", "/badge"},
		{device.ErrOwner, "bad_owner", "/work_id"},
		{device.ErrStation, "no_station", "/station"},
		{device.ErrSite, "bad_code", "/site"},
		{device.ErrCode, "bad_code_of_invitation", "/code"},
		{device.ErrPublicKey, "bad_public_key", "/public_key"},
		{device.ErrKeyUsed, "key_used", "/public_key"},
		{device.ErrReplaces, "bad_replaces", "/replaces"},
		{device.ErrTooMany, "too_many_devices", ""},
		{device.ErrReason, "bad_reason", "/reason"},
		{devicebatch.ErrNotSealed, "not_sealed", "/sealed"},
		{devicebatch.ErrFormat, "bad_batch", "/sealed"},
		{devicebatch.ErrDevice, "other_device", "/sealed"},
		{devicebatch.ErrTooMany, "too_many_punches", "/sealed"},
		{site.ErrCode, "bad_code", "/site"},
		{site.ErrTaken, "site_taken", "/site"},
		{site.ErrClosed, "site_closed", "/site"},
		{site.ErrUnknown, "unknown_site", "/site"},
		{site.ErrZone, "bad_zone", "/zone"},
		{site.ErrPlace, "bad_place", "/fence"},
		{site.ErrRadius, "bad_radius", "/fence"},
		{site.ErrStation, "bad_station", "/stations"},
		{site.ErrStations, "station_taken", "/stations"},
		{site.ErrNoActor, "no_actor", ""},
		{media.ErrClass, "bad_class", "/class"},
		{media.ErrType, "bad_media_type", ""},
		{media.ErrPhotos, "photos_forbidden", ""},
		{media.ErrText, "bad_text", ""},
		{media.ErrOther, "item_id_used", ""},
		{media.ErrReason, "bad_reason", "/reason"},
		{media.ErrPortrait, "not_the_own_portrait", ""},
		{mediastore.ErrDamaged, "damaged_content", ""},
		{mediastore.ErrMetadata, "camera_metadata", ""},
	}
}

// refusalsOfCases names the rules of cases, holds, restrictions and disclosures.
func refusalsOfCases() []refusal {
	return []refusal{
		{keyring.ErrSubjectRestricted, "restricted", ""},
		{erasure.ErrSamePerson, "same_officer", ""},
		{erasure.ErrAlreadyRequested, "already_requested", ""},
		{erasure.ErrScope, "bad_scope", "/purposes"},
		{erasure.ErrPurpose, "bad_purpose", "/purposes"},
		{erasure.ErrMethod, "bad_method", "/method"},
		{erasure.ErrNotVerified, "identity_not_verified", ""},
		{erasure.ErrNotAssessed, "not_assessed", ""},
		{erasure.ErrHoldUnchecked, "holds_unchecked", ""},
		{erasure.ErrHeld, "under_hold", ""},
		{erasure.ErrCoolingOff, "cooling_off", ""},
		{erasure.ErrPointOfNoReturn, "point_of_no_return", ""},
		{erasure.ErrEnded, "case_ended", ""},
		{erasure.ErrOrder, "another_step_first", ""},
		{erasure.ErrReason, "bad_reason", "/reason"},
		{erasure.ErrGround, "bad_ground", "/ground"},
		{erasure.ErrToldLate, "told_late", "/told_at"},
		{erasure.ErrExtended, "already_extended", ""},
		{erasure.ErrRecipient, "unknown_recipient", "/disclosure_id"},
		{erasure.ErrOutcome, "bad_outcome", "/outcome"},
		{erasure.ErrBatch, "needs_batch", ""},
		{retention.ErrNothingDue, "nothing_due", "/cases"},
		{retention.ErrCases, "bad_cases", "/cases"},
		{retention.ErrTooBig, "batch_too_big", "/cases"},
		{retention.ErrSamePerson, "same_officer", ""},
		{retention.ErrLapsed, "batch_lapsed", ""},
		{hold.ErrAlreadyPlaced, "already_placed", ""},
		{hold.ErrSubject, "bad_subject", "/person_id"},
		{hold.ErrMatter, "no_matter", "/matter_id"},
		{hold.ErrPurpose, "bad_purpose", "/purposes"},
		{hold.ErrReason, "bad_reason", "/reason"},
		{hold.ErrReasonCode, "bad_reason", "/reason"},
		{hold.ErrReviewDate, "bad_review_date", "/review_by"},
		{hold.ErrSamePerson, "same_officer", ""},
		{hold.ErrUnconfirmed, "unconfirmed", ""},
		{hold.ErrNoLiftAsked, "no_lift_requested", ""},
		{hold.ErrEnded, "hold_ended", ""},
		{restriction.ErrAlreadyRestricted, "already_restricted", ""},
		{restriction.ErrGround, "bad_ground", "/ground"},
		{restriction.ErrNoObjection, "no_objection", ""},
		{restriction.ErrOutcome, "bad_outcome", "/outcome"},
		{restriction.ErrUndecided, "undecided", ""},
		{restriction.ErrUpheld, "objection_upheld", ""},
		{restriction.ErrNotTold, "not_told", "/told_at"},
		{restriction.ErrLifted, "restriction_lifted", ""},
		{disclosure.ErrAlreadyRecorded, "already_recorded", ""},
		{disclosure.ErrRecipient, "bad_recipient", "/recipient"},
		{disclosure.ErrGround, "bad_ground", "/ground"},
		{disclosure.ErrInterest, "bad_interest", "/interest"},
		{disclosure.ErrPurposes, "bad_purpose", "/purposes"},
		{disclosure.ErrInstrument, "no_instrument", "/instrument"},
		{disclosure.ErrReference, "bad_reference", "/reference"},
		{disclosure.ErrSecondPerson, "no_second_person", "/approved_by"},
	}
}

// refusalsOfPay names the rules about pay periods and what is owed for them.
func refusalsOfPay() []refusal {
	return []refusal{
		{ErrZone, "no_zone", "/zone"},
		{ErrNoGroup, "no_group", "/plan"},
		{ErrEarlierRules, "earlier_rules", ""},
		{ErrGraveFindings, "grave_findings", "/despite_findings"},
		{payperiod.ErrDays, "bad_days", "/from"},
		{payperiod.ErrNotOver, "not_over", "/to"},
		{payperiod.ErrOverlaps, "period_overlaps", "/from"},
		{payperiod.ErrTime, "bad_time", ""},
		{payperiod.ErrRules, "bad_rules", "/rules"},
	}
}

// refusalsOfFields names the rules about fields of the tenant's own, and about what
// stands in them.
func refusalsOfFields() []refusal {
	return []refusal{
		{field.ErrCode, "bad_code", "/field"},
		{field.ErrTaken, "field_taken", "/field"},
		{field.ErrRetired, "field_retired", "/field"},
		{field.ErrUnknown, "unknown_field", "/field"},
		{field.ErrLabel, "bad_label", "/label"},
		{field.ErrPurpose, "bad_purpose", "/purpose"},
		{field.ErrOtherUse, "other_purpose", "/purpose"},
		{field.ErrSensitivity, "bad_sensitivity", "/sensitivity"},
		{field.ErrLess, "less_sensitive", "/sensitivity"},
		{field.ErrKind, "bad_kind", "/kind"},
		{field.ErrLength, "bad_length", "/max_length"},
		{field.ErrChoices, "bad_choices", "/choices"},
		{field.ErrTooMany, "too_many_fields", ""},
		{field.ErrNoActor, "no_actor", ""},
		{field.ErrGround, "bad_ground", "query/ground"},
		{field.ErrText, "bad_text", "/fields"},
		{field.ErrNumber, "bad_number", "/fields"},
		{field.ErrDate, "bad_date", "/fields"},
		{field.ErrChoice, "bad_choice", "/fields"},
		{work.ErrReason, "no_reason", "/reason"},
	}
}

// outward translates an error of the inside to what the ports promise. It is
// the one place where a domain refusal becomes a code.
func outward(err error) error {
	if err == nil {
		return nil
	}
	for _, r := range slices.Concat(refusals(), refusalsOfCases(), refusalsOfPay(), refusalsOfFields()) {
		if errors.Is(err, r.err) {
			if value := new(field.ValueError); errors.As(err, &value) { // which says the field as well
				return &httpapi.Refusal{Code: r.code, Message: value.Error(), Pointer: "/fields"}
			}
			return &httpapi.Refusal{Code: r.code, Message: r.err.Error(), Pointer: r.pointer}
		}
	}
	var floor *erasure.FloorError
	switch {
	case errors.As(err, &floor):
		return &httpapi.Refusal{Code: "statutory_floor", Message: floor.Error()}
	case errors.Is(err, person.ErrNotRegistered), errors.Is(err, timecard.ErrUnknownPunch), errors.Is(err, timecard.ErrUnknownDeclaration), errors.Is(err, timecard.ErrNotRequested), errors.Is(err, erasure.ErrNotRequested),
		errors.Is(err, hold.ErrNotPlaced), errors.Is(err, restriction.ErrNotRestricted), errors.Is(err, retention.ErrNoBatch), errors.Is(err, device.ErrUnknown), errors.Is(err, media.ErrUnknown):
		return errors.Join(httpapi.ErrNotFound, err)
	case errors.Is(err, keyring.ErrSubjectClosing), errors.Is(err, keyring.ErrSubjectErased): // the erasure overtook the request
		return errors.Join(errBeingErased, err)
	case errors.Is(err, domain.ErrStale):
		return errors.Join(httpapi.ErrStale, err)
	case errors.Is(err, domain.ErrBusy), errors.Is(err, domain.ErrConflict):
		return errors.Join(httpapi.ErrConflict, err)
	case errors.Is(err, domain.ErrUnknownOutcome), passes(err):
		return errors.Join(httpapi.ErrUnavailable, err)
	}
	return err
}
