// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// input is a build file and what is around it.
type input struct {
	name, file string
	content    []byte
	context    map[string][]byte
}

// inputs are the build files of the vectors that a frontend claims.
func inputs(all []*vectors.Frontend, claims *manifest.Claims) []input {
	var list []input
	for _, v := range all {
		if v.File != "" && claims.Match(v.File) != manifest.NoMatch {
			list = append(list, input{v.Name, v.File, v.Content, v.Context})
		}
	}
	return list
}

// request is what asks for the meaning of an input. The first answer may say
// what is needed, and the second request has it.
func (in *input) request(id uint64, needs []*frontendv1.Need) ([]byte, error) {
	r := &frontendv1.ParseRequest{Name: in.file, Content: in.content, Tokens: true}
	for _, n := range needs {
		r.Files = append(r.Files, in.answer(n))
	}
	return frontend.AppendParse(nil, id, r)
}

// answer has what is needed if it is in the context. A list is of all files at
// its top.
func (in *input) answer(n *frontendv1.Need) *frontendv1.File {
	if n.GetKind() == frontendv1.NeedKind_NEED_KIND_LIST {
		f := &frontendv1.File{Path: n.GetPaths()[0], Entries: []string{in.file}}
		for name := range in.context {
			top, _, _ := strings.Cut(path.Clean(name), "/")
			f.Entries = append(f.Entries, top)
		}
		slices.Sort(f.Entries)
		return f
	}
	for _, name := range n.GetPaths() {
		if content, ok := in.context[name]; ok {
			return &frontendv1.File{Path: name, Content: content}
		}
	}
	return &frontendv1.File{Path: n.GetPaths()[0], Absent: true}
}

// talks are the bytes that a script writes to each of its instances.
func talks(v *vectors.Frontend, file string) ([][]byte, error) {
	ops, err := v.Script(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.Name, err)
	}
	list := [][]byte{nil}
	for _, op := range ops {
		switch op.Verb {
		case vectors.Write:
			list[len(list)-1] = append(list[len(list)-1], op.Bytes...)
		case vectors.Restart:
			list = append(list, nil)
		}
	}
	return slices.DeleteFunc(list, func(b []byte) bool { return bytes.Equal(b, nil) }), nil
}
