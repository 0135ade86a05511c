// SPDX-License-Identifier: Apache-2.0

package frontend_test

import (
	"fmt"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// A frontend is a function. Its main package is
//
//	func main() { frontend.Main(frontend.Func(Parse)) }
func Example() {
	parse := func(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
		return &frontendv1.ParseResponse{Diagnostics: []*diagv1.Diagnostic{{
			Severity: diagv1.Severity_SEVERITY_ERROR,
			Code:     "empty-file",
			Message:  fmt.Sprintf("%s holds no instruction", r.GetName()),
		}}}
	}
	res, err := frontend.NewClient(frontend.Func(parse)).Parse(&frontendv1.ParseRequest{Name: "Buildfile"})
	fmt.Println(res.GetDiagnostics()[0].GetMessage(), err)
	// Output: Buildfile holds no instruction <nil>
}
