# Install what "make build" has built, and archives of it for other machines.

PREFIX    ?= /usr/local
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64

.PHONY: install uninstall release archive release-check

# ---- install: nothing is built, so that root need not run a compiler ----

prefix := $(DESTDIR)$(PREFIX)
bash   := $(prefix)/share/bash-completion/completions/zlayer
zsh    := $(prefix)/share/zsh/site-functions/_zlayer
fish   := $(prefix)/share/fish/vendor_completions.d/zlayer.fish

install:
	@test -x $(OUT)/zlayer$(EXE) || { echo "nothing is built yet: run make build first" >&2; exit 1; }
	install -d $(prefix)/bin $(prefix)/lib/zlayer $(prefix)/share/doc/zlayer $(dir $(bash) $(zsh) $(fish))
	install -m 755 $(OUT)/zlayer$(EXE) $(prefix)/bin
	rm -rf $(prefix)/lib/zlayer/plugins
	mkdir $(prefix)/lib/zlayer/plugins
	cp -R $(PLUGINS) $(prefix)/lib/zlayer/plugins
	bin/zlayer completion bash >$(bash)
	bin/zlayer completion zsh >$(zsh)
	bin/zlayer completion fish >$(fish)
	install -m 644 LICENSE $(prefix)/share/doc/zlayer
	chmod -R u=rwX,go=rX $(prefix)/lib/zlayer
	chmod 644 $(bash) $(zsh) $(fish)

uninstall:
	rm -f $(prefix)/bin/zlayer$(EXE) $(bash) $(zsh) $(fish)
	rm -rf $(prefix)/lib/zlayer $(prefix)/share/doc/zlayer

# ---- release: dist/zlayer_VERSION_OS_ARCH.tar.gz, and SHA256SUMS ----

release:
	rm -rf dist
	@for p in $(PLATFORMS); do GOOS=$${p%/*} GOARCH=$${p#*/} $(MAKE) --no-print-directory archive || exit 1; done
	rm -rf dist/build dist/stage
	cd dist && sha256sum *.tar.gz >SHA256SUMS

# The time of everything in an archive.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
# GNU tar; on a Mac that is gtar, of the package gnu-tar.
TAR ?= tar

# What compiles the worker of buildah-backend, by the names that Debian has.
CC_amd64 := x86_64-linux-gnu-gcc
CC_arm64 := aarch64-linux-gnu-gcc

# One archive: a folder that is what install makes, to be unpacked anywhere.
archive: NAME := zlayer_$(VERSION)_$(GOOS)_$(GOARCH)
archive: OUT := dist/build/$(GOOS)_$(GOARCH)
archive:
	@test $(GOOS) != linux || test -n "$(filter buildah-backend,$(WITHOUT))" || command -v $(CC_$(GOARCH)) >/dev/null || \
		{ echo "buildah-backend for $(GOARCH) needs $(CC_$(GOARCH)): install it, or leave that out with WITHOUT=buildah-backend" >&2; exit 1; }
	CC=$(CC_$(GOARCH)) $(MAKE) --no-print-directory bundle OUT=$(OUT)
	@$(MAKE) --no-print-directory install OUT=$(OUT) DESTDIR=dist/stage PREFIX=/$(NAME)
	$(TAR) -C dist/stage --format=ustar --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner \
		--mode=u=rwX,go=rX -cf dist/$(NAME).tar $(NAME)
	gzip -n dist/$(NAME).tar

# The same commit gives the same archives wherever it is built, and they work.
release-check: build examples/scratch/bin/hello
	.ci/release $(PLATFORMS)
