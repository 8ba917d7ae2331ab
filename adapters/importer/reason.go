package importer

// Reason is why a row was rejected. The set is closed.
type Reason string

// The reasons for rows of a clock file.
const (
	LineTooLong        Reason = "line_too_long"
	NotUTF8            Reason = "not_utf8"
	TruncatedLine      Reason = "truncated_line"
	BrokenLine         Reason = "broken_line"
	BadPIN             Reason = "bad_pin"
	BadTime            Reason = "bad_time"
	BadState           Reason = "bad_state"
	UndefinedState     Reason = "undefined_state"
	StationClockReset  Reason = "station_clock_reset"
	GapInLocalTime     Reason = "gap_in_local_time"
	AmbiguousLocalTime Reason = "ambiguous_local_time"
	InTheFuture        Reason = "in_the_future"
	UnknownPIN         Reason = "unknown_pin"
	BadKey             Reason = "bad_key"
	NoDuration         Reason = "no_duration"
	EndBeforeStart     Reason = "end_before_start"
	StillRunning       Reason = "still_running"
	BadDirection       Reason = "bad_direction"
	BadChecksum        Reason = "bad_checksum"
	BadCount           Reason = "bad_count"
	Biometric          Reason = "biometric"
)

// The reasons why a row that is taken needs a look.
const (
	ClockSetBack  Reason = "clock_set_back"
	ClockAdjusted Reason = "clock_adjusted"
	CounterJumped Reason = "counter_jumped"
	HoursDisagree Reason = "hours_disagree"
	Overlaps      Reason = "overlaps"
)

// The reasons for rows of a people file, beside [BadPIN], [NotUTF8] and [BrokenLine].
const (
	DuplicatePIN      Reason = "duplicate_pin"
	BadName           Reason = "bad_name"
	BadEmail          Reason = "bad_email"
	BadPhone          Reason = "bad_phone"
	BadBirthDate      Reason = "bad_birth_date"
	BadEmployeeNumber Reason = "bad_employee_number"
)

// Rejected is the verdict on one row that was not taken. It never holds a value
// of the row.
type Rejected struct {
	Line    int64  `json:"line"`            // counted from 1
	Sheet   string `json:"sheet,omitempty"` // of a workbook: its place, counted from 1
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
}

func reject(line int64, reason Reason) Rejected {
	return Rejected{Line: line, Reason: reason, Message: reason.message()}
}

func (r Reason) message() string {
	switch r {
	case LineTooLong:
		return "the line is longer than 4 KiB, or the row longer than 1 MiB"
	case NotUTF8:
		return "the line is not valid UTF-8; is it another encoding? see --encoding"
	case TruncatedLine:
		return "the last line has no line end and is incomplete; the file may be cut off"
	case BrokenLine:
		return "the columns are not those of this kind of file"
	case BadPIN:
		return "the PIN must be 1 to 24 letters or digits"
	case BadTime:
		return "the time is not a date and time of day as the format writes it (for a clock file YYYY-MM-DD HH:MM:SS)"
	case BadState:
		return "the state is none of 0 in, 1 out, 2 break out, 3 break in, 4 overtime in, 5 overtime out"
	case UndefinedState:
		return "the station recorded the punch without a state (255), so it is neither in nor out"
	case StationClockReset:
		return "the date is before 2001; the station's clock was reset"
	case GapInLocalTime:
		return "the clocks of the zone were put forward over this local time, so it never was; is the zone right?"
	case AmbiguousLocalTime:
		return "ambiguous local time: the clocks were put back and it came twice; give --overlap first, second or order"
	case InTheFuture:
		return "the time is more than 24 hours after the import; the station's clock was wrong"
	case UnknownPIN:
		return "nobody with this PIN is in the people file or known at the station"
	case BadKey:
		return "the column that says whose row it is is empty, longer than 254 bytes, or not what the format has there"
	case NoDuration:
		return "start and end are the same instant, so nothing was worked"
	case EndBeforeStart:
		return "the end lies before the start"
	case StillRunning:
		return "the entry has no end yet; import it again when it has one"
	case BadDirection:
		return "the direction is neither of the words for in nor of those for out"
	case BadChecksum:
		return "the check sum of the record does not fit its text; the file was changed or damaged"
	case BadCount:
		return "the trailer counts other records than the file has; the file may be cut off"
	case Biometric:
		return "the record holds a biometric template, which is not taken"
	case ClockSetBack:
		return "taken, but its time is more than 5 minutes before the row above: was the station's clock set back?"
	case ClockAdjusted:
		return "the station records that its clock was set; punches around here may be wrong"
	case CounterJumped:
		return "taken, but the station's running number does not follow the row above: records may be missing"
	case Overlaps:
		return "taken, but it overlaps with another entry of the same person: only one can have been worked"
	case HoursDisagree:
		return "taken, but the file's own hours differ from start to end by a minute or more; the times count"
	case DuplicatePIN:
		return "the PIN occurred before in this file; the first row counts"
	case BadName:
		return "the name is missing, longer than 2,000 bytes, or holds control characters"
	case BadEmail:
		return "the email is not an address"
	case BadPhone:
		return "the phone number is longer than 64 bytes or holds control characters"
	case BadBirthDate:
		return "the birth date is not a past date as YYYY-MM-DD"
	case BadEmployeeNumber:
		return "the employee number is longer than 64 bytes or holds control characters"
	}
	return string(r)
}
