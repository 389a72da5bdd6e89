package permstack_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// request is a call by a principal that has taken over one of the roles.
type request struct {
	what     string
	action   string
	resource string
	context  map[string]string
	allowed  bool
}

// calledBy returns the requests with the credentials of a function's code.
func calledBy(function string, requests []request) []request {
	var out []request
	for _, r := range requests {
		r.context = merged(map[string]string{"lambda:SourceFunctionArn": function}, r.context)
		out = append(out, r)
	}
	return out
}

const (
	provisionerARN = "arn:aws:lambda:us-east-1:" + account + ":function:parent-Provisioner-1A2B"
	checkerARN     = "arn:aws:lambda:us-east-1:" + account + ":function:permstack-drift-" + uuid
)

// TestRolesOfOtherFunctions requires that a role's permissions are of no use to a function that the role was passed to.
func TestRolesOfOtherFunctions(t *testing.T) {
	b, err := resolveTemplate(t, "parent", map[string]string{"OnDrift": "revert", "AlertKeyArn": alertKey,
		"OrgHubTopicArn": "arn:aws:sns:eu-west-1:999999999999:org-Topic"})
	if err != nil {
		t.Fatal(err)
	}
	const others = "arn:aws:lambda:us-east-1:" + account + ":function:another"
	for role, own := range map[string]string{"ProvisionerRole": provisionerARN, "DriftRole": checkerARN} {
		t.Run(role, func(t *testing.T) {
			for _, doc := range documents(t, b, role) {
				for _, st := range doc.Statement {
					var keys iampolicy.Values
					for _, operator := range []string{"ArnEquals", "ArnEqualsIfExists"} {
						keys = append(keys, st.Condition[operator]["lambda:SourceFunctionArn"]...)
					}
					if !slices.Equal(keys, iampolicy.Values{own}) {
						t.Errorf("%s: lambda:SourceFunctionArn is %v, want %s", st.Sid, keys, own)
					}
					for _, action := range st.Action {
						r := eval.Request{Action: action, Resource: example(st.Resource[0]), Context: map[string][]string{}}
						for operator, conditions := range st.Condition {
							for key, values := range conditions {
								if !strings.Contains(operator, "Null") {
									r.Context[key] = []string{example(values[0])}
								}
							}
						}
						if !applies(st, r) {
							t.Errorf("%s: %s is not allowed with %v", st.Sid, action, r.Context)
						}
						r.Context["lambda:SourceFunctionArn"] = []string{others}
						if applies(st, r) {
							t.Errorf("%s: %s is allowed to another function", st.Sid, action)
						}
					}
				}
			}
		})
	}
}

func checkDecisions(t *testing.T, docs []iampolicy.Document, requests []request) {
	t.Helper()
	for _, r := range requests {
		q := eval.Request{Action: r.action, Resource: r.resource, Context: map[string][]string{}}
		for k, v := range r.context {
			q.Context[k] = []string{v}
		}
		if got := eval.Documents(docs, q); (got == eval.Allow) != r.allowed {
			t.Errorf("%s: %s on %s: %s", r.what, r.action, r.resource, got)
		}
	}
}

const (
	stackRole       = "arn:aws:iam::123456789012:role/permstack/us-east-1/main/installer/parent-StackRole-1A2B"
	permissionStack = "arn:aws:cloudformation:us-east-1:123456789012:stack/parent-" + uuid + "-permstack-access/" + uuid
	inventoryStack  = "arn:aws:cloudformation:us-east-1:123456789012:stack/parent-" + uuid + "-permstack-inventory/" + uuid
	longStack       = "arn:aws:cloudformation:us-east-1:123456789012:stack/StackSet-cut-" + uuid + "-permstack-access/" +
		uuid
	parentStack = "arn:aws:cloudformation:us-east-1:123456789012:stack/parent/" + uuid
	otherStack  = "arn:aws:cloudformation:us-east-1:123456789012:stack/payroll/" + uuid
)

