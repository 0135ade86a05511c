// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is what a command may do.
type Profile struct {
	// Writable are the folders it may write in. It cannot remove or replace
	// the folders themselves.
	Writable []string
	// Readable are files and folders it may read though they are in a private
	// place.
	Readable []string
	// Private are further folders and files it may not read.
	Private []string
	// Network says whether it has the machine's network.
	Network bool
}

// Text returns the profile in the Sandbox Profile Language, version 1, which
// sandbox-exec reads. Of the rules that match, the last one counts.
//
// All paths are absolute, clean and canonical: with no link in them.
func (p Profile) Text() (string, error) {
	w := &writer{}
	w.comment("Generated for one command. What is not allowed is denied.")
	w.line("(version 1)")
	w.line("(deny default)")
	w.processes()
	w.reading(p)
	w.writing(p)
	w.talking(p)
	return strings.TrimPrefix(w.text.String(), "\n"), w.err
}

// writer writes rules. Its first error is kept.
type writer struct {
	text strings.Builder
	err  error
}

func (w *writer) line(text string) { w.text.WriteString(text + "\n") }

// comment begins a part.
func (w *writer) comment(text string) { w.line("\n; " + text) }

// rule writes a rule with a filter for each path: "subpath" for folders,
// "literal" for files. Without paths there is no rule: one without a filter
// would match everything.
func (w *writer) rule(action, filter string, paths []string) {
	if len(paths) == 0 {
		return
	}
	w.text.WriteString("(" + action)
	for _, name := range paths {
		quoted, err := quote(name)
		if err != nil && w.err == nil {
			w.err = err
		}
		fmt.Fprintf(&w.text, "\n    (%s %s)", filter, quoted)
	}
	w.line(")")
}

// processes lets a command start others, and see and end only those.
func (w *writer) processes() {
	w.comment("Its own processes, and those alone.")
	w.line("(allow process-fork)")
	w.line("(allow process-exec*)")
	w.line("(allow signal (target same-sandbox))")
	w.line("(allow process-info* (target same-sandbox))")
	w.line("(allow sysctl-read)")
}

// reading opens the machine, and closes what is private.
func (w *writer) reading(p Profile) {
	const read, noRead = "allow file-read* process-exec* file-map-executable", "deny file-read* process-exec* file-map-executable"
	w.comment("The machine is there to be read.")
	w.line("(allow file-read*)")
	w.line("(allow file-map-executable)")
	for _, place := range private {
		w.comment("But not " + place.why + ".")
		w.rule(noRead, "subpath", alsoOnVolume(place.paths))
	}
	if len(p.Private) > 0 {
		w.comment("But not what belongs to other builds and to the user.")
		w.rule(noRead, "subpath", alsoOnVolume(p.Private))
	}
	for _, place := range public {
		w.comment("Of these, " + place.why + ".")
		w.rule(read, "subpath", place.paths)
	}
	if p.Network {
		w.comment("Of these, which servers know names.")
		w.rule("allow file-read*", "literal", []string{"/private/var/run/resolv.conf"})
	}
	open := slices.Concat(p.Writable, p.Readable)
	w.comment("Of these, the build's own folders, and the way to them without what is beside it.")
	w.rule("allow file-read-metadata", "literal", ancestors(open))
	w.rule(read, "subpath", open)
	w.comment("Of these, devices that hold nothing.")
	w.rule("allow file-read*", "literal", append(slices.Clone(devices), sources...))
	w.line("(allow file-read* file-write-data (regex #\"^/dev/fd/[0-9]+$\"))")
}

// alsoOnVolume adds the other names of paths: the kernel has been seen to use
// either.
func alsoOnVolume(paths []string) []string {
	all := slices.Clone(paths)
	for _, name := range paths {
		all = append(all, dataVolume+name)
	}
	return all
}

// writing opens the build's folders. A hard link or a clone of a file outside
// would be a way to change or keep it, and versions of macOS differ in whether
// they look at the file or at its new name, so there are none.
func (w *writer) writing(p Profile) {
	w.comment("Writing: the build's own folders, though not removing them, and nothing else.")
	w.rule("allow file-write*", "subpath", p.Writable)
	w.rule("deny file-write-unlink file-write-create", "literal", p.Writable)
	w.rule("allow file-write-data file-ioctl", "literal", devices)
	w.line("(deny file-link file-clone)")
}

// talking lets a command talk to services, to its own sockets, and with a
// network to the world. It never opens a socket of the machine but the
// resolver's: one of a container engine or of an ssh-agent is a way out.
func (w *writer) talking(p Profile) {
	w.comment("Services of the system, by name.")
	w.services(services)
	w.line("(allow ipc-posix-shm-read* (ipc-posix-name \"apple.shm.notification_center\"))")
	w.comment("Sockets in the build's own folders.")
	w.sockets("network-bind", "local", "subpath", p.Writable)
	w.sockets("network-inbound", "local", "subpath", p.Writable)
	w.sockets("network-outbound", "remote", "subpath", p.Writable)
	if !p.Network {
		return
	}
	w.comment("The network. Listening is for this machine only.")
	w.line("(allow network-outbound (remote ip))")
	w.line("(allow network-bind (local ip \"localhost:*\"))")
	w.line("(allow network-inbound (local ip \"localhost:*\"))")
	w.comment("Names of machines, and certificates.")
	w.sockets("network-outbound", "remote", "literal", []string{resolver})
	w.services(netServices)
}

// services allows to look services up.
func (w *writer) services(list []service) {
	w.line("(allow mach-lookup")
	for _, s := range list {
		w.line("    ; " + s.why)
		w.line("    (global-name \"" + s.name + "\")")
	}
	w.line(")")
}

// sockets allows an operation on unix sockets.
func (w *writer) sockets(operation, end, filter string, paths []string) {
	for _, name := range paths {
		quoted, err := quote(name)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.line(fmt.Sprintf("(allow %s (%s unix-socket (%s %s)))", operation, end, filter, quoted))
	}
}
