module github.com/zlayer/zlayer/plugins/buildah-backend

go 1.26.8

require (
	github.com/zlayer/zlayer/sdk v0.0.0-00010101000000-000000000000
	go.podman.io/buildah v1.45.0
	go.podman.io/common v0.69.0
	go.podman.io/image/v5 v5.41.0
	go.podman.io/storage v1.64.0
)

replace github.com/zlayer/zlayer/sdk => ../../sdk

// runewidth builds large tables in package init from v0.0.17 on: 18 ms of
// every start, paid again by each of buildah's many re-execs.
replace github.com/mattn/go-runewidth => github.com/mattn/go-runewidth v0.0.16
