// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

var (
	seed      = flag.Uint64("seed", uint64(time.Now().UnixNano()), "choose other mutations")
	mutations = flag.Int("mutations", 2000, "how many mutations, for each frontend")
)

// control is how often new instances are asked too: one time in so many.
const control = 50

// root is the top of the repository.
const root = "../.."

func TestParity(t *testing.T) {
	wasmtime, err := filepath.Abs(root + "/bin/wasmtime-run")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(wasmtime); err != nil {
		t.Fatalf("there is no second engine: run make wasmtime (%v)", err)
	}
	all, err := vectors.Frontends()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"dockerfile", "zimagefile"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			p := newParity(t, id, wasmtime)
			t.Run("scripts", func(t *testing.T) { p.scripts(t, all) })
			ins := inputs(all, p.claims)
			t.Run("vectors", func(t *testing.T) { p.vectors(t, ins) })
			t.Run("mutations", func(t *testing.T) { p.mutations(t, ins) })
		})
	}
}

// parity is one frontend on all engines.
type parity struct {
	claims *manifest.Claims
	peers  []*peer
	id     uint64
}

func newParity(t *testing.T, id, wasmtime string) *parity {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "frontends", id, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module, native := filepath.Join(dir, id+".wasm"), filepath.Join(dir, id)
	build(t, id, module, "GOOS=wasip1", "GOARCH=wasm")
	build(t, id, native)
	return &parity{claims: m.Claims, peers: []*peer{
		newPeer(t, "wazero", module),
		newPeer(t, "wasmtime", module, wasmtime, "-cache", dir, "{module}"),
		newPeer(t, "native", native, "{module}"),
	}}
}

func newPeer(t *testing.T, name, module string, command ...string) *peer {
	t.Helper()
	e, err := engine.Open(command, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{name: name, engine: e, module: module}
	t.Cleanup(func() {
		p.close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// build compiles a frontend.
func build(t *testing.T, id, out string, env ...string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", out, "./frontends/"+id+"/cmd")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", id, err, text)
	}
}

// each calls f for all peers at once.
func (p *parity) each(f func(i int, peer *peer)) {
	var wg sync.WaitGroup
	for i, peer := range p.peers {
		wg.Go(func() { f(i, peer) })
	}
	wg.Wait()
}

// scripts has new instances read what the scripts of the vectors write.
func (p *parity) scripts(t *testing.T, all []*vectors.Frontend) {
	for _, v := range all {
		if v.File != "" {
			continue
		}
		list, err := talks(v, p.claims.Files[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, input := range list {
			got := make([][]answer, len(p.peers))
			p.each(func(i int, peer *peer) { got[i] = peer.talk(input) })
			p.compare(t, v.Name, got)
		}
	}
}

// compare wants all peers to have said the same.
func (p *parity) compare(t *testing.T, name string, got [][]answer) {
	t.Helper()
	for i := range got {
		for n := range min(len(got[0]), len(got[i])) {
			if a, b := got[0][n], got[i][n]; !same([]answer{a, b}) {
				t.Errorf("%s: answer %d is\n--- %s\n%.4000s\n--- %s\n%.4000s", name, n+1, p.peers[0].name, a.text(), p.peers[i].name, b.text())
				return
			}
		}
		if len(got[i]) != len(got[0]) {
			t.Errorf("%s: %s gives %d answers, %s %d", name, p.peers[0].name, len(got[0])-1, p.peers[i].name, len(got[i])-1)
			return
		}
	}
}

// vectors has all answer the build files of the vectors, resident and new.
func (p *parity) vectors(t *testing.T, ins []input) {
	if len(ins) == 0 {
		t.Error("there are no vectors")
	}
	for i, in := range ins {
		p.check(t, &in, nil, i%control == 0)
	}
	t.Logf("%d vectors", len(ins))
}

func (p *parity) mutations(t *testing.T, ins []input) {
	t.Logf("seed %d", *seed)
	m := &mutator{Rand: rand.New(rand.NewPCG(*seed, 0))}
	for _, in := range ins {
		m.texts = append(m.texts, in.content)
	}
	for i := range *mutations {
		in := ins[m.IntN(len(ins))]
		in.content = m.mutate(in.content)
		p.check(t, &in, nil, i%control == 0)
	}
}

// check compares the answers to an input, and then to the same with what the
// frontend needs.
func (p *parity) check(t *testing.T, in *input, needs []*frontendv1.Need, fresh bool) {
	t.Helper()
	answers := p.ask(t, in, needs, false)
	id := p.id
	if fresh {
		answers = append(answers, p.ask(t, in, needs, true)...)
	}
	if !same(answers) {
		p.report(t, in, needs, fresh)
		return
	}
	res, err := frontend.DecodeParse(answers[0].frame, id)
	if answers[0].err != nil || err != nil {
		t.Errorf("%s: the frontend does not answer: %v, %v, to\n%s", in.name, answers[0].err, err, in.content)
		return
	}
	if len(res.GetNeeds()) > 0 && needs == nil {
		p.check(t, in, res.GetNeeds(), fresh)
	}
}

// ask asks all peers. New instances are asked with the id of the last request,
// so that their answers can be compared.
func (p *parity) ask(t *testing.T, in *input, needs []*frontendv1.Need, fresh bool) []answer {
	t.Helper()
	if !fresh {
		p.id++
	}
	request, err := in.request(p.id, needs)
	if err != nil {
		t.Fatal(err)
	}
	answers := make([]answer, len(p.peers))
	p.each(func(i int, peer *peer) { answers[i].frame, answers[i].err = peer.ask(request, fresh) })
	return answers
}

// same reports whether answers are the same. All may fail, each in its words.
func same(answers []answer) bool {
	for _, a := range answers {
		if !bytes.Equal(a.frame, answers[0].frame) || (a.err == nil) != (answers[0].err == nil) {
			return false
		}
	}
	return true
}

// report says which answers differ from the first, for as few lines of the
// input as possible.
func (p *parity) report(t *testing.T, in *input, needs []*frontendv1.Need, fresh bool) {
	t.Helper()
	less := *in
	ask := func(content []byte) []answer {
		less.content = content
		answers := p.ask(t, &less, needs, false)
		if fresh {
			answers = append(answers, p.ask(t, &less, needs, true)...)
		}
		return answers
	}
	small := shrink(in.content, func(content []byte) bool { return !same(ask(content)) })
	answers := ask(small)
	var b strings.Builder
	for i, a := range answers {
		if i > 0 && same([]answer{answers[0], a}) {
			continue
		}
		kind := "resident"
		if i >= len(p.peers) {
			kind = "new instance"
		}
		fmt.Fprintf(&b, "--- %s, %s\n%s", p.peers[i%len(p.peers)].name, kind, a.text())
	}
	t.Fatalf("%s: the engines do not agree on\n%s\n(%q)\n%s", in.name, small, small, b.String())
}
