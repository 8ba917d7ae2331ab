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
	BadWorkDate        Reason = "bad_work_date"
	BadHours           Reason = "bad_hours"
	NoHours            Reason = "no_hours"
	TooManyHours       Reason = "too_many_hours"
	NobodyRecognised   Reason = "nobody_recognised"
	NoTimes            Reason = "no_times"
)

// The reasons why a row that is taken needs a look.
const (
	ClockSetBack  Reason = "clock_set_back"
	ClockAdjusted Reason = "clock_adjusted"
	CounterJumped Reason = "counter_jumped"
	HoursDisagree Reason = "hours_disagree"
	Overlaps      Reason = "overlaps"
	AmbiguousDate Reason = "ambiguous_date"
	UnknownJob    Reason = "unknown_job"

	UnknownChecksum Reason = "unknown_checksum"

	SameHoursAgain  Reason = "same_hours_again"
	OverlapResolved Reason = "overlap_resolved"
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

// The reasons for rows of a roster, beside those above.
const (
	BadMode      Reason = "bad_mode"
	BadStatus    Reason = "bad_status"
	BadDate      Reason = "bad_date"
	BadTitle     Reason = "bad_title"
	BadCode      Reason = "bad_code"
	BadRole      Reason = "bad_role"
	DuplicateID  Reason = "duplicate_id"
	UnknownUser  Reason = "unknown_user"
	UnknownClass Reason = "unknown_class"
	UnknownTitle Reason = "unknown_title"
	NeverThere   Reason = "never_there"
	ErasedUser   Reason = "erased_user"
)

// The reasons for rows of people with fields of the tenant's own, beside those above.
const (
	BadText       Reason = "bad_text"
	BadNumber     Reason = "bad_number"
	BadChoice     Reason = "bad_choice"
	BadFieldDate  Reason = "bad_field_date"
	UnknownPerson Reason = "unknown_person"
	ClosedAccount Reason = "closed_account"
)

// Rejected is the verdict on one row that was not taken. It never holds a value
// of the row.
type Rejected struct {
	File    string `json:"file,omitempty"`  // of a roster, which has several
	Line    int64  `json:"line"`            // counted from 1
	Sheet   string `json:"sheet,omitempty"` // of a workbook: its place, counted from 1
	Field   string `json:"field,omitempty"` // code of the field of the tenant's own that it is about
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
}

func reject(line int64, reason Reason) Rejected {
	return Rejected{Line: line, Reason: reason, Message: reason.message()}
}

// messages say of each reason what is wrong and, where there is something, what to do.
var messages = map[Reason]string{
	LineTooLong:        "the line is longer than 4 KiB, or the row longer than 1 MiB",
	NotUTF8:            "the line is not valid UTF-8; name its encoding with --encoding, such as windows-1252 (western Europe), windows-1251 (Cyrillic), windows-1256 (Arabic), windows-874 (Thai) or gb18030 (Chinese)",
	TruncatedLine:      "the last line has no line end and is incomplete; the file may be cut off",
	BrokenLine:         "the columns are not those of this kind of file; there may be fewer or more than its header names",
	BadPIN:             "the PIN must be 1 to 24 letters or digits",
	BadTime:            "the time is not a date and time of day as the format writes it (for a clock file YYYY-MM-DD HH:MM:SS)",
	BadState:           "the state is none of 0 in, 1 out, 2 break out, 3 break in, 4 overtime in, 5 overtime out",
	UndefinedState:     "the station recorded the punch without a state (255), so it is neither in nor out; give --directions derive to let them alternate",
	StationClockReset:  "the date is before 2001; the station's clock was reset",
	GapInLocalTime:     "the clocks of the zone were put forward over this local time, so it never was; is the zone right?",
	AmbiguousLocalTime: "ambiguous local time: the clocks were put back and it came twice; give --overlap first, second or order",
	InTheFuture:        "the time is more than 24 hours after the import; the station's clock was wrong",
	UnknownPIN:         "nobody with this PIN is in the people file or known at the station",
	BadKey:             "the column that says whose row it is is empty, longer than 254 bytes, or not what the format has there",
	NoDuration:         "start and end are the same instant, so nothing was worked",
	EndBeforeStart:     "the end lies before the start",
	StillRunning:       "the entry has no end yet; import it again when it has one",
	BadDirection:       "the direction is neither of the words for in nor of those for out",
	BadChecksum:        "the check sum of the record does not fit its text; the file was changed or damaged",
	BadCount:           "the trailer counts other records than the file has; the file may be cut off",
	Biometric:          "the record holds a biometric template, which is not taken",
	BadWorkDate:        "the date is none as the format writes it, or before 2001",
	BadHours:           "the hours are none: write 7:30, 7.5 or 7,5, and nothing below zero",
	NoHours:            "the hours are zero, so nothing was worked",
	TooManyHours:       "more than 24 hours on one day; is it the total of a week? Hours are declared for each day",
	NobodyRecognised:   "the station recorded the number 0: it recognised nobody, or its door was opened by a button",
	NoTimes:            "the entry has hours, but neither a day nor times of day",
	UnknownChecksum:    "the check sums of this file are made in no known way, so records that were changed or damaged cannot be told from others",
	SameHoursAgain:     "taken, but a row above says the same hours of the same person, day and work: were they entered twice?",
	OverlapResolved:    "taken, but its local time came twice when the clocks were put back: it is the one that somebody said, or the first where the second had not come yet",
	ClockSetBack:       "taken, but its time is more than 5 minutes before the row above: was the station's clock set back?",
	ClockAdjusted:      "the station records that its clock was set; punches around here may be wrong",
	CounterJumped:      "taken, but the station's running number does not follow the row above: records may be missing",
	Overlaps:           "taken, but it overlaps with another entry of the same person: only one can have been worked",
	AmbiguousDate:      "taken with the month first, but no date of the file tells whether the day is; give --dates month-first or day-first",
	UnknownJob:         "taken for no job: the mapping has no code for what the row names",
	HoursDisagree:      "taken, but the file's own hours differ from start to end by a minute or more; the times count",
	DuplicatePIN:       "the PIN occurred before in this file; the first row counts",
	BadName:            "the name is missing, longer than 2,000 bytes, or holds control characters",
	BadEmail:           "the email is not an address",
	BadPhone:           "the phone number is longer than 64 bytes or holds control characters",
	BadBirthDate:       "the birth date is not a past date as YYYY-MM-DD",
	BadEmployeeNumber:  "the employee number is longer than 64 bytes or holds control characters",
	BadMode:            "a file of a roster is bulk, delta or absent",
	BadStatus:          "the status is none of active, inactive and tobedeleted; it is needed in a delta file",
	BadDate:            "a day is written YYYY-MM-DD, and an end is not before its beginning",
	BadTitle:           "the title of the course is missing or longer than 200 bytes, its code longer than 64, or either holds control characters",
	BadCode:            "the code of the class or of its school is longer than 64 bytes or holds control characters",
	BadRole:            "the role is none of student, teacher, aide, proctor and administrator",
	DuplicateID:        "the id occurred before in this file; the first row counts",
	UnknownUser:        "nobody with this id is in the file of people or known already",
	UnknownClass:       "no class with this id is in the file of classes or known already",
	UnknownTitle:       "the course of the class is in no file, and the class is not known already",
	NeverThere:         "the program removes what it never told of",
	BadText:            "the text is too long or holds control characters",
	BadNumber:          "it is not a number as -12.5, or too long",
	BadChoice:          "it is none of the choices of the field",
	BadFieldDate:       "it is not a date as the mapping's layouts say, or as YYYY-MM-DD",
	UnknownPerson:      "nobody is known by this key, and the row has no name to register somebody with",
	ClosedAccount:      "the account of this person is closed, and nothing of it is changed any more",
	ErasedUser:         "this person is being erased or was erased; nothing is recorded about them any more",
}

func (r Reason) message() string {
	if message, ok := messages[r]; ok {
		return message
	}
	return string(r)
}
