// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processes does on Linux what it does on a Mac, for the tests.
func processes() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var list []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		var state string
		var parent int
		p := process{pid: pid}
		_, after, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), " ")
		if _, err := fmt.Sscan(after, &state, &parent, &p.group, &p.session); err != nil {
			return nil, err
		}
		if state == "Z" || state == "X" {
			continue
		}
		env, _ := os.ReadFile("/proc/" + e.Name() + "/environ")
		p.env = strings.Split(string(env), "\x00")
		list = append(list, p)
	}
	return list, nil
}
