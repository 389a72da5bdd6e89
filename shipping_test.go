package permstack_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/release/launch"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestUpgrade launches every kept release, updates it to the current template
// with its parameters unchanged, and deletes it. Only the template is the old
// one: the functions are the current ones, since old zips are not kept.
func TestUpgrade(t *testing.T) {
	releases, err := filepath.Glob("testdata/releases/*/launch-stack.yaml")
	if err != nil || len(releases) == 0 {
		t.Fatalf("kept releases: got %v, %v", releases, err)
	}
	aws := fakeawstest.Start(t, fakeawstest.Options{})
	current := read(t, "templates/launch-stack.yaml")
	for i, path := range releases {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			template := read(t, path)
			if !bytes.Contains(template, []byte("Default: "+launch.Unreleased().BucketPrefix+"\n")) {
				t.Fatalf("%s names the publisher's bucket, which does not exist here: use a copy of templates/launch-stack.yaml "+
					"at the commit of the release", path)
			}
			stack := aws.For(t).In(fmt.Sprintf("%012d", 700000000001+i), region).Launch(fakeawstest.Launch{
				Template: template,
				Parameters: withDefaults(map[string]string{
					"ProtectS3": "yes", "ProtectEC2MSSQL": "yes", "ResourceTags": "team=storage",
				}),
			})
			before, role := stack.Outputs, stack.Role(stack.RoleName()).ID
			if !cmp.Equal(templateValues(t, template), templateValues(t, current)) { // not the newest release
				stack.UpdateTemplate(current)
			}
			for _, name := range []string{"RoleArn", "EventTopicArn"} {
				if got, want := stack.Outputs[name], before[name]; got != want || got == "" {
					t.Errorf("output %s after the update: got %q, want %q", name, got, want)
				}
			}
			// A role that is created again under its name has another id, and trust
			// policies that name it stop working.
			if got := stack.Role(stack.RoleName()).ID; got != role {
				t.Errorf("role id after the update: got %s, want %s", got, role)
			}
			stack.Delete()
			stack.RequireEmpty()
		})
	}
}

// templateValues returns a template without its comments. CloudFormation refuses an update to the same values.
func templateValues(t *testing.T, template []byte) (values any) {
	t.Helper()
	root, err := yamlfmt.Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return values
}

// withDefaults adds the default parameters to others.
func withDefaults(more map[string]string) map[string]string {
	return merged(fakeawstest.DefaultParameters(), more)
}

// TestStackSetInstances launches what a stack set launches, with its parameters
// and with names as StackSets assigns them: two accounts, two Regions each.
func TestStackSetInstances(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	regions := []string{"us-east-1", "ap-southeast-2"}
	values := stackSetParameters(t, regions)
	aws := fakeawstest.Start(t, fakeawstest.Options{})
	template := read(t, "templates/launch-stack.yaml")
	var stacks []*fakeawstest.Stack
	for _, account := range []string{"111111111111", "222222222222"} {
		for _, region := range regions {
			stack, err := aws.In(account, region).Create(fakeawstest.Launch{
				Name:     "StackSet-" + strings.Repeat("permstack-", 5) + uuid[:len(uuid)-12] + account,
				Template: template, Parameters: values,
			})
			if err != nil {
				t.Fatal(err)
			}
			stacks = append(stacks, stack)
		}
	}
	seen := map[string]bool{}
	for _, stack := range stacks {
		stack.Wait("CREATE_COMPLETE")
		role := stack.Outputs["RoleArn"]
		if prefix := "arn:aws:iam::" + stack.ID + ":role/team/backup/"; !strings.HasPrefix(role, prefix) || seen[role] {
			t.Errorf("%s %s: got role %s, want one of its own that begins with %s", stack.ID, stack.Region, role, prefix)
		}
		seen[role] = true
		// Generated names are truncated under a long stack name: the drift function
		// must be able to read resources that have them.
		if result := stack.CheckDrift(); result.Status != "in-sync" {
			t.Errorf("%s %s: got drift check %+v, want in-sync", stack.ID, stack.Region, result)
		}
	}
	for _, stack := range stacks {
		stack.BeginDelete()
	}
	for _, stack := range stacks {
		stack.Wait("DELETE_COMPLETE")
	}
	for _, stack := range stacks { // IAM is global: after the last Region
		stack.RequireEmpty()
	}
}

