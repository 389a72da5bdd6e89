package permstack_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/lint"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
)

// drawParameters returns random parameters of the template for a profile, most of them values of this profile.
func drawParameters(random *rand.Rand, template *cfntemplate.Template, p schema.Profile) map[string]string {
	one := func(odds int) bool { return random.IntN(odds) == 0 }
	own := map[string]bool{}
	for _, a := range p.Assets {
		own["protect"+strings.ReplaceAll(string(a.Asset), "-", "")] = true
	}
	for _, o := range p.Options {
		own[strings.ReplaceAll(string(o.Option), "-", "")] = true
	}
	values := map[string]string{"Profile": p.Name, "Preset": "none"}
	if presets := template.Parameter("Preset").AllowedValues; one(5) {
		values["Preset"] = presets[random.IntN(len(presets))]
	}
	var others []string
	for _, parameter := range template.Parameters {
		switch {
		case len(parameter.AllowedValues) != 2 || parameter.AllowedValues[0] != "yes" ||
			parameter.Name == "AccountAudit" || parameter.Name == "LookupCallers": // selects nothing of a profile
			continue
		case !own[strings.ToLower(parameter.Name)]:
			others = append(others, parameter.Name)
		}
		values[parameter.Name] = "no"
		if own[strings.ToLower(parameter.Name)] && one(4) {
			values[parameter.Name] = "yes"
		}
	}
	// At most one question of another profile, so that it does not matter how many the template has. A preset replaces
	// the assets.
	if len(others) > 0 && one(8) && values["Preset"] == "none" {
		values[others[random.IntN(len(others))]] = "yes"
	}
	var operations, options []string
	for _, o := range append(p.Operations, "other-operation") {
		if one(8) {
			operations = append(operations, string(o))
		}
	}
	for _, s := range p.Settings {
		if one(3) {
			options = append(options, string(s.Values[random.IntN(len(s.Values))].Option))
		}
	}
	if one(20) {
		options = append(options, "other-option")
	}
	values["Operations"], values["Options"] = strings.Join(operations, ","), strings.Join(options, ",")
	for name, value := range map[string]string{
		"ControlPlaneRoleArn":        "arn:aws:iam::111122223333:role/Control",
		"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support",
		"DataPlaneAccountId":         "444455556666", "ExternalId": "example",
	} {
		values[name] = ""
		if !one(3) && name != "SupportControlPlaneRoleArn" || values["SupportRole"] == "yes" && !one(3) {
			values[name] = value
		}
	}
	return values
}

// choice returns what the custom resource has for the parameters. Assets of other profiles have the name of their
// question.
func choice(p schema.Profile, values map[string]string) (policies.Selection, policies.Environment) {
	sel := policies.Selection{Profile: p.Name}
	for _, o := range split(values["Options"]) {
		sel.Options = append(sel.Options, schema.Option(o))
	}
	for parameter, option := range map[string]schema.Option{
		"SupportRole": "support-role", "AWSBackupInventory": "aws-backup-inventory",
	} {
		if values[parameter] == "yes" {
			sel.Options = append(sel.Options, option)
		}
	}
	if values["Preset"] != "none" {
		sel.Preset = values["Preset"]
	} else {
		sel.Assets = selectedAssets(p, values)
		for _, o := range split(values["Operations"]) {
			sel.Operations = append(sel.Operations, schema.Operation(o))
		}
	}
	return sel, policies.Environment{
		ControlPlaneRoleARN: values["ControlPlaneRoleArn"], ExternalID: values["ExternalId"],
		SupportControlPlaneRoleARN: values["SupportControlPlaneRoleArn"], DataPlaneAccountID: values["DataPlaneAccountId"],
	}
}

func selectedAssets(p schema.Profile, values map[string]string) []schema.Asset {
	var assets []schema.Asset
	for name, value := range values {
		key, isAsset := strings.CutPrefix(name, "Protect")
		if !isAsset || value != "yes" {
			continue
		}
		asset := schema.Asset(name)
		for _, a := range p.Assets {
			if strings.EqualFold(key, strings.ReplaceAll(string(a.Asset), "-", "")) {
				asset = a.Asset
			}
		}
		assets = append(assets, asset)
	}
	return assets
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// TestRulesAgreeWithTheSynthesis draws parameters at random: the template's rules refuse those that the synthesis
// refuses, and no others. The third profile is not built in and requires inputs by operation, release and preset.
func TestRulesAgreeWithTheSynthesis(t *testing.T) {
	loaded, problems, err := lint.LoadPath("internal/policies/testdata/acme.yaml")
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", err, problems)
	}
	third := loaded.Profile
	third.Presets[0].Options = []schema.Option{"release=1"}
	third.Needs = append(third.Needs,
		schema.Need{Value: schema.DataPlaneAccount, For: []schema.Use{{Asset: "s3", Operation: "restore"}},
			Missing: "restores read it", Unused: "leave it out"},
		schema.Need{Value: schema.ExternalID, For: []schema.Use{{Option: "release=1"}, {Asset: "ec2"}},
			Missing: "release 1 sends it"},
		schema.Need{Value: schema.ExternalID, For: []schema.Use{{Option: "release=2"}}, Unused: "only release 2 sends it"},
	)
	withThird, err := launch.AddProfile(permstack.Template, third)
	if err != nil {
		t.Fatal(err)
	}
	profiles := []schema.Profile{third}
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		profiles = append(profiles, p)
	}
	for _, source := range [][]byte{permstack.Template, withThird} {
		template, err := parsed(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range profiles {
			if !slices.Contains(template.Parameter("Profile").AllowedValues, p.Name) {
				continue
			}
			t.Run(p.Name, func(t *testing.T) { compareRules(t, template, p) })
		}
	}
}

func compareRules(t *testing.T, template *cfntemplate.Template, p schema.Profile) {
	// A profile accepts at least a twentieth of its draws; a fiftieth is never missed by chance.
	const draws = 1000
	random := rand.New(rand.NewPCG(12, 2))
	accepted := 0
	for range draws {
		values := drawParameters(random, template, p)
		_, refused := template.ResolveParameters(cfntemplate.Environment{
			Parameters: values, Pseudo: cfntemplate.Pseudo{
				AccountID: account, Region: region, StackName: "parent",
				StackID: "arn:aws:cloudformation:" + region + ":" + account + ":stack/parent/" + uuid,
			},
		})
		if refused == nil {
			accepted++
		}
		sel, env := choice(p, values)
		if _, err := policies.SynthesizeProfile(p, sel, env); (err == nil) != (refused == nil) {
			t.Fatalf("%v:\nthe rules return %v,\nthe synthesis returns %v", values, refused, err)
		}
	}
	t.Logf("%d of %d accepted", accepted, draws)
	if accepted < draws/50 || accepted > draws*49/50 {
		t.Errorf("%d of %d draws are accepted: too few of one kind", accepted, draws)
	}
}
