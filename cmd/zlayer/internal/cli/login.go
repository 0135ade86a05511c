// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

// maxPassword bounds what is read as a password, in bytes.
const maxPassword = 64 << 10

func newLogin(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "login [REGISTRY]",
		Short: "Keep credentials for a registry",
		Long: `Login asks a registry, docker.io without REGISTRY, whether it accepts a user and a
password, and keeps them where zlayer, docker and podman find them: in the auth
file that has an entry for it, else $REGISTRY_AUTH_FILE, else the first there is of
~/.docker/config.json, $XDG_RUNTIME_DIR/containers/auth.json and
~/.config/containers/auth.json, else the first of them; or in the credential
helper that the file names. The password is asked for at a terminal, or read from
stdin with --password-stdin; it is never an argument.`,
		Example:           "  zlayer login registry.example --username ada\n  pass registry | zlayer login registry.example -u ada --password-stdin",
		Args:              args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.login,
	}
	c.Flags().StringP("username", "u", "", "the user; asked for at a terminal when not given")
	c.Flags().Bool("password-stdin", false, "read the password from stdin")
	return c
}

func (a *app) login(c *cobra.Command, given []string) error {
	user, _ := c.Flags().GetString("username")
	fromStdin, _ := c.Flags().GetBool("password-stdin")
	server := strings.Join(given, "")
	user, password, err := a.credentials(c.Context(), user, fromStdin)
	if err != nil {
		return err
	}
	h, err := a.open()
	if err != nil {
		return err
	}
	file, err := h.Login(c.Context(), server, user, password)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Stdout, "logged in; the credentials are kept by %s\n", file)
	return err
}

// credentials gets user and password from whoever has them.
func (a *app) credentials(ctx context.Context, user string, fromStdin bool) (name, password string, err error) {
	in := a.terminal()
	switch {
	case fromStdin && user == "":
		return "", "", usagef("--password-stdin needs --username; see zlayer login --help")
	case fromStdin:
		password, err = a.passwordFromStdin()
		return user, password, err
	case in == nil:
		return "", "", usagef("there is no terminal to ask for the password: use --username and --password-stdin")
	}
	if user == "" {
		fmt.Fprint(a.Stderr, "username: ")
		user, err = await(ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
		if err != nil {
			return "", "", err
		}
		user = strings.TrimSpace(user)
	}
	typed, err := a.unseen(ctx, in, "password: ")
	return user, string(typed), complete(user, string(typed), err)
}

// complete refuses a user or a password that is empty.
func complete(user, password string, err error) error {
	if err == nil && (user == "" || password == "") {
		return usagef("a user name and a password are needed")
	}
	return err
}

// passwordFromStdin reads a password; the line end is not part of it.
func (a *app) passwordFromStdin() (string, error) {
	data, err := io.ReadAll(io.LimitReader(a.Stdin, maxPassword+1))
	if err != nil {
		return "", &host.InputError{Message: "cannot read the password from stdin", Err: err}
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if password == "" || len(password) > maxPassword || strings.ContainsAny(password, "\r\n") {
		return "", &host.InputError{Message: "stdin does not hold a password: it must be one line that is not empty"}
	}
	return password, nil
}
