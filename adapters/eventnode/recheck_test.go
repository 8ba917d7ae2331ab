package eventnode

import (
	"context"
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// restrict lets one group read a stream, or the whole log.
func restrict(t testing.TB, admin *esdb.Client, stream, group string) {
	t.Helper()
	appendTo(t, admin, metaStreamOf(stream), esdb.AppendToStreamOptions{}, event(typeMetadata, fmt.Sprintf(`{"$acl":{"$r":%q}}`, group)))
}

// Whoever loses the right to read sees nothing that was committed later, and
// is told, also when nothing more comes.
func TestSubscriptionsEndWithTheRight(t *testing.T) {
	n := start(t, secured(t))
	admin, conn := connectAs(t, n, "admin"), secureConn(t, n)
	restrict(t, admin, allStream, "hr")
	for name, tt := range map[string]struct {
		stream string
		then   func() // after the right is gone
	}{
		"one stream, with an event after it": {"s1", func() { letters(t, admin, "s1", "x") }},
		"one stream, and nothing after it":   {"s2", func() {}},
		"metadata":                           {"$$s3", func() {}},
		"the whole log":                      {allStream, func() { letters(t, admin, "s4", "x") }},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.stream != allStream {
				letters(t, admin, tt.stream, "a")
			}
			var trailer metadata.MD
			call, err := streams.NewStreamsClient(conn).Read(with(within(t), "anna"), readReq(tt.stream, func(o *streams.ReadReq_Options) {
				o.ControlOption = nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			for caughtUp := false; !caughtUp; {
				m, err := call.Recv()
				if err != nil {
					t.Fatal(err)
				}
				caughtUp = m.GetCaughtUp() != nil
			}
			target := tt.stream
			if isMetastream(target) {
				target = metaTarget(target)
			}
			list := `{"$acl":{"$r":"bosses","$mr":"bosses"}}`
			appendTo(t, admin, metaStreamOf(target), esdb.AppendToStreamOptions{}, event(typeMetadata, list))
			tt.then()
			m, err := call.Recv()
			for ; err == nil; m, err = call.Recv() {
				t.Errorf("shown after the right was gone: %v", m)
			}
			trailer = call.Trailer()
			if status.Code(err) != codes.PermissionDenied || fmt.Sprint(trailer["exception"]) != "[access-denied]" {
				t.Errorf("%v, trailer %v", err, trailer)
			}
		})
	}
}

func TestConsumersEndWithTheRight(t *testing.T) {
	n := start(t, secured(t))
	admin := connectAs(t, n, "admin")
	for name, then := range map[string]func(stream string){
		"with an event after it": func(stream string) { letters(t, admin, stream, "x") },
		"and nothing after it":   func(string) {},
	} {
		t.Run(name, func(t *testing.T) {
			stream := "of " + name
			letters(t, admin, stream, "a")
			createGroup(t, admin, stream, "g", esdb.Start{}, eager())
			s := consume(t, connectAs(t, n, "anna"), stream, "g", 10)
			hears(t, s, "a")
			restrict(t, admin, stream, "bosses")
			then(stream)
			e := s.Recv()
			if e.EventAppeared != nil {
				t.Fatalf("shown after the right was gone: %v", e.EventAppeared.Event.OriginalEvent().EventType)
			}
			if codeOf(e.SubscriptionDropped.Error) != esdb.ErrorCodeAccessDenied && status.Code(e.SubscriptionDropped.Error) != codes.PermissionDenied {
				t.Errorf("%v", e.SubscriptionDropped.Error)
			}
		})
	}
}

// A right that is given and taken of somebody else changes nothing.
func TestSubscriptionsOutliveOtherChanges(t *testing.T) {
	n := start(t, secured(t))
	admin := connectAs(t, n, "admin")
	letters(t, admin, "s", "a")
	s, err := connectAs(t, n, "anna").SubscribeToStream(within(t), "s", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wantStory(t, s, "a|")
	restrict(t, admin, "s", "hr")
	letters(t, admin, "s", "b")
	wantStory(t, s, "b")
}

// What was read and not yet sent when the right went is kept back.
func TestNothingMoreIsSentWithoutTheRight(t *testing.T) {
	n := start(t, secured(t))
	admin := connectAs(t, n, "admin")
	const events = 60
	for range events { // more than the flow control lets out at once
		appendTo(t, admin, "s", esdb.AppendToStreamOptions{}, event("large", fmt.Sprintf(`"%0100000d"`, 0)))
	}
	createGroup(t, admin, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.ReadBatchSize, s.HistoryBufferSize = events, 2*events
	}))
	for name, begin := range map[string]func(context.Context, *grpc.ClientConn) (recv func() (shown bool, err error)){
		"a read": func(ctx context.Context, conn *grpc.ClientConn) func() (bool, error) {
			call, err := streams.NewStreamsClient(conn).Read(ctx, readReq("s", func(o *streams.ReadReq_Options) {
				o.CountOption = &streams.ReadReq_Options_Count{Count: events}
			}))
			if err != nil {
				t.Fatal(err)
			}
			return func() (bool, error) {
				m, err := call.Recv()
				return m.GetEvent() != nil, err
			}
		},
		"a consumer": func(ctx context.Context, conn *grpc.ClientConn) func() (bool, error) {
			call, err := persistent.NewPersistentSubscriptionsClient(conn).Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
				StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: "g", BufferSize: events}}})
			return func() (bool, error) {
				m, err := call.Recv()
				return m.GetEvent() != nil, err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			restrict(t, admin, "s", "hr")
			recv := begin(with(within(t), "anna"), secureConn(t, n, grpc.WithInitialWindowSize(1<<16), grpc.WithInitialConnWindowSize(1<<16)))
			shown, err := false, error(nil)
			for !shown && err == nil {
				shown, err = recv()
			}
			restrict(t, admin, "s", "bosses")
			seen := 1
			for ; err == nil; seen++ {
				_, err = recv()
			}
			if status.Code(err) != codes.PermissionDenied || seen > events/2 {
				t.Errorf("after %d of %d events: %v", seen, events, err)
			}
		})
	}
}

