// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

// server answers the calls of the protocol with a Backend.
type server struct {
	backendv1grpc.UnimplementedBackendServer
	backend backend.Backend

	// alive ends when the process must: then every job is cancelled.
	alive context.Context
	// jobs are the running builds.
	jobs sync.WaitGroup
}

var _ backendv1grpc.BackendServer = (*server)(nil)

// newGRPC returns a gRPC server that speaks the codec of the protocol. Before
// the first call it runs first, once.
func newGRPC(options []grpc.ServerOption, first func()) *grpc.Server {
	first = sync.OnceFunc(first)
	unary := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, call grpc.UnaryHandler) (res any, err error) {
		first()
		defer func() {
			if text, ok := recovered(recover()); ok {
				res, err = nil, status.Error(codes.Internal, text)
			}
		}()
		return call(ctx, req)
	}
	stream := func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, call grpc.StreamHandler) error {
		first()
		return call(srv, s)
	}
	return grpc.NewServer(append(options,
		grpc.ForceServerCodecV2(Codec()),
		grpc.MaxRecvMsgSize(MaxMessage),
		grpc.MaxSendMsgSize(MaxMessage),
		grpc.ChainUnaryInterceptor(unary),
		grpc.ChainStreamInterceptor(stream),
	)...)
}

// recovered says what a panic was about. The stack goes to stderr: it is for
// the author, who finds it in the failure report.
func recovered(v any) (text string, ok bool) {
	if v == nil {
		return "", false
	}
	fmt.Fprintf(os.Stderr, "backend: panic: %v\n%s", v, debug.Stack())
	return fmt.Sprintf("the backend panicked: %v", v), true
}

// Describe implements the protocol.
func (s *server) Describe(ctx context.Context, r *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	res, err := s.backend.Describe(ctx, r)
	if err == nil && res == nil {
		res = &backendv1.DescribeResponse{}
	}
	return res, toStatus(err)
}

// Has implements the protocol.
func (s *server) Has(ctx context.Context, r *backendv1.HasRequest) (*backendv1.HasResponse, error) {
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	present, err := store.Has(ctx, r)
	return &backendv1.HasResponse{Present: present}, toStatus(err)
}

// Export implements the protocol.
func (s *server) Export(ctx context.Context, r *backendv1.ExportRequest) (*backendv1.ExportResponse, error) {
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	return &backendv1.ExportResponse{}, toStatus(store.Export(ctx, r))
}

// Remove implements the protocol.
func (s *server) Remove(ctx context.Context, r *backendv1.RemoveRequest) (*backendv1.RemoveResponse, error) {
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	return &backendv1.RemoveResponse{}, toStatus(store.Remove(ctx, r))
}

// Recover implements the protocol. A backend without Recoverer says that its
// jobs leave nothing behind.
func (s *server) Recover(ctx context.Context, r *backendv1.RecoverRequest) (*backendv1.RecoverResponse, error) {
	var err error
	if recoverer, ok := s.backend.(backend.Recoverer); ok {
		err = recoverer.Recover(ctx, r)
	}
	return &backendv1.RecoverResponse{}, toStatus(err)
}

func (s *server) store() (backend.Store, error) {
	if store, ok := s.backend.(backend.Store); ok {
		return store, nil
	}
	return nil, status.Error(codes.Unimplemented, "the backend keeps no artifacts")
}

// toStatus keeps what the error says to people. Its code says whether the
// machine is to blame or the backend (SPEC section 6).
func toStatus(err error) error {
	err = judged(err)
	var f *backend.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return status.Error(codeOf(f.Kind), withHelp(err.Error(), f.Help))
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	default:
		return status.Error(codes.Unknown, err.Error())
	}
}

// judged makes a Failure of an error that is none, where it is known whose
// fault it is.
func judged(err error) error {
	var f *backend.Failure
	if errors.As(err, &f) {
		return err
	}
	if f = backend.Full(nil, err); f != nil {
		return f
	}
	return err
}

func codeOf(k backendv1.FailureKind) codes.Code {
	if k == backendv1.FailureKind_FAILURE_KIND_INTERNAL {
		return codes.Internal
	}
	return codes.FailedPrecondition
}

func withHelp(text, help string) string {
	if help == "" {
		return text
	}
	return text + ": " + help
}
