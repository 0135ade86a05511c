// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Resolve checks a build file, fetches the images it names and decides
// everything that is left to decide, for one platform. Mistakes in the file are
// a *SourceError.
func (h *Host) Resolve(ctx context.Context, r Request) (*Resolved, error) {
	r, err := r.normal()
	if err != nil {
		return nil, err
	}
	if r.several() {
		return nil, &InputError{Message: "a build is resolved for one platform, and this is for " + r.platforms(), Help: "name one of them with --platform"}
	}
	f, checked, err := h.read(ctx, r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o, err := h.order(ctx, f.Request, checked, f.emit)
	if err != nil {
		return nil, err
	}
	return o.builds[0].resolved, nil
}

// read fetches what of a request is elsewhere and understands the build file.
func (h *Host) read(ctx context.Context, r Request) (*Fetched, *Checked, error) {
	f, err := h.Fetch(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	checked, err := h.understand(ctx, f.Request, f.emit)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, checked, nil
}

// understand checks a build file that must be without errors.
func (h *Host) understand(ctx context.Context, r Request, emit *emitter) (*Checked, error) {
	checked, err := h.check(ctx, r.Source, r.Context.Folder)
	if err != nil {
		return nil, err
	}
	if diag.HasErrors(checked.Diagnostics) {
		return nil, &SourceError{Files: checked.Files, Diagnostics: checked.Diagnostics}
	}
	emit.diagnostics(checked.Files, checked.Diagnostics)
	return checked, nil
}

// wanted is an image as a build wants it: as a base, whose triggers count, or for
// its files.
type wanted struct {
	key  ir.ImageKey
	base bool
}

// decide decides everything that is left to decide for one platform, and fetches
// the images for that which are not among those fetched.
func (h *Host) decide(ctx context.Context, r Request, checked *Checked, fetched map[wanted]*ir.FetchedImage, emit *emitter) (*Resolved, error) {
	o, err := resolveOptions(r)
	if err != nil {
		return nil, err
	}
	for {
		res := ir.Resolve(checked.Build, o)
		if diag.HasErrors(res.Diagnostics) {
			return nil, &SourceError{Files: checked.Files, Diagnostics: res.Diagnostics}
		}
		if len(res.Needs) == 0 {
			return &Resolved{Build: res.Build, Checked: checked, Diagnostics: res.Diagnostics}, nil
		}
		for _, need := range res.Needs {
			want := wanted{need.Key, need.Config}
			if fetched[want] == nil {
				if fetched[want], err = h.fetch(ctx, r, need, emit); err != nil {
					return nil, located(err, checked, need.Range)
				}
			}
			o.Images[need.Key] = fetched[want]
		}
	}
}

// resolveOptions translates a request for one platform for package ir.
func resolveOptions(r Request) (ir.Options, error) {
	o := ir.Options{Target: r.Target, BuildPlatform: buildPlatform(), Images: map[ir.ImageKey]*ir.FetchedImage{}}
	if len(r.Platforms) > 0 {
		p, err := ir.ParsePlatform(r.Platforms[0], o.BuildPlatform)
		if err != nil {
			return o, err
		}
		o.TargetPlatform = p
	}
	for _, a := range r.Args {
		o.BuildArgs = append(o.BuildArgs, &irv1.KeyValue{Key: a.Name, Value: a.Value})
	}
	if r.SourceDateEpoch != nil && !slices.ContainsFunc(r.Args, func(a Arg) bool { return a.Name == "SOURCE_DATE_EPOCH" }) {
		o.BuildArgs = append(o.BuildArgs, &irv1.KeyValue{Key: "SOURCE_DATE_EPOCH", Value: fmt.Sprint(*r.SourceDateEpoch)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Contexts)) {
		o.Contexts = append(o.Contexts, ir.NamedContext{Name: name, Image: r.Contexts[name].Image})
	}
	return o, nil
}

// fetch gets an image and has its triggers parsed.
func (h *Host) fetch(ctx context.Context, r Request, need ir.Need, emit *emitter) (*ir.FetchedImage, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	image, err := store.Resolve(ctx, images.Request{
		Reference: need.Key.Reference, Platform: need.Platform, Policy: r.pullPolicy(need.Key.Reference), Progress: emit.transfer(EventPull, need.Key.Reference),
	})
	if err != nil {
		return nil, imageError(err)
	}
	fetched := &ir.FetchedImage{Digest: image.Digest, Platform: image.Platform, Config: image.Config}
	if need.Config {
		fetched.Onbuild, err = h.triggers(ctx, need.Key.Reference, image.Config.GetOnbuild())
	}
	return fetched, err
}

// triggers parses the ONBUILD triggers of an image: Dockerfile text, whatever
// language the build file is in.
func (h *Host) triggers(ctx context.Context, reference string, lines []string) ([]*irv1.Step, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	text := "FROM scratch\n" + strings.Join(lines, "\n") + "\n"
	checked, err := h.Check(ctx, Source{Name: "Dockerfile", Content: []byte(text)})
	if err != nil {
		return nil, err
	}
	for _, d := range checked.Diagnostics {
		if d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
			return nil, &ImageError{Reference: reference, Message: "its ONBUILD triggers cannot be parsed: " + d.GetMessage(),
				Help: "use another base image, or one built without that trigger"}
		}
	}
	stages := checked.Build.GetContainer().GetStages()
	if len(stages) != 1 || len(stages[0].GetSteps()) != len(lines) {
		return nil, &ImageError{Reference: reference, Message: "its ONBUILD triggers are not one instruction each"}
	}
	return stages[0].GetSteps(), nil
}

// imageError makes an error of the image store, or of a registry with images,
// one of this package.
func imageError(err error) error {
	var (
		own    *images.Error
		remote *registry.Error
		login  *registry.CredentialsError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &own) && own.Kind == images.KindReference:
		return &InputError{Message: fmt.Sprintf("%q: %s", own.Reference, own.Message), Help: own.Help}
	case own != nil && own.Kind == images.KindArchive:
		return &InputError{Message: own.Message, Help: own.Help, Err: own.Err}
	case own != nil:
		return &ImageError{Reference: own.Reference, Message: own.Message, Help: own.Help, Err: own.Err}
	case errors.As(err, &remote) && remote.Kind == registry.KindReference:
		return &InputError{Message: fmt.Sprintf("%q: %s", remote.Reference, remote.Message), Help: remote.Help}
	case remote != nil:
		return &ImageError{Reference: remote.Reference, Message: remote.Message, Help: remote.Help, Err: remote.Err}
	}
	if errors.As(err, &login) {
		return &InputError{Message: "the credentials for registries cannot be read", Help: "repair the file, or name another one with REGISTRY_AUTH_FILE", Err: login.Err}
	}
	return stateError(err)
}

// artifactError is imageError for what a backend built: when that is not what
// the backend says, it is the backend's fault.
func artifactError(id string, err error) error {
	var e *images.Error
	if errors.As(err, &e) && e.Kind == images.KindArtifact {
		return &PluginError{ID: id, Message: fmt.Sprintf("what it built cannot be used: %s: %s", e.Reference, e.Message), Help: "report this to the plugin's author", Err: e.Err}
	}
	return imageError(err)
}

// located gives an error about an image the place in the build file that names
// it.
func located(err error, checked *Checked, at *diagv1.Range) error {
	var e *ImageError
	if errors.As(err, &e) && at.GetLine() != 0 {
		d := diag.Error(at, "image", e.Error())
		d.Help = e.Help
		if s := namesake(checked.Build, e.Reference, at); s != nil {
			d.Related = append(d.Related, &diagv1.Related{Range: s.GetRange(), Message: "a stage has this name, but FROM can only name a stage above it"})
		}
		e.Files, e.Diagnostic = checked.Files, d
	}
	return err
}

// namesake returns a later stage that the user may have meant by a reference,
// or nil.
func namesake(b *irv1.Build, reference string, at *diagv1.Range) *irv1.Stage {
	full, err := images.Normalize(reference)
	if err != nil {
		return nil
	}
	for _, s := range b.GetContainer().GetStages() {
		name, err := images.Normalize(strings.ToLower(s.GetName().GetText()))
		if err == nil && name == full && s.GetRange().GetLine() > at.GetLine() {
			return s
		}
	}
	return nil
}
