// SPDX-License-Identifier: Apache-2.0

package macos

// place is what a command may not read, though the machine is there to be read.
type place struct {
	// why says what is in it.
	why string
	// paths are folders, with all that is in them, and files.
	paths []string
}

// private are those places. A RUN may be hostile and have a network, so what it
// can read is as good as published; but compilers, their headers and libraries
// are all over /usr, /opt, /Library and /Applications, and nobody could list
// them. So everything is readable but what is listed here: where people and
// services keep what is theirs. Files that only the superuser can read matter
// when the superuser builds.
var private = []place{
	{"homes: keys, tokens, keychains, browsers, sources", []string{"/Users", "/home", "/Network"}},
	{"other disks, backups and shares", []string{"/Volumes", "/.MobileBackups", "/.vol"}},
	// All of /private/var and not a list of it: passwords of local users, logs,
	// mail, sockets, and the caches and temporary files of every program.
	{"state of services, logs, mail, caches, root's home", []string{"/private/var"}},
	{"temporary files of others", []string{"/private/tmp", "/private/tftpboot"}},
	{"keychains of the machine", []string{"/Library/Keychains", "/Library/Security"}},
	{"what users have allowed to programs", []string{"/Library/Application Support/com.apple.TCC"}},
	{"passwords, keys and who may be superuser", []string{
		"/private/etc/master.passwd", "/private/etc/kcpassword", "/private/etc/krb5.keytab", "/private/etc/ssh",
		"/private/etc/sudoers", "/private/etc/sudoers.d", "/private/etc/racoon", "/private/etc/ppp", "/private/etc/wireguard",
	}},
	{"data of services that users install", []string{
		"/usr/local/var", "/usr/local/etc/wireguard", "/opt/homebrew/var", "/opt/homebrew/etc/wireguard", "/opt/local/var",
	}},
	{"logs, and the memory of programs that crashed", []string{"/cores", "/Library/Logs"}},
	{"disks, terminals, packets", []string{"/dev"}},
}

// public are files in private places that are part of the system.
var public = []place{
	{"the shell behind /bin/sh, and the developer tools behind cc", []string{"/private/var/select", "/private/var/db/xcode_select_link"}},
	{"time zones", []string{"/private/var/db/timezone"}},
	{"libraries of the system, on versions that keep them here", []string{"/private/var/db/dyld"}},
	{"how programs for Intel run on Apple's processors", []string{"/private/var/db/oah"}},
	{"how ssh is configured", []string{"/private/etc/ssh/ssh_config", "/private/etc/ssh/ssh_config.d"}},
}

// devices may be read and written: what is written there goes nowhere else.
var devices = []string{"/dev/null", "/dev/zero", "/dev/tty", "/dev/stdin", "/dev/stdout", "/dev/stderr"}

// sources are devices to read from.
var sources = []string{"/dev/random", "/dev/urandom", "/dev/autofs_nowait"}

// service is a service of the system that commands may talk to.
type service struct{ name, why string }

// services are those of every command. What is not here does not answer:
// above all no keychain (com.apple.SecurityServer, com.apple.securityd.xpc), no
// LaunchServices, which starts programs outside the sandbox, no pasteboard and
// no preferences.
var services = []service{
	{"com.apple.system.opendirectoryd.libinfo", "names of users and groups"},
	{"com.apple.system.opendirectoryd.membership", "who is in which group"},
	{"com.apple.system.notification_center", "that the time zone changed"},
	{"com.apple.system.logger", "syslog"},
	{"com.apple.logd", "the system's log"},
}

// netServices are those of commands with a network.
var netServices = []service{
	{"com.apple.SystemConfiguration.DNSConfiguration", "which servers know names"},
	{"com.apple.SystemConfiguration.configd", "which proxy to use"},
	{"com.apple.dnssd.service", "names of machines"},
	{"com.apple.trustd.agent", "whether a certificate is good"},
}

// resolver is the socket that names of machines are asked at.
const resolver = "/private/var/run/mDNSResponder"
