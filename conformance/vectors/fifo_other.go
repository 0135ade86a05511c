// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package vectors

import "fmt"

func makeFIFO(path string) error {
	return fmt.Errorf("making the pipe %s: this system has no pipes with names in folders", path)
}
