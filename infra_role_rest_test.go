package permstack_test

import (
	"fmt"
	"maps"
	"testing"
)

// TestInfraRoleResources checks the properties of resources that are not policies and yet decide
// who gets access.
func TestInfraRoleResources(t *testing.T) {
	// A type that is not here has to be added to the method policies, and here.
	types := map[string]map[string]int{
		"template.yaml": {
			"AWS::CloudWatch::Alarm": 3, "AWS::Events::Rule": 4, "AWS::IAM::Role": 3,
			"AWS::IAM::ManagedPolicy": 3, "AWS::IAM::RolePolicy": 1, "AWS::Lambda::EventInvokeConfig": 2,
			"AWS::Lambda::Function": 2, "AWS::Lambda::Permission": 4, "AWS::Logs::LogGroup": 1, "AWS::SNS::Subscription": 1,
			"AWS::SNS::Topic": 1, "AWS::SNS::TopicInlinePolicy": 1, "AWS::SQS::Queue": 2, "AWS::SQS::QueuePolicy": 1,
			"AWS::SSM::Parameter": 1, "Custom::PermissionStack": 1,
		},
		"templates/org-hub.yaml": {
			"AWS::CloudWatch::Alarm": 1, "AWS::KMS::Alias": 1, "AWS::KMS::Key": 1, "AWS::SNS::Subscription": 2,
			"AWS::SNS::Topic":             1,
			"AWS::SNS::TopicInlinePolicy": 1, "AWS::SQS::Queue": 1, "AWS::SQS::QueuePolicy": 1,
		},
		"templates/stackset.yaml":   {"AWS::CloudFormation::StackSet": 1},
		"templates/iam-events.yaml": {"AWS::Events::Rule": 1, "AWS::IAM::Role": 1},
	}
	for _, name := range []string{"launch-stack", "aws-backup", "clumio", "cpm", "veeam"} {
		types["templates/"+name+".yaml"] = types["template.yaml"]
		if name != "launch-stack" {
			types["templates/"+name+"-stackset.yaml"] = types["templates/stackset.yaml"]
		}
	}
	for path, values := range launchTemplates(t) {
		template, err := parsed(read(t, path))
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]int{}
		for _, r := range template.Resources {
			have[r.Type]++
		}
		if !maps.Equal(have, types[path]) {
			t.Errorf("%s has %v", path, have)
		}
		b := resolveFile(t, path, values, nil)
		for _, r := range b.Active() {
			p := properties(t, b, r.LogicalID)
			hold := func(name string, want string) {
				t.Helper()
				if got, err := toJSON(p[name]); err != nil || string(got) != want {
					t.Errorf("%s: %s of %s is %s, want %s", path, name, r.LogicalID, got, want)
				}
			}
			switch r.LogicalID {
			case "DriftRule":
				stack := `arn:aws:cloudformation:us-east-1:123456789012:stack/parent/` + uuid
				hold("EventPattern",
					`{"detail":{"stack-id":["`+stack+`",{"wildcard":"arn:aws:cloudformation:us-east-1:123456789012:stack/*-`+uuid+
						`-permstack-*"}],"status-details":{"status":[{"suffix":"_COMPLETE"},{"suffix":"_FAILED"}]}},"detail-type":["CloudFormation Stack Status Change"],"source":["aws.cloudformation"]}`)
				hold(
					"Targets",
					`[{"Arn":"arn:aws:lambda:us-east-1:123456789012:function:permstack-drift-`+uuid+`","DeadLetterConfig":{"Arn":"arn:aws:sqs:us-east-1:123456789012:parent-DriftFailures-1A2B"},"Id":"Drift"}]`,
				)
				hold("State", `"ENABLED"`)
			case "DriftInvokeConfig":
				hold("DestinationConfig",
					`{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:123456789012:parent-DriftFailures-1A2B"}}`)
			case "Members": // named roles are made by the members' own functions
				hold("Capabilities", `["CAPABILITY_IAM"]`)
				hold("PermissionModel", `"SERVICE_MANAGED"`)
			case "Key":
				hold("EnableKeyRotation", `true`)
			}
		}
	}
	// The topic or queue that each policy belongs to: with another one, permstack's own would stay open.
	for path, of := range map[string]map[string][2]string{
		"template.yaml": {
			"AlertTopicPolicy":    {"TopicArn", `"arn:aws:sns:us-east-1:123456789012:permstack-alerts-` + uuid + `"`},
			"DriftFailuresPolicy": {"Queues", `["DriftFailures"]`},
		},
		"templates/org-hub.yaml": {"TopicPolicy": {"TopicArn", `"Topic"`},
			"UndeliveredPolicy": {"Queues", `["Undelivered"]`}},
	} {
		t.Run(path, func(t *testing.T) {
			b := resolveFile(t, path, launchTemplates(t)[path], nil)
			for id, want := range of {
				if got, err := toJSON(properties(t, b, id)[want[0]]); err != nil || string(got) != want[1] {
					t.Errorf("%s is for %s", id, got)
				}
			}
		})
	}
}

// TestPoliciesOfRoles requires that the roles have the policies that are resources of their own, and no others.
func TestPoliciesOfRoles(t *testing.T) {
	b, err := resolveTemplate(t, "parent", map[string]string{"AccountAudit": "yes"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range b.Active() {
		p := properties(t, b, r.LogicalID)
		switch r.Type {
		case "AWS::IAM::RolePolicy":
			got[r.LogicalID], _ = p["RoleName"].(string)
		case "AWS::IAM::ManagedPolicy":
			if p["Roles"] != nil {
				t.Errorf("%s: attached to %v, want the attachment in the role", r.LogicalID, p["Roles"])
			}
		case "AWS::IAM::Role":
			list, _ := p["ManagedPolicyArns"].([]any)
			for _, arn := range list {
				got[fmt.Sprint(arn)] = r.LogicalID
			}
		}
	}
	if !maps.Equal(got, policyRoles) {
		t.Errorf("got %v, want %v", got, policyRoles)
	}
}
