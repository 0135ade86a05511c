// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// ids says which owners files can have on disk.
type ids struct {
	uids, gids []idRange
	// key names the mapping: files of one are not those of another.
	key string
}

// idRange is a run of ids that can own files.
type idRange struct{ first, count uint32 }

// newIDs reads the mappings in the form of /proc/self/uid_map and gid_map.
func newIDs(uidMap, gidMap string) (ids, error) {
	uids, err := parseMap(uidMap)
	if err != nil {
		return ids{}, fmt.Errorf("map of user ids: %w", err)
	}
	gids, err := parseMap(gidMap)
	if err != nil {
		return ids{}, fmt.Errorf("map of group ids: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(uidMap), " ") + "\n" + strings.Join(strings.Fields(gidMap), " ")))
	return ids{uids: uids, gids: gids, key: hex.EncodeToString(sum[:6])}, nil
}

// parseMap reads the first and third number of each line.
func parseMap(text string) ([]idRange, error) {
	var out []idRange
	for line := range strings.Lines(text) {
		var r idRange
		var outside uint32
		if _, err := fmt.Sscan(line, &r.first, &outside, &r.count); err != nil {
			return nil, fmt.Errorf("line %q: %w", strings.TrimSpace(line), err)
		}
		out = append(out, r)
	}
	return out, nil
}

// disk returns the owner that a file of the tree has on disk: the superuser
// when its own id is not mapped.
func (i ids) disk(uid, gid uint32) (diskUID, diskGID uint32) {
	return onDisk(i.uids, uid), onDisk(i.gids, gid)
}

// single says that all files on disk belong to one user.
func (i ids) single() bool {
	return len(i.uids) == 0 || len(i.uids) == 1 && i.uids[0].count == 1
}

// seen returns the owner of a file on disk: the superuser where it is none that
// is mapped, which strange reports.
func (i ids) seen(diskUID, diskGID uint32) (uid, gid uint32, strange bool) {
	uid, gid = i.disk(diskUID, diskGID)
	return uid, gid, uid != diskUID || gid != diskGID
}

func onDisk(ranges []idRange, id uint32) uint32 {
	for _, r := range ranges {
		if id >= r.first && id-r.first < r.count {
			return id
		}
	}
	return 0
}
