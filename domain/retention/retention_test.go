package retention_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/retention"
	"tracekeep/eventschema"
)

var (
	batchID = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0a01")
	one     = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e11")
	other   = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e12")
	matter  = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e13")
	first   = uuid.MustParse("c0a80101-0000-4000-8000-000000000001")
	second  = uuid.MustParse("c0a80101-0000-4000-8000-000000000002")
	noon    = time.Date(2033, 3, 1, 12, 0, 0, 0, time.UTC)
)

func day(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The vectors are those of the mission rules.
//
// promise: ST-12
// promise: ST-36
// promise: ST-38
func TestATermEndsWhenTheScheduleSays(t *testing.T) {
	longer, err := retention.Configure(retention.Override{Class: retention.ClassWork, Floor: eventschema.Span{Years: 10}, FloorSource: "a law"})
	if err != nil {
		t.Fatal(err)
	}
	shorter, err := retention.Configure(retention.Override{Class: retention.ClassWork, Keep: eventschema.Span{Years: 5}})
	if err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		schedule     retention.Schedule
		class        retention.Class
		anchor, want string
	}{
		"work records are kept seven years":                {retention.Schedule{}, retention.ClassWork, "2026-02-28", "2033-02-28"},
		"a leap day is clamped":                            {retention.Schedule{}, retention.ClassWork, "2028-02-29", "2035-02-28"},
		"an account goes within the week":                  {retention.Schedule{}, retention.ClassAccount, "2026-01-31", "2026-02-07"},
		"messages are kept two years":                      {retention.Schedule{}, retention.ClassCommunication, "2026-02-28", "2028-02-28"},
		"locations are kept a year":                        {retention.Schedule{}, retention.ClassLocation, "2028-02-29", "2029-02-28"},
		"a law that asks for more overrides the promise":   {longer, retention.ClassWork, "2028-02-29", "2038-02-28"},
		"an installation may keep less than was promised":  {shorter, retention.ClassWork, "2028-02-29", "2033-02-28"},
		"what is not set is as the register has it":        {longer, retention.ClassLocation, "2026-01-31", "2027-01-31"},
		"an anchor east of Greenwich is counted from here": {retention.Schedule{}, retention.ClassWork, "2026-02-28", "2033-02-28"},
	} {
		t.Run(rule, func(t *testing.T) {
			due := c.schedule.DueAt(retention.Term{Class: c.class, Anchor: day(t, c.anchor).In(time.FixedZone("site", 8*3600))})
			if got := due.Format(time.DateOnly); got != c.want {
				t.Errorf("due on %s, want %s", got, c.want)
			}
		})
	}
}

