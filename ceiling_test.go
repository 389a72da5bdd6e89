package permstack_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack"
	regions "permstack/internal/awsapi/region"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	choices "permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
)

// TestCeilingIsGenerated requires that template.yaml has the boundary that the catalogue results in.
func TestCeilingIsGenerated(t *testing.T) {
	got, err := launch.Generate(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, permstack.Template) {
		t.Error("template.yaml differs from the catalogue: run go run ./tools/release templates")
	}
}

// ceiling returns the boundary that the parent stack creates for a selection.
func ceiling(
	t *testing.T, template *cfntemplate.Template, sel policies.Selection, env policies.Environment, uuid string,
) iampolicy.Document {
	t.Helper()
	values := ceilingParameters(t, sel, env)
	b, err := template.ResolveParameters(cfntemplate.Environment{Parameters: values, Pseudo: cfntemplate.Pseudo{
		AccountID: env.Account, Region: env.Region, StackName: "parent",
		StackID: fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/parent/%s", env.Partition, env.Region, env.Account, uuid),
	}})
	if err != nil {
		t.Fatalf("%s: %v", choices.String(sel), err)
	}
	return document(t, properties(t, b, "VendorCeiling")["PolicyDocument"])
}

// ceilingParameters returns the parameters of a launch with a selection.
func ceilingParameters(t *testing.T, sel policies.Selection, env policies.Environment) map[string]string {
	t.Helper()
	values := map[string]string{
		"Profile": sel.Profile, "CatalogVersion": sel.CatalogVersion, "ConnectionId": env.ConnectionID,
		"ControlPlaneRoleArn": env.ControlPlaneRoleARN, "SupportControlPlaneRoleArn": env.SupportControlPlaneRoleARN,
		"DataPlaneAccountId": env.DataPlaneAccountID, "ExternalId": env.ExternalID,
	}
	if sel.CatalogVersion == "" {
		values["CatalogVersion"] = policies.Releases[len(policies.Releases)-1]
	}
	if sel.Preset != "" {
		values["Preset"] = sel.Preset
	}
	for asset, parameter := range questions(t) {
		values[parameter] = "no"
		if slices.Contains(sel.Assets, asset) {
			values[parameter] = "yes"
		}
	}
	var operations, options []string
	for _, o := range sel.Operations {
		operations = append(operations, string(o))
	}
	values["Operations"] = strings.Join(operations, ",")
	for _, o := range sel.Options {
		switch o {
		case "support-role":
			values["SupportRole"] = "yes"
		case "aws-backup-inventory":
			values["AWSBackupInventory"] = "yes"
		default:
			options = append(options, string(o))
		}
	}
	values["Options"] = strings.Join(options, ",")
	return values
}

// TestCeilingAllowsFlows requires that every call of every flow that a selection promises is allowed within the
// boundary, and that the boundary allows no action that no selection is granted.
func TestCeilingAllowsFlows(t *testing.T) {
	random := 10
	if policytest.Full() {
		random = 500
	}
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range policies.TemplateProfileNames() {
		for _, release := range policies.Releases {
			t.Run(name+"@"+release, func(t *testing.T) {
				offered, _ := policies.ProfileAt(name, release)
				sample := policytest.NewStratified(6) // one in 6 selections, and one of each set of assets
				for sel := range flows.Selections(offered, release, random) {
					if !sample.Includes(fmt.Sprint(sel.Assets), choices.String(sel)) {
						continue
					}
					for _, opened := range []bool{false, true} {
						env := choices.Example(sel, policies.Environment{
							Partition: "aws", Account: account, Region: region, ConnectionID: "prod", StackNames: []string{"stack"},
						})
						if opened {
							env.OtherAccounts = []string{"888899990000"}
						}
						set, err := policies.Synthesize(sel, env)
						if err != nil {
							if opened {
								continue
							}
							t.Fatal(err)
						}
						boundary := ceiling(t, template, sel, env, uuid)
						for _, r := range flows.Requests(set, flows.Promised(offered, flows.Get(name), sel, env), env) {
							q := eval.Request{Action: r.Action, Resource: r.Resource, Context: r.Context}
							if !r.Denied && eval.Role(r.Documents, &boundary, q).Decision != eval.Allow {
								t.Errorf("%s: %s on %s is refused, if the choice is %s", r.Flow, r.Action, r.Resource,
									choices.String(sel))
							}
						}
					}
				}
			})
		}
	}
}

