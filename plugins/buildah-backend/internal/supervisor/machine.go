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
		return rootLacks()
	}
	if _, err := exec.LookPath("newuidmap"); err != nil {
		return &lack{"no-newuidmap", "the programs newuidmap and newgidmap are missing, which building without root needs",
			"install the package uidmap (shadow-utils on Fedora), " + otherwise}
	}
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		if !hasSubordinates(file) {
			return &lack{"no-subordinate-ids", file + " has no range for " + userName() + ", which building without root needs",
				"as root run \"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + userName() + "\", " + otherwise}
		}
	}
	if text, err := os.ReadFile("/proc/sys/user/max_user_namespaces"); err == nil && strings.TrimSpace(string(text)) == "0" {
		return &lack{"no-user-namespace", "user namespaces are switched off on this machine",
			"set the sysctl user.max_user_namespaces, or build as root"}
	}
	return nil
}

// otherwise is the way out that changes nothing on the machine.
const otherwise = "build as root, or use sandbox-backend, which does with one id"

// rootLacks looks for what root of a container may not have.
func rootLacks() *lack {
	if !hasCapability(sysAdmin) {
		return &lack{"no-privilege", "root has no CAP_SYS_ADMIN here, which mounting layers needs",
			"give the surrounding container that capability, or build as a user with subordinate ids"}
	}
	for _, file := range []string{"/proc/self/uid_map", "/proc/self/gid_map"} {
		if oneID(file) {
			return &lack{"one-user", "root is the only user of the namespace that the backend runs in, and the files of images have several owners",
				"map more ids into the surrounding container, or use sandbox-backend, which does with one id"}
		}
	}
	return nil
}

// oneID says that a map of ids, as uid_map of /proc has it, is of one.
func oneID(file string) bool {
	lines, one := 0, false
	eachLine(file, func(line string) {
		lines, one = lines+1, strings.HasSuffix(line, " 1")
	})
	return lines == 1 && one
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

// hasSubordinates looks for a range of the user, by name or number.
func hasSubordinates(file string) bool {
	name, id := userName(), strconv.Itoa(os.Geteuid())
	found := false
	eachLine(file, func(line string) {
		who, ids, _ := strings.Cut(line, ":")
		_, count, _ := strings.Cut(ids, ":")
		n, err := strconv.ParseUint(strings.TrimSpace(count), 10, 32)
		found = found || err == nil && n > 0 && (who == name || who == id)
	})
	return found
}

// userName is the name of the user of this process, or the number.
func userName() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return strconv.Itoa(os.Geteuid())
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
