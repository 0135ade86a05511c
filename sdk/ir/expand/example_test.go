// SPDX-License-Identifier: Apache-2.0

package expand_test

import (
	"fmt"

	"github.com/zlayer/zlayer/sdk/ir/expand"
)

func ExampleLex_Word() {
	env := func(name string) (string, bool) { return "1.25", name == "VERSION" }
	word, err := expand.Lex{}.Word(`"app-${VERSION%.*}"-${ARCH:-amd64}`, env)
	fmt.Println(word.Text, word.Unset, err)
	_, err = expand.Lex{}.Word("${ARCH:?give an architecture}", env)
	fmt.Println(err)
	// Output:
	// app-1-amd64 [ARCH] <nil>
	// ARCH: give an architecture
}
