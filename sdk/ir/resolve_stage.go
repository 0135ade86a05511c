// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// defaultPath is the PATH of an image that sets none, as Docker has it.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// stage is one stage on its way to being resolved.
type stage struct {
	*resolver
	index int
	src   *irv1.Stage
	out   *irv1.ResolvedStage
	// config is the configuration as far as the steps were applied.
	config *irv1.ImageConfig
	// env is what words and commands see: config.Env and the ARGs.
	env []string
	// declared are the names of ARGs, inherited ones too.
	declared []string
	// cmdSet says that CMD was given in this stage, so that ENTRYPOINT keeps
	// it.
	cmdSet bool
	// incomplete says that an image it depends on is not fetched, or that its
	// base is wrong: only more needs are looked for.
	incomplete bool
	// replaced is the image or context that a named context of the stage's
	// name puts in its place.
	replaced *irv1.Input
	// step is the step being resolved.
	step *irv1.Step
}

// stageName returns the name of a stage, lower case. "" when it has none.
func stageName(s *irv1.Stage) string { return strings.ToLower(s.GetName().GetText()) }

// target finds the stage to build.
func (r *resolver) target() (int, bool) {
	if len(r.src.Stages) == 0 {
		r.error("no-stage", nil, "the file has no stage to build", "begin with FROM")
		return 0, false
	}
	if r.o.Target == "" {
		return len(r.src.Stages) - 1, true
	}
	if i, ok := r.names[strings.ToLower(r.o.Target)]; ok {
		return i, true
	}
	if i, err := strconv.Atoi(r.o.Target); err == nil && i >= 0 && i < len(r.src.Stages) {
		return i, true
	}
	r.error("unknown-target", nil, "there is no stage named "+quote(r.o.Target), r.stageHelp(r.o.Target))
	return 0, false
}

// stageHelp says which stages there are.
func (r *resolver) stageHelp(name string) string {
	var names []string
	for _, s := range r.src.Stages {
		if n := s.GetName().GetText(); n != "" {
			names = append(names, n)
		}
	}
	if help := didYouMean(name, names); help != "" {
		return help
	}
	if len(names) == 0 {
		return "the stages have no names; use a number from 0 to " + strconv.Itoa(len(r.src.Stages)-1)
	}
	return "the stages are " + strings.Join(names, ", ")
}

// stage resolves a stage and, before it, all that it depends on.
func (r *resolver) stage(i int) *stage {
	if s := r.stages[i]; s != nil {
		return s
	}
	src := r.src.Stages[i]
	s := &stage{resolver: r, index: i, src: src, config: &irv1.ImageConfig{}}
	s.out = &irv1.ResolvedStage{Name: src.GetName().GetText(), Range: src.Range, Text: src.Text, Platform: r.platform}
	if s.out.Name == "" {
		s.out.Name = strconv.Itoa(i)
	}
	r.stages[i] = s
	triggers := s.base()
	if s.replaced != nil {
		return s
	}
	for _, t := range triggers {
		s.apply(t)
	}
	for _, step := range src.Steps {
		s.apply(step)
	}
	sortConfig(s.config)
	s.out.Config = s.config
	return s
}

// base settles what the stage starts from and returns the ONBUILD triggers that
// come with it.
func (s *stage) base() []*irv1.Step {
	at := orElse(s.src.Base.GetRange(), s.src.Range)
	name, ok := s.fromWord(s.src.Base, at)
	platform, platformOK := s.stagePlatform()
	s.incomplete = !ok || !platformOK
	if !s.incomplete && name == "" {
		s.error("empty-base", at, "the base image is empty after expanding "+quote(s.src.Base.GetText()),
			"give its ARG a default before the first FROM")
		s.incomplete = true
	}
	if s.incomplete {
		return nil
	}
	if s.replace(platform, at) {
		return nil
	}
	if i := s.earlier(name); i >= 0 {
		return s.onStage(i, at)
	}
	if name == "scratch" {
		s.onScratch()
		return nil
	}
	return s.onImage(name, platform, at)
}

// stagePlatform returns the platform that --platform asks for, or the target's.
func (s *stage) stagePlatform() (*irv1.Platform, bool) {
	w := s.src.Platform
	if w == nil {
		return s.platform, true
	}
	at := orElse(w.Range, s.src.Range)
	text, ok := s.fromWord(w, at)
	if !ok {
		return nil, false
	}
	if text == "" {
		s.error("bad-platform", at, "the platform is empty after expanding "+quote(w.Text), "")
		return nil, false
	}
	p, err := ParsePlatform(text, s.o.BuildPlatform)
	if err != nil {
		s.error("bad-platform", at, err.Error(), "")
		return nil, false
	}
	return p, true
}

