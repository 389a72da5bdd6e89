package launch

import (
	"bytes"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

func acme(role string) schema.Profile {
	return schema.Profile{
		Name: "acme", Vendor: "Acme", Operations: []schema.Operation{"backup", "expiry"},
		Assets:   []schema.AssetInfo{{Asset: "ec2", Title: "EC2"}, {Asset: "tape-library", Title: "Tapes"}},
		Settings: []schema.Setting{{Name: "release", Values: []schema.OptionInfo{{Option: "release=9.1"}}}},
		Presets:  []schema.Preset{{Name: "small"}},
		Roles: []schema.Role{{
			Entity: role + "Role", Policies: []schema.Policy{{Entity: role + "Policy", Kind: schema.Managed}},
		}},
	}
}

func TestAddProfile(t *testing.T) {
	template, err := AddProfile(permstack.Template, acme("Acme"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cfntemplate.Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Profile": "acme", "ProtectEC2": "yes", "ProtectTAPELIBRARY": "yes", "ProtectS3": "no", "Operations": "backup,expiry",
	} {
		t.Run(name, func(t *testing.T) {
			if p := parsed.Parameter(name); p == nil || p.Default != want {
				t.Errorf("parameter %s: got %+v, want default %q", name, p, want)
			}
		})
	}
	for _, want := range []string{"Prefix: Acme", "tape-library", "release=9.1", "small"} {
		if !strings.Contains(string(template), want) {
			t.Errorf("the template has no %q", want)
		}
	}
	if _, err := Stack(template, Unreleased(Functions(template)...)); err != nil {
		t.Errorf("launch-stack.yaml: %v", err)
	}
}

func TestAddProfileErrors(t *testing.T) {
	builtIn, _ := policies.Profile(policies.TemplateProfileNames()[0])
	two := acme("Acme")
	two.Roles = append(two.Roles, two.Roles[0])
	two.Roles[0].InstanceProfile, two.Roles[1].InstanceProfile = "AcmeOne", "AcmeTwo"
	two.Roles[1].Entity = "AcmeOther"
	for name, c := range map[string]struct {
		profile schema.Profile
		want    string
	}{
		"a built-in profile":        {builtIn, "has a profile of that name"},
		"no common prefix":          {acme(""), "at least 3 common"},
		"another profile's prefix":  {acme(policies.NamePrefix(builtIn)), "as those of profile"},
		"several instance profiles": {two, "more than one role"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := AddProfile(permstack.Template, c.profile); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

// TestGenerated requires that template.yaml has the parts that Generate writes.
func TestGenerated(t *testing.T) {
	want, err := Generate(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, permstack.Template) {
		t.Error("template.yaml does not follow from the profiles: run go run ./tools/release templates")
	}
	again, err := Generate(want)
	if err != nil || !bytes.Equal(again, want) {
		t.Errorf("Generate of its own result: got a difference or error %v", err)
	}
	for name, template := range map[string][]byte{
		"without the comments": bytes.ReplaceAll(permstack.Template, []byte(generatedEnd), []byte("# End.")),
		"an unknown profile": bytes.Replace(permstack.Template, []byte("AllowedValues: [clumio, cpm]"),
			[]byte("AllowedValues: [unknown]"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Generate(template); err == nil {
				t.Error("got no error")
			}
		})
	}
}