// TestCeilingSize requires that the boundary of everything fits a managed policy in every partition, with the longest
// names.
func TestCeilingSize(t *testing.T) {
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range policies.TemplateProfileNames() {
		for _, release := range policies.Releases {
			for _, partition := range regions.PartitionIDs() {
				t.Run(name+"@"+release+" in "+partition, func(t *testing.T) {
					profile, _ := policies.ProfileAt(name, release)
					sel := choices.Everything(profile)
					sel.CatalogVersion = release
					place := ""
					for _, r := range regions.Names() {
						if p, _ := regions.Lookup(r); p.ID == partition && len(r) > len(place) {
							place = r
						}
					}
					env := choices.Example(sel, policies.Environment{
						Partition: partition, Account: account, Region: place, ConnectionID: strings.Repeat("c", 64),
					})
					d := ceiling(t, template, sel, env, uuid)
					if d.Size() > policies.MaxManagedPolicy {
						t.Errorf("got %d characters, want at most %d", d.Size(), policies.MaxManagedPolicy)
					}
					for _, st := range d.Statement {
						for _, a := range st.Action {
							if a == "" || len(actions.Matching(a)) == 0 {
								t.Errorf("%q matches no action of internal/iampolicy/actions/actions.txt: if the service is new there, "+
									"run IAM_DATA=PACKAGE go generate ./internal/iampolicy/reference", a)
							}
						}
					}
				})
			}
		}
	}
}