// earlier returns the last stage of a name before this one, or -1.
func (s *stage) earlier(name string) int {
	for i := s.index - 1; i >= 0; i-- {
		if n := stageName(s.resolver.src.Stages[i]); n != "" && n == name {
			return i
		}
	}
	return -1
}

// replace puts a named context in the stage's place when there is one of its
// name.
func (s *stage) replace(platform *irv1.Platform, at *diagv1.Range) bool {
	name := stageName(s.src)
	c := s.namedContext(name)
	if name == "" || c == nil {
		return false
	}
	s.replaced = s.contextInput(c, platform, at, true)
	if s.replaced == nil {
		s.replaced = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}
		s.incomplete = true
	}
	return true
}

// onStage starts the stage from another one of the file.
func (s *stage) onStage(i int, at *diagv1.Range) []*irv1.Step {
	parent := s.resolver.stage(i)
	if parent.replaced != nil {
		return s.onReplaced(parent, at)
	}
	s.incomplete = parent.incomplete
	s.out.Base = s.stageInput(i)
	s.out.Platform = parent.out.Platform
	s.config = parent.config.CloneVT()
	s.config.Onbuild = nil
	s.env = inheritedEnv(parent)
	s.declared = slices.Clone(parent.declared)
	var triggers []*irv1.Step
	for _, step := range parent.src.Steps {
		if t := step.GetOnbuild(); t != nil {
			triggers = append(triggers, t)
		}
	}
	return triggers
}

// inheritedEnv is the environment of a stage on another one: what that one's
// commands saw last, with the image's variables over the ARGs.
func inheritedEnv(parent *stage) []string {
	env := slices.Clone(parent.env)
	for _, kv := range parent.config.Env {
		k, v, _ := strings.Cut(kv, "=")
		env = setEnv(env, k, v)
	}
	return env
}

// onReplaced starts the stage from what a named context put in the place of
// another stage.
func (s *stage) onReplaced(parent *stage, at *diagv1.Range) []*irv1.Step {
	if parent.incomplete {
		s.incomplete = true
		return nil
	}
	return s.onInput(parent.replaced, stageName(parent.src), at)
}

// onScratch starts the stage from nothing. As with Docker that is an image with
// a PATH, for the target platform.
func (s *stage) onScratch() {
	s.out.Base = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}
	s.out.Platform = s.platform
	s.config.WorkingDir = "/"
	s.begin()
}

// onImage starts the stage from a named context or an external image.
func (s *stage) onImage(name string, platform *irv1.Platform, at *diagv1.Range) []*irv1.Step {
	s.out.Platform = platform
	in := s.external(name, platform, at, true)
	if in == nil {
		s.incomplete = true
		return nil
	}
	return s.onInput(in, name, at)
}

// onInput starts the stage from an image that is known.
func (s *stage) onInput(in *irv1.Input, name string, at *diagv1.Range) []*irv1.Step {
	if in.Kind != irv1.InputKind_INPUT_KIND_IMAGE {
		s.error("context-as-base", at, "the named context "+quote(name)+" is a folder and cannot be a base",
			"start from scratch and COPY --from="+name)
		s.incomplete = true
		return nil
	}
	img := s.images[in.Index]
	s.warnPlatform(img, at)
	s.out.Base = in
	s.config = img.Config.CloneVT()
	s.config.Onbuild = nil
	if s.config.WorkingDir != "" {
		s.config.WorkingDir = path.Join("/", s.config.WorkingDir)
	}
	s.begin()
	return relocate(s.fetched[in.Index].Onbuild, s.src.Range)
}

// begin tidies the environment of the base, makes sure that there is a PATH and
// fills the environment of the stage.
func (s *stage) begin() {
	var env []string
	for _, kv := range s.config.Env {
		if k, v, _ := strings.Cut(kv, "="); k != "" {
			env = setEnv(env, k, v)
		}
	}
	if _, ok := getEnv(env, "PATH"); !ok && s.out.Platform.GetOs() != "windows" {
		env = append(env, "PATH="+defaultPath)
	}
	s.config.Env, s.env = env, slices.Clone(env)
}

// warnPlatform warns about an image that is not for the platform asked for.
func (s *stage) warnPlatform(img *irv1.Image, at *diagv1.Range) {
	want, got := s.out.Platform, img.Platform
	if got.GetOs() != want.GetOs() || got.GetArchitecture() != want.GetArchitecture() {
		s.warn("platform-mismatch", at, "the image "+img.Reference+" is for "+FormatPlatform(got)+", not for "+FormatPlatform(want), "")
	}
}

// relocate gives triggers, whose text is in an image, the place of the FROM
// that brought them in.
func relocate(triggers []*irv1.Step, at *diagv1.Range) []*irv1.Step {
	out := make([]*irv1.Step, len(triggers))
	for i, t := range triggers {
		out[i] = t.CloneVT()
		Walk(out[i], func(_ string, node any) bool {
			setRange(node, at)
			return true
		})
	}
	return out
}
