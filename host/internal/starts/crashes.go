// SPDX-License-Identifier: Apache-2.0

package starts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

const (
	// patience is how many crashes in a row cost nothing.
	patience = 2
	// inRow is how soon after another a crash is in a row with it.
	inRow = time.Minute
	// first and longest are the pause after the first crash that costs one,
	// which doubles with each, and its end.
	first   = time.Second
	longest = 30 * time.Second
	// most is more crashes than anybody waits for.
	most = 1 << 20
)

// record is what is known of the crashes of a release.
type record struct {
	// Crashes is how many there were in a row.
	Crashes int `json:"crashes"`
	// Last is when the last one was.
	Last time.Time `json:"last"`
}

// Crashed says that a process of the release ended by itself.
func (g Gate) Crashed() {
	if g.Dir == "" {
		return
	}
	now := time.Now()
	r := g.read()
	if now.Sub(r.Last).Abs() > inRow {
		r.Crashes = 0
	}
	// Two that crash at once may count as one. The next crash counts again.
	if data, err := json.Marshal(record{Crashes: r.Crashes + 1, Last: now}); err == nil {
		_ = atomicfile.Write(g.file(), data)
	}
}

// Worked says that a process of the release did what it was started for.
func (g Gate) Worked() {
	if g.Dir != "" {
		_ = os.Remove(g.file())
	}
}

// pause returns what a start at this time has to wait.
func (g Gate) pause(now time.Time) Pause {
	r := g.read()
	costly := r.Crashes - patience
	if costly <= 0 {
		return Pause{}
	}
	pause := first
	for range costly - 1 {
		if pause = min(2*pause, longest); pause == longest {
			break
		}
	}
	// A clock that was set back makes no pause longer.
	return Pause{Crashes: r.Crashes, For: min(pause, r.Last.Add(pause).Sub(now))}
}

// read returns the record; an empty one when there is none, or it is garbage.
func (g Gate) read() record {
	var r record
	data, err := os.ReadFile(g.file())
	if err != nil || json.Unmarshal(data, &r) != nil || r.Crashes < 0 || r.Crashes > most {
		return record{}
	}
	return r
}

// file is where the record is.
func (g Gate) file() string {
	sum := sha256.Sum256([]byte(g.Release))
	return filepath.Join(g.Dir, "crashes-"+hex.EncodeToString(sum[:16])+".json")
}
