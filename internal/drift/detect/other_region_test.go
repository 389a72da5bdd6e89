package detect_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestRolesOfOtherRegions checks that the roles of a parent in another Region, whose
// stacks are not listed, are no findings, and that roles with other names or another
// trust policy are.
func TestRolesOfOtherRegions(t *testing.T) {
	w := installTemplate(t)
	own := *format(w.trust(w.parentRole()))
	const generated = "backup-eu-StackRole-8XKQ2W0ZP4TB"
	for name, tc := range map[string]struct {
		role, path, trust string
		found             bool
	}{
		"the role of another parent":    {generated, "/permstack/installer/", own, false},
		"the same name as this parent":  {parentName + "-StackRole-8XKQ2W0ZP4TB", "/permstack/installer/", own, false},
		"another trust policy":          {generated, "/permstack/installer/", strangersTrust, true},
		"not a role of a parent":        {"backup-eu-Helper-8XKQ2W0ZP4TB", "/permstack/installer/", own, true},
		"not a generated name":          {"backup-eu-StackRole", "/permstack/installer/", own, true},
		"not under the parents' path":   {generated, "/permstack/", own, true},
		"a longer name of the resource": {"backup-eu-MyStackRole-8XKQ2W0ZP4TB", "/permstack/installer/", own, true},
	} {
		t.Run(name, func(t *testing.T) {
			must(w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
				RoleName: &tc.role, Path: aws.String(tc.path), AssumeRolePolicyDocument: &tc.trust,
			}))
			defer w.deleteRole(tc.role)
			var want []string
			if tc.found {
				want = []string{" role-added [" + tc.role + "] grants-more live"}
			}
			if got := summaries(w.check()); !slices.Equal(got, want) {
				t.Errorf("got findings %q, want %q", got, want)
			}
		})
	}
}
