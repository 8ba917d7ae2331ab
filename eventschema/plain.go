package eventschema

import (
	"encoding/base64"
	"time"

	"github.com/google/uuid"
)

// plain reads JSON exactly as Encode writes it: the keys in the order of the
// struct, no blanks, texts of printable ASCII without escapes. Reading the log
// is mostly reading punches, and this is what most of them look like. Anything
// else makes it bad, and encoding/json is asked instead, so that it decides
// nothing: what plain reads, encoding/json reads alike.
type plain struct {
	data []byte
	at   int
	bad  bool
}

// done says whether all of the data was read as expected.
func (p *plain) done() bool { return !p.bad && p.at == len(p.data) }

// has reads literal where it comes next.
func (p *plain) has(literal string) bool {
	end := p.at + len(literal)
	if p.bad || end > len(p.data) || string(p.data[p.at:end]) != literal {
		return false
	}
	p.at = end
	return true
}

func (p *plain) literal(literal string) {
	if !p.has(literal) {
		p.bad = true
	}
}

// quoted reads a text up to its closing quote and gives where it stands.
func (p *plain) quoted(key string) (from, to int) {
	p.literal(key)
	p.literal(`"`)
	if p.bad {
		return 0, 0
	}
	for i := p.at; i < len(p.data); i++ {
		switch c := p.data[i]; {
		case c == '"':
			from, p.at = p.at, i+1
			return from, i
		case c == '\\' || c < ' ' || c > '~':
			p.bad = true
			return 0, 0
		}
	}
	p.bad = true
	return 0, 0
}

func (p *plain) string(key string) string {
	from, to := p.quoted(key)
	switch text := p.data[from:to]; string(text) { // the commonest, which take no memory of their own
	case string(DirectionIn):
		return string(DirectionIn)
	case string(DirectionOut):
		return string(DirectionOut)
	case string(KindNormal):
		return string(KindNormal)
	case string(LocationNotOffered):
		return string(LocationNotOffered)
	case string(SourceImport):
		return string(SourceImport)
	default:
		return string(text)
	}
}

// optional reads a text where its key comes next.
func (p *plain) optional(key string, into *string) {
	if p.has(key) {
		*into = p.string(``)
	}
}

func (p *plain) id(key string) (id uuid.UUID) {
	from, to := p.quoted(key)
	if p.bad = p.bad || id.UnmarshalText(p.data[from:to]) != nil; p.bad {
		return uuid.Nil
	}
	return id
}

func (p *plain) time(key string) (at time.Time) {
	from, to := p.quoted(key)
	p.bad = p.bad || at.UnmarshalText(p.data[from:to]) != nil
	return at
}

func (p *plain) bytes(key string) []byte {
	from, to := p.quoted(key)
	if p.bad {
		return nil
	}
	decoded := make([]byte, base64.StdEncoding.DecodedLen(to-from))
	n, err := base64.StdEncoding.Decode(decoded, p.data[from:to])
	p.bad = err != nil
	return decoded[:n]
}

// plainDigits is how many digits every int holds.
const plainDigits = 9

func (p *plain) int(key string) int {
	p.literal(key)
	negative := p.has("-")
	from, n := p.at, 0
	for p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '9' && p.at-from < plainDigits {
		n = 10*n + int(p.data[p.at]-'0')
		p.at++
	}
	if digits := p.at - from; digits == 0 || digits > 1 && p.data[from] == '0' {
		p.bad = true
	}
	if negative {
		return -n
	}
	return n
}

func plainMetadata(data []byte, m *Metadata) bool {
	p := plain{data: data}
	read := Metadata{
		CorrelationID: p.id(`{"$correlationId":`), CausationID: p.id(`,"$causationId":`), Tenant: p.id(`,"tenant":`),
		Actor: Actor{ID: p.id(`,"actor":{"id":`), Role: p.string(`,"role":`)},
		Salt:  p.bytes(`},"salt":`),
	}
	if p.literal(`}`); !p.done() {
		return false
	}
	*m = read
	return true
}

func plainPunch(data []byte, event Event) bool {
	p := plain{data: data}
	read := PunchRecorded{
		PunchID: p.id(`{"punch_id":`), WorkID: p.id(`,"work_id":`), OccurredAt: p.time(`,"occurred_at":`),
		Zone: p.string(`,"zone":`), OffsetSeconds: p.int(`,"offset_seconds":`),
		Direction: Direction(p.string(`,"direction":`)), Kind: PunchKind(p.string(`,"kind":`)),
		Station: p.string(`,"station":`), StationClock: p.string(`,"station_clock":`),
	}
	if p.has(`,"station_counter":`) {
		counter := int64(p.int(``))
		read.StationCounter = &counter
	}
	p.optional(`,"verification":`, &read.Verification)
	read.ReceivedAt, read.Location, read.Source = p.time(`,"received_at":`), LocationOutcome(p.string(`,"location":`)), Source(p.string(`,"source":`))
	p.optional(`,"site":`, &read.Site)
	p.optional(`,"job":`, &read.Job)
	p.optional(`,"reason":`, &read.Reason)
	if p.has(`,"device_id":`) {
		read.DeviceID = p.id(``)
	}
	if p.has(`,"fence":`) {
		read.Fence = &FenceReading{Verdict: FenceVerdict(p.string(`{"verdict":`)), DistanceMetres: p.int(`,"distance_metres":`)}
		p.literal(`}`)
	}
	if p.literal(`}`); !p.done() {
		return false
	}
	*event.(*PunchRecorded) = read
	return true
}
