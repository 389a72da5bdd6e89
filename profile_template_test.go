package permstack_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"

	"permstack"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
)

// TestProfileTemplatesGrantTheSame launches the template of each profile, and template.yaml with the same choice, and
// compares the permission stacks and the permissions boundary that they deploy.
func TestProfileTemplatesGrantTheSame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		profile             string
		questions, template map[string]string // parameters
		parts               []installation.Part
	}{
		{
			"clumio", map[string]string{
				"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": fakeawstest.ExternalID,
				"DataPlaneAccountId": fakeawstest.DataPlaneID, "ProtectEC2": "no", "ProtectRDS": "yes", "ProtectS3": "yes",
				"AllowRestore": "no", "SupportRole": "yes", "SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support",
			}, map[string]string{
				"ProtectEC2": "no", "ProtectRDS": "yes", "ProtectS3": "yes", "Operations": "backup", "SupportRole": "yes",
				"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support",
			}, []installation.Part{installation.Access, installation.Inventory},
		},
		{
			"cpm", map[string]string{
				"Preset": "none", "ProtectEC2": "yes", "ProtectEFS": "yes", "AllowBackup": "yes", "AllowDr": "yes",
				"SettingRegions": "every",
			}, cpmLaunch(map[string]string{
				"ProtectEC2": "yes", "ProtectEFS": "yes", "Operations": "backup,dr", "Options": "regions=every",
			}), []installation.Part{installation.Access},
		},
	} {
		t.Run(tc.profile, func(t *testing.T) {
			profile, _ := policies.Profile(tc.profile)
			own, err := launch.ForProfile(permstack.Template, profile)
			if err != nil {
				t.Fatal(err)
			}
			want := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region).Launch(
				fakeawstest.Launch{Parameters: tc.template})
			got := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region).Launch(
				fakeawstest.Launch{Template: own, Parameters: tc.questions})
			for _, part := range tc.parts {
				if diff := cmp.Diff(deployedPart(t, want, part), deployedPart(t, got, part)); diff != "" {
					t.Errorf("%s (-template.yaml +%s.yaml):\n%s", part, tc.profile, diff)
				}
			}
			if diff := cmp.Diff(boundary(t, want), boundary(t, got)); diff != "" {
				t.Errorf("permissions boundary (-template.yaml +%s.yaml):\n%s", tc.profile, diff)
			}
		})
	}
}

// generated matches what CloudFormation adds to the name of the permissions boundary, and the hash of a template with
// that name.
var generated = regexp.MustCompile(`-VendorCeiling-[A-Z0-9]{12}|[0-9a-f]{64}`)

// deployedPart returns the template of a permission stack without what differs between two launches.
func deployedPart(t *testing.T, s *fakeawstest.Stack, part installation.Part) []string {
	t.Helper()
	name := s.PermissionStack(part)
	out, err := s.CloudFormation.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	id := s.StackID[strings.LastIndexByte(s.StackID, '/')+1:]
	text := strings.ReplaceAll(aws.ToString(out.TemplateBody), id, "STACK")
	text = strings.ReplaceAll(text, id[:strings.IndexByte(id, '-')], "STACK")
	return strings.SplitAfter(generated.ReplaceAllString(text, "GENERATED"), ",")
}

// boundary returns the actions of the permissions boundary that the stack created.
func boundary(t *testing.T, s *fakeawstest.Stack) []string {
	t.Helper()
	t.Helper()
	p, err := s.Live.ReadPolicy(t.Context(), s.PhysicalID("VendorCeiling"))
	if err != nil {
		t.Fatal(err)
	}
	return p.Document.Actions()
}
