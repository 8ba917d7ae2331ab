package bundle

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tracekeep/adapters/ledger/trail"
)

// WriteText says the outcome in plain sentences: the verdict first, then what was
// checked, what was not, and every defect with its place.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.Verdict() + "\n")
	for _, part := range []struct {
		title     string
		sentences []string
	}{{"What was checked", r.Checked()}, {"What was not checked", r.NotChecked()}, {"Defects", r.defects()}} {
		if len(part.sentences) == 0 {
			continue
		}
		b.WriteString("\n" + part.title + "\n")
		for i, sentence := range part.sentences {
			fmt.Fprintf(&b, "%4d. %s\n", i+1, sentence)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Verdict is the outcome in one sentence.
func (r Report) Verdict() string {
	switch {
	case !r.OK:
		return fmt.Sprintf("NOT AS RECORDED: %s found.", count(uint64(len(r.Findings))+r.More, "defect was", "defects were"))
	case r.Selection.Scope == ScopeAll:
		return fmt.Sprintf("AS RECORDED: every event of the log %s is as it was recorded, and none is missing that the log does not account for.", r.Origin)
	case r.Selection.Scope == ScopeRange:
		return fmt.Sprintf("AS RECORDED: every event of this part of the log %s is as it was recorded, and none of this part is missing that the log does not account for.", r.Origin)
	}
	return fmt.Sprintf("AS RECORDED: every event in this bundle is in the log %s as it was recorded.", r.Origin)
}

// Checked says what holds, one sentence for each check.
func (r Report) Checked() []string {
	var s []string
	if r.Proven {
		s = append(s, fmt.Sprintf("The events give the root %s of the log %s at %s, which is signed with the key %s.", r.Root, r.Origin, count(r.Size, "event", "events"), shortKey(r.Key)))
		s = append(s, "Two programs that know nothing of each other, one of the Go project and one of the transparency.dev project, computed the same root.")
	}
	if r.Proven && r.First != nil {
		s = append(s, fmt.Sprintf("%s, from position %d (%s) to position %d (%s), %s byte for byte what was recorded.",
			count(r.Events, "event", "events"), r.First.Position, day(r.First.Recorded), r.Last.Position, day(r.Last.Recorded), verb(r.Events)))
	}
	if r.Proven {
		switch r.Selection.Scope {
		case ScopeAll:
			s = append(s, "The bundle holds every event of the log, and each stream is numbered without a gap.")
		case ScopeRange:
			s = append(s, fmt.Sprintf("The bundle holds every event from leaf %d to leaf %d; none between them is left out.", r.Selection.First, r.Selection.End-1))
		case ScopeStreams:
			s = append(s, fmt.Sprintf("%s of %s: within each the numbers follow each other without a gap from the first event given to the last.", count(uint64(len(r.Selection.Streams)), "stream", "streams"), r.Selection.Of))
		}
	}
	if r.Accounts.Removed > 0 && r.OK {
		s = append(s, fmt.Sprintf("%s of %s are no longer kept. Each was listed in the log before, under an order to the store that stands in the log, and each listing names just that event.",
			count(r.Accounts.Removed, "event", "events"), count(r.Accounts.RemovedStreams, "stream", "streams")))
	}
	if r.Certified > 0 {
		s = append(s, fmt.Sprintf("%s of erasure: signed by the log, and the destruction of keys stands where each says.", count(r.Certified, "certificate", "certificates")))
	}
	if r.Keys > 1 {
		s = append(s, fmt.Sprintf("The log has changed its key: it has had %d keys, each handed over with the signatures of both, and each signed only for its time.", r.Keys))
	}
	if w := r.Witnessed; w != nil && w.Satisfied {
		s = append(s, fmt.Sprintf("The witnesses that your policy asks for have signed the log at %s: %s.", count(w.Size, "event", "events"), strings.Join(w.By, ", ")))
	}
	for _, c := range r.Earlier {
		if c.Holds {
			s = append(s, fmt.Sprintf("The log continues the checkpoint of %s that you kept: nothing of it was changed.", count(c.Size, "event", "events")))
		}
	}
	return s
}

// NotChecked says what the bundle cannot show, or what nobody asked for.
func (r Report) NotChecked() []string {
	var s []string
	if r.Selection.Scope == ScopeStreams {
		s = append(s, "Whether these are all streams of what was asked for, and whether later events of a stream exist: only a bundle of a range or of the whole log shows that nothing is left out.")
	}
	if r.Selection.Scope == ScopeRange {
		s = append(s, "What stands in the log before and after the range.")
	}
	if r.Opened > 0 {
		s = append(s, fmt.Sprintf("Whether the %s in opened.jsonl is what was sealed: that is the word of who exported it, under their signature.", count(r.Opened, "value", "values")))
	}
	if r.Witnessed == nil {
		s = append(s, "Whether others saw the same log: no policy of witnesses was given.")
	} else if r.Witnessed.Satisfied && r.Witnessed.Size < r.Size {
		s = append(s, fmt.Sprintf("Whether others saw the last %s of the log: the witnesses signed before.", count(r.Size-r.Witnessed.Size, "event", "events")))
	}
	if len(r.Earlier) == 0 {
		s = append(s, "Whether the log was ever written anew from the beginning: no earlier checkpoint was given.")
	}
	for _, c := range r.Earlier {
		if !c.Known {
			s = append(s, fmt.Sprintf("Whether the log continues the checkpoint of %s that you kept: this bundle has no proof from there. Ask for one that was exported with it.", count(c.Size, "event", "events")))
		}
	}
	if len(r.Unlisted) > 0 {
		s = append(s, "What these types of events mean, which the schema catalogue does not have: "+strings.Join(r.Unlisted, ", ")+".")
	}
	return append(s, "Whether what was recorded was true when it was recorded.")
}

func (r Report) defects() []string {
	var s []string
	for _, f := range r.Findings {
		s = append(s, sentence(f))
	}
	if r.More > 0 {
		s = append(s, fmt.Sprintf("And %d more.", r.More))
	}
	return s
}

// sentence says a finding with its place, as far as it has one.
func sentence(f trail.Finding) string {
	var place []string
	if f.Position > 0 {
		place = append(place, fmt.Sprintf("position %d", f.Position))
	}
	if f.Leaf > 0 || f.Position > 0 {
		place = append(place, fmt.Sprintf("leaf %d", f.Leaf))
	}
	if f.Stream != "" {
		place = append(place, fmt.Sprintf("%q revision %d", f.Stream, f.Revision))
	}
	where := "The bundle as a whole"
	if len(place) > 0 {
		where = strings.Join(place, ", ")
	}
	return fmt.Sprintf("%s: %s. %s.", where, strings.ReplaceAll(string(f.Kind), "_", " "), upper(f.Detail))
}

func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func verb(n uint64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func day(at time.Time) string { return at.UTC().Format("2 January 2006 15:04:05 MST") }

// shortKey is the name and the hash of a verifier key, which is how people tell
// keys apart.
func shortKey(key string) string {
	if parts := strings.SplitN(key, "+", 3); len(parts) == 3 {
		return parts[0] + "+" + parts[1]
	}
	return key
}
