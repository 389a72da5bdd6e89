package launch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// TestEveryParameterIsRead requires of each parameter of each profile's template that something other than the form and
// the rules refers to it.
func TestEveryParameterIsRead(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		text := string(profileStack(t, name))
		template, err := cfntemplate.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, read, found := strings.Cut(text, "\nMappings:")
		if !found {
			t.Fatal("the template has no mappings")
		}
		before, rules, _ := strings.Cut(read, "\nRules:")
		if _, after, ok := strings.Cut(rules, "\nConditions:"); ok {
			read = before + after
		}
		for _, p := range template.Parameters {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				if !strings.Contains(read, "!Ref "+p.Name) && !strings.Contains(read, "${"+p.Name+"}") {
					t.Errorf("nothing reads the parameter %s", p.Name)
				}
			})
		}
	}
}

// TestUnusedAnswersAreRefused launches, in each profile's template, every asset and every option with and without each
// value of the vendor: what the choice does not read is refused by the template's rules, and the rest is accepted.
func TestUnusedAnswersAreRefused(t *testing.T) {
	inputs := map[schema.Value][2]string{
		schema.ControlPlaneRole:        {"ControlPlaneRoleArn", "arn:aws:iam::111122223333:role/Control"},
		schema.SupportControlPlaneRole: {"SupportControlPlaneRoleArn", "arn:aws:iam::111122223333:role/Support"},
		schema.DataPlaneAccount:        {"DataPlaneAccountId", "444455556666"},
		schema.ExternalID:              {"ExternalId", "example"},
	}
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		text, err := launch.ForProfile(permstack.Template, p)
		if err != nil {
			t.Fatal(err)
		}
		template, err := cfntemplate.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		options := []schema.Option{""}
		for _, o := range p.Options {
			options = append(options, o.Option)
		}
		for _, a := range p.Assets {
			for _, option := range options {
				sel := policies.Selection{Profile: name, Assets: []schema.Asset{a.Asset}, Operations: p.Operations[:1]}
				values := map[string]string{}
				if template.Parameter("Preset") != nil {
					values["Preset"] = "none"
				}
				for asset, parameter := range launchlink.AssetParameters(template) {
					values[parameter] = launchlink.YesNo(asset == strings.ReplaceAll(string(a.Asset), "-", ""))
				}
				for i, o := range p.Operations {
					values[launchlink.OperationQuestion+launchlink.Identifier(string(o))] = launchlink.YesNo(i == 0)
				}
				if option != "" {
					sel.Options = []schema.Option{option}
					values[optionQuestion(template, string(option))] = "yes"
				}
				needed := choice.Needed(sel)
				for input, v := range inputs {
					if slices.Contains(needed, input) {
						values[v[0]] = v[1]
					}
				}
				t.Run(fmt.Sprintf("%s/%s/%s", name, a.Asset, option), func(t *testing.T) {
					if _, err := template.Values(values); err != nil {
						t.Fatal(err)
					}
					if err := launchWith(template, values); err != nil {
						t.Fatalf("with what the choice needs: %v", err)
					}
					for input, v := range inputs {
						// An input that is not among the profile's needs is optional, and no data states who reads it.
						stated := slices.ContainsFunc(p.Needs, func(n schema.Need) bool { return n.Value == input })
						if slices.Contains(needed, input) || template.Parameter(v[0]) == nil || !stated {
							continue
						}
						values[v[0]] = v[1]
						if err := launchWith(template, values); err == nil || !strings.Contains(err.Error(), v[0]+" is not used") {
							t.Errorf("%s is not read: got %v, want an error that names it", v[0], err)
						}
						delete(values, v[0])
					}
				})
			}
		}
	}
}

// optionQuestion returns the parameter that asks about an option.
func optionQuestion(template *cfntemplate.Template, option string) string {
	for _, p := range template.Parameters {
		if strings.EqualFold(p.Name, strings.ReplaceAll(option, "-", "")) {
			return p.Name
		}
	}
	return launchlink.OptionQuestion + launchlink.Identifier(option)
}

func launchWith(template *cfntemplate.Template, values map[string]string) error {
	_, err := template.ResolveParameters(cfntemplate.Environment{Parameters: values, Pseudo: cfntemplate.Pseudo{
		AccountID: "999999999999", Region: "us-east-1", StackName: "permstack",
		StackID: "arn:aws:cloudformation:us-east-1:999999999999:stack/permstack/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
	}})
	return err
}