// stackSetParameters returns the parameters that stackset.yaml passes to its
// instances.
func stackSetParameters(t *testing.T, regions []string) map[string]string {
	t.Helper()
	set, err := cfntemplate.Parse(read(t, "templates/stackset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := set.ResolveParameters(cfntemplate.Environment{
		Parameters: map[string]string{
			"OrganizationalUnitIds": "ou-ab12-11111111", "Regions": strings.Join(regions, ","), "ConnectionId": "org",
			"ExternalId": fakeawstest.ExternalID, "ControlPlaneRoleArn": fakeawstest.ControlPlaneARN,
			"RolePath": "/team/backup/",
		},
		Pseudo: cfntemplate.Pseudo{
			AccountID: "999999999999", Region: region, StackName: "permstack",
			StackID: "arn:aws:cloudformation:us-east-1:999999999999:stack/permstack/" + uuid,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, p := range properties(t, b, "Members")["Parameters"].([]any) {
		pair := p.(map[string]any)
		values[pair["ParameterKey"].(string)] = cfntemplate.Text(pair["ParameterValue"])
	}
	return values
}

// TestHubNotified launches two member stacks and attaches a policy to the vendor's
// role of each. The first has the topic of its own Organization, in another
// account and Region, which accepts the notification. The second has the topic of
// another Organization, which refuses it: that drift check fails.
func TestHubNotified(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	aws := fakeawstest.Start(t, fakeawstest.Options{})
	organization := aws.NewOrganization("999999999999", region)
	security, member := aws.In("888888888888", "eu-west-1"), aws.In("777777777777", region)
	organization.Join(security.ID, organization.Root)
	organization.Join(member.ID, organization.Root)
	template := read(t, "templates/launch-stack.yaml")
	for name, tc := range map[string]struct {
		organization string
		accepted     bool
	}{
		"own-organization":   {organization.OrganizationID, true},
		"other-organization": {"o-a1b2c3d4e5", false},
	} {
		t.Run(name, func(t *testing.T) {
			hub := security.For(t).Launch(fakeawstest.Launch{
				Name: name, Template: read(t, "templates/org-hub.yaml"),
				Parameters: map[string]string{"OrganizationId": tc.organization, "EmailAddress": "security@example.com"},
			})
			stack := member.For(t).Launch(fakeawstest.Launch{
				Name: name, Template: template,
				Parameters: withDefaults(map[string]string{"ConnectionId": name, "OrgHubTopicArn": hub.Outputs["TopicArn"]}),
			})
			stack.Messages()
			stack.AttachPolicy(stack.RoleName(), fakeawstest.AdministratorAccess)
			result := stack.Invoke("Drift", "{}")
			if got := stack.Messages(); len(got) != 1 {
				t.Errorf("messages of the account's own topic: got %d, want 1", len(got))
			}
			received := len(aws.SNS().Messages(hub.Outputs["TopicArn"])) > 0
			if received != tc.accepted || (result.FunctionError == "") != tc.accepted {
				t.Errorf("hub received a message: got %t, want %t; the function returned %s %s",
					received, tc.accepted, result.FunctionError, result.Payload)
			}
		})
	}
}

// TestLongTemplate launches a template that CloudFormation accepts by URL alone.
func TestLongTemplate(t *testing.T) {
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	long := append(read(t, "template.yaml"), []byte("\n# "+strings.Repeat("x", 120_000))...)
	stack := account.Launch(fakeawstest.Launch{Template: long, Parameters: withDefaults(nil)})
	text := string(long)
	_, err := account.CloudFormation.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: &stack.Name, TemplateBody: &text,
	})
	if err == nil || !strings.Contains(err.Error(), "51200") {
		t.Errorf("inline: got error %v, want CloudFormation's limit of 51200 bytes", err)
	}
	stack.Delete()
}
