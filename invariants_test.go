package permstack_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
)

// launchTemplates returns the templates that a customer may launch, with valid parameters.
func launchTemplates(t *testing.T) map[string]map[string]string {
	t.Helper()
	member := map[string]string{"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "example"}
	values := map[string]map[string]string{
		"template.yaml":               member,
		"templates/launch-stack.yaml": member,
		"templates/aws-backup.yaml":   {},
		"templates/clumio.yaml":       member,
		"templates/cpm.yaml":          {"Preset": "none", "ProtectEC2": "yes", "AllowBackup": "yes"},
		"templates/veeam.yaml":        {"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control"},
		"templates/stackset.yaml": {
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "example",
			"OrganizationalUnitIds": "r-ab12", "Regions": "us-east-1",
		},
		"templates/aws-backup-stackset.yaml": {"OrganizationalUnitIds": "r-ab12", "Regions": "us-east-1"},
		"templates/clumio-stackset.yaml": {
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "example",
			"OrganizationalUnitIds": "r-ab12", "Regions": "us-east-1",
		},
		"templates/cpm-stackset.yaml": {
			"Preset": "none", "ProtectEC2": "yes", "AllowBackup": "yes", "OrganizationalUnitIds": "r-ab12",
			"Regions": "us-east-1",
		},
		"templates/veeam-stackset.yaml": {
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "OrganizationalUnitIds": "r-ab12",
			"Regions": "us-east-1",
		},
		"templates/org-hub.yaml":    {"OrganizationId": "o-a1b2c3d4e5"},
		"templates/iam-events.yaml": {"TargetRegion": "eu-central-1"},
	}
	files, err := filepath.Glob("templates/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if values[filepath.ToSlash(f)] == nil {
			t.Errorf("%s is not tested here: add valid parameters", f)
		}
	}
	return values
}