// A link shows nobody what he may not read; whoever reads the whole log sees it
// there anyway.
func TestALinkGivesNoRight(t *testing.T) {
	n := start(t, secured(t))
	admin := connectAs(t, n, "admin")
	letters(t, admin, "secret", "a")
	restrict(t, admin, "secret", "hr")
	appendTo(t, connectAs(t, n, "bert"), "links", esdb.AppendToStreamOptions{},
		esdb.EventData{EventID: uuid.New(), EventType: typeLink, Data: []byte("0@secret")},
		esdb.EventData{EventID: uuid.New(), EventType: typeLink, Data: []byte("0@$users")})
	createGroup(t, admin, "links", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.ResolveLinkTos = true }))
	read := func(who string) string {
		s, err := connectAs(t, n, who).ReadStream(within(t), "links", esdb.ReadStreamOptions{ResolveLinkTos: true}, 10)
		return typesOf(collect(t, s, err))
	}
	for who, want := range map[string]string{"bert": "??", "ops": "??", "anna": "a?", "admin": "a$User"} {
		if got := read(who); got != want {
			t.Errorf("%s reads %s, want %s", who, got, want)
		}
	}
	restrict(t, admin, allStream, "bert")
	if got := read("bert"); got != "a$User" {
		t.Errorf("whoever may read the whole log reads %s", got)
	}
	s := consume(t, connectAs(t, n, "ops"), "links", "g", 10)
	for range 2 {
		if e := receive(t, s); e.Event.Event != nil || e.Event.Link == nil {
			t.Errorf("a consumer is shown %+v", e.Event.Event)
		}
	}
	hearing := consume(t, connectAs(t, n, "anna"), "links", "g", 10)
	_ = s.Close()
	if e := receive(t, hearing); e.Event.Event == nil || e.Event.Event.EventType != "a" {
		t.Errorf("who may read it is shown %+v", e.Event)
	}
}

