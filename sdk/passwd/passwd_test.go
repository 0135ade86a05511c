// SPDX-License-Identifier: Apache-2.0

package passwd

import (
	"io"
	"io/fs"
	"reflect"
	"strings"
	"testing"
)

var files = map[string]string{
	"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\nbroken\n",
	"etc/group":  "root:x:0:\nwww:x:34:\nadm:x:4:root,web\nssl:x:3:web\n",
}

func openMap(m map[string]string) Open {
	return func(name string) (io.ReadCloser, error) {
		text, ok := m[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

func TestLookup(t *testing.T) {
	for spec, want := range map[string]User{
		"":         {0, 0, []uint32{4}, "/root"},
		"root":     {0, 0, []uint32{4}, "/root"},
		"web":      {33, 34, []uint32{3, 4}, "/srv"},
		"33":       {33, 34, []uint32{3, 4}, "/srv"},
		"web:adm":  {33, 4, nil, "/srv"},
		"web:7":    {33, 7, nil, "/srv"},
		"5000":     {5000, 0, nil, "/"},
		"5000:www": {5000, 34, nil, "/"},
	} {
		got, err := Lookup(openMap(files), spec)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Lookup(%q) = %+v, %v; want %+v", spec, got, err, want)
		}
	}
}

func TestOwner(t *testing.T) {
	for spec, want := range map[string][2]uint32{
		"web": {33, 34}, "1000": {1000, 1000}, "1000:": {1000, 1000}, "1000:www": {1000, 34},
		"web:adm": {33, 4}, "0:5": {0, 5}, "33": {33, 33},
	} {
		uid, gid, err := Owner(openMap(files), spec)
		if err != nil || [2]uint32{uid, gid} != want {
			t.Errorf("Owner(%q) = %d:%d, %v; want %v", spec, uid, gid, err, want)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	for _, spec := range []string{"nobody", "web:nogroup", "12:nogroup"} {
		for _, m := range []map[string]string{files, {}} {
			if u, err := Lookup(openMap(m), spec); err == nil {
				t.Errorf("Lookup(%q) = %+v, want an error", spec, u)
			}
		}
	}
}
