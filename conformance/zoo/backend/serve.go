// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	sdk "github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

// serve serves until the host ends it. It does not use the SDK's, which would
// not let a backend be wrong.
func serve(p *proxy) error {
	socket := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), fmt.Sprintf("plugin%d", os.Getpid()))
	if p.fault.socket != nil {
		socket = p.fault.socket(socket)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(sdk.Codec()), grpc.MaxRecvMsgSize(p.fault.limit()), grpc.MaxSendMsgSize(sdk.MaxMessage))
	asked := make(chan struct{})
	addServices(server, p, asked)
	go func() { _ = server.Serve(listener) }()
	line := "1|1|unix|" + socket + "|grpc|\n"
	if p.fault.line != nil {
		line = p.fault.line(line)
	}
	if _, err := os.Stdout.WriteString(line); err != nil {
		return err
	}
	select {
	case <-asked:
	case <-lifeline(p.fault):
	}
	p.end(server)
	return nil
}

// addServices registers what a host calls. asked is closed when it asks for
// the end.
func addServices(server *grpc.Server, p *proxy, asked chan struct{}) {
	backendv1grpc.RegisterBackendServer(server, p)
	state := health.NewServer()
	state.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, state)
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "plugin.GRPCController", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{{
		StreamName: "Shutdown", ServerStreams: true, ClientStreams: true,
		Handler: func(any, grpc.ServerStream) error {
			close(asked)
			return status.Error(codes.Canceled, "it ends")
		},
	}}}, struct{}{})
}

// lifeline is closed when the host is dead.
func lifeline(f fault) <-chan struct{} {
	ended := make(chan struct{})
	fd, err := strconv.Atoi(os.Getenv(sdk.LifelineEnv))
	if err != nil || f.deaf {
		return ended
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
		close(ended)
	}()
	return ended
}

// end ends every call, and with it the jobs of the good backend.
func (p *proxy) end(server *grpc.Server) {
	stopped := make(chan struct{})
	p.mu.Lock()
	p.ending = true
	for cancel := range p.running {
		(*cancel)()
	}
	p.mu.Unlock()
	go func() {
		server.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(4 * time.Second):
		server.Stop()
	}
}
