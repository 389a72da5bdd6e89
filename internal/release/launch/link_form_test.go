package launch_test

import (
	"testing"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// profileStack returns the template of a built-in profile.
func profileStack(t *testing.T, name string) []byte {
	t.Helper()
	p, _ := policies.Profile(name)
	stack, err := launch.ProfileStack(permstack.Template, p, launch.Unreleased(launch.Functions(permstack.Template)...))
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// TestLinkForm builds the same links with the form of a template as with the template.
func TestLinkForm(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			p, _ := policies.Profile(name)
			template := profileStack(t, name)
			form, err := launch.LinkForm(permstack.Template, p)
			if err != nil {
				t.Fatal(err)
			}
			if len(form) > len(template)/2 {
				t.Errorf("the form has %d bytes, the template %d", len(form), len(template))
			}
			parsed, err := cfntemplate.Parse(form)
			if err != nil {
				t.Fatal(err)
			}
			for _, assets := range [][]string{nil, {string(p.Assets[0].Asset)}, {}} {
				l := launchlink.Link{
					TemplateURL: launchlink.ObjectURL("b", "us-east-1", launchlink.ProfileFile(name)), Region: "us-east-1",
					StackName: "permstack", Profile: name, Assets: assets,
					Parameters: map[string]string{"ConnectionId": "main", "RolePath": "/a/"},
				}
				want, wantErr := l.URL(template)
				got, gotErr := l.URLForTemplate(parsed)
				if got != want || (gotErr == nil) != (wantErr == nil) {
					t.Errorf("assets %v: got %s, %v, want %s, %v", assets, got, gotErr, want, wantErr)
				}
			}
		})
	}
}
