// SPDX-License-Identifier: Apache-2.0

// Command worker is the part of the buildah backend that builds: one process
// for each call, apart from the server, so that a build that goes wrong takes
// nothing with it.
package main

import "github.com/zlayer/zlayer/plugins/buildah-backend/internal/worker"

func main() { worker.Main() }
