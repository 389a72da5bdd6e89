// Package timing measures on a simulated clock how long a launch, an update and a
// deletion take on AWS.
package timing

import (
	"testing"
	"testing/synctest"

	"permstack"
)

func TestX(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		p := map[string]string{
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "an-external-id",
			"ConnectionId": "c-1", "DataPlaneAccountId": "444455556666",
		}
		t.Log("create", a.create(parentName, permstack.Template, p))
		for _, id := range []string{"AlertTopic", "AlertTopicPolicy", "ProvisionerLogGroup", "ProvisionerRole", "Provisioner", "DriftFailures", "DriftFailuresPolicy", "DriftRole", "Drift", "DriftInvokeConfig", "DriftRule", "DriftRulePermission", "PermissionStack", "DriftCheckFailed"} {
			t.Log(id, a.since(parentName, id, "CREATE_IN_PROGRESS"), a.since(parentName, id, "CREATE_COMPLETE"))
		}
		t.Log("access", a.since(parentName+"-permstack-access", parentName+"-permstack-access", "CREATE_COMPLETE"), a.since(parentName+"-permstack-access", parentName+"-permstack-access", "UPDATE_COMPLETE"))
		t.Log("inventory", a.since(parentName+"-permstack-inventory", parentName+"-permstack-inventory", "CREATE_COMPLETE"))
		t.Log("delete", a.remove(parentName))
	})
}
