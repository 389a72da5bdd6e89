package permstack_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
)

// TestLongestNames launches a stack whose name, connection, path and Region are as long as the template accepts. The
// embedded AWS holds AWS's limits of names, policies and event patterns.
func TestLongestNames(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks with the longest names")
	t.Parallel()
	account := fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "ap-southeast-1")
	key, err := kms.NewFromConfig(account.Config(account.ID, account.Region)).CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	w := account.Launch(fakeawstest.Launch{
		Name: "p" + strings.Repeat("-name", 25) + "-s", // 128 characters
		Parameters: map[string]string{
			"ConnectionId": strings.Repeat("c", 64), "RolePath": "/" + strings.Repeat("a", 60) + "/", "ProtectS3": "yes",
			"OnDrift": "revert", "AlertKeyArn": *key.KeyMetadata.Arn,
			"OrgHubTopicArn": "arn:aws:sns:ap-southeast-1:999999999999:" + strings.Repeat("t", 256),
		},
	})
	w.CheckDrift()
	w.RequireMessages("access granted: 132 actions added, 0 removed")
}
