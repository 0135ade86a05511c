// SPDX-License-Identifier: Apache-2.0

package passwd_test

import (
	"fmt"
	"io"
	"io/fs"
	"testing/fstest"

	"github.com/zlayer/zlayer/sdk/passwd"
)

// An image's files, however a backend keeps them.
func Example() {
	image := fstest.MapFS{
		"etc/passwd": {Data: []byte("root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")},
		"etc/group":  {Data: []byte("www:x:34:\nssl:x:3:web\n")},
	}
	open := func(name string) (io.ReadCloser, error) { return fs.FS(image).Open(name) }
	u, err := passwd.Lookup(open, "web")
	fmt.Println(u.UID, u.GID, u.Groups, u.Home, err)
	_, err = passwd.Lookup(open, "db")
	fmt.Println(err)
	// Output:
	// 33 34 [3] /srv <nil>
	// user "db" is not in the image's /etc/passwd; create it first or use a numeric id
}
