package permstack_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// cpmLife is a stack of profile cpm, from template.yaml.
type cpmLife struct {
	world
	cfn     *cloudformation.Client
	iam     *iam.Client
	outputs map[string]string
}

const (
	cpmServer = "arn:aws:iam::111122223333:role/Server"
	cpmName   = "CPMRole-us-east-1-main"
)

func cpmValues(more map[string]string) []types.Parameter {
	var out []types.Parameter
	for k, v := range cpmParameters(more) {
		out = append(out, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(v)})
	}
	return out
}

func (l *cpmLife) update(more map[string]string) {
	l.t.Helper()
	_, err := l.cfn.UpdateStack(l.t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("backup"), UsePreviousTemplate: aws.Bool(true), Parameters: cpmValues(more),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.outputs = l.settled(account, region, "backup", "UPDATE_COMPLETE")
}

// actions are those of the policies that a role has.
func (l *cpmLife) actions(role string) []string {
	l.t.Helper()
	var documents []string
	attached, err := l.iam.ListAttachedRolePolicies(l.t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, a := range attached.AttachedPolicies {
		p, err := l.iam.GetPolicy(l.t.Context(), &iam.GetPolicyInput{PolicyArn: a.PolicyArn})
		if err != nil {
			l.t.Fatal(err)
		}
		v, err := l.iam.GetPolicyVersion(l.t.Context(), &iam.GetPolicyVersionInput{PolicyArn: a.PolicyArn, VersionId: p.Policy.DefaultVersionId})
		if err != nil {
			l.t.Fatal(err)
		}
		documents = append(documents, *v.PolicyVersion.Document)
	}
	var out []string
	for _, text := range documents {
		out = append(out, l.document(text).Actions()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// document reads a policy as IAM sends it.
func (l *cpmLife) document(text string) iampolicy.Document {
	l.t.Helper()
	var doc iampolicy.Document
	plain, err := url.QueryUnescape(text)
	if err == nil {
		err = json.Unmarshal([]byte(plain), &doc)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return doc
}

// granted wants what the catalogue says for a choice, and no role beside.
func (l *cpmLife) granted(sel policies.Selection, controlPlane string) {
	l.t.Helper()
	sel.Profile = "cpm"
	set, err := policies.Synthesize(sel, policies.Environment{Partition: "aws", Account: account, Region: region, ControlPlaneRoleARN: controlPlane})
	if err != nil {
		l.t.Fatal(err)
	}
	var want, have []string
	for _, r := range set.Roles {
		want = append(want, r.Name)
		var actions []string
		for _, p := range r.Managed {
			actions = append(actions, p.Document.Actions()...)
		}
		slices.Sort(actions)
		if len(r.Managed) > 0 && !slices.Equal(l.actions(r.Name), slices.Compact(actions)) {
			l.t.Errorf("%s has not what the catalogue says", r.Name)
		}
	}
	roles, err := l.iam.ListRoles(l.t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/permstack/")})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range roles.Roles {
		if *r.Path == "/permstack/" {
			have = append(have, *r.RoleName)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		l.t.Errorf("the roles are %q, want %q", have, want)
	}
}

// look runs the drift check and gives the subjects of what it told.
func (l *cpmLife) look() []string {
	l.t.Helper()
	before := len(l.SNS().Messages(l.outputs["AlertTopicArn"]))
	result, err := l.Functions.Invoke(l.t.Context(), lambda.Resolve(account, region, l.outputs["DriftFunction"]), []byte("{}"))
	if err != nil || result.FunctionError != "" {
		l.t.Fatalf("the drift check: %v %s", err, result.Payload)
	}
	var looked monitor.Result
	if err := json.Unmarshal(result.Payload, &looked); err != nil {
		l.t.Fatal(err)
	}
	var subjects []string
	for _, m := range l.SNS().Messages(l.outputs["AlertTopicArn"])[before:] {
		subjects = append(subjects, m.Subject)
		if strings.Contains(m.Body, "could not be read") {
			l.t.Errorf("the check could not read something: %s", m.Body)
		}
	}
	return subjects
}

// TestLifeOfCPM launches cpm, changes every kind of choice, tampers with it, and
// deletes it.
func TestLifeOfCPM(t *testing.T) {
	w := newWorld(t)
	cfg := w.Config(account, region)
	l := &cpmLife{world: w, cfn: w.cfn(account, region), iam: iam.NewFromConfig(cfg)}
	create := func(more map[string]string) error {
		_, err := l.cfn.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: aws.String("backup"), TemplateBody: aws.String(string(permstack.Template)), Parameters: cpmValues(more),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		return err
	}
	for _, wrong := range []map[string]string{
		{"Operations": "restore"}, {"Options": "release=3.0"}, {"Options": "trust=server-role"}, {"ProtectEC2MSSQL": "yes"}, {"ProtectEC2": "no"},
	} {
		if err := create(wrong); err == nil {
			t.Fatalf("%v is taken", wrong)
		}
	}
	l.empty(account, region)

	if err := create(map[string]string{"Preset": "enterprise"}); err != nil {
		t.Fatal(err)
	}
	l.outputs = l.settled(account, region, "backup", "CREATE_COMPLETE")
	l.granted(policies.Selection{Preset: "enterprise"}, "")
	if want := "arn:aws:iam::" + account + ":role/permstack/" + cpmName; l.outputs["RoleArn"] != want {
		t.Errorf("RoleArn is %q", l.outputs["RoleArn"])
	}
	if _, there := l.outputs["EventTopicArn"]; there {
		t.Error("there is a topic that nobody listens to")
	}
	profiles := func() (names []string) {
		out, err := l.iam.ListInstanceProfilesForRole(t.Context(), &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String(cpmName)})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.InstanceProfiles {
			names = append(names, *p.InstanceProfileName)
		}
		return names
	}
	if got := profiles(); !slices.Equal(got, []string{"CPMInstanceProfile-us-east-1-main"}) {
		t.Errorf("instance profiles %q", got)
	}

	l.update(map[string]string{"Preset": "enterprise", "Options": "release=4.2,kms-user=admin"})
	l.granted(policies.Selection{Preset: "enterprise", Options: []schema.Option{"release=4.2", "kms-user=admin"}}, "")
	l.update(map[string]string{"Preset": "minimal"})
	l.granted(policies.Selection{Preset: "minimal"}, "")
	l.update(map[string]string{"ProtectRDS": "yes", "ProtectSAPHANA": "yes", "Operations": "backup,recovery", "Options": "trust=server-role", "ControlPlaneRoleArn": cpmServer})
	l.granted(policies.Selection{
		Assets: []schema.Asset{"ec2", "rds", "sap-hana"}, Operations: []schema.Operation{"backup", "recovery"}, Options: []schema.Option{"trust=server-role"},
	}, cpmServer)
	if got := profiles(); len(got) != 0 {
		t.Errorf("instance profiles %q of a role that no instance takes", got)
	}
	role, err := l.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(cpmName)})
	if err != nil || !strings.Contains(*role.Role.AssumeRolePolicyDocument, url.QueryEscape(cpmServer)) {
		t.Errorf("the trust is %v, %v", role, err)
	}

	if told := l.look(); len(told) != 0 {
		t.Errorf("nothing was changed by hand, and told is %q", told)
	}
	attach := func() {
		t.Helper()
		if _, err := l.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String(cpmName), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}); err != nil {
			t.Fatal(err)
		}
	}
	attach()
	if told := l.look(); len(told) != 1 || !strings.Contains(told[0], "GRANTS MORE") {
		t.Errorf("told is %q", told)
	}
	l.update(map[string]string{"Preset": "enterprise", "OnDrift": "revert"})
	l.look()
	attach()
	if told := l.look(); len(told) != 1 { // that it was found and taken off
		t.Errorf("told is %q", told)
	}
	if slices.Contains(l.actions(cpmName), "*") {
		t.Error("the policy that somebody attached is still there")
	}
	l.granted(policies.Selection{Preset: "enterprise"}, "")

	// The profile stays: what is there is not within the rights of another.
	_, err = l.cfn.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("backup"), UsePreviousTemplate: aws.Bool(true), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Parameters: cpmValues(map[string]string{"Profile": "clumio", "ControlPlaneRoleArn": cpmServer, "ExternalId": "example", "ConnectionId": "main"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.outputs = l.settled(account, region, "backup", "UPDATE_ROLLBACK_COMPLETE")
	l.granted(policies.Selection{Preset: "enterprise"}, "")

	if _, err := l.cfn.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("backup")}); err != nil {
		t.Fatal(err)
	}
	l.settled(account, region, "backup", "DELETE_COMPLETE")
	l.empty(account, region)
}
