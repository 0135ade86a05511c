// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden profiles")

// A job in a home, as it is on most machines.
const (
	jobs   = "/Users/ada/Library/zlayer/jobs"
	trees  = "/Users/ada/Library/zlayer/trees"
	folder = jobs + "/7/root/copy"
	temp   = jobs + "/7/tmp"
)

func inHome(network bool) Profile {
	return Profile{
		Writable: []string{folder, temp}, Readable: []string{jobs + "/7/script"},
		Private: []string{"/Users/ada/Library/zlayer", jobs + "/7", "/Users/ada"}, Network: network,
	}
}

func TestProfiles(t *testing.T) {
	for name, p := range map[string]Profile{
		"network": inHome(true),
		"none":    inHome(false),
		"names":   {Writable: []string{"/Users/a \"b\"\\c\nd/é ;(x)"}, Private: []string{"/srv/#\"|"}},
		"root":    {Writable: []string{"/private/var/lib/zlayer/jobs/7/copy"}, Private: []string{"/private/var/root"}, Network: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.Text()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".sb")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("run go test -update and read the difference:\n%s", d)
			}
		})
	}
}

func TestProfileRefuses(t *testing.T) {
	for _, bad := range []string{"", "relative", "/a/../b", "/a/", "//a", "/a\x00b", "/a/./b"} {
		for name, p := range map[string]Profile{"writable": {Writable: []string{bad}}, "readable": {Readable: []string{bad}}, "private": {Private: []string{bad}}} {
			if text, err := p.Text(); err == nil {
				t.Errorf("%s %q gives\n%s", name, bad, text)
			}
		}
	}
}

// What a hostile command would try, judged by the rules of the language.
func TestContained(t *testing.T) {
	for _, test := range []struct {
		operation, path string
		want            bool
	}{
		// The machine is there to be read and run.
		{"file-read-data", "/bin/sh", true},
		{"process-exec", "/usr/bin/cc", true},
		{"file-map-executable", "/usr/lib/libSystem.B.dylib", true},
		{"file-read-data", "/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk/usr/include/stdio.h", true},
		{"process-exec", "/opt/homebrew/bin/cmake", true},
		{"file-read-data", "/private/etc/ssl/cert.pem", true},
		{"file-read-data", "/private/etc/hosts", true},
		{"file-read-data", "/private/var/select/sh", true},
		{"file-read-data", "/private/var/db/timezone/zoneinfo/UTC", true},
		{"file-read-data", "/dev/urandom", true},
		// Not what is private.
		{"file-read-data", "/Users/ada/.ssh/id_ed25519", false},
		{"file-read-metadata", "/Users/ada/.ssh", false},
		{"file-read-data", "/System/Volumes/Data/Users/ada/.aws/credentials", false},
		{"file-read-data", "/Users/ada", false},
		{"file-read-data", "/Users", false},
		{"process-exec", "/Users/ada/bin/tool", false},
		{"file-read-data", "/Users/ada/Library/Keychains/login.keychain-db", false},
		{"file-read-data", "/Library/Keychains/System.keychain", false},
		{"file-read-data", "/private/var/root/.ssh/id_rsa", false},
		{"file-read-data", "/private/var/db/dslocal/nodes/Default/users/ada.plist", false},
		{"file-read-data", "/private/var/folders/zz/x/T/token", false},
		{"file-read-data", "/private/tmp/secret", false},
		{"file-read-data", "/private/etc/master.passwd", false},
		{"file-read-data", "/private/etc/sudoers", false},
		{"file-read-data", "/private/etc/ssh/ssh_host_ed25519_key", false},
		{"file-read-data", "/Volumes/Backup/x", false},
		{"file-read-data", "/opt/homebrew/var/postgres/base/1", false},
		{"file-read-data", "/dev/disk0", false},
		{"file-read-data", "/dev/ttys003", false},
		// Its own folders, the way to them, and nothing beside it.
		{"file-read-data", folder + "/etc/passwd", true},
		{"file-write-data", folder + "/etc/passwd", true},
		{"file-write-create", folder + "/new", true},
		{"process-exec", folder + "/bin/tool", true},
		{"file-write-create", temp + "/x", true},
		{"file-read-data", jobs + "/7/script/EOF", true},
		{"file-write-data", jobs + "/7/script/EOF", false},
		{"file-write-data", jobs + "/7/profile.sb", false},
		{"file-read-metadata", jobs, true},
		{"file-read-data", jobs, false},
		{"file-read-data", jobs + "/8/root/copy/etc/shadow", false},
		{"file-read-data", trees + "/abc", false},
		{"file-write-data", trees + "/abc", false},
		{"file-write-unlink", folder, false},
		{"file-write-create", folder, false},
		{"file-write-create", folder + "-beside", false},
		// Writing elsewhere.
		{"file-write-create", "/usr/local/bin/x", false},
		{"file-write-data", "/Users/ada/.zshrc", false},
		{"file-write-data", "/private/etc/hosts", false},
		{"file-write-create", "/private/tmp/x", false},
		{"file-write-data", "/dev/null", true},
		{"file-write-data", "/dev/disk0", false},
		{"file-write-mode", "/dev/null", false},
		{"file-link", folder + "/x", false},
		{"file-clone", folder + "/x", false},
		{"file-mount", folder, false},
		{"signal", "", false},
		{"iokit-open", "", false},
		{"mach-register", "", false},
		{"sysctl-write", "", false},
		{"system-privilege", "", false},
	} {
		for _, network := range []bool{true, false} {
			if got := rulesOf(t, inHome(network)).allows(test.operation, test.path); got != test.want {
				t.Errorf("%s %s with network %v: %v", test.operation, test.path, network, got)
			}
		}
	}
}

