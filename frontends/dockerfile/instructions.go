// SPDX-License-Identifier: Apache-2.0

package dockerfile

// A spec is what the syntax of an instruction allows.
type spec struct {
	name string
	// json says that the arguments may be a JSON array.
	json bool
	// heredocs says that here-documents may follow.
	heredocs bool
	flags    []flagSpec
}

// flagSpec is one flag of an instruction.
type flagSpec struct {
	name string
	kind flagKind
}

// flagKind says what the value of a flag is, and how often it may be given.
type flagKind int

const (
	valueFlag flagKind = iota // --name=value, once
	boolFlag                  // --name or --name=true|false, once
	listFlag                  // --name=value, any number of times
)

// The instructions of Dockerfile.
var (
	add = &spec{name: "ADD", json: true, heredocs: true, flags: []flagSpec{
		{"checksum", valueFlag}, {"chmod", valueFlag}, {"chown", valueFlag}, {"exclude", listFlag},
		{"keep-git-dir", boolFlag}, {"link", boolFlag}, {"unpack", boolFlag},
	}}
	arg      = &spec{name: "ARG"}
	cmd      = &spec{name: "CMD", json: true}
	copyFile = &spec{name: "COPY", json: true, heredocs: true, flags: []flagSpec{
		{"chmod", valueFlag}, {"chown", valueFlag}, {"exclude", listFlag}, {"from", valueFlag},
		{"link", boolFlag}, {"parents", boolFlag},
	}}
	entrypoint  = &spec{name: "ENTRYPOINT", json: true}
	env         = &spec{name: "ENV"}
	expose      = &spec{name: "EXPOSE"}
	from        = &spec{name: "FROM", flags: []flagSpec{{"platform", valueFlag}}}
	healthcheck = &spec{name: "HEALTHCHECK", json: true, flags: []flagSpec{
		{"interval", valueFlag}, {"retries", valueFlag}, {"start-interval", valueFlag},
		{"start-period", valueFlag}, {"timeout", valueFlag},
	}}
	label      = &spec{name: "LABEL"}
	maintainer = &spec{name: "MAINTAINER"}
	onbuild    = &spec{name: "ONBUILD"}
	run        = &spec{name: "RUN", json: true, heredocs: true, flags: []flagSpec{
		{"device", listFlag}, {"mount", listFlag}, {"network", valueFlag}, {"security", valueFlag},
	}}
	shell      = &spec{name: "SHELL", json: true}
	stopsignal = &spec{name: "STOPSIGNAL"}
	user       = &spec{name: "USER"}
	volume     = &spec{name: "VOLUME", json: true}
	workdir    = &spec{name: "WORKDIR"}
)

// specs lists all of them by name.
var specs = [...]*spec{
	add, arg, cmd, copyFile, entrypoint, env, expose, from, healthcheck, label, maintainer,
	onbuild, run, shell, stopsignal, user, volume, workdir,
}

// lookup returns what is known of an instruction, in any case, or nil.
func lookup(name string) *spec {
	for _, s := range specs {
		if equalFold(s.name, name) {
			return s
		}
	}
	return nil
}

// instructionNames returns the names of all instructions.
func instructionNames() []string {
	list := make([]string, len(specs))
	for i, s := range specs {
		list[i] = s.name
	}
	return list
}
