package detect_test

import (
	"bytes"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
	catalogue "permstack/internal/policies"
	"permstack/internal/release/launch"
)

// profileLaunches are the parameters of launches of the templates of single profiles.
var profileLaunches = map[string]map[string]string{
	"clumio": {
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/ControlPlane", "ExternalId": secret,
		"DataPlaneAccountId": "444455556666", "ProtectS3": "yes", "AllowRestore": "no",
	},
	"cpm": {"Preset": "none", "ProtectEC2": "yes", "AllowBackup": "yes"},
}

// TestProfileTemplateInstalled checks stacks of the templates of single profiles: they are in sync after the launch,
// and an edit of their template is found.
func TestProfileTemplateInstalled(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	for name, parameters := range profileLaunches {
		t.Run(name, func(t *testing.T) {
			w := newEnvironment(t)
			profile, _ := catalogue.Profile(name)
			template, err := launch.ForProfile(permstack.Template, profile)
			if err != nil {
				t.Fatal(err)
			}
			s := w.Launch(fakeawstest.Launch{Name: parentName, Template: template, Parameters: parameters})
			w.parent = s.StackID
			w.release = detect.Release{Template: permstack.Template, ProfileTemplate: permstack.ProfileTemplate}
			report := w.check()
			if got := summaries(report); len(got) != 0 {
				t.Errorf("after the launch: found %q, want nothing", got)
			}
			if report.Profile != name {
				t.Errorf("got profile %q, want %q", report.Profile, name)
			}
			edited := bytes.Replace(template, []byte("State: ENABLED"), []byte("State: DISABLED"), 1)
			edited = bytes.Replace(edited, []byte("- !Ref AlertTopic\n"), []byte("- !GetAtt Provisioner.Arn\n"), 1)
			if bytes.Equal(edited, template) {
				t.Fatal("the template was not edited")
			}
			s.UpdateTemplate(edited)
			found := w.check()
			if !strings.Contains(strings.Join(summaries(found), "\n"), "parent") {
				t.Errorf("after an edit of the template: found %q, want a finding about the parent", summaries(found))
			}
			if got := directions(found); !got[finding.GrantsMore] {
				t.Errorf("after an edit of the protected resources: got directions %v", got)
			}
		})
	}
}

func directions(report finding.Report) map[finding.Direction]bool {
	out := map[finding.Direction]bool{}
	for _, f := range report.Findings {
		out[f.Direction] = true
	}
	return out
}

// TestProfileTemplates requires an embedded template for each profile that template.yaml offers.
func TestProfileTemplates(t *testing.T) {
	offered, err := launch.OfferedProfiles(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range offered {
		if permstack.ProfileTemplate(p.Name) == nil {
			t.Errorf("templates/%s.yaml is not embedded: add it to embed.go", p.Name)
		}
	}
}
