# make            build everything and show what can be done
# make quickstart build everything, then a real image
# make test       all tests; make check: everything else CI looks at
# make install    into PREFIX, after make build; make release: archives in dist

# ---- versions of the tools, pinned here and nowhere else ----
BUF             := github.com/bufbuild/buf/cmd/buf@v1.75.0
PROTOC_GEN_LITE := github.com/aperturerobotics/protobuf-go-lite/cmd/protoc-gen-go-lite@v0.15.0
PROTOC_GEN_GRPC := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
GOLANGCI_LINT   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BENCHSTAT       := golang.org/x/perf/cmd/benchstat@latest

GO      ?= go
GOOS    := $(or $(GOOS),$(shell $(GO) env GOOS))
GOARCH  := $(or $(GOARCH),$(shell $(GO) env GOARCH))
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
TOOLS   := $(CURDIR)/.tools/bin
MODULES := . sdk plugins/buildah-backend conformance/wasmtime

# Where zlayer is built, and the bundle beside it.
OUT     ?= bin
BUNDLE  := $(OUT)/plugins
EXE     := $(if $(filter windows,$(GOOS)),.exe)

# buildah without cgo libraries: the OpenPGP in Go, no btrfs headers.
BUILDAH_TAGS := containers_image_openpgp exclude_graphdriver_btrfs
# The same source makes the same bytes: no paths, and no commit in a plugin,
# whose digest changes with its code alone.
BUILD   := $(GO) build -trimpath -buildvcs=false -ldflags='-s -w'
WASM    := GOOS=wasip1 GOARCH=wasm $(BUILD)

.PHONY: build bundle wasmtime quickstart test test-large fuzz fuzz-strangers check generate bench lint vet fmt cross rust-wasm testee-python clean help FORCE
.DEFAULT_GOAL := help

help: build
	@bin/zlayer --help

# ---- build: zlayer and the bundle of plugins beside it ----

# The plugins that are one Go program each, and all that run on the system: no
# backend does on Windows, and buildah is for Linux. WITHOUT leaves some out.
NATIVE  := sandbox-backend wasm-lang-go wasm-lang-rust
BUNDLED := $(filter-out $(WITHOUT),dockerfile zimagefile \
	$(if $(filter-out windows,$(GOOS)),$(NATIVE)) $(if $(filter linux,$(GOOS)),buildah-backend))
PLUGINS := $(addprefix $(BUNDLE)/,$(BUNDLED))

build: bundle
	@bin/zlayer plugin compile

# For any platform: that of GOOS and GOARCH. This machine's zlayer seals it.
bundle: bin/zlayer $(OUT)/zlayer$(EXE) $(PLUGINS)
	@bin/zlayer plugin seal --platform $(GOOS)/$(GOARCH) $(PLUGINS)

bin/zlayer: export GOOS := $(shell $(GO) env GOHOSTOS)
bin/zlayer: export GOARCH := $(shell $(GO) env GOHOSTARCH)
$(sort bin/zlayer $(OUT)/zlayer$(EXE)): FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags='-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o $@ ./cmd/zlayer

$(BUNDLE)/dockerfile $(BUNDLE)/zimagefile: $(BUNDLE)/%: FORCE
	@mkdir -p $@
	$(WASM) -o $@/$*.wasm ./frontends/$*/cmd
	@cp frontends/$*/manifest.json $@/zlayer-plugin.json

$(addprefix $(BUNDLE)/,$(NATIVE)): $(BUNDLE)/%: FORCE
	@mkdir -p $@
	CGO_ENABLED=0 $(BUILD) -o $@/$* ./plugins/$*
	@cp plugins/$*/manifest.json $@/zlayer-plugin.json

# The worker is linked statically, so that it runs with any libc or none.
$(BUNDLE)/buildah-backend: FORCE
	@mkdir -p $@
	cd plugins/buildah-backend && CGO_ENABLED=0 $(BUILD) -o $(abspath $@)/buildah-backend .
	cd plugins/buildah-backend && CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -ldflags='-s -w -extldflags=-static' \
		-tags '$(BUILDAH_TAGS) netgo osusergo' -o $(abspath $@)/buildah-backend-worker ./worker
	@cp plugins/buildah-backend/manifest.json $@/zlayer-plugin.json

# The second engine of the conformance suite; with cgo, and never shipped.
wasmtime:
	cd conformance/wasmtime && CGO_ENABLED=1 $(BUILD) -o $(CURDIR)/bin/wasmtime-run .

FORCE:

# ---- quickstart: the main job on a real example, without a network ----

quickstart: build examples/scratch/bin/hello
	bin/zlayer build examples/scratch --tag quickstart --output type=oci-layout,dest=bin/quickstart
	@echo "the image is in bin/quickstart; try: bin/zlayer images, bin/zlayer ir examples/scratch"

examples/scratch/bin/hello: FORCE
	CGO_ENABLED=0 $(BUILD) -o $@ ./examples/scratch/hello

# ---- tests ----

# What the tests say, shortly: failures, and how many were skipped and why.
REPORT := $(GO) run ./conformance/testreport

# Root also runs the tests with builds in namespaces and mounts, as root and as a
# user with subuid. These need uidmap, busybox-static, git and python3 with venv.
ROOT      := $(filter 0,$(shell id -u))
TEST_ALL  := $(GO) test -json $(if $(ROOT),-count=1 -timeout 80m)
TEST_TAGS := $(if $(ROOT),system)

