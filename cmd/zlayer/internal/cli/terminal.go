// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal returns the terminal that the user can be asked at; nil when there
// is none.
func (a *app) terminal() *os.File {
	in, reads := a.Stdin.(*os.File)
	out, shows := a.Stderr.(*os.File)
	if reads && shows && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd())) {
		return in
	}
	return nil
}

// confirm asks a question. Only "y" and "yes" are yes.
func (a *app) confirm(ctx context.Context, in *os.File, question string) (bool, error) {
	fmt.Fprintf(a.Stderr, "%s [y/N] ", question)
	line, err := await(ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if ctx.Err() != nil {
		fmt.Fprintln(a.Stderr)
		return false, err
	}
	// A line that ends without a line end, or never came, is an answer too.
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// passwordVariable holds the password of a key, where nobody can be asked.
const passwordVariable = "ZLAYER_KEY_PASSWORD"

// password returns the password of a key: that of the variable, or what the user
// types without being seen.
func (a *app) password(ctx context.Context) ([]byte, error) {
	if text, ok := a.lookupEnv(passwordVariable); ok {
		return []byte(text), nil
	}
	in := a.terminal()
	if in == nil {
		return nil, errors.New("it is encrypted: set " + passwordVariable + ", or run this at a terminal")
	}
	return a.unseen(ctx, in, "password of the key: ")
}

// unseen asks for what is not to be seen while it is typed.
func (a *app) unseen(ctx context.Context, in *os.File, prompt string) ([]byte, error) {
	shown, err := term.GetState(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	fmt.Fprint(a.Stderr, prompt)
	text, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(int(in.Fd())) })
	fmt.Fprintln(a.Stderr)
	// Who was interrupted wants to see again what they type.
	return text, errors.Join(err, term.Restore(int(in.Fd()), shown))
}

// await reads from a terminal, until the user interrupts.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := read()
		answers <- answer{value, err}
	}()
	select {
	case got := <-answers:
		return got.value, got.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