// resolved evaluates a template, with the further values that it has parameters for.
func resolveFile(t *testing.T, path string, values, more map[string]string) *cfntemplate.Resolved {
	t.Helper()
	template, err := parsed(read(t, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	all := map[string]string{}
	for k, v := range values {
		all[k] = v
	}
	for k, v := range more {
		if template.Parameter(k) != nil {
			all[k] = v
		}
	}
	b, err := template.ResolveParameters(cfntemplate.Environment{Parameters: all, Pseudo: cfntemplate.Pseudo{
		AccountID: account, Region: region, StackName: "parent",
		StackID: fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/parent/%s", region, account, uuid),
	}})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}

const (
	teamBoundary = "arn:aws:iam::123456789012:policy/Boundary"
	hubTopic     = "arn:aws:sns:eu-west-1:999999999999:org-Topic"
)

// TestInvariants checks every role, function, log and queue of every template.
func TestInvariants(t *testing.T) {
	choices := map[string]map[string]string{
		"as it comes": nil,
		"everything": {
			"RolePath": "/team/backup/", "PermissionsBoundaryArn": teamBoundary,
			"InstallerPermissionsBoundaryArn": teamBoundary, "ResourceTags": "team=storage",
			"OnDrift":        "revert",
			"OrgHubTopicArn": hubTopic, "NotificationEmail": "security@example.com", "EmailAddress": "security@example.com",
			"AlertKeyArn": "arn:aws:kms:us-east-1:123456789012:key/" + uuid,
		},
	}
	cpm := maps.Clone(choices["everything"])
	maps.Copy(cpm, cpmParameters(map[string]string{"Preset": "enterprise", "Options": "trust=instance-role"}))
	choices["everything, for cpm"] = cpm
	for path, values := range launchTemplates(t) {
		template, err := parsed(read(t, path))
		if err != nil {
			t.Fatal(err)
		}
		for choice, more := range choices {
			if more["Profile"] != "" && template.Parameter("Profile") == nil { // it has one profile or none
				continue
			}
			t.Run(path+" "+choice, func(t *testing.T) {
				b := resolveFile(t, path, values, more)
				for _, r := range b.Active() {
					p := properties(t, b, r.LogicalID)
					switch r.Type {
					case "AWS::IAM::Role":
						checkRole(t, r.LogicalID, p, more)
					case "AWS::Lambda::Function":
						checkFunction(t, r.LogicalID, p)
					case "AWS::Lambda::EventInvokeConfig":
						if r.LogicalID == "ProvisionerInvokeConfig" && cfntemplate.Text(p["MaximumRetryAttempts"]) != "0" {
							t.Errorf("%s has retries, want none", r.LogicalID)
						}
					case "AWS::Logs::LogGroup":
						if p["RetentionInDays"] == nil || r.DeletionPolicy != "Delete" {
							t.Errorf("%s is kept for ever, or after the stack is deleted", r.LogicalID)
						}
					case "AWS::SQS::Queue":
						if p["SqsManagedSseEnabled"] != true && p["KmsMasterKeyId"] == nil {
							t.Errorf("%s is not encrypted", r.LogicalID)
						}
					case "AWS::IAM::ManagedPolicy":
						if p["Roles"] != nil || p["Users"] != nil || p["Groups"] != nil {
							t.Errorf("%s is attached, want the attachment in the role", r.LogicalID)
						}
						if r.LogicalID != "VendorCeiling" {
							checkPolicy(t, policyRoles[r.LogicalID], rolePath(more), p["PolicyDocument"])
						}
					case "AWS::IAM::RolePolicy":
						if p["RoleName"] != policyRoles[r.LogicalID] {
							t.Errorf("%s is the policy of %v", r.LogicalID, p["RoleName"])
						}
						checkPolicy(t, policyRoles[r.LogicalID], rolePath(more), p["PolicyDocument"])
					case "AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::Group":
						t.Errorf("%s: a %s is not allowed in these templates", r.LogicalID, r.Type)
					case "Custom::PermissionStack":
						if p["ServiceTimeout"] == nil || len(r.DependsOn) == 0 {
							t.Errorf("%s has no ServiceTimeout or does not wait for the function's configuration", r.LogicalID)
						}
					}
				}
			})
		}
	}
}

func checkFunction(t *testing.T, id string, p map[string]any) {
	t.Helper()
	logging, _ := p["LoggingConfig"].(map[string]any)
	if logging["LogGroup"] == nil || p["Timeout"] == nil || p["Runtime"] != "provided.al2023" || p["VpcConfig"] != nil {
		t.Errorf("function %s: %v", id, p)
	}
}

// checkRole checks what must be true of every role.
func checkRole(t *testing.T, id string, p map[string]any, more map[string]string) {
	t.Helper()
	path := rolePath(more)
	below := "us-east-1/main/installer/"
	if id == "ForwardRole" { // of no connection
		below = "events/"
	}
	if p["Path"] != path+below {
		t.Errorf("%s has the path %v", id, p["Path"])
	}
	boundary, has := more["InstallerPermissionsBoundaryArn"]
	if got, set := p["PermissionsBoundary"]; set != has || has && got != boundary {
		t.Errorf("%s has the boundary %v", id, got)
	}
	if tags, _ := p["Tags"].([]any); (len(tags) > 0) != (more["ResourceTags"] != "") && id != "ForwardRole" {
		t.Errorf("%s has the tags %v", id, tags)
	}
	attached, _ := p["ManagedPolicyArns"].([]any)
	for _, arn := range attached {
		if policyRoles[fmt.Sprint(arn)] != id {
			t.Errorf("%s has the policy %v", id, arn)
		}
	}
	if p["RoleName"] != nil {
		t.Errorf("%s has a name of its own", id)
	}
	for _, s := range document(t, p["AssumeRolePolicyDocument"]).Statement {
		if s.Principal == nil || s.Principal.Everyone || len(s.Principal.ByType) != 1 ||
			len(s.Principal.ByType["Service"]) != 1 {
			t.Errorf("%s can be taken by %+v", id, s.Principal)
		}
	}
	inline, _ := p["Policies"].([]any)
	for _, policy := range inline {
		checkPolicy(t, id, path, policy.(map[string]any)["PolicyDocument"])
	}
}

// rolePath returns the value of RolePath in a choice.
func rolePath(more map[string]string) string { return cmp.Or(more["RolePath"], "/permstack/") }

func checkPolicy(t *testing.T, role, path string, value any) {
	t.Helper()
	for _, s := range document(t, value).Statement {
		checkStatement(t, role, path, s)
	}
}

// unbounded lists the actions that support no resource, each with its reason in the
// template.
var unbounded = []string{
	"cloudformation:BatchDescribeTypeConfigurations", "cloudformation:ListStacks", "cloudtrail:LookupEvents",
	"iam:ListRoles",
	"lambda:ListEventSourceMappings", "logs:DescribeIndexPolicies", "logs:DescribeLogGroups",
	"logs:DescribeResourcePolicies", "sns:GetSubscriptionAttributes",
}

// accountARN is an ARN that ends at this account, or at AWS's own policies.
var accountARN = regexp.MustCompile(`^arn:aws:[a-z0-9]+:[a-z0-9-]*:(` + account + `|aws):.+`)

func checkStatement(t *testing.T, id, path string, s iampolicy.Statement) {
	t.Helper()
	what := id + " " + s.Sid
	if s.Sid == "" || s.Effect != "Allow" || s.NotAction != nil || s.NotResource != nil || len(s.Action) == 0 ||
		len(s.Resource) == 0 {
		t.Errorf("%s is %+v", what, s)
	}
	for _, action := range s.Action {
		service, name, _ := strings.Cut(action, ":")
		if strings.ContainsAny(action, "*?") {
			t.Errorf("%s allows the pattern %s", what, action)
		}
		for _, resource := range s.Resource {
			hub := strings.Contains(resource, ":999999999999:") &&
				slices.Contains([]string{"sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"}, action)
			switch {
			case resource == "*":
				if !slices.Contains(unbounded, action) {
					t.Errorf("%s allows %s on everything", what, action)
				}
			case !accountARN.MatchString(resource) && !hub:
				t.Errorf("%s allows %s on %s", what, action, resource)
			case action == "iam:PassRole" && resource == stackRole: // as arns names it, whatever the path
			case service == "iam" && !isReadOnly(name) && !strings.Contains(resource, path):
				t.Errorf("%s allows %s beside our path, on %s", what, action, resource)
			case service == "cloudformation" && !isReadOnly(name) && !strings.Contains(resource, ":stack/parent-permstack-") &&
				!strings.Contains(resource, "-"+uuid+"-permstack-"):
				t.Errorf("%s allows %s on stacks that are not permission stacks: %s", what, action, resource)
			}
		}
		checkCondition(t, what, action, s)
	}
}

// isReadOnly reports whether an action changes nothing.
func isReadOnly(name string) bool {
	for _, verb := range []string{"Get", "List", "Describe", "BatchDescribe", "Detect"} {
		if strings.HasPrefix(name, verb) {
			return true
		}
	}
	return false
}

// checkCondition checks the actions that may only be allowed with a condition.
func checkCondition(t *testing.T, what, action string, s iampolicy.Statement) {
	t.Helper()
	has := func(key string) bool {
		for operator, keys := range s.Condition {
			if len(keys[key]) > 0 && !strings.HasSuffix(operator, "IfExists") && !strings.Contains(operator, "Not") {
				return true
			}
		}
		return false
	}
	needs := map[string][]string{
		"iam:PassRole": {"iam:PassedToService"}, "iam:AttachRolePolicy": {"iam:PolicyARN"},
		"cloudformation:CreateStack": {"cloudformation:RoleArn"}, "cloudformation:UpdateStack": {"cloudformation:RoleArn"},
		"cloudformation:DeleteStack": {"cloudformation:RoleArn"},
	}[action]
	if slices.Contains([]string{"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy",
		"iam:PutRolePermissionsBoundary"}, action) {
		needs = append(needs, "iam:PermissionsBoundary")
	}
	for _, key := range needs {
		if !has(key) {
			t.Errorf("%s allows %s without a condition on %s", what, action, key)
		}
	}
	never := regexp.MustCompile(`^(sts:AssumeRole|iam:(Create|Update)(User|Group|LoginProfile|AccessKey|ServiceLinkedRole).*|iam:Attach(User|Group)Policy|iam:Put(User|Group)Policy|iam:DeleteRolePermissionsBoundary|lambda:(Update|Create|AddPermission|Invoke).*|kms:(Put|Create|Schedule).*|logs:CreateLogGroup|organizations:.*)$`)
	if never.MatchString(action) {
		t.Errorf("%s allows %s", what, action)
	}
}

// TestDriftRights checks the drift function, in case somebody takes it over.
func TestDriftRights(t *testing.T) {
	const (
		role  = "arn:aws:iam::123456789012:role/permstack/us-east-1/main/ClumioIAMRole-us-east-1-main"
		topic = "arn:aws:sns:us-east-1:123456789012:permstack-alerts-" + uuid
	)
	never := []request{
		{"its work", "iam:GetRole", role, nil, true},
		{"its work", "cloudformation:DetectStackResourceDrift", permissionStack, nil, true},
		{"its work", "sns:Publish", topic, nil, true},
		{"a policy for the vendor's role", "iam:PutRolePolicy", role, nil, false},
		{"a policy for the vendor's role", "iam:AttachRolePolicy", role,
			map[string]string{"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}, false},
		{"its own role", "iam:DeleteRolePolicy", strings.Replace(stackRole, "StackRole", "DriftRole", 1), nil, false},
		{"the trust", "iam:UpdateAssumeRolePolicy", role, nil, false},
		{"the vendor's role", "sts:AssumeRole", role, nil, false},
		{"the stack role", "iam:PassRole", stackRole,
			map[string]string{"iam:PassedToService": "cloudformation.amazonaws.com"}, false},
		{"its parent", "cloudformation:UpdateStack", "arn:aws:cloudformation:us-east-1:123456789012:stack/parent/" + uuid,
			nil, false},
		{"its parent, by change set", "cloudformation:CreateChangeSet",
			"arn:aws:cloudformation:us-east-1:123456789012:stack/parent/" + uuid, nil, false},
		{"somebody's stack", "cloudformation:GetTemplate", otherStack, nil, false},
		{"somebody's stack, by change set", "cloudformation:CreateChangeSet", otherStack, nil, false},
		{"somebody's topic", "sns:Publish", "arn:aws:sns:us-east-1:123456789012:Orders", nil, false},
		{"a subscription", "sns:Subscribe", topic, nil, false},
		{"a parameter", "ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/database/password", nil, false},
		{"data", "s3:GetObject", "arn:aws:s3:::bucket/key", nil, false},
		{"somebody's key", "kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/" + uuid, nil, false},
	}
	only := func(more map[string]string, requests ...request) {
		t.Helper()
		b, err := resolveTemplate(t, "parent", more)
		if err != nil {
			t.Fatal(err)
		}
		checkDecisions(t, documents(t, b, "DriftRole"), calledBy(checkerARN, append(slices.Clone(never), requests...)))
	}
	only(nil,
		request{"taking back", "iam:DetachRolePolicy", role, nil, false},
		request{"taking back", "iam:DeleteRolePolicy", role, nil, false},
		request{"taking back", "cloudformation:ExecuteChangeSet", permissionStack, nil, false},
		request{"the Organization's topic", "sns:Publish", hubTopic, nil, false})
	only(map[string]string{"OnDrift": "revert"},
		request{"taking back", "iam:DetachRolePolicy", role, nil, true},
		request{"taking back", "cloudformation:ExecuteChangeSet", permissionStack,
			map[string]string{"cloudformation:ChangeSetName": "permstack-revert-1"}, true},
		request{"somebody's change set", "cloudformation:ExecuteChangeSet", permissionStack,
			map[string]string{"cloudformation:ChangeSetName": "release"}, false})
	key := "arn:aws:kms:eu-west-1:999999999999:key/" + uuid
	for _, context := range []string{hubTopic, "arn:aws:sns:eu-west-1:999999999999:another"} {
		only(map[string]string{"OrgHubTopicArn": hubTopic},
			request{"the Organization's topic", "sns:Publish", hubTopic, nil, true},
			request{"its key, for another topic", "kms:GenerateDataKey", key,
				map[string]string{"kms:EncryptionContext:aws:sns:topicArn": context}, context == hubTopic})
	}
}