test: build wasmtime rust-wasm $(if $(ROOT),testee-python examples/scratch/bin/hello)
	@{ $(TEST_ALL) -tags '$(TEST_TAGS)' ./... ; \
	   (cd sdk && $(TEST_ALL) ./...) ; \
	   (cd conformance/wasmtime && $(TEST_ALL) ./...) ; \
	   (cd plugins/buildah-backend && $(TEST_ALL) -tags '$(BUILDAH_TAGS) $(TEST_TAGS)' ./...) ; } 2>&1 | $(REPORT)
	@$(if $(ROOT),,echo "root also tests builds in namespaces, as root and as a user with subuid")

# Contexts and files that are large, and a quota on a disk of its own, for which
# btrfs-progs is needed: minutes, and gigabytes on the disk.
test-large: build
	@$(GO) test -json -count=1 -timeout 60m -tags 'system large' -run 'TestManyFiles|TestHugeFile|TestManyStages|TestQuota' ./cmd/zlayer 2>&1 | $(REPORT)

# Every fuzz target of the tree, two at a time, each for this long.
FUZZTIME ?= 60s
FUZZ     := $(GO) run ./conformance/fuzz -time $(FUZZTIME) -tags '$(BUILDAH_TAGS)'
fuzz:
	@$(FUZZ)

# Those that read what strangers write: build files, messages and manifests of
# plugins, images.
STRANGERS := frontends/.*FuzzParse sdk/ir/expand sdk/ir.FuzzResolve sdk/buildctx.FuzzParseIgnore sdk/frontend \
	sdk/backend sdk/manifest.FuzzParse$$ host/internal/images host/internal/rootfs \
	sandbox-backend/internal/image sandbox-backend/internal/unpack buildah-backend/internal/wire
fuzz-strangers:
	@$(FUZZ) -run '$(subst $() ,|,$(strip $(STRANGERS)))'

# ---- check ----

check: fmt vet lint generated cross

fmt:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "run gofmt on:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet ./...
	cd sdk && $(GO) vet ./...
	cd conformance/wasmtime && $(GO) vet ./...
	$(GO) vet -tags 'system large' ./...
	cd plugins/buildah-backend && $(GO) vet -tags '$(BUILDAH_TAGS) system' ./...

lint: $(TOOLS)/golangci-lint
	@for m in $(MODULES); do (cd $$m && $(TOOLS)/golangci-lint run --config $(CURDIR)/.golangci.yml ./...) || exit 1; done

# What is not cgo builds for every platform we support; frontends for wasip1.
# On Windows there is the client, and no backend.
cross:
	@for p in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do \
		echo "cross $$p"; export CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/}; \
		$(GO) build -o /dev/null ./cmd/zlayer && $(GO) build ./host/... ./frontends/... || exit 1; \
		test $$GOOS = windows || $(GO) build $(addsuffix /...,$(addprefix ./plugins/,$(NATIVE))) || exit 1; \
		(cd sdk && $(GO) build ./...) || exit 1; done

include release.mk

# ---- generated code ----

generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go-lite $(TOOLS)/protoc-gen-go-grpc
	cd sdk && PATH=$(TOOLS):$$PATH buf generate

# Generated code is up to date, and the protocol did not break since the last
# tag, once there is one.
generated: generate
	@git diff --exit-code --stat -- sdk/gen || { echo "sdk/gen is stale: run make generate and commit"; exit 1; }
	@test -z "$$(git ls-files --others --exclude-standard sdk/gen)" || { echo "sdk/gen has new files: commit them"; exit 1; }
	cd sdk && $(TOOLS)/buf lint
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null); if [ -n "$$tag" ]; then \
		cd sdk && $(TOOLS)/buf breaking --against "../.git#tag=$$tag,subdir=sdk"; else echo "buf breaking: no tag yet"; fi

# ---- tools ----

install = @mkdir -p $(TOOLS); echo "installing $(1)"; GOWORK=off GOFLAGS= GOBIN=$(TOOLS) $(GO) install $(1)

$(TOOLS)/buf: Makefile
	$(call install,$(BUF))
$(TOOLS)/protoc-gen-go-lite: Makefile
	$(call install,$(PROTOC_GEN_LITE))
$(TOOLS)/protoc-gen-go-grpc: Makefile
	$(call install,$(PROTOC_GEN_GRPC))
$(TOOLS)/golangci-lint: Makefile
	$(call install,$(GOLANGCI_LINT))

# Rust for wasm-lang-rust and its tests: what is on PATH if it can build for
# wasm32-wasip1, else from rustup, else from Debian into .tools/rust-wasm, where
# the tests find it; others put .tools/rust-wasm/bin first on PATH.
rust-wasm:
	@plugins/wasm-lang-rust/rust-wasm.sh .tools/rust-wasm

# The container backend in Python that the tests treat as a stranger's. Needs
# python3 with venv, and PyPI.
testee-python: bin/zlayer
	@conformance/testee/python-backend/build.sh . .tools/testee/python-backend
	@bin/zlayer plugin seal .tools/testee/python-backend

# ---- bench: a table of ratios, measured in one run ----

bench: build
	$(GO) run ./conformance/bench

clean:
	rm -rf bin .tools dist examples/scratch/bin
