// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// ReasonExperimental is the reason of a subtraction that the user can waive
// (SPEC B3).
const ReasonExperimental = "experimental"

// CheckExperimental returns the *Failure of a build that needs what the backend
// declared experimental, unless the user allows it (SPEC B17). A Build whose
// Describe uses that reason calls it first.
func CheckExperimental(described *backendv1.DescribeResponse, start *backendv1.Start) error {
	if start.GetExperimental() {
		return nil
	}
	for _, s := range described.GetSubtracted() {
		if s.GetReason() != ReasonExperimental || !slices.Contains(start.GetBuild().GetFeatures(), s.GetFeature()) {
			continue
		}
		return &Failure{
			Kind:    backendv1.FailureKind_FAILURE_KIND_MACHINE,
			Message: fmt.Sprintf("%s is experimental on this machine: %s", s.GetFeature(), s.GetMessage()),
			Help:    "allow it with --experimental",
		}
	}
	return nil
}