// TestProvisionerRights requires that the function may make the calls of its work
// and no others, in case somebody takes it over.
func TestProvisionerRights(t *testing.T) {
	b, err := resolveTemplate(t, "parent", nil)
	if err != nil {
		t.Fatal(err)
	}
	withRole := map[string]string{"cloudformation:RoleArn": stackRole}
	checkDecisions(t, documents(t, b, "ProvisionerRole"), calledBy(provisionerARN, []request{
		{"its work", "cloudformation:CreateStack", permissionStack, withRole, true},
		{"its work", "cloudformation:UpdateStack", permissionStack, withRole, true},
		{"its work", "cloudformation:DeleteStack", permissionStack, withRole, true},
		{"its work", "cloudformation:ContinueUpdateRollback", permissionStack, withRole, true},
		{"its work", "cloudformation:DescribeStacks", permissionStack, nil, true},
		{"its work", "cloudformation:DescribeStackEvents", permissionStack, nil, true},
		{"read the parent stack's resource", "cloudformation:DescribeStackResource", parentStack, nil, true},
		{"its work under a long name", "cloudformation:CreateStack", longStack, withRole, true},
		{"its work", "iam:PassRole", stackRole, map[string]string{"iam:PassedToService": "cloudformation.amazonaws.com"},
			true},
		{"its log", "logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:parent-log:log-stream:x", nil, true},

		{"read a resource of another stack", "cloudformation:DescribeStackResource", otherStack, nil, false},
		{"its namesake", "cloudformation:DescribeStackResource", strings.Replace(parentStack, uuid, "f"+uuid[1:], 1), nil,
			false},
		{"a stack without the role", "cloudformation:CreateStack", permissionStack, nil, false},
		{"a stack with another role", "cloudformation:CreateStack", permissionStack,
			map[string]string{"cloudformation:RoleArn": "arn:aws:iam::123456789012:role/Admin"}, false},
		{"somebody's stack", "cloudformation:UpdateStack", otherStack, withRole, false},
		{"somebody's stack", "cloudformation:DeleteStack", otherStack, withRole, false},
		{"the stack that made it", "cloudformation:UpdateStack", parentStack, withRole, false},
		{"another Region", "cloudformation:CreateStack",
			strings.Replace(permissionStack, "us-east-1", "eu-west-1", 1), withRole, false},
		{"the role to Lambda", "iam:PassRole", stackRole, map[string]string{"iam:PassedToService": "lambda.amazonaws.com"},
			false},
		{"the role to nobody in particular", "iam:PassRole", stackRole, nil, false},
		{"another role", "iam:PassRole", "arn:aws:iam::123456789012:role/Admin",
			map[string]string{"iam:PassedToService": "cloudformation.amazonaws.com"}, false},
		{"the role itself", "sts:AssumeRole", stackRole, nil, false},
		{"IAM", "iam:CreateRole",
			"arn:aws:iam::123456789012:role/permstack/us-east-1/main/ClumioIAMRole-us-east-1-main", nil, false},
		{"somebody's log", "logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:other:log-stream:x", nil,
			false},
		{"a new log", "logs:CreateLogGroup", "arn:aws:logs:us-east-1:123456789012:log-group:parent-log", nil, false},
		{"its own code", "lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:123456789012:function:parent", nil, false},

		{"the inventory stack", "cloudformation:CreateStack", inventoryStack, merged(withRole, map[string]string{
			"cloudformation:ResourceTypes": "AWS::SNS::Topic"}), true},
		{"the inventory stack with any resources", "cloudformation:CreateStack", inventoryStack, withRole, false},
		{"a role in the inventory stack", "cloudformation:UpdateStack", inventoryStack, merged(withRole,
			map[string]string{"cloudformation:ResourceTypes": "AWS::IAM::Role"}), false},
		{"tags of an update", "cloudformation:TagResource", permissionStack, map[string]string{
			"cloudformation:CreateAction": "UpdateStack", "aws:TagKeys": "permstack:parent"}, true},
		{"somebody's tag", "cloudformation:TagResource", permissionStack, map[string]string{
			"cloudformation:CreateAction": "UpdateStack", "aws:TagKeys": "access"}, false},
		{"tags by a change set", "cloudformation:TagResource", permissionStack, map[string]string{
			"cloudformation:CreateAction": "CreateChangeSet", "aws:TagKeys": "permstack:parent"}, false},
		{"as another function", "cloudformation:UpdateStack", permissionStack, merged(withRole, map[string]string{
			"lambda:SourceFunctionArn": checkerARN}), false},
	}))
}

