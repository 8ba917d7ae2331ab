// Package adms speaks with ZKTeco terminals that push their punches (ADMS, also
// called iClock or PUSH): HTTP in which the terminal always asks and the server only
// answers.
//
//	GET  /iclock/cdata?SN=…&options=all      how the terminal is to push
//	POST /iclock/cdata?SN=…&table=ATTLOG     punches
//	POST /iclock/cdata?SN=…&table=OPERLOG    what was done at the terminal, its users, their templates
//	GET  /iclock/getrequest?SN=…             is there something to do? (never)
//	GET  /iclock/ping?SN=…                   is somebody there?
//	POST /iclock/devicecmd, /iclock/registry what terminals report about themselves
//
// A terminal keeps a batch until it is told "OK", and sends it again, so this is all
// that decides whether a punch can be lost: a batch is acknowledged when every row of
// it is durably recorded, or was let go by an officer, and never before. What cannot
// be acknowledged is answered with a status that every firmware takes for "again
// later". Of what is no punch (users, photos, fingerprints, faces) nothing is kept,
// not even in memory: it is counted line by line as it passes, and most terminals are
// told in the first answer not to send it.
//
// A terminal proves itself by its serial number, which is printed on it, and mostly
// over clear HTTP. So this never shares an address with anything else, and its limits
// assume that whoever reaches it may be hostile. No PIN and no row is ever in a log,
// an error or a metric.
package adms
