// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	sdk "github.com/zlayer/zlayer/sdk/backend"
)

// owned refuses mounts that belong to somebody else than root, where only root
// is mapped.
func owned(mounts []driver.Mount, maps *idMaps) error {
	if !maps.oneID() {
		return nil
	}
	for i := range mounts {
		uid, gid := owner(&mounts[i])
		if uid == 0 && gid == 0 {
			continue
		}
		lacks := oneUser(maps)
		f := sdk.Machinef(nil, "what is mounted on %q belongs to %d:%d, and %s", mounts[i].Target, uid, gid, lacks.message)
		f.Help = lacks.alternative
		return f
	}
	return nil
}

// owner is who a mount belongs to. What is in a tree has its own owners.
func owner(m *driver.Mount) (uid, gid uint32) {
	switch {
	case m.Folder != nil && m.Folder.Seed == nil:
		return m.Folder.UID, m.Folder.GID
	case m.Secret != nil:
		return m.Secret.UID, m.Secret.GID
	case m.Socket != nil:
		return m.Socket.UID, m.Socket.GID
	}
	return 0, 0
}