func TestAScheduleIsRefused(t *testing.T) {
	for rule, c := range map[string]struct {
		override retention.Override
		want     error
	}{
		"below the floor of the law":    {retention.Override{Class: retention.ClassWork, Keep: eventschema.Span{Years: 3}}, retention.ErrBelowFloor},
		"longer than was promised":      {retention.Override{Class: retention.ClassWork, Keep: eventschema.Span{Years: 8}}, retention.ErrPromise},
		"a floor nobody set":            {retention.Override{Class: retention.ClassWork, Floor: eventschema.Span{Years: 6}}, retention.ErrNoSource},
		"a floor below the register's":  {retention.Override{Class: retention.ClassWork, Floor: eventschema.Span{Years: 2}, FloorSource: "a law"}, retention.ErrFloorLower},
		"a class nobody knows":          {retention.Override{Class: "shoes"}, retention.ErrClass},
		"a span into the past":          {retention.Override{Class: retention.ClassWork, Keep: eventschema.Span{Days: -1}}, retention.ErrSpan},
		"locations longer than a year":  {retention.Override{Class: retention.ClassLocation, Keep: eventschema.Span{Years: 2}}, retention.ErrPromise},
		"messages longer than promised": {retention.Override{Class: retention.ClassCommunication, Keep: eventschema.Span{Years: 3}}, retention.ErrPromise},
		"an account longer than a week": {retention.Override{Class: retention.ClassAccount, Keep: eventschema.Span{Days: 8}}, retention.ErrPromise},
	} {
		t.Run(rule, func(t *testing.T) {
			if _, err := retention.Configure(c.override); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestNothingDueIsLeftOutByTheBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		class := rapid.SampledFrom(retention.Classes()).Draw(rt, "class")
		anchor := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(rt, "anchor"), 0)
		now := time.Unix(rapid.Int64Range(0, 5_000_000_000).Draw(rt, "now"), 0)
		due := !retention.Schedule{}.DueAt(retention.Term{Class: class, Anchor: anchor}).After(now)
		if due && anchor.After(retention.Schedule{}.Latest(class, now)) {
			rt.Fatalf("%s from %s is due at %s and behind the bound", class, anchor, now)
		}
	})
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"", "7y", "18m", "30d", "1y6m", "1y6m3d", "y", "7", "0y", "-1y", "6m1y", "1001y", "1y1y", "7Y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, err := retention.ParseSpan(text)
		switch {
		case err != nil:
			if !span.IsZero() {
				t.Errorf("%q is refused and answers %+v", text, span)
			}
		case span.IsZero() != (text == ""), span.Years < 0, span.Months < 0, span.Days < 0, span.Years > 1000:
			t.Errorf("%q is %+v", text, span)
		}
	})
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]eventschema.Span{"7y": {Years: 7}, "1y6m": {Years: 1, Months: 6}, "30d": {Days: 30}, "": {}} {
		if got, err := retention.ParseSpan(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"7", "y", "6m1y", "1y1y", "0d", "-1d", "99999999999999999999y"} {
		if got, err := retention.ParseSpan(text); !errors.Is(err, retention.ErrSpanText) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestBatch(t *testing.T) {
	submit := retention.Submit{BatchID: batchID, Cases: []uuid.UUID{one, other}, SubmittedBy: first, SubmittedAt: noon}
	submitted := &eventschema.RetentionBatchSubmitted{BatchID: batchID, SubmittedAt: noon, SubmittedBy: first, Cases: submit.Cases}
	held := []eventschema.LeftOut{{CaseID: other, Matters: []uuid.UUID{matter}}}
	approve := retention.Approve{ApprovedBy: second, ApprovedAt: noon.Add(time.Hour), LeftOut: held}
	approved := &eventschema.RetentionBatchApproved{
		BatchID: batchID, ApprovedAt: approve.ApprovedAt, ApprovedBy: second, Cases: []uuid.UUID{one}, LeftOut: held,
	}
	by := func(change func(*retention.Approve)) retention.Approve { c := approve; change(&c); return c }
	put := func(change func(*retention.Submit)) retention.Submit { c := submit; change(&c); return c }
	many := make([]uuid.UUID, retention.MostInBatch+1)
	for i := range many {
		many[i] = uuid.NewSHA1(batchID, []byte{byte(i), byte(i >> 8)})
	}
	past := []eventschema.Event{submitted}
	domaintest.Run(t, retention.Decider(), map[string]domaintest.Case[retention.Command]{
		"an officer submits what is due":              {When: submit, Then: past},
		"submitting it again changes nothing":         {Given: past, When: submit},
		"nobody submits":                              {When: put(func(c *retention.Submit) { c.SubmittedBy = uuid.Nil }), Refused: retention.ErrNoActor},
		"nothing is submitted":                        {When: put(func(c *retention.Submit) { c.Cases = nil }), Refused: retention.ErrNothingDue},
		"more than somebody can look through":         {When: put(func(c *retention.Submit) { c.Cases = many }), Refused: retention.ErrTooBig},
		"a case twice":                                {When: put(func(c *retention.Submit) { c.Cases = []uuid.UUID{one, one} }), Refused: retention.ErrCases},
		"a second one approves; what is held is left": {Given: past, When: approve, Then: []eventschema.Event{approved}},
		"approving it again changes nothing":          {Given: []eventschema.Event{submitted, approved}, When: approve},
		"the first one does not": {
			Given: past, When: by(func(c *retention.Approve) { c.ApprovedBy = first }), Refused: retention.ErrSamePerson},
		"a machine does not": {
			Given: past, When: by(func(c *retention.Approve) { c.ApprovedBy = uuid.Nil }), Refused: retention.ErrNoActor},
		"a batch nobody submitted": {When: approve, Refused: retention.ErrNoBatch},
		"a week later it has lapsed": {
			Given: past, When: by(func(c *retention.Approve) { c.ApprovedAt = noon.AddDate(0, 0, 8) }), Refused: retention.ErrLapsed},
		"cases of another batch are not left out of this one": {
			Given: past, When: by(func(c *retention.Approve) { c.LeftOut = []eventschema.LeftOut{{CaseID: matter}} }), Refused: retention.ErrOtherCases},
		"where everything is held nothing is approved": {
			Given: past, When: by(func(c *retention.Approve) { c.LeftOut = []eventschema.LeftOut{{CaseID: one}, {CaseID: other}} }), Refused: retention.ErrNothingDue},
	})
}

// Whoever adds a purpose whose key the clock must destroy is told here.
func TestEveryPurposeThatLivesWithSomebodyHasAClass(t *testing.T) {
	registry, err := eventschema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	account := []eventschema.Purpose{eventschema.PurposeIdentity, eventschema.PurposeContact, eventschema.PurposeThirdParty, eventschema.PurposeMedia}
	covered := slices.Concat(account, retention.ClassWork.Purposes(), retention.ClassLocation.Purposes(), retention.ClassCommunication.Purposes())
	for _, definition := range registry.Definitions() {
		for _, section := range definition.New().Sections() {
			if !slices.Contains(covered, section.Purpose) {
				t.Errorf("%s stores %s, which no class of the retention clock covers", definition.Type, section.Purpose)
			}
		}
	}
}
