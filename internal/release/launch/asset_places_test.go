package launch

import (
	"strings"
	"testing"

	"permstack"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies/schema"
)

// TestMissingPlacesOfAnAsset removes each place of template.yaml that names an asset, and requires an error that names
// this place and no other.
func TestMissingPlacesOfAnAsset(t *testing.T) {
	profiles := []schema.Profile{{Name: "acme", Assets: []schema.AssetInfo{{Asset: "efs", Title: "EFS file systems"}}}}
	for name, c := range map[string]struct{ old, new, want string }{ // the first place of old in template.yaml
		"nothing":    {"ProtectEFS:\n", "ProtectEFS:\n", ""},
		"group":      {" ProtectEFS,", "", "add ProtectEFS to one of ParameterGroups"},
		"two groups": {"[Profile, ", "[Profile, ProtectEFS, ", "2 groups have its parameter"},
		"label": {`ProtectEFS: {default: "Protect EFS file systems?"}`, "",
			`add "ProtectEFS: {default: "Protect EFS file systems?"}" to ParameterLabels`},
		"rule": {"!Ref ProtectEFS, ", "", "add !Ref ProtectEFS to the rule AssetSelected"},
		"condition": {"  EFS:\n    Fn::Equals: [!Ref ProtectEFS, \"yes\"]\n", "",
			`add "EFS: {Fn::Equals: [!Ref ProtectEFS, "yes"]}" to Conditions`},
		"property": {"          - !If [EFS, efs, !Ref AWS::NoValue]\n", "",
			"the asset efs of acme: it does not reach the function: add " +
				`"!If [EFS, efs, !Ref AWS::NoValue]" to Assets of PermissionStack`},
		"property of another asset": {"!If [EFS, efs, !Ref", "!If [FSx, efs, !Ref", "add \"!If [EFS, efs, "},
	} {
		t.Run(name, func(t *testing.T) {
			template := strings.Replace(string(permstack.Template), c.old, c.new, 1)
			if template == string(permstack.Template) && c.want != "" {
				t.Fatalf("template.yaml has no %q", c.old)
			}
			root, err := yamlfmt.Parse([]byte(template))
			if err != nil {
				t.Fatal(err)
			}
			err = checkAssets(root, profiles)
			switch {
			case err == nil && c.want != "":
				t.Errorf("got no error, want %q", c.want)
			case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got error %q, want %q alone", err, c.want)
			}
		})
	}
	root, err := yamlfmt.Parse(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	profiles[0].Assets[0] = schema.AssetInfo{Asset: "tape-library", Title: "tape libraries"}
	err = checkAssets(root, profiles)
	if err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("an asset that no place names: got error %v, want six lines", err)
	}
}
