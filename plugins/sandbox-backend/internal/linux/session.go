// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/jail"
	"golang.org/x/sys/unix"
)

// innerName is the first argument of an inner process.
const innerName = "zlayer-sandbox"

// Files that an inner process has beside the first three, of which 1 and 2 are
// the command's output.
const socketFD = 3

// session is an inner process: this program again, as the first process of new
// namespaces.
type session struct {
	process *os.Process
	socket  *os.File
	codec
	// ended gets how the process ended.
	ended chan error
}

// files of a new process.
type files struct{ stdin, stdout, stderr *os.File }

// start starts an inner process. It dies with this one.
func start(maps *idMaps, network bool, f files) (*session, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	s := &session{socket: ours, codec: newCodec(ours), ended: make(chan error, 1)}
	attr := &os.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: []*os.File{f.stdin, f.stdout, f.stderr, theirs},
		Sys: &syscall.SysProcAttr{
			Cloneflags: jail.Flags(network),
			Pdeathsig:  syscall.SIGKILL,
			// Its privileges survive the execution though it is nobody until
			// its ids are mapped.
			AmbientCaps: allCapabilities(),
		},
	}
	if err := s.launch(attr); err != nil {
		ours.Close()
		return nil, err
	}
	if err := maps.apply(s.process.Pid); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// launch starts the process, from a thread that lives until it ends: its death
// signal comes with the end of the thread.
func (s *session) launch(attr *os.ProcAttr) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		program, err := sealed()
		if err == nil {
			s.process, err = os.StartProcess(program, []string{innerName}, attr)
		}
		started <- err
		if err != nil {
			return
		}
		state, err := s.process.Wait()
		if err == nil && !state.Success() {
			err = fmt.Errorf("the process that runs commands ended: %v", state)
		}
		s.ended <- err
	}()
	return <-started
}

// sealed is a path of a copy of this program, in memory, that nobody can write
// to. The inner process is made of it, since a command can be a link to
// /proc/self/exe: it has the program of the inner process then, and may be its
// owner (CVE-2019-5736).
var sealed = sync.OnceValues(func() (string, error) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer self.Close()
	fd, err := unix.MemfdCreate(innerName, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // Linux before 6.3
		fd, err = unix.MemfdCreate(innerName, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return "", fmt.Errorf("making a file in memory (memfd_create): %w", err)
	}
	twin := os.NewFile(uintptr(fd), innerName)
	defer twin.Close()
	if _, err := io.Copy(twin, self); err != nil {
		return "", fmt.Errorf("copying this program into memory: %w", err)
	}
	if err := seal(twin.Fd()); err != nil {
		return "", fmt.Errorf("sealing a file in memory: %w", err)
	}
	// Never closed. Starting a process moves its first files, so this is none
	// of them.
	kept, err := unix.FcntlInt(twin.Fd(), unix.F_DUPFD_CLOEXEC, 2*socketFD+4)
	return "/proc/self/fd/" + strconv.Itoa(kept), err
})

const (
	allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	// sealTries is how often a file is sealed that the kernel calls busy, with
	// a pause of sealPause between.
	sealTries, sealPause = 40, 50 * time.Millisecond
)

// seal keeps everybody from writing to a file in memory. The kernel calls it
// busy while anything holds one of its pages, which on a machine short of
// memory the kernel itself does for a while.
func seal(fd uintptr) (err error) {
	for range sealTries {
		if _, err = unix.FcntlInt(fd, unix.F_ADD_SEALS, allSeals); !errors.Is(err, unix.EBUSY) {
			return err
		}
		time.Sleep(sealPause)
	}
	return err
}

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "inner process"), os.NewFile(uintptr(fds[1]), "backend"), nil
}

// allCapabilities are those of this kernel.
func allCapabilities() []uintptr {
	var all []uintptr
	for c := uintptr(0); ; c++ {
		if _, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0); err != nil {
			return all
		}
		all = append(all, c)
	}
}

// kill ends the process and with it all of its namespaces.
func (s *session) kill() { s.process.Kill() } //nolint:errcheck // it may have ended

// close makes sure that the process has ended.
func (s *session) close() error {
	s.kill()
	<-s.ended //nolint:errcheck // it was killed
	return s.socket.Close()
}

// do sends a request and answers queries until there is a result.
func (s *session) do(r request, ask asker) (*result, error) {
	if err := s.Encode(r); err != nil {
		return nil, s.died(err)
	}
	for {
		var rep report
		if err := s.Decode(&rep); err != nil {
			return nil, s.died(err)
		}
		switch {
		case rep.Result != nil:
			return rep.Result, nil
		case rep.Query == nil:
			return nil, errors.New("the process that runs commands said nothing")
		}
		if err := s.Encode(ask.answer(rep.Query)); err != nil {
			return nil, s.died(err)
		}
	}
}

// died explains why the socket broke.
func (s *session) died(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		return fmt.Errorf("talking to the process that runs commands: %w", err)
	}
	s.kill()
	ended := <-s.ended
	s.ended <- nil
	if ended == nil {
		return errors.New("the process that runs commands ended without a result")
	}
	return ended
}