// TestStackRoleRights checks what a malicious template of a permission stack could do.
func TestStackRoleRights(t *testing.T) {
	const (
		role    = "arn:aws:iam::123456789012:role/permstack/us-east-1/main/ClumioIAMRole-us-east-1-main"
		policy  = "arn:aws:iam::123456789012:policy/permstack/us-east-1/main/ClumioEC2BackupPolicy-us-east-1-main"
		profile = "arn:aws:iam::123456789012:instance-profile/permstack/us-east-1/main/" +
			"ClumioEC2MSSQLSSMInstanceRoleV2-us-east-1-main"
		instance = "arn:aws:iam::123456789012:role/permstack/us-east-1/main/ClumioEC2MSSQLSSMInstanceRoleV2-us-east-1-main"
		topic    = "arn:aws:sns:us-east-1:123456789012:ClumioEventPub-us-east-1-main"
		rule     = "arn:aws:events:us-east-1:123456789012:rule/ClumioEC2ApiRule-us-east-1-main"
		admin    = "arn:aws:iam::aws:policy/AdministratorAccess"
		boundary = "arn:aws:iam::123456789012:policy/Boundary"
	)
	attach := func(arn string) map[string]string { return map[string]string{"iam:PolicyARN": arn} }
	always := []request{
		{"its work", "iam:GetRole", role, nil, true},
		{"its work", "iam:CreatePolicy", policy, nil, true},
		{"its work", "iam:AddRoleToInstanceProfile", profile, nil, true},
		{"its work", "iam:PassRole", instance, map[string]string{"iam:PassedToService": "ec2.amazonaws.com"}, true},
		{"its work", "sns:CreateTopic", topic, nil, true},
		{"its work", "events:PutRule", rule, nil, true},

		{"an AWS policy", "iam:AttachRolePolicy", role, attach(admin), false},
		{"a policy of the account", "iam:AttachRolePolicy", role, attach("arn:aws:iam::123456789012:policy/Everything"),
			false},
		{"a policy from elsewhere", "iam:AttachRolePolicy", role,
			attach("arn:aws:iam::999999999999:policy/permstack/us-east-1/main/ClumioX-us-east-1-main"), false},
		{"no policy named", "iam:AttachRolePolicy", role, nil, false},
		{"somebody's role", "iam:PutRolePolicy", "arn:aws:iam::123456789012:role/Admin", nil, false},
		{"a role of that name elsewhere", "iam:PutRolePolicy",
			"arn:aws:iam::123456789012:role/other/ClumioIAMRole-us-east-1-main", nil, false},
		{"itself", "iam:PutRolePolicy", stackRole, nil, false},
		{"itself, where the stack has the vendor's name", "iam:PutRolePolicy",
			"arn:aws:iam::123456789012:role/permstack/us-east-1/main/installer/Clumio-us-east-1-StackRole-1", nil, false},
		{"its own trust", "iam:UpdateAssumeRolePolicy", stackRole, nil, false},
		{"a role of another Region", "iam:DeleteRole",
			"arn:aws:iam::123456789012:role/permstack/eu-west-1/main/ClumioIAMRole-eu-west-1-main", nil, false},
		{"a user", "iam:CreateUser", "arn:aws:iam::123456789012:user/x", nil, false},
		{"a key", "iam:CreateAccessKey", "arn:aws:iam::123456789012:user/x", nil, false},
		{"a service-linked role", "iam:CreateServiceLinkedRole", role, nil, false},
		{"its work in China", "iam:PassRole", instance, map[string]string{"iam:PassedToService": "ec2.amazonaws.com.cn"},
			true},
		{"another vendor's role", "iam:PutRolePolicy",
			"arn:aws:iam::123456789012:role/permstack/us-east-1/main/CPMRole-us-east-1-main", nil, false},
		{"another vendor's policy", "iam:CreatePolicyVersion",
			"arn:aws:iam::123456789012:policy/permstack/us-east-1/main/CPMPolicy-us-east-1-main", nil, false},
		{"a role to Lambda", "iam:PassRole", instance, map[string]string{"iam:PassedToService": "lambda.amazonaws.com"},
			false},
		{"the main role to EC2", "iam:PassRole", role, map[string]string{"iam:PassedToService": "ec2.amazonaws.com"}, false},
		{"somebody's topic", "sns:DeleteTopic", "arn:aws:sns:us-east-1:123456789012:Orders", nil, false},
		{"a message", "sns:Publish", topic, nil, false},
		{"somebody's rule", "events:DeleteRule", "arn:aws:events:us-east-1:123456789012:rule/Nightly", nil, false},
		{"data", "s3:GetObject", "arn:aws:s3:::bucket/key", nil, false},
		{"the vendor's role", "sts:AssumeRole", role, nil, false},
	}

	for boundary, given := range map[string]string{vendorCeiling: "", boundary: boundary} {
		t.Run(boundary, func(t *testing.T) {
			bound, err := resolveTemplate(t, "parent", map[string]string{"PermissionsBoundaryArn": given})
			if err != nil {
				t.Fatal(err)
			}
			within := map[string]string{"iam:PermissionsBoundary": boundary}
			both := map[string]string{"iam:PermissionsBoundary": boundary, "iam:PolicyARN": policy}
			checkDecisions(t, documents(t, bound, "StackRole"), append(slices.Clone(always), []request{
				{"its work", "iam:CreateRole", role, within, true},
				{"its work", "iam:PutRolePolicy", role, within, true},
				{"its work", "iam:PutRolePermissionsBoundary", role, within, true},
				{"its work", "iam:AttachRolePolicy", role, both, true},
				{"its work", "iam:DeleteRole", role, within, true},
				{"its work", "iam:DetachRolePolicy", role, both, true},
				{"the trust of a role without it", "iam:UpdateAssumeRolePolicy", role, nil, false},
				{"the session of a role without it", "iam:UpdateRole", role, nil, false},
				{"a role without it", "iam:DeleteRole", role, nil, false},
				{"a denial of a role without it", "iam:DeleteRolePolicy", role, nil, false},
				{"a policy of a role without it", "iam:DetachRolePolicy", role, attach(policy), false},
				{"a role without the boundary", "iam:CreateRole", role, nil, false},
				{
					"a role with another boundary",
					"iam:CreateRole",
					role,
					map[string]string{"iam:PermissionsBoundary": admin},
					false,
				},
				{"more for a role without it", "iam:PutRolePolicy", role, nil, false},
				{"a policy for a role without it", "iam:AttachRolePolicy", role, attach(policy), false},
				{"a tag of the customer's own policies", "iam:TagRole", role, map[string]string{"aws:TagKeys": "access"}, false},
				{"a new role with such a tag", "iam:CreateRole", role,
					map[string]string{"iam:PermissionsBoundary": boundary, "aws:TagKeys": "access"}, false},
				{"its work", "iam:TagRole", role, map[string]string{"aws:TagKeys": "permstack:parent"}, true},
				{"the boundary taken off", "iam:DeleteRolePermissionsBoundary", role, within, false},
				{"another boundary", "iam:PutRolePermissionsBoundary", role, map[string]string{"iam:PermissionsBoundary": admin},
					false},
				{"the text of the boundary", "iam:CreatePolicyVersion", vendorCeiling, nil, false},
				{"another version of the boundary", "iam:SetDefaultPolicyVersion", vendorCeiling, nil, false},
				{"the boundary is deleted", "iam:DeletePolicy", vendorCeiling, nil, false},
			}...))
		})
	}
}

// TestInfraRoleTrust checks which principals may assume the roles.
func TestInfraRoleTrust(t *testing.T) {
	b, err := resolveTemplate(t, "parent", nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, service := range map[string]string{"StackRole": "cloudformation.amazonaws.com",
		"ProvisionerRole": "lambda.amazonaws.com"} {
		t.Run(id, func(t *testing.T) {
			trust := document(t, properties(t, b, id)["AssumeRolePolicyDocument"])
			ask := func(p eval.Principal, from string) bool {
				d, _ := eval.Trust(trust, eval.Request{Principal: p, Action: "sts:AssumeRole", Resource: stackRole,
					Context: map[string][]string{"aws:SourceAccount": {from}}})
				return d == eval.Allow
			}
			if !ask(eval.Principal{Service: service}, account) {
				t.Errorf("%s cannot be assumed by %s", id, service)
			}
			if ask(eval.Principal{Service: "ec2.amazonaws.com"}, account) {
				t.Errorf("%s can be assumed by EC2", id)
			}
			if id == "StackRole" && ask(eval.Principal{Service: service}, "999999999999") {
				t.Errorf("%s can be assumed for another account", id)
			}
		})
	}
}
