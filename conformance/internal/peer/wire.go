// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/zlayer/zlayer/sdk/backend/serve"
)

// Address reads a handshake line, "1|1|unix|ADDRESS|grpc|…", and returns the
// path of the socket. The error is one sentence about what is wrong with it.
func Address(line string) (string, error) {
	parts := strings.Split(line, "|")
	switch {
	case len(parts) < 5:
		return "", fmt.Errorf("the first line on stdout is no handshake: %q", line)
	case parts[0] != "1":
		return "", fmt.Errorf("the handshake speaks version %q of the handshake protocol, not 1", parts[0])
	case parts[1] != "1":
		return "", fmt.Errorf("the handshake speaks version %q of the backend protocol, not 1", parts[1])
	case parts[2] != "unix" || !filepath.IsAbs(parts[3]):
		return "", fmt.Errorf("the handshake names %s %q, not a unix socket", parts[2], parts[3])
	case parts[4] != "grpc":
		return "", fmt.Errorf("the handshake speaks %q, not grpc", parts[4])
	}
	return parts[3], nil
}

// dial makes a connection that is opened by the first call.
func dial(socket string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///backend",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(serve.Codec()),
			grpc.MaxCallRecvMsgSize(serve.MaxMessage),
			grpc.MaxCallSendMsgSize(serve.MaxMessage),
		))
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", socket, err)
	}
	return conn, nil
}

// Shutdown asks the process to end, as go-plugin's hosts do. It answers or not:
// ending is what counts.
func (p *Process) Shutdown(ctx context.Context) error {
	return p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
}

// Lost reports whether a call failed because there is no connection to the
// backend any more.
func Lost(err error) bool { return status.Code(err) == codes.Unavailable }
