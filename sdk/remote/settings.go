// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Git's only configuration is a file in .git that is written here, so that the
// same commit makes the same files everywhere. Of the user's own settings it has
// those about servers. Passwords are in files, which nobody else reads, and not
// in arguments or variables.

// The files, in .git.
const (
	settingsFile = "zlayer.config"
	loginFile    = "zlayer.login"
)

// setting is one setting. What comes later in git's files wins.
type setting struct {
	key, value string
	alone      bool // the key stands alone, which says yes
}

// configure writes the files, and makes git read no others.
func (g *clone) configure() error {
	list := g.settings()
	git := filepath.Join(g.dir, ".git")
	if g.o.User != nil {
		theirs, err := g.userSettings()
		if err != nil {
			return err
		}
		list = append(list, theirs...)
	}
	if err := os.Mkdir(git, 0o755); err != nil {
		return err
	}
	if g.login != "" {
		list = append(list, g.loginSettings()...)
		if err := os.WriteFile(filepath.Join(git, loginFile), []byte(g.login+"\n"), 0o600); err != nil {
			return err
		}
	}
	var text strings.Builder
	for _, s := range list {
		text.WriteString(s.line())
	}
	file := filepath.Join(git, settingsFile)
	g.env = append(g.environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+file)
	return os.WriteFile(file, []byte(text.String()), 0o600)
}

// settings are those of everybody.
func (g *clone) settings() []setting {
	patience := cmp.Or(g.o.Patience, Patience)
	seconds := int((patience + time.Second - 1) / time.Second)
	return []setting{
		{key: "core.hooksPath", value: os.DevNull},
		{key: "gc.auto", value: "0"}, // it would go on in the background
		{key: "maintenance.auto", value: "false"},
		{key: "core.sshCommand", value: fmt.Sprintf("ssh -o BatchMode=yes -o ConnectTimeout=%d -o ServerAliveInterval=%[1]d -o ServerAliveCountMax=1", seconds)},
		{key: "http.lowSpeedLimit", value: "1"},
		{key: "http.lowSpeedTime", value: strconv.Itoa(seconds)},
	}
}

// userSettings are the user's own about servers. They are read where there is no
// repository, also those that come by variables.
func (g *clone) userSettings() ([]setting, error) {
	reading := *g
	reading.env = append(g.environ(), "GIT_DIR="+filepath.Join(g.dir, ".git"))
	for _, kv := range g.o.User {
		if strings.HasPrefix(kv, "GIT_CONFIG") {
			reading.env = append(reading.env, kv)
		}
	}
	out, err := reading.run("config", "--list", "--null", "--includes")
	if err != nil {
		return nil, err
	}
	var list []setting
	for entry := range strings.SplitSeq(out, "\x00") {
		key, value, ok := strings.Cut(entry, "\n")
		if section, _, _ := strings.Cut(key, "."); key == "core.sshcommand" || slices.Contains(serverSections, section) {
			list = append(list, setting{key, value, !ok})
		}
	}
	return list, nil
}

// serverSections are the sections about how servers are reached.
var serverSections = []string{"credential", "http", "ssh", "url"}

// loginSettings lead to the password of the address, and let no helper of the
// user's know it.
func (g *clone) loginSettings() []setting {
	file := filepath.Join(g.dir, ".git", loginFile)
	scheme, host, _ := strings.Cut(g.login, "://")
	key := "credential." + scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + ".helper"
	return []setting{{key: key}, {key: key, value: "store --file='" + strings.ReplaceAll(file, "'", `'\''`) + "'"}}
}

// removeSettings removes the files.
func removeSettings(dir string) error {
	var errs []error
	for _, name := range []string{settingsFile, loginFile} {
		if err := os.Remove(filepath.Join(dir, ".git", name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// line is a setting as git's files have it.
func (s setting) line() string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`)
	section, name, _ := strings.Cut(s.key, ".")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		section, name = fmt.Sprintf(`%s "%s"`, section, quoted.Replace(name[:i])), name[i+1:]
	}
	if s.alone {
		return fmt.Sprintf("[%s]\n\t%s\n", section, name)
	}
	return fmt.Sprintf("[%s]\n\t%s = \"%s\"\n", section, name, quoted.Replace(s.value))
}

// environ is the environment of git but for where its configuration is.
// Variables that lead it to another repository, as hooks have them, or to a
// program that asks the user for something are left out.
func (g *clone) environ() []string {
	from := g.o.User
	if from == nil {
		// There is no .netrc in that home.
		from = append(os.Environ(), "HOME="+filepath.Join(g.dir, ".git"))
	}
	var list []string
	for _, kv := range from {
		if !strings.HasPrefix(kv, "GIT_") && !strings.HasPrefix(kv, "SSH_ASKPASS") || slices.ContainsFunc(kept, func(name string) bool { return strings.HasPrefix(kv, name) }) {
			list = append(list, kv)
		}
	}
	list = append(list, "GIT_TERMINAL_PROMPT=0", "SSH_ASKPASS_REQUIRE=never", "GIT_ALLOW_PROTOCOL=https:http:ssh:git", "LC_ALL=C")
	if g.o.Agent != "" {
		list = append(list, "SSH_AUTH_SOCK="+g.o.Agent)
	}
	return list
}

// kept are how git's variables begin that are about servers, or where git is.
var kept = []string{"GIT_SSH", "GIT_SSL_", "GIT_EXEC_PATH="}

// userinfo is what may be secret in an address.
var userinfo = regexp.MustCompile(`://[^/\s'"]*@`)

// said is what git said, without what may be secret in it.
func said(text string) string {
	return userinfo.ReplaceAllString(strings.TrimSpace(text), "://")
}
