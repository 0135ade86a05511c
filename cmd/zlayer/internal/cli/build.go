// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newBuild(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "build [CONTEXT|URL|-]",
		Short: "Build a container image or a wasm module",
		Long: `Build builds what a build file says and prints the digest of the result.

The build file is the one given by --file or --zimagefile, else the one in the
context that a frontend claims: ZImagefile, a single ZImagefile.*, Dockerfile,
Containerfile. The result is kept in the image store; --output also writes it
elsewhere.

The context is a folder, or else it is fetched first; --file then names a file
in it:
  -                a tar on stdin, which may be compressed, or a build file that
                   needs no context
  https://…        the same, at an http or https URL
  https://….git    a git repository; also git://…, ssh://… and user@host:path.
                   "#REF:FOLDER" after it is a branch, tag or commit, and a folder`,
		Example: `  zlayer build . --tag app:1
  zlayer build . -f Dockerfile.dev --target test --build-arg LEVEL=2
  zlayer build . --output type=oci-archive,dest=app.tar
  zlayer build . --tag app:1 --load
  zlayer build . --tag app:1 --platform linux/amd64,linux/arm64
  git archive HEAD | zlayer build - --tag app:1
  zlayer build https://git.example/team/app.git#v1.2:services/web --tag web:1.2
  zlayer build . --output dist
  zlayer build . --output - | tar -t
  zlayer build . --iidfile app.digest --metadata-file app.json
  zlayer build . --secret id=token,src=token.txt --ssh default
  SOURCE_DATE_EPOCH=0 zlayer build . --progress quiet`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: a.build,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	sourceFlags(c)
	requestFlags(a, c)
	f := c.Flags()
	f.StringArrayP("tag", "t", nil, "name of the result; may be repeated")
	outputFlag(c, "also write the result")
	f.Bool("load", false, "also load the result into docker or, without it, podman: --output type=docker")
	reportFlags(c)
	f.String("image-format", "oci", "image format: oci or docker")
	f.StringArray("secret", nil, "a secret for RUN --mount=type=secret: id=ID,src=FILE or id=ID,env=VAR; may be repeated")
	f.StringArray("ssh", nil, "an ssh agent for RUN --mount=type=ssh: ID or ID=SOCKET; may be repeated")
	f.Bool("no-cache", false, "build every step anew")
	f.String("progress", "plain", "how the build is shown: plain, json or quiet")
	f.BoolP("quiet", "q", false, "show nothing but the digest: --progress=quiet")
	f.StringSlice("prefer-backend", nil, "ids of backends, the preferred one first, apart by commas; the others follow in the order of ids")
	f.Bool("experimental", false, "allow what a backend calls experimental on this machine")
	f.Bool("explain", false, "show which backends can build it and why, and build nothing")
	_ = c.RegisterFlagCompletionFunc("prefer-backend", a.completeBackends)
	choices(c, "image-format", "oci", "docker")
	choices(c, "progress", "plain", "json", "quiet")
	return c
}

// requestFlags adds the flags that decide what a build file resolves to.
func requestFlags(a *app, c *cobra.Command) {
	f := c.Flags()
	f.StringArray("build-arg", nil, "a build argument, NAME=VALUE, or NAME for the variable's value; may be repeated")
	f.StringArray("build-context", nil, "a named context, NAME= and a folder, a git repository, the URL of a tar, docker-image://REFERENCE or oci-layout://PATH[:TAG]; may be repeated")
	f.String("target", "", "stage to build")
	f.Var(new(commaList), "platform", "platform to build for, os/arch[/variant]; several, with commas or repeated, make a manifest list")
	f.String("pull", "missing", "when base images are fetched: missing, newer, always or never")
	f.String("backend", "", "id of the backend to build with")
	choices(c, "pull", "missing", "newer", "always", "never")
	_ = c.RegisterFlagCompletionFunc("backend", a.completeBackends)
}

func (a *app) build(c *cobra.Command, given []string) error {
	show := a.shower(a.progressMode(c))
	defer show.Close()
	r := host.Request{Events: show.Event}
	// First what needs no look at the disk: a mistake there is told at once.
	if err := a.buildOnly(c, &r); err != nil {
		return err
	}
	if err := a.request(c, given, &r); err != nil {
		return err
	}
	h, err := a.understand()
	if err != nil {
		return err
	}
	if explain, _ := c.Flags().GetBool("explain"); explain {
		return a.explainPlan(c, h, r)
	}
	result, err := h.Build(c.Context(), r)
	if err != nil {
		return err
	}
	if toStream(r.Outputs) {
		return nil
	}
	_, err = fmt.Fprintln(a.Stdout, result.Digest)
	return err
}

func (a *app) progressMode(c *cobra.Command) string {
	if quiet, _ := c.Flags().GetBool("quiet"); quiet {
		return "quiet"
	}
	return a.config.String("progress")
}

// request reads the flags of requestFlags, the context and the build file.
func (a *app) request(c *cobra.Command, given []string, r *host.Request) (err error) {
	r.Target, _ = c.Flags().GetString("target")
	r.Platforms, r.Backend = platforms(a.config.String("platform")), a.config.String("backend")
	r.Pull = host.Pull(a.config.String("pull"))
	if r.Args, err = a.buildArgs(c); err != nil {
		return err
	}
	if r.Contexts, err = buildContexts(c); err != nil {
		return err
	}
	if r.SourceDateEpoch, err = a.sourceDateEpoch(); err != nil {
		return err
	}
	return a.context(c, given, r)
}

