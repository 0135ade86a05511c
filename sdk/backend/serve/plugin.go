// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

const (
	// Name is the name under which go-plugin dispenses the backend.
	Name = "backend"
	// MaxMessage is the largest message in either direction, in bytes.
	MaxMessage = 64 << 20
	// LifelineEnv names the variable with the number of the lifeline: a file
	// descriptor that the backend reads, and that ends when the host is dead.
	LifelineEnv = "ZLAYER_LIFELINE_FD"

	cookieKey   = "ZLAYER_BACKEND_PLUGIN"
	cookieValue = "backend-v1"
)

// Handshake returns what host and backend must agree on before they talk. The
// cookie is no secret: it tells a run by the host from a run by hand.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue}
}

// ClientPlugin returns the host's half: go-plugin dispenses a
// backendv1grpc.BackendClient.
func ClientPlugin() plugin.Plugin { return grpcPlugin{} }

// DialOptions are what the host must set on its connection.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithDefaultCallOptions(
		grpc.ForceCodecV2(Codec()),
		grpc.MaxCallRecvMsgSize(MaxMessage),
		grpc.MaxCallSendMsgSize(MaxMessage),
	)}
}

// grpcPlugin is both halves for go-plugin; the server is nil in the host.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server *server
}

var _ plugin.GRPCPlugin = grpcPlugin{}

func (p grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if p.server == nil {
		return errors.New("only a client")
	}
	backendv1grpc.RegisterBackendServer(s, p.server)
	return nil
}

func (p grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return backendv1grpc.NewBackendClient(conn), nil
}
