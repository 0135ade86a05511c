// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir/expand"
)

// envOf looks up words' variables in a list of "KEY=value".
func envOf(list []string) expand.Env {
	return func(name string) (string, bool) { return getEnv(list, name) }
}

// getEnv returns the value of a key in a list of "KEY=value".
func getEnv(list []string, key string) (string, bool) {
	for _, kv := range slices.Backward(list) {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v, true
		}
	}
	return "", false
}

// setEnv sets a key in a list of "KEY=value", in place when it is there.
func setEnv(list []string, key, value string) []string {
	kv := key + "=" + value
	for i, old := range list {
		if k, _, _ := strings.Cut(old, "="); k == key {
			list[i] = kv
			return list
		}
	}
	return append(list, kv)
}

// envKeys returns the keys of a list of "KEY=value".
func envKeys(list []string) []string {
	keys := make([]string, len(list))
	for i, kv := range list {
		keys[i], _, _ = strings.Cut(kv, "=")
	}
	return keys
}

// buildArg returns the value given for a build argument.
func (r *resolver) buildArg(name string) (string, bool) {
	for _, kv := range slices.Backward(r.o.BuildArgs) {
		if kv.Key == name {
			r.consumed[name] = true
			return kv.Value, true
		}
	}
	return "", false
}

// globalArgs computes what FROM lines see: the automatic arguments and the ARGs
// before the first stage.
func (r *resolver) globalArgs(target int) {
	for _, kv := range r.automaticArgs(target) {
		if v, ok := r.buildArg(kv[0]); ok {
			kv[1] = v
		}
		r.args = setEnv(r.args, kv[0], kv[1])
	}
	for _, s := range r.src.Args {
		for _, p := range s.GetArg().GetPairs() {
			r.globalArg(p)
		}
	}
}

func (r *resolver) globalArg(p *irv1.Pair) {
	name := p.GetKey().GetText()
	value, ok := r.buildArg(name)
	if !ok && p.Value != nil {
		res, err := r.lex().Word(p.Value.Text, envOf(r.args))
		if err != nil {
			r.expansionError(p.Value, p.Value.Range, err)
			return
		}
		value, ok = res.Text, true
	}
	if ok {
		r.args = setEnv(r.args, name, value)
	}
}

// automaticArgs are the arguments that every stage can declare without anybody
// giving them.
func (r *resolver) automaticArgs(target int) [][2]string {
	name := r.o.Target
	if name == "" {
		name = stageName(r.src.Stages[target])
	}
	if name == "" {
		name = "default"
	}
	b, t := r.o.BuildPlatform, r.platform
	return [][2]string{
		{"BUILDPLATFORM", FormatPlatform(b)},
		{"BUILDOS", b.Os},
		{"BUILDOSVERSION", ""},
		{"BUILDARCH", b.Architecture},
		{"BUILDVARIANT", b.Variant},
		{"TARGETPLATFORM", FormatPlatform(t)},
		{"TARGETOS", t.Os},
		{"TARGETOSVERSION", ""},
		{"TARGETARCH", t.Architecture},
		{"TARGETVARIANT", t.Variant},
		{"TARGETSTAGE", name},
	}
}

// lex reads the words of the build.
func (r *resolver) lex() expand.Lex {
	if r.src.Escape == "`" {
		return expand.Lex{Escape: '`'}
	}
	return expand.Lex{}
}

// fromWord expands a word of a FROM line.
func (r *resolver) fromWord(w *irv1.Word, at *diagv1.Range) (string, bool) {
	at = orElse(w.GetRange(), at)
	res, err := r.lex().Word(w.GetText(), envOf(r.args))
	if err != nil {
		r.expansionError(w, at, err)
		return "", false
	}
	for _, name := range res.Unset {
		if r.isGlobalArg(name) {
			continue
		}
		r.warn("undefined-variable", at, "FROM uses "+quote(name)+", which no ARG before the first FROM declares",
			didYouMean(name, envKeys(r.args)))
	}
	return res.Text, true
}

// isGlobalArg says whether an ARG before the first stage declares a name.
func (r *resolver) isGlobalArg(name string) bool {
	for _, s := range r.src.Args {
		for _, p := range s.GetArg().GetPairs() {
			if p.GetKey().GetText() == name {
				return true
			}
		}
	}
	return false
}

// orElse returns the first range that there is.
func orElse(a, b *diagv1.Range) *diagv1.Range {
	if a != nil {
		return a
	}
	return b
}

// proxyArgs are the build arguments that every RUN sees without an ARG, in
// upper case. RUN gets both spellings.
var proxyArgs = [...]string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// withProxy adds the proxy arguments to the environment of a command.
func (r *resolver) withProxy(env []string) []string {
	for _, name := range proxyArgs {
		for _, kv := range r.o.BuildArgs {
			if strings.EqualFold(kv.Key, name) && kv.Value != "" {
				env = setEnv(env, name, kv.Value)
				env = setEnv(env, strings.ToLower(name), kv.Value)
			}
		}
	}
	return env
}

// reportUnusedArgs warns about build arguments that nothing asked for.
func (r *resolver) reportUnusedArgs() {
	for i, kv := range r.o.BuildArgs {
		if r.consumed[kv.Key] || kv.Key == "SOURCE_DATE_EPOCH" || isProxyArg(kv.Key) || len(r.out.Needs) > 0 {
			continue
		}
		if slices.ContainsFunc(r.o.BuildArgs[:i], func(x *irv1.KeyValue) bool { return x.Key == kv.Key }) {
			continue
		}
		r.warn("unused-build-arg", nil, "the build argument "+quote(kv.Key)+" is not used", didYouMean(kv.Key, r.declaredArgs()))
	}
}

func isProxyArg(name string) bool { return slices.Contains(proxyArgs[:], strings.ToUpper(name)) }

// declaredArgs returns the names that the reached stages and the file declare.
func (r *resolver) declaredArgs() []string {
	names := envKeys(r.args)
	for _, s := range r.stages {
		if s != nil {
			names = append(names, s.declared...)
		}
	}
	return names
}
