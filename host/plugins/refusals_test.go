// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/store"
)

var update = flag.Bool("update", false, "write testdata/refusals.txt anew")

// lab is what one refusal happens in.
type lab struct {
	testing.TB
	// oci is a registry, web a server of the files in dir.
	oci, web *server
	dir      string
	config   host.Config
}

// at is the repository of all plugins.
func (l *lab) at() string { return l.oci.host + "/acme/tool" }

// url is that of a file, which it writes.
func (l *lab) url(name, content string) string {
	write(l, filepath.Join(l.dir, name), content)
	return l.web.URL + "/" + name
}

// add publishes plugins and says why the source is not added.
func (l *lab) add(source string, published ...*plugin) error {
	l.Helper()
	publish(l, l.at(), "", published...)
	return try(l, manager(l, l.config), AddOptions{}, source)
}

// refusal is a way in which a plugin is not installed or used.
type refusal struct {
	name string
	try  func(l *lab) error
}

// Each way in which a plugin is refused has a message that names the cause, and
// a way out.
func TestRefusals(t *testing.T) {
	file := filepath.Join("testdata", "refusals.txt")
	golden, err := os.ReadFile(file)
	ok(t, err)
	want := map[string]string{}
	for _, text := range strings.Split(string(golden), "-- ")[1:] {
		name, text, _ := strings.Cut(text, " --\n")
		want[name] = text
	}
	var got strings.Builder
	for _, r := range slices.Concat(atSources, ofContents, byPolicy, ofInstalled, ofCommands) {
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			l := &lab{TB: t, oci: oci(t), web: files(t, dir), dir: dir}
			l.config.InsecureRegistries = []string{l.web.host}
			text := l.plain(r.try(l)) + "\n"
			got.WriteString("-- " + r.name + " --\n" + text)
			if diff := cmp.Diff(want[r.name], text); diff != "" && !*update {
				t.Errorf("go test -update writes it anew: %s", diff)
			}
		})
	}
	if *update {
		ok(t, os.WriteFile(file, []byte(got.String()), 0o600))
	}
}

var (
	digests  = regexp.MustCompile(`(sha256:|\b)[0-9a-f]{64}\b`)
	temp     = regexp.MustCompile(`/\S*/Test[^\s/]*/\d+`)
	incoming = regexp.MustCompile(`\.incoming`)
	loopback = regexp.MustCompile(`127\.0\.0\.1:\d+(->127\.0\.0\.1:\d+)?`)
)

// plain is an error as a user sees it, without what is another one each time.
func (l *lab) plain(err error) string {
	l.Helper()
	var (
		plugin *host.PluginError
		input  *host.InputError
		text   string
	)
	switch {
	case errors.As(err, &plugin):
		text = fmt.Sprintf("%s (%s)\nhelp: %s\n", plugin.Error(), cmpOr(string(plugin.Fault), "broken"), plugin.Help)
	case errors.As(err, &input):
		text = fmt.Sprintf("%s (input)\nhelp: %s\n", input.Error(), input.Help)
	default:
		l.Fatalf("%T: %v", err, err)
	}
	if strings.Contains(text, "hunter2") || incoming.MatchString(text) || strings.Contains(text, "help: \n") {
		l.Errorf("a secret, a folder that is gone, or no help: %s", text)
	}
	text = strings.ReplaceAll(text, l.oci.host, "registry.example")
	text = strings.ReplaceAll(text, l.web.host, "web.example")
	text = strings.ReplaceAll(text, store.Platform(), "this/machine")
	text = loopback.ReplaceAllString(text, "closed.example")
	text = temp.ReplaceAllString(text, "/tmp/folder")
	seen := map[string]string{}
	return digests.ReplaceAllStringFunc(text, func(d string) string {
		if seen[d] == "" {
			seen[d] = fmt.Sprintf("sha256:<%d>", len(seen)+1)
		}
		return seen[d]
	})
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
