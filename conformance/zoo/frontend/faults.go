// SPDX-License-Identifier: Apache-2.0

package main

import "maps"

// faults are all there are, by name.
func faults() map[string]fault {
	all := map[string]fault{}
	for _, list := range []map[string]fault{streamFaults(), crashFaults(), pureFaults(), diagnosticFaults(), buildFaults(), needFaults(), tokenFaults(), meaningFaults()} {
		maps.Copy(all, list)
	}
	return all
}
