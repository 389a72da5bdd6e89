package permstack_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

const (
	cpmServer = "arn:aws:iam::111122223333:role/Server"
	cpmRole   = "CPMRole-us-east-1-main"
)

// cpmStack is a stack of profile cpm, from template.yaml.
type cpmStack struct {
	*fakeawstest.Stack
	t *testing.T
}

// launchCPM launches template.yaml for profile cpm.
func launchCPM(t *testing.T, account *fakeawstest.Account, more map[string]string) *cpmStack {
	t.Helper()
	return &cpmStack{account.Launch(fakeawstest.Launch{Parameters: cpmLaunch(more)}), t}
}

// cpmLaunch returns the parameters of a launch for cpm.
func cpmLaunch(more map[string]string) map[string]string {
	return cpmParameters(merged(map[string]string{"DataPlaneAccountId": ""}, more))
}

func (s *cpmStack) update(more map[string]string) {
	s.t.Helper()
	s.Update(cpmLaunch(more))
}

// attachedActions returns the actions of a role's managed policies, sorted.
func (s *cpmStack) attachedActions(role string) []string {
	s.t.Helper()
	var out []string
	for _, arn := range s.AttachedPolicies(role) {
		p, err := s.Live.ReadPolicy(s.t.Context(), arn)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, p.Document.Actions()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// requireGranted requires exactly the roles and actions of the catalogue.
func (s *cpmStack) requireGranted(sel policies.Selection, controlPlane string) {
	s.t.Helper()
	sel.Profile = "cpm"
	set, err := policies.Synthesize(sel, policies.Environment{
		Partition: "aws", Account: account, Region: region, ControlPlaneRoleARN: controlPlane,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var want, got []string
	for _, r := range set.Roles {
		want = append(want, r.Name)
		var actions []string
		for _, p := range r.Managed {
			actions = append(actions, p.Document.Actions()...)
		}
		slices.Sort(actions)
		if attached := s.attachedActions(r.Name); len(r.Managed) > 0 && !slices.Equal(attached, slices.Compact(actions)) {
			s.t.Errorf("role %s: its actions differ from the catalogue's", r.Name)
		}
	}
	roles, err := s.Live.Roles(s.t.Context(), "/permstack/us-east-1/main/")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range roles {
		if r.Path == "/permstack/us-east-1/main/" {
			got = append(got, r.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.t.Errorf("roles: got %q, want %q", got, want)
	}
}

// instanceProfiles returns the names of the role's instance profiles.
func (s *cpmStack) instanceProfiles() []string {
	s.t.Helper()
	in := &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String(cpmRole)}
	out, err := s.IAM.ListInstanceProfilesForRole(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, p := range out.InstanceProfiles {
		names = append(names, *p.InstanceProfileName)
	}
	return names
}

// checkDrift runs the drift check and returns the subjects of the messages since
// the last call.
func (s *cpmStack) checkDrift() []string {
	s.t.Helper()
	s.CheckDrift()
	var subjects []string
	for _, m := range s.Messages() {
		subjects = append(subjects, m.Subject)
		if len(m.NotReached) > 0 || strings.Contains(m.Email, "could not be read") {
			s.t.Errorf("the drift check could not read a resource: %s", m.Email)
		}
	}
	return subjects
}

func TestCPMLaunchRefused(t *testing.T) {
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	for name, values := range map[string]map[string]string{
		"operation of clumio":    {"Operations": "restore"},
		"unknown release":        {"Options": "release=3.0"},
		"no role for the server": {"Options": "trust=server-role"},
		"asset of clumio":        {"ProtectEC2MSSQL": "yes"},
		"no asset":               {"ProtectEC2": "no"},
	} {
		t.Run(name, func(t *testing.T) {
			account := account.For(t)
			if _, err := account.Create(fakeawstest.Launch{Parameters: cpmLaunch(values)}); err == nil {
				t.Error("the stack is created, want an error")
			}
			account.RequireEmpty()
		})
	}
}

// TestCPMScenario launches cpm, changes every kind of choice, tampers with the
// role and deletes the stack.
func TestCPMScenario(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	s := launchCPM(t, account, map[string]string{"Preset": "enterprise"})
	s.requireGranted(policies.Selection{Preset: "enterprise"}, "")
	want := "arn:aws:iam::" + account.ID + ":role/permstack/us-east-1/main/" + cpmRole
	if got := s.Outputs["RoleArn"]; got != want {
		t.Errorf("output RoleArn: got %q, want %q", got, want)
	}
	if topic, ok := s.Outputs["EventTopicArn"]; ok {
		t.Errorf("output EventTopicArn: got %s, want none: cpm subscribes to no topic", topic)
	}
	if got, want := s.instanceProfiles(), []string{"CPMInstanceProfile-us-east-1-main"}; !slices.Equal(got, want) {
		t.Errorf("instance profiles: got %q, want %q", got, want)
	}
	s.Messages()

	s.update(map[string]string{"Preset": "enterprise", "Options": "release=4.2,kms-user=admin"})
	s.requireGranted(policies.Selection{
		Preset: "enterprise", Options: []schema.Option{"release=4.2", "kms-user=admin"},
	}, "")
	s.update(map[string]string{"Preset": "minimal"})
	s.requireGranted(policies.Selection{Preset: "minimal"}, "")
	s.update(map[string]string{
		"ProtectRDS": "yes", "ProtectSAPHANA": "yes", "Operations": "backup,recovery",
		"Options": "trust=server-role", "ControlPlaneRoleArn": cpmServer,
	})
	s.requireGranted(policies.Selection{
		Assets: []schema.Asset{"ec2", "rds", "sap-hana"}, Operations: []schema.Operation{"backup", "recovery"},
		Options: []schema.Option{"trust=server-role"},
	}, cpmServer)
	if got := s.instanceProfiles(); len(got) != 0 {
		t.Errorf("instance profiles with trust=server-role: got %q, want none", got)
	}
	if trust := s.Role(cpmRole).Trust; !strings.Contains(trust, cpmServer) {
		t.Errorf("trust policy: got %s, want %s in it", trust, cpmServer)
	}

	s.testTampering()
	s.testProfileChange()
	s.Delete()
	s.RequireEmpty()
}

// TestCPMExternalID launches cpm with trust=server-role, with and without the optional
// external ID, which CloudFormation does not return. No launch is drift, and a trust
// policy that was widened is.
func TestCPMExternalID(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	for name, tc := range map[string]struct{ id, old, widened string }{
		"with":    {"example", `"Condition":{"StringEquals":{"sts:ExternalId":"example"}},`, ""},
		"without": {"", cpmServer, "arn:aws:iam::999988887777:role/Server"},
	} {
		t.Run(name, func(t *testing.T) {
			s := launchCPM(t, account.For(t), map[string]string{
				"Options": "trust=server-role", "ControlPlaneRoleArn": cpmServer, "ExternalId": tc.id,
			})
			s.Messages()
			if got := s.checkDrift(); len(got) != 0 {
				t.Errorf("messages after the launch: got %q, want none", got)
			}
			trust := s.Role(cpmRole).Trust
			if strings.Contains(trust, "sts:ExternalId") != (tc.id != "") {
				t.Fatalf("trust policy: got %s", trust)
			}
			widened := strings.Replace(trust, tc.old, tc.widened, 1)
			if widened == trust {
				t.Fatalf("trust policy %s does not contain %s", trust, tc.old)
			}
			_, err := s.IAM.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
				RoleName: aws.String(cpmRole), PolicyDocument: &widened,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.checkDrift(); len(got) != 1 || !strings.Contains(got[0], "GRANTS MORE: 1 new") {
				t.Errorf("messages after the change: got %q, want one that contains GRANTS MORE: 1 new", got)
			}
			s.forgeAccess()
			if got := s.checkDrift(); len(got) != 1 || !strings.Contains(got[0], "GRANTS MORE") {
				t.Errorf("messages after the template was replaced: got %q, want one that contains GRANTS MORE", got)
			}
			s.Delete()
			s.RequireEmpty()
		})
	}
}

// forgeAccess adds an action to the template of the access stack.
func (s *cpmStack) forgeAccess() {
	s.t.Helper()
	access := *s.Stack
	access.Name = s.PermissionStack(installation.Access)
	out, err := s.CloudFormation.GetTemplate(s.t.Context(), &cloudformation.GetTemplateInput{StackName: &access.Name})
	if err != nil {
		s.t.Fatal(err)
	}
	body := *out.TemplateBody
	forged := strings.Replace(body, `"Action":["ec2:`, `"Action":["iam:CreateUser","ec2:`, 1)
	if forged == body {
		s.t.Fatal("the template has no statement to replace")
	}
	access.UpdateTemplate([]byte(forged))
}

// testTampering attaches a policy with OnDrift notify, then with revert.
func (s *cpmStack) testTampering() {
	s.t.Helper()
	s.Messages()
	if got := s.checkDrift(); len(got) != 0 {
		s.t.Errorf("messages before tampering: got %q, want none", got)
	}
	s.AttachPolicy(cpmRole, fakeawstest.AdministratorAccess)
	if got := s.checkDrift(); len(got) != 1 || !strings.Contains(got[0], "GRANTS MORE") {
		s.t.Errorf("messages after tampering: got %q, want one that contains GRANTS MORE", got)
	}
	s.update(map[string]string{"Preset": "enterprise", "OnDrift": "revert"})
	s.checkDrift()
	s.AttachPolicy(cpmRole, fakeawstest.AdministratorAccess)
	if got := s.checkDrift(); len(got) != 1 { // the finding and that it was reverted
		s.t.Errorf("messages with OnDrift revert: got %q, want one", got)
	}
	if slices.Contains(s.AttachedPolicies(cpmRole), fakeawstest.AdministratorAccess) {
		s.t.Error("AdministratorAccess is attached, want it detached")
	}
	s.requireGranted(policies.Selection{Preset: "enterprise"}, "")
}

// testProfileChange requires that an update to another profile is rolled back:
// the stack role of one profile may not change the roles of another.
func (s *cpmStack) testProfileChange() {
	s.t.Helper()
	in := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true)}
	for name, value := range cpmLaunch(map[string]string{
		"Profile": "clumio", "ControlPlaneRoleArn": cpmServer, "ExternalId": "example",
	}) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	s.BeginUpdate(in)
	s.Wait("UPDATE_ROLLBACK_COMPLETE")
	s.requireGranted(policies.Selection{Preset: "enterprise"}, "")
}
