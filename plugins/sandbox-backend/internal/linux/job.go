// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// network says whether a command has the machine's network.
func network(e *irv1.Exec) bool { return e.Network != irv1.Network_NETWORK_NONE }

// newJob puts a command into the form that the inner process gets. The chains
// are those that it may ask about.
func newJob(c *driver.Command) (*job, []driver.Chain, error) {
	if err := check(c.Exec); err != nil {
		return nil, nil, err
	}
	exec, err := c.Exec.MarshalVT()
	if err != nil {
		return nil, nil, err
	}
	resolvers, err := resolvers(c.Exec)
	if err != nil {
		return nil, nil, err
	}
	j := &job{
		Exec: exec, UID: c.UID, GID: c.GID, Groups: c.Groups,
		State: c.State, Temp: c.Temp, Layer: c.Layer, Resolvers: resolvers, Copy: c.Copy,
		SocketCall: c.Architecture == "386",
	}
	chains := []driver.Chain{c.Root}
	for i := range c.Mounts {
		m, err := newMount(&c.Mounts[i], &chains)
		if err != nil {
			return nil, nil, err
		}
		j.Mounts = append(j.Mounts, m)
	}
	for _, chain := range chains {
		j.Chains = append(j.Chains, sources(chain.Layers))
	}
	return j, chains, nil
}

// check refuses what no command of this driver can have.
func check(e *irv1.Exec) error {
	const other = "use buildah-backend"
	switch {
	case len(e.Argv) == 0 || e.Argv[0] == "":
		return &transfer.Problem{Message: "the command is empty"}
	case e.Security == irv1.Security_SECURITY_INSECURE:
		return &transfer.Problem{Message: "a command in a sandbox cannot have full privileges (--security=insecure)", Help: other}
	case len(e.Devices) > 0:
		return &transfer.Problem{Message: "a command in a sandbox cannot have devices (--device)", Help: other}
	}
	return nil
}

// resolvers is what the command finds in /etc/resolv.conf.
func resolvers(e *irv1.Exec) ([]byte, error) {
	if !network(e) {
		return nil, nil
	}
	text, err := os.ReadFile("/etc/resolv.conf")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func sources(layers []layer.Source) []source {
	var out []source
	for _, l := range layers {
		out = append(out, source{Digest: l.Digest, Size: l.Size, Path: l.Path, Compressed: l.Compressed})
	}
	return out
}

func newMount(m *driver.Mount, chains *[]driver.Chain) (mount, error) {
	target := path.Clean(m.Target)
	for _, dir := range []string{"/proc", "/sys"} {
		if target == dir || strings.HasPrefix(target, dir+"/") {
			return mount{}, &transfer.Problem{Message: fmt.Sprintf("cannot mount on %q: %s is the kernel's", m.Target, dir), Help: "mount outside of it"}
		}
	}
	if target == "/" || !path.IsAbs(target) {
		return mount{}, &transfer.Problem{Message: fmt.Sprintf("cannot mount on %q: it is not a path below /", m.Target)}
	}
	out := mount{Target: target, ReadOnly: m.ReadOnly, Tmpfs: m.Tmpfs, Secret: m.Secret, Socket: m.Socket}
	var err error
	if out.Tree, err = newSubtree(m.Tree, chains); err != nil || m.Folder == nil {
		return out, err
	}
	f := m.Folder
	out.Folder = &folder{Path: f.Path, Mode: f.Mode, UID: f.UID, GID: f.GID}
	out.Folder.Seed, err = newSubtree(f.Seed, chains)
	return out, err
}

func newSubtree(s *driver.Subtree, chains *[]driver.Chain) (*subtree, error) {
	if s == nil {
		return nil, nil
	}
	n, err := s.Chain.Tree.Lstat(s.Path)
	if err != nil {
		return nil, err
	}
	*chains = append(*chains, s.Chain)
	return &subtree{Chain: len(*chains) - 1, Path: s.Path, Dir: n.Kind == tree.Dir}, nil
}
