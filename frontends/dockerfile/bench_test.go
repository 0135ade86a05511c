// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// ordinary is a Dockerfile of 50 lines as people write them.
const ordinary = `# syntax=docker/dockerfile:1
ARG GO_VERSION=1.26
ARG ALPINE_VERSION=3.22

# The tools.
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine${ALPINE_VERSION} AS base
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
RUN apk add --no-cache \
    ca-certificates \
    git \
    # for the tests
    make \
    tzdata

FROM base AS modules
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download

# The program.
FROM modules AS build
ARG TARGETOS TARGETARCH
ARG VERSION=dev
COPY --link . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build,sharing=locked \
    GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -ldflags "-s -w -X main.version=${VERSION}" -o /out/app ./cmd/app && \
    /out/app --version

FROM base AS test
COPY --from=build /src /src
RUN <<EOF
go vet ./...
go test ./...
EOF

FROM alpine:${ALPINE_VERSION}
LABEL org.opencontainers.image.title="app" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN addgroup -S app && adduser -S -G app app
COPY --from=build --chown=app:app --chmod=0755 /out/app /usr/local/bin/app
COPY --from=base /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
ENV APP_HOME=/var/lib/app
WORKDIR $APP_HOME
VOLUME ["/var/lib/app"]
EXPOSE 8080/tcp 9090
USER app
HEALTHCHECK --interval=30s --timeout=3s CMD ["/usr/local/bin/app", "health"]
ENTRYPOINT ["/usr/local/bin/app"]
CMD ["serve"]
`

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct {
		name   string
		src    string
		tokens bool
	}{
		{"50lines", ordinary, false},
		{"50lines/tokens", ordinary, true},
		{"2000lines", strings.Repeat(ordinary, 40), false},
		{"10MBline", "FROM x\nENV a=\"" + strings.Repeat("é $x ", 10<<20/6) + "\"\n", false},
	} {
		b.Run(bb.name, func(b *testing.B) {
			req := &frontendv1.ParseRequest{Name: "Dockerfile", Content: []byte(bb.src), Tokens: bb.tokens}
			b.SetBytes(int64(len(bb.src)))
			b.ReportAllocs()
			for b.Loop() {
				Parse(req)
			}
		})
	}
}

// hostile are texts that cost a careless parser time or stack out of all
// proportion. Each function makes one of about n bytes.
var hostile = map[string]func(n int) string{
	"one long word":        func(n int) string { return "FROM x\nENV a=" + strings.Repeat("b", n) },
	"one long shell line":  func(n int) string { return "FROM x\nRUN " + strings.Repeat("a $b 'c' ", n/9) },
	"continuations":        func(n int) string { return "FROM x\nRUN a" + strings.Repeat(" \\\n b", n/5) },
	"empty continuations":  func(n int) string { return "FROM x\nRUN a" + strings.Repeat("\\\n\n", n/3) + "b" },
	"split words":          func(n int) string { return "FROM x\nENV" + strings.Repeat(" a=\\\nb", n/7) },
	"comments":             func(n int) string { return strings.Repeat("# escape=x\n", n/11) + "FROM x" },
	"instructions":         func(n int) string { return "FROM x\n" + strings.Repeat("CMD x\n", n/6) },
	"unknown instructions": func(n int) string { return strings.Repeat("RNU x\n", n/6) },
	"stages":               func(n int) string { return strings.Repeat("FROM x AS y\nCOPY --from=y a b\n", n/30) },
	"flags":                func(n int) string { return "FROM x\nRUN " + strings.Repeat("--mount=target=/x ", n/18) + "y" },
	"same flag":            func(n int) string { return "FROM x\nCOPY " + strings.Repeat("--link ", n/7) + "a b" },
	"flag after many": func(n int) string {
		return "FROM x\nCOPY " + strings.Repeat("--exclude=x ", n/24) + strings.Repeat("--from=x ", n/18) + "a b"
	},
	"mount options":        func(n int) string { return "FROM x\nRUN --mount=" + strings.Repeat("target=/x,", n/10) + " y" },
	"quoted mount options": func(n int) string { return "FROM x\nRUN --mount='" + strings.Repeat(`"target=/""x",`, n/14) + "' y" },
	"open heredocs":        func(n int) string { return "FROM x\n" + strings.Repeat("RUN <<A\n", n/8) },
	"heredocs on one line": func(n int) string {
		return "FROM x\nRUN" + strings.Repeat(" <<A", n/6) + "\n" + strings.Repeat("A\n", n/6)
	},
	"deep variables": func(n int) string { return "FROM x\nENV a=" + strings.Repeat("${a:-", n/6) + strings.Repeat("}", n/6) },
	"deep quotes": func(n int) string {
		return "FROM x\nENV a=" + strings.Repeat(`${a:-"`, n/8) + strings.Repeat(`"}`, n/8)
	},
	"deep JSON":    func(n int) string { return "FROM x\nCMD " + strings.Repeat("[", n/2) + strings.Repeat("]", n/2) },
	"JSON strings": func(n int) string { return "FROM x\nCMD [\"a\"" + strings.Repeat(`,"\u0041"`, n/9) + "]" },
	"open quotes":  func(n int) string { return "FROM x\nCOPY " + strings.Repeat(`"a `, n/3) + "b" },
	"wide runes":   func(n int) string { return "FROM x\nENV " + strings.Repeat("é=😀 ", n/8) },
	"ports":        func(n int) string { return "FROM x\nEXPOSE " + strings.Repeat("80/TCP ", n/7) },
}

// Time grows with the size and not with its square: four times the text must
// not take ten times the time, once both are long enough to be measured.
func TestHostileTextIsLinear(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			const size = 1 << 15
			var ratio float64
			for range 5 { // the machine may be busy
				small, large := fastest(text(size)), fastest(text(4*size))
				if ratio = float64(large) / float64(small); ratio < 10 || large < 20*time.Millisecond {
					return
				}
			}
			t.Errorf("four times the text takes %.1f times the time", ratio)
		})
	}
}

// fastest returns the shortest of three times it takes to parse src.
func fastest(src string) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range 3 {
		start := time.Now()
		parse(src)
		best = min(best, time.Since(start))
	}
	return best
}
