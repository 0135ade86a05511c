// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

const (
	// stderrKept and stderrLimit bound what an instance writes there.
	stderrKept  = 16 << 10
	stderrLimit = 16 << 20
	// maxIdle is the most memory that an instance may hold between calls.
	maxIdle = 64 << 20
	// settle is how long a killed instance gets to end.
	settle = 2 * time.Second
)

// instance is one running module. It takes one call at a time; after a failure
// it is dead (SPEC F11).
type instance struct {
	engine *engine
	stdin  *input
	stdout *output
	stderr *tail
	memory *memory
	cancel context.CancelFunc
	// done is closed when the module has ended and its memory is gone.
	done chan struct{}
	last uint64
}

// start runs the module until its stdin ends or it is killed.
func start(e *engine, limits Limits) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	in := &instance{
		engine: e,
		stdin:  newInput(),
		stdout: newOutput(limits.Output),
		stderr: &tail{keep: stderrKept, limit: stderrLimit},
		memory: &memory{limit: uint64(limits.Memory)},
		cancel: cancel,
		done:   make(chan struct{}),
	}
	ctx = experimental.WithMemoryAllocator(ctx, in.memory)
	go in.run(ctx)
	return in
}

func (in *instance) run(ctx context.Context) {
	defer close(in.done)
	defer in.memory.Free()
	defer in.cancel()
	defer func() {
		if v := recover(); v != nil {
			in.stdout.fail(&endedError{fmt.Errorf("the engine gave up: %v", v)})
		}
	}()
	module, err := in.engine.runtime.InstantiateModule(ctx, in.engine.module, wazero.NewModuleConfig().
		WithName("").
		WithStdin(in.stdin).WithStdout(in.stdout).WithStderr(in.stderr).
		WithWalltime(stoppedWalltime, 1).WithNanotime(stoppedNanotime, 1).
		WithRandSource(sameBytes{}))
	if module != nil {
		_ = module.Close(context.Background())
	}
	if err == nil {
		err = &sys.ExitError{}
	}
	in.stdout.fail(&endedError{err})
}

// outOfMemory says why a module has ended. Some give up without asking for
// more than they could get.
func (in *instance) outOfMemory() bool {
	return in.memory.refused.Load() || strings.Contains(in.stderr.String(), "out of memory")
}

// endedError says that the module ended by itself.
type endedError struct{ error }

func (e *endedError) Unwrap() error { return e.error }

// The clock of a frontend stands still, and its random bytes are always the
// same: it is a pure function (SPEC F6).
func stoppedWalltime() (sec int64, nsec int32) { return 1_600_000_000, 0 }

func stoppedNanotime() int64 { return 1 }

type sameBytes struct{}

func (sameBytes) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i*167 + 91)
	}
	return len(b), nil
}

// call sends one request and waits for its response until ctx ends. After an
// error that is no *frontend.Failure the instance must be killed.
func (in *instance) call(ctx context.Context, r *frontendv1.ParseRequest) (*frontendv1.ParseResponse, error) {
	in.last++
	request, err := frontend.AppendParse(nil, in.last, r)
	if err != nil {
		return nil, err
	}
	in.stdout.expect()
	in.stdin.put(request)
	defer context.AfterFunc(ctx, func() { in.stdout.fail(ctx.Err()) })()
	frame, err := in.stdout.frame()
	if err != nil {
		return nil, err
	}
	return frontend.DecodeParse(frame, in.last)
}

// trap is the engine's reason for a trap, without its stack: that of a stripped
// module says nothing, and what a frontend has to say of itself is on stderr.
func trap(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if _, reason, ok := strings.Cut(line, "failed: "); ok {
		line = reason
	}
	return errors.New(line)
}

// kill ends the instance, whatever it does, and waits until it is gone.
func (in *instance) kill() {
	in.cancel()
	in.stdout.fail(errClosed)
	in.stdin.close()
	select {
	case <-in.done:
	case <-time.After(settle):
	}
}

// alive says whether the instance still runs as it should. One may end, or write
// what nobody asked for, after its answer.
func (in *instance) alive() bool { return in.stdout.failed() == nil }

// idle says whether the instance may wait for another call.
func (in *instance) idle() bool { return in.memory.used.Load() <= maxIdle }

// explain turns an error of call into a *Failed.
func (in *instance) explain(err error, path string, limits Limits) *Failed {
	f := &Failed{Path: path, Stderr: in.stderr.String(), Err: err}
	var size *frontend.SizeError
	var reported *frontend.Failure
	var exit *sys.ExitError
	var ended *endedError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		f.Reason, f.Err = ReasonTimeout, nil
		f.Message = fmt.Sprintf("the frontend did not answer within %v", limits.Time)
	case errors.As(err, &size):
		f.Reason, f.Message = ReasonOutput, "the response of the frontend is too large"
	case errors.As(err, &reported):
		f.Reason, f.Message = ReasonFrontend, "the frontend failed"
	case errors.As(err, &ended) && in.outOfMemory():
		f.Reason, f.Err = ReasonMemory, nil
		f.Message = fmt.Sprintf("the frontend wanted more memory than its %d MiB", limits.Memory>>20)
	case errors.As(err, &exit):
		f.Reason, f.Err = ReasonExit, nil
		f.Message = fmt.Sprintf("the frontend exited with code %d instead of answering", exit.ExitCode())
	case ended != nil:
		f.Reason, f.Message, f.Err = ReasonTrap, "the frontend crashed", trap(err)
	default:
		f.Reason, f.Message = ReasonProtocol, "the answer of the frontend breaks the protocol"
	}
	return f
}
