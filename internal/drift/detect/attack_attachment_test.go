package detect_test

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy/policytest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestPolicyAttachedElsewhere checks that an attachment of the installation's policy to another
// role is reported.
func TestPolicyAttachedElsewhere(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	arn := w.somePolicy()
	must(w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("theirs"), AssumeRolePolicyDocument: aws.String(strangersTrust),
	}))
	w.AttachPolicy("theirs", arn)
	want := []string{w.logical(arn) + " policy-attached-elsewhere [role theirs] grants-more live"}
	for range 2 {
		if got := summaries(w.check()); !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	w.DetachPolicy("theirs", arn)
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("after it was detached: %q", got)
	}
}