// commaList is a flag that may be repeated, or have commas. It is one text, as the
// setting of its name is.
type commaList string

// Set adds to the list.
func (l *commaList) Set(text string) error {
	if *l != "" {
		*l += ","
	}
	*l += commaList(text)
	return nil
}

// String returns the list with commas.
func (l *commaList) String() string { return string(*l) }

// Type is what help calls it.
func (l *commaList) Type() string { return "strings" }

// platforms reads the list of platforms.
func platforms(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i, p := range list {
		list[i] = strings.TrimSpace(p)
	}
	return list
}

// buildOnly reads the flags that only build has.
func (a *app) buildOnly(c *cobra.Command, r *host.Request) (err error) {
	f := c.Flags()
	r.Format = host.Format(a.config.String("image-format"))
	r.Tags, _ = f.GetStringArray("tag")
	r.NoCache, _ = f.GetBool("no-cache")
	r.DigestFile, _ = f.GetString("iidfile")
	r.MetadataFile, _ = f.GetString("metadata-file")
	r.Prefer, r.Experimental = a.config.Strings("prefer-backend"), a.config.Bool("experimental")
	if r.Outputs, err = a.outputs(c); err != nil {
		return err
	}
	if r.Secrets, err = secrets(c); err != nil {
		return err
	}
	r.SSH, err = a.agents(c)
	return err
}

// buildArgs reads --build-arg. A name alone takes the variable's value, and is
// left out when there is none.
func (a *app) buildArgs(c *cobra.Command) ([]host.Arg, error) {
	given, _ := c.Flags().GetStringArray("build-arg")
	var list []host.Arg
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if name == "" {
			return nil, usagef("--build-arg %q: the name is missing", text)
		}
		if !ok {
			if value, ok = a.lookupEnv(name); !ok {
				continue
			}
		}
		list = append(list, host.Arg{Name: name, Value: value})
	}
	return list, nil
}

// buildContexts reads --build-context.
func buildContexts(c *cobra.Command) (map[string]host.Context, error) {
	given, _ := c.Flags().GetStringArray("build-context")
	contexts := map[string]host.Context{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return nil, usagef("--build-context %q: write NAME=CONTEXT", text)
		}
		one, err := host.ParseContext(value)
		if wrong := (*host.InputError)(nil); errors.As(err, &wrong) {
			wrong.Message = "--build-context " + name + ": " + wrong.Message
		}
		if err != nil {
			return nil, err
		}
		contexts[name] = one
	}
	return contexts, nil
}

// secrets reads --secret.
func secrets(c *cobra.Command) (map[string]host.Secret, error) {
	given, _ := c.Flags().GetStringArray("secret")
	all := map[string]host.Secret{}
	for _, text := range given {
		fields, err := options("--secret", text, "id", "src", "env", "type")
		if err != nil {
			return nil, err
		}
		s, err := secret(fields)
		if err != nil {
			return nil, usagef("--secret %q: %w", text, err)
		}
		all[fields["id"]] = s
	}
	return all, nil
}

// secret turns the options of one --secret into a host.Secret, by the rules of
// docker build: without src and env, the variable named like the id, else the
// file.
func secret(fields map[string]string) (host.Secret, error) {
	id, src, env := fields["id"], fields["src"], fields["env"]
	switch {
	case id == "":
		return host.Secret{}, errors.New("id is missing")
	case src != "" && env != "":
		return host.Secret{}, errors.New("give src or env, not both")
	case fields["type"] == "env" && src != "":
		return host.Secret{Env: src}, nil
	case src != "":
		return host.Secret{File: src}, nil
	case env != "":
		return host.Secret{Env: env}, nil
	}
	if _, ok := os.LookupEnv(id); ok {
		return host.Secret{Env: id}, nil
	}
	return host.Secret{File: id}, nil
}

// agents reads --ssh.
func (a *app) agents(c *cobra.Command) (map[string]string, error) {
	given, _ := c.Flags().GetStringArray("ssh")
	all := map[string]string{}
	for _, text := range given {
		id, socket, _ := strings.Cut(text, "=")
		if socket == "" {
			socket = a.getenv("SSH_AUTH_SOCK")
		}
		if id == "" || socket == "" {
			return nil, usagef("--ssh %q: no agent: set SSH_AUTH_SOCK or write ID=SOCKET", text)
		}
		path, err := filepath.Abs(socket)
		if err != nil {
			return nil, usagef("--ssh %q: %w", text, err)
		}
		all[id] = path
	}
	return all, nil
}

// options parses "key=value,key=value".
func options(flag, text string, keys ...string) (map[string]string, error) {
	fields := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || !slices.Contains(keys, key) {
			return nil, usagef("%s %q: %q is not one of %s=…", flag, text, part, strings.Join(keys, "=…, "))
		}
		fields[key] = value
	}
	return fields, nil
}

// sourceDateEpoch reads SOURCE_DATE_EPOCH.
func (a *app) sourceDateEpoch() (*int64, error) {
	text := a.getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, usagef("SOURCE_DATE_EPOCH: %q is not a number of seconds", text)
	}
	return &n, nil
}