func TestContainedNetwork(t *testing.T) {
	for _, test := range []struct {
		operation, filter, value string
		network, none            bool
	}{
		{"network-outbound", "remote ip", "", true, false},
		{"network-bind", "local ip", "localhost:*", true, false},
		{"network-inbound", "local ip", "localhost:*", true, false},
		{"network-inbound", "local ip", "*:*", false, false},
		{"network-outbound", "remote unix-socket", "/private/var/run/mDNSResponder", true, false},
		{"network-outbound", "remote unix-socket", "/private/var/run/docker.sock", false, false},
		{"network-outbound", "remote unix-socket", "/private/tmp/com.apple.launchd.x/Listeners", false, false},
		{"network-outbound", "remote unix-socket", folder + "/run/db.sock", true, true},
		{"network-bind", "local unix-socket", temp + "/s", true, true},
		{"network-bind", "local unix-socket", "/private/tmp/s", false, false},
		{"mach-lookup", "global-name", "com.apple.system.opendirectoryd.libinfo", true, true},
		{"mach-lookup", "global-name", "com.apple.SystemConfiguration.DNSConfiguration", true, false},
		{"mach-lookup", "global-name", "com.apple.trustd.agent", true, false},
		{"mach-lookup", "global-name", "com.apple.SecurityServer", false, false},
		{"mach-lookup", "global-name", "com.apple.securityd.xpc", false, false},
		{"mach-lookup", "global-name", "com.apple.coreservices.launchservicesd", false, false},
		{"mach-lookup", "global-name", "com.apple.pasteboard.1", false, false},
	} {
		with, without := rulesOf(t, inHome(true)), rulesOf(t, inHome(false))
		if got := with.allowsAt(test.operation, test.filter, test.value); got != test.network {
			t.Errorf("%s %s %s with a network: %v", test.operation, test.filter, test.value, got)
		}
		if got := without.allowsAt(test.operation, test.filter, test.value); got != test.none {
			t.Errorf("%s %s %s without: %v", test.operation, test.filter, test.value, got)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"/a", `/a"b`, `/a\`, "/a\nb", "/;(x)", "/é", "/a\x00", "/\x01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		quoted, err := quote(name)
		if err != nil {
			return
		}
		list, err := parseAll("(" + quoted + ")")
		if err != nil || len(list) != 1 || len(list[0].list) != 1 || list[0].list[0].text != name || strings.Contains(quoted, "\n") {
			t.Errorf("%q is written %s", name, quoted)
		}
	})
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"/tmp":                                "/private/tmp",
		"/tmp/a":                              "/private/tmp/a",
		"/tmpfoo":                             "/tmpfoo",
		"/var/folders/x":                      "/private/var/folders/x",
		"/etc":                                "/private/etc",
		"/private/tmp/a":                      "/private/tmp/a",
		"/Users/ada/":                         "/Users/ada",
		"/Users/tmp":                          "/Users/tmp",
		"/System/Volumes/Data/Users/ada":      "/Users/ada",
		"/System/Volumes/Data/private/var/db": "/private/var/db",
		"/System/Volumes/Data":                "/System/Volumes/Data",
		"/System/Volumes/Database":            "/System/Volumes/Database",
		"/":                                   "/",
	} {
		if got := canonical(in); got != want {
			t.Errorf("canonical(%q) = %q, want %q", in, got, want)
		}
	}
}
