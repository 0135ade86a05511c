// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/image"
)

func TestTolerated(t *testing.T) {
	list, err := parseTolerated("# comment\n\ncase-* etc mtime # a reason\nother ** ** # all\nnone x y # stale\nuser:case-2 etc mode # not for root\n", asRoot)
	if err != nil {
		t.Fatal(err)
	}
	all := []image.Difference{{Path: "etc", Attribute: "mtime"}, {Path: "etc", Attribute: "mode"}}
	if left := intolerable(list, "case-1", all); len(left) != 1 || left[0].Attribute != "mode" {
		t.Errorf("case-1: %v", left)
	}
	if left := intolerable(list, "other", []image.Difference{{Path: "a/b/c", Attribute: "mode"}}); len(left) != 0 {
		t.Errorf("other: %v", left)
	}
	if left := stale(list); len(left) != 1 || left[0].line != 5 {
		t.Errorf("stale: %v", left)
	}
	const some = "user:case-2 etc mode # only there\none-id:case-2 etc mtime # or there\n"
	for who, left := range map[string]int{asRoot: 2, asUser: 1, withOneID: 0} {
		if list, err := parseTolerated(some, who); err != nil || len(intolerable(list, "case-2", all)) != left {
			t.Errorf("as %s: %v, %v", who, list, err)
		}
	}
	for _, bad := range []string{"a b # two words", "a b c", "a b [ # pattern", "me:a b c # nobody"} {
		if _, err := parseTolerated(bad, asRoot); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
