package adms

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The pace at which terminals come, in seconds: after an error, and otherwise.
const (
	errorDelay = 30
	pollDelay  = 10
)

// options is the answer that a terminal starts with: send punches at once, and
// nothing else.
//
// Of punches it is told where to go on. "0" has it send everything it holds, which
// costs nothing but time, since what was recorded is known: so it is told until it
// has been heard once, and a terminal that worked without us before loses nothing.
// After that "None": it knows itself what was not acknowledged. A stamp of ours would
// be worse than none, since one that lies ahead of a clock that was set back makes
// the terminal leave out punches.
//
// It takes its time from the Date of our answers and this zone. What it is told is
// the offset of today, so after a change of the clocks it is right from its next
// start or handshake on; a terminal that changes by itself should be set to do so.
func options(t Terminal, protocol string, heard bool, now time.Time) string {
	punches := "0"
	if heard {
		punches = "None"
	}
	only := "TransData AttLog"
	if protocol == "" || strings.HasPrefix(protocol, "1.") || strings.HasPrefix(protocol, "2.0") { // firmwares that know digits only
		only = "1000000000"
	}
	return strings.Join([]string{
		"GET OPTION FROM: " + t.Serial,
		"ATTLOGStamp=" + punches,
		"OPERLOGStamp=9999", // of these nothing is wanted, not even what is there
		"ATTPHOTOStamp=9999",
		fmt.Sprintf("ErrorDelay=%d", errorDelay),
		fmt.Sprintf("Delay=%d", pollDelay),
		"TransTimes=00:00;12:00",
		"TransInterval=1",
		"TransFlag=" + only,
		"TimeZone=" + timeZone(now.In(t.Zone)),
		"Realtime=1",
		"Encrypt=None",
		"ServerVer=2.2.14",
		"PushProtVer=2.2.14",
		"PushOptionsFlag=0",
		"SupportPing=1",
	}, "\n") + "\n"
}

// timeZone writes an offset as the protocol has it: whole hours, or minutes where it
// is none.
func timeZone(local time.Time) string {
	_, seconds := local.Zone()
	if seconds%3600 == 0 {
		return strconv.Itoa(seconds / 3600)
	}
	return strconv.Itoa(seconds / 60)
}
