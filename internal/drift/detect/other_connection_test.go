package detect_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestRolesOfOtherConnections checks that roles under the paths of other Regions and
// connections are no findings, whatever their names contain, and that every role
// under the installation's own path is one.
func TestRolesOfOtherConnections(t *testing.T) {
	w := installTemplate(t)
	own := *format(w.trust(w.parentRole()))
	const generated = "backup-eu-StackRole-8XKQ2W0ZP4TB"
	for name, tc := range map[string]struct {
		role, path, trust string
		found             bool
	}{
		"a parent in another Region":     {generated, "/permstack/eu-west-1/main/installer/", own, false},
		"another connection":             {generated, "/permstack/us-east-1/main2/installer/", own, false},
		"another path":                   {generated, "/team/us-east-1/main/installer/", strangersTrust, false},
		"like this parent's role":        {parentName + "-StackRole-8XKQ2W0ZP4TB", ownPath + "installer/", own, true},
		"another trust policy":           {generated, ownPath + "installer/", strangersTrust, true},
		"not under the installer's path": {generated, ownPath, own, true},
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

// ownPath is the IAM path of the installation's roles.
const ownPath = "/permstack/us-east-1/main/"
