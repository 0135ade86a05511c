// SPDX-License-Identifier: Apache-2.0

// Command sandbox-backend is the backend that builds container images by
// itself: without daemon, without root, and, but for RUN, on any system. See
// README.md.
package main

import (
	"os"

	"github.com/zlayer/zlayer/sdk/backend/serve"
)

func main() {
	nativeMain()
	serve.Main(newSandbox(settings{driver: os.Getenv(driverVariable), files: os.Getenv(filesVariable)}))
}
