package eventstoredb

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

const maxMessageBytes = 17 << 20 // what the official client receives at most

// dial makes a connection as the bare client would, which heals by itself.
func dial(bare *esdb.Configuration) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: connectTimeout,
		}),
	}
	if bare.KeepAliveInterval >= 0 {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: bare.KeepAliveInterval, Timeout: bare.KeepAliveTimeout, PermitWithoutStream: true,
		}))
	}
	transport := insecure.NewCredentials()
	if !bare.DisableTLS {
		config := &tls.Config{RootCAs: bare.RootCAs, InsecureSkipVerify: bare.SkipCertificateVerification} //nolint:gosec // only if the operator asks for it
		if bare.UserCertFile != "" {
			certificate, err := tls.LoadX509KeyPair(bare.UserCertFile, bare.UserKeyFile)
			if err != nil {
				return nil, fmt.Errorf("load user certificate: %w", err)
			}
			config.Certificates = []tls.Certificate{certificate}
		}
		transport = credentials.NewTLS(config)
		if bare.Username != "" && bare.Password != "" {
			options = append(options, grpc.WithPerRPCCredentials(basic(bare.Username, bare.Password)))
		}
	}
	return grpc.NewClient(bare.Address, append(options, grpc.WithTransportCredentials(transport))...)
}

// basicCredentials are sent with every call, over TLS only.
type basicCredentials map[string]string

func basic(user, password string) basicCredentials {
	return basicCredentials{"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func (b basicCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return b, nil
}
func (basicCredentials) RequireTransportSecurity() bool { return true }

// batchRequest writes an append as one request of BatchAppend. Its correlation
// id is left to the lane.
func batchRequest(stream string, expected domain.Expected, events []eventschema.Proposed) (*streams.BatchAppendReq, error) {
	if err := checkEvents(events); err != nil {
		return nil, err
	}
	options := &streams.BatchAppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
		DeadlineOption:   &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(batchDeadline)},
	}
	switch {
	case expected == domain.NoStream:
		options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	case expected == domain.AnyRevision:
		options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}}
	case expected >= 0:
		options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(expected)}
	default:
		return nil, fmt.Errorf("%w: expected revision %d", ErrRefused, expected)
	}
	messages := make([]*streams.BatchAppendReq_ProposedMessage, len(events))
	for i, e := range events {
		most, least := esdb.UUIDAsInt64(e.ID)
		messages[i] = &streams.BatchAppendReq_ProposedMessage{
			Id: structured(most, least), Data: e.Data, CustomMetadata: e.Metadata,
			Metadata: map[string]string{"type": e.Type, "content-type": eventschema.ContentTypeJSON},
		}
	}
	return &streams.BatchAppendReq{Options: options, ProposedMessages: messages, IsFinal: true}, nil
}

func structured(most, least int64) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{
		Structured: &shared.UUID_Structured{MostSignificantBits: most, LeastSignificantBits: least},
	}}
}

// correlation numbers the appends of a lane; it is the low half of a uuid whose
// high half is not zero, because some servers refuse the nil uuid.
func correlation(n uint64) *shared.UUID { return structured(1, int64(n&math.MaxInt64)) } //nolint:gosec // masked

// batchOutcome reads an answer of BatchAppend. Its error is ours, and sent says
// whether the append may have been stored in spite of it.
func batchOutcome(answer *streams.BatchAppendResp) (appended domain.Appended, sent bool, err error) {
	if failure := answer.GetError(); failure != nil {
		switch code := codes.Code(failure.GetCode()); code { //nolint:gosec // codes are small
		case codes.AlreadyExists:
			return appended, false, fmt.Errorf("%w: %s", domain.ErrConflict, failure.GetMessage())
		case codes.NotFound:
			return appended, false, fmt.Errorf("%w: %s", ErrStreamDeleted, failure.GetMessage())
		case codes.PermissionDenied, codes.Unauthenticated:
			return appended, false, fmt.Errorf("%w: %s", ErrDenied, failure.GetMessage())
		case codes.InvalidArgument:
			return appended, false, fmt.Errorf("%w: %s", ErrRefused, failure.GetMessage())
		default:
			return appended, true, fmt.Errorf("%w: %s: %s", domain.ErrUnavailable, code, failure.GetMessage())
		}
	}
	success := answer.GetSuccess()
	return domain.Appended{
		Revision: success.GetCurrentRevision(), Position: success.GetPosition().GetCommitPosition(),
	}, true, nil
}