// What the node writes for a group needs no right of whoever consumes.
func TestGroupsWorkOnASecureNode(t *testing.T) {
	n := start(t, secured(t), quickTicks)
	admin, ops := connectAs(t, n, "admin"), connectAs(t, n, "ops")
	letters(t, admin, "s", "ab")
	createGroup(t, ops, "s", "g", esdb.Start{}, eager())
	s := consume(t, connectAs(t, n, "bert"), "s", "g", 1)
	if err := s.Nack("bad", esdb.NackActionPark, receive(t, s).Event); err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(receive(t, s).Event); err != nil {
		t.Fatal(err)
	}
	until(t, "the message is parked", func() bool { return infoOf(t, ops, "s", "g").Stats.ParkedMessagesCount == 1 })
	if err := ops.ReplayParkedMessages(within(t), "s", "g", esdb.ReplayParkedMessagesOptions{}); err != nil {
		t.Fatal(err)
	}
	replayed := receive(t, s)
	if replayed.Event.Event.EventType != "a" {
		t.Errorf("replayed %+v", replayed.Event)
	}
	if err := s.Nack("still bad", esdb.NackActionPark, replayed.Event); err != nil {
		t.Fatal(err)
	}
	parked := func() []*esdb.ResolvedEvent {
		all, err := admin.ReadStream(within(t), "$persistentsubscription-s::g-parked", esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, 10)
		return collect(t, all, err)
	}
	until(t, "it is parked again", func() bool { return parked()[0].Event.EventNumber == 1 })
	if got := string(parked()[0].Event.Data); got != "0@s" {
		t.Errorf("parked again as %q", got)
	}
	if err := ops.DeletePersistentSubscription(within(t), "s", "g", esdb.DeletePersistentSubscriptionOptions{}); err != nil {
		t.Error(err)
	}
}

// An append over a call that is open for long is ruled by the rights of now.
func TestBatchAppendEndsWithTheRight(t *testing.T) {
	n := start(t, secured(t))
	admin := connectAs(t, n, "admin")
	call, err := streams.NewStreamsClient(secureConn(t, n)).BatchAppend(with(within(t), "anna"))
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(t, call, noStream(batchRequest("s"))); a.GetError() != nil {
		t.Fatal(a.GetError())
	}
	appendTo(t, admin, "$$s", esdb.AppendToStreamOptions{}, event(typeMetadata, `{"$acl":{"$w":"bosses"}}`))
	a := ask(t, call, exact(batchRequest("s"), 0))
	var detail shared.AccessDenied
	if codes.Code(a.GetError().GetCode()) != codes.PermissionDenied || a.GetError().GetDetails()[0].UnmarshalTo(&detail) != nil {
		t.Errorf("%v", a)
	}
	if a := ask(t, call, noStream(batchRequest("other"))); a.GetError() != nil {
		t.Errorf("the call does not go on: %v", a.GetError())
	}
}

// A context that says nothing about the caller gives nobody a right.
func TestNoCallerNoRight(t *testing.T) {
	n := start(t, secured(t))
	a := n.gate.rights()
	for name, err := range map[string]error{
		"stream": a.stream(context.Background(), rightRead, "s"), "operator": a.operator(context.Background()),
		"authenticated": a.authenticated(context.Background()),
	} {
		if err != errAccessDenied { //nolint:errorlint // as it is
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever may delete a stream cannot open it by that: neither what was in it nor
// what comes after.
func TestDeletionKeepsRights(t *testing.T) {
	n := start(t, secured(t))
	admin, anna, bert := connectAs(t, n, "admin"), connectAs(t, n, "anna"), connectAs(t, n, "bert")
	letters(t, admin, "s", "abc")
	list := `{"$acl":{"$r":"hr","$w":"hr","$mw":"hr"},"$maxCount":2}`
	appendTo(t, admin, "$$s", esdb.AppendToStreamOptions{}, event(typeMetadata, list))
	denied := func(what string) {
		t.Helper()
		if got := readError(t, bert, "s"); got != esdb.ErrorCodeAccessDenied {
			t.Errorf("bert reads %s: code %d", what, got)
		}
		_, err := bert.AppendToStream(within(t), "$$s", esdb.AppendToStreamOptions{}, event(typeMetadata, `{"$tb":0}`))
		if codeOf(err) != esdb.ErrorCodeAccessDenied {
			t.Errorf("bert writes the metadata of %s: %v", what, err)
		}
	}
	denied("a stream of others")
	if _, err := bert.DeleteStream(within(t), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	denied("a stream that he deleted")
	letters(t, anna, "s", "d")
	denied("a stream that is back")
	if got := readTypes(t, anna, "s", esdb.ReadStreamOptions{}, 10); got != "d" {
		t.Errorf("anna reads %q", got)
	}
}
