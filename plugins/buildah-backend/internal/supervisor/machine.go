// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"bufio"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
)

// lack is why nothing can be built on this machine.
type lack struct {
	// reason is its stable class; message and alternative are sentences.
	reason, message, alternative string
}

// sysAdmin is the bit of CAP_SYS_ADMIN.
const sysAdmin = 21

// lacking looks for what builds need; nil when all is there.
func lacking() *lack {
	if os.Geteuid() == 0 {
		if hasCapability(sysAdmin) {
			return nil
		}
		return &lack{"no-privilege", "root has no CAP_SYS_ADMIN here, which mounting layers needs",
			"give the surrounding container that capability, or build as a user with subordinate ids"}
	}
	if _, err := exec.LookPath("newuidmap"); err != nil {
		return &lack{"no-newuidmap", "the programs newuidmap and newgidmap are missing, which building without root needs",
			"install the package uidmap (shadow-utils on Fedora), or build as root"}
	}
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		if !hasSubordinates(file) {
			return &lack{"no-subordinate-ids", "this user has no entry in " + file + ", which building without root needs",
				"run \"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER\" as root, or build as root"}
		}
	}
	if text, err := os.ReadFile("/proc/sys/user/max_user_namespaces"); err == nil && strings.TrimSpace(string(text)) == "0" {
		return &lack{"no-user-namespace", "user namespaces are switched off on this machine",
			"set the sysctl user.max_user_namespaces, or build as root"}
	}
	return nil
}

func hasCapability(bit uint) bool {
	found := false
	eachLine("/proc/self/status", func(line string) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			found = err == nil && caps&(1<<bit) != 0
		}
	})
	return found
}

// hasSubordinates looks for a line of the user, by name or number.
func hasSubordinates(file string) bool {
	id := strconv.Itoa(os.Geteuid())
	name := id
	if me, err := user.Current(); err == nil {
		name = me.Username
	}
	found := false
	eachLine(file, func(line string) {
		who, _, _ := strings.Cut(line, ":")
		found = found || who == name || who == id
	})
	return found
}

func eachLine(file string, fn func(string)) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fn(lines.Text())
	}
}

// passed are the variables that a worker gets of the server's.
var passed = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// environment is what a worker gets. It keeps containers/storage from the
// machine's configuration.
func environment() []string {
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	env := []string{
		"PATH=" + path, "HOME=/nonexistent", "LC_ALL=C",
		"CONTAINERS_CONF=/dev/null", "CONTAINERS_STORAGE_CONF=/dev/null", "CONTAINERS_REGISTRIES_CONF=/dev/null",
	}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
