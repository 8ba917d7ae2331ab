package eventnode

import (
	"fmt"
	"strings"
)

// DefectKind says what of a folder does not hold.
type DefectKind string

// The kinds of defects.
const (
	DefectFile     DefectKind = "file"     // a file of the folder is damaged, missing or not of it
	DefectEnd      DefectKind = "end"      // the log ends before what was on the disk
	DefectRecord   DefectKind = "record"   // a record does not decode, or its checksum differs
	DefectHole     DefectKind = "hole"     // records between two others are missing from the log
	DefectOrder    DefectKind = "order"    // a creation time goes back along the log
	DefectIndex    DefectKind = "index"    // the stream index and the log tell different stories
	DefectRevision DefectKind = "revision" // a stream has a gap
	DefectHead     DefectKind = "head"     // the head of a stream is not what its events say
	DefectName     DefectKind = "name"     // names and numbers of streams do not match
	DefectGroup    DefectKind = "group"    // settings or checkpoint of a persistent subscription
	DefectKey      DefectKind = "key"      // a key that no version of this package writes
)

// Defect is one thing that is wrong with a folder, and where. What is not known
// of the place is empty; Revision is nil then.
type Defect struct {
	Kind     DefectKind `json:"kind"`
	File     string     `json:"file,omitempty"`
	Position int64      `json:"position,omitempty"`
	Stream   string     `json:"stream,omitempty"`
	Revision *int64     `json:"revision,omitempty"`
	Detail   string     `json:"detail"`
}

// String names the place and what is wrong there.
func (d Defect) String() string {
	var b strings.Builder
	b.WriteString(string(d.Kind))
	if d.File != "" {
		b.WriteString(" " + d.File)
	}
	if d.Position > 0 {
		fmt.Fprintf(&b, " at position %d", d.Position)
	}
	if d.Stream != "" {
		b.WriteString(" of stream " + d.Stream)
		if d.Revision != nil {
			fmt.Fprintf(&b, "@%d", *d.Revision)
		}
	}
	return b.String() + ": " + d.Detail
}

func (r *record) defect(kind DefectKind, format string, args ...any) Defect {
	return Defect{Kind: kind, Position: r.pos, Stream: string(r.name), Revision: &r.rev, Detail: fmt.Sprintf(format, args...)}
}
