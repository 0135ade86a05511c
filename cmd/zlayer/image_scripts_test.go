// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestImageScripts runs the commands about the image store. Images are built by
// sandbox-backend, which needs nothing of the machine for what they are. Each
// script has
//
//	$REGISTRY  an empty registry
//	$LOCKED    a registry that only knows joe, whose password is s3cret
//	$WEB       the script's folder over http; below /joe/ for joe only
func TestImageScripts(t *testing.T) {
	p := params(t, "testdata/image")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		if err := setup(e); err != nil {
			return err
		}
		e.Setenv("SANDBOX_BACKEND_DRIVER", "none")
		e.Setenv("ZLAYER_BACKEND", "sandbox-backend")
		e.Setenv("SOURCE_DATE_EPOCH", "0")
		e.Setenv("REGISTRY", serving(e, emptyRegistry()))
		e.Setenv("LOCKED", serving(e, onlyJoe(emptyRegistry())))
		e.Setenv("WEB", serving(e, web(e.WorkDir)))
		for _, name := range []string{"REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
			e.Setenv(name, "")
		}
		return nil
	}
	testscript.Run(t, p)
}

func emptyRegistry() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// web serves a folder.
func web(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.Handle("/joe/", onlyJoe(http.StripPrefix("/joe", files)))
	mux.HandleFunc("/loop/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) })
	return mux
}

// onlyJoe lets joe in.
func onlyJoe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "joe" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