// TestTakenOverProvisioner attaches AdministratorAccess to the vendor's role, as somebody can who has taken over the
// function and its role, and requires that the boundary denies what the catalogue does not grant for the choice.
func TestTakenOverProvisioner(t *testing.T) {
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := iampolicy.Parse([]byte(allowEverything))
	if err != nil {
		t.Fatal(err)
	}
	own := "arn:aws:iam::" + account + ":role/permstack/us-east-1/main/"
	passed := func(service string) map[string]string { return map[string]string{"iam:PassedToService": service} }
	always := []request{
		{"a user", "iam:CreateUser", "arn:aws:iam::123456789012:user/x", nil, false},
		{"a key", "iam:CreateAccessKey", "arn:aws:iam::123456789012:user/x", nil, false},
		{"a role", "iam:CreateRole", "arn:aws:iam::123456789012:role/x", nil, false},
		{"a policy of a role", "iam:PutRolePolicy", "arn:aws:iam::123456789012:role/Admin", nil, false},
		{"a policy of its own role", "iam:PutRolePolicy", own + "ClumioIAMRole-us-east-1-main", nil, false},
		{"a trust policy", "iam:UpdateAssumeRolePolicy", "arn:aws:iam::123456789012:role/Admin", nil, false},
		{"the boundary is removed", "iam:DeleteRolePermissionsBoundary", own + "ClumioIAMRole-us-east-1-main", nil, false},
		{"the boundary is changed", "iam:CreatePolicyVersion", vendorCeiling, nil, false},
		{"another role", "sts:AssumeRole", "arn:aws:iam::123456789012:role/Admin", nil, false},
		{"a role to Lambda", "iam:PassRole", "arn:aws:iam::123456789012:role/Admin", passed("lambda.amazonaws.com"), false},
		{"a role to CloudFormation", "iam:PassRole", "arn:aws:iam::123456789012:role/Admin",
			passed("cloudformation.amazonaws.com"), false},
		{"a role to nobody in particular", "iam:PassRole", "arn:aws:iam::123456789012:role/Admin", nil, false},
		{"code", "lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:123456789012:function:x", nil, false},
		{"a key policy", "kms:PutKeyPolicy", "arn:aws:kms:us-east-1:123456789012:key/x", nil, false},
		{"a bucket policy", "s3:PutBucketPolicy", "arn:aws:s3:::bucket", nil, false},
		{"a grant to somebody", "kms:CreateGrant", "arn:aws:kms:us-east-1:123456789012:key/x", nil, false},
		{"a shell", "ssm:SendCommand", "arn:aws:ssm:us-east-1:123456789012:document/Any", nil, false},
		{"a session", "ssm:StartSession", "arn:aws:ec2:us-east-1:123456789012:instance/i-1", nil, false},
		{"the trail", "cloudtrail:StopLogging", "arn:aws:cloudtrail:us-east-1:123456789012:trail/x", nil, false},
		{"the organization", "organizations:LeaveOrganization", "*", nil, false},
	}
	volume := "arn:aws:ec2:us-east-1:123456789012:volume/v-1"
	for _, tc := range []struct {
		what, choice string
		requests     []request
	}{
		{"backup of EC2", "profile=clumio assets=ec2 operations=backup", []request{
			{"its work", "ec2:CreateSnapshot", volume, nil, true},
			{"a restore", "ec2:RunInstances", "arn:aws:ec2:us-east-1:123456789012:instance/*", nil, false},
			{"a volume is deleted", "ec2:DeleteVolume", volume, nil, false},
			{"another asset", "rds:CreateDBSnapshot", "arn:aws:rds:us-east-1:123456789012:snapshot:x", nil, false},
			{"another asset", "dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/x", nil, false},
			{"data", "s3:GetObject", "arn:aws:s3:::bucket/key", nil, false},
			{"a role to EC2", "iam:PassRole", "arn:aws:iam::123456789012:role/Admin", passed("ec2.amazonaws.com"), false},
		}},
		{"EC2", "profile=clumio assets=ec2", []request{
			{"its work", "ec2:RunInstances", "arn:aws:ec2:us-east-1:123456789012:instance/*", nil, true},
			{"a role to EC2", "iam:PassRole", "arn:aws:iam::123456789012:role/App", passed("ec2.amazonaws.com"), true},
			{"a role to RDS", "iam:PassRole", "arn:aws:iam::123456789012:role/App", passed("rds.amazonaws.com"), false},
		}},
		{"everything of release 1", "profile=clumio release=1 assets=ec2,ec2-mssql,rds,dynamodb,s3", []request{
			{"Iceberg", "glue:UpdateTable", "arn:aws:glue:us-east-1:123456789012:table/d/t", nil, false},
		}},
		{"DynamoDB of cpm", "profile=cpm assets=dynamodb operations=backup", []request{
			{"its work", "dynamodb:CreateBackup", "arn:aws:dynamodb:us-east-1:123456789012:table/x", nil, true},
			{"a recovery", "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/x", nil, false},
			{"a network", "ec2:CreateVpc", "*", nil, false},
			{"a secret", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:x", nil,
				false},
		}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			sel := ceilingSelection(tc.choice)
			env := choices.Example(sel, policies.Environment{
				Partition: "aws", Account: account, Region: region, ConnectionID: "main",
			})
			boundary := ceiling(t, template, sel, env, uuid)
			for _, r := range slices.Concat(always, tc.requests) {
				q := eval.Request{Action: r.action, Resource: r.resource, Context: map[string][]string{}}
				for k, v := range r.context {
					q.Context[k] = []string{v}
				}
				if got := eval.Role([]iampolicy.Document{admin}, &boundary, q); (got.Decision == eval.Allow) != r.allowed {
					t.Errorf("%s: %s on %s: %s", r.what, r.action, r.resource, got.Decision)
				}
			}
		})
	}
}

// ceilingSelection parses "profile=P release=R assets=a,b operations=o,p".
func ceilingSelection(text string) policies.Selection {
	var sel policies.Selection
	for field := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "profile":
			sel.Profile = value
		case "release":
			sel.CatalogVersion = value
		case "assets":
			for v := range strings.SplitSeq(value, ",") {
				sel.Assets = append(sel.Assets, schema.Asset(v))
			}
		case "operations":
			for v := range strings.SplitSeq(value, ",") {
				sel.Operations = append(sel.Operations, schema.Operation(v))
			}
		}
	}
	return sel
}
