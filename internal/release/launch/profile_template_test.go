package launch_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// selection is a choice, as the lists of template.yaml have it and as the questions of a profile's template do.
type selection struct {
	name, preset                string
	assets, operations, options []string
	parameters                  map[string]string // of both templates
}

var selections = map[string][]selection{
	"clumio": {
		{name: "one asset, backup", assets: []string{"ec2"}, operations: []string{"backup"}},
		{name: "one asset, restore", assets: []string{"s3"}, operations: []string{"restore"}},
		{name: "all", assets: []string{"ec2", "ec2-mssql", "rds", "dynamodb", "s3", "iceberg-on-glue",
			"iceberg-on-s3-tables"}, operations: []string{"backup", "restore"}, options: []string{"dynamodb-local-indexes"},
			parameters: map[string]string{"SupportRole": "yes", "AWSBackupInventory": "yes",
				"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support"}},
		{name: "release 1", assets: []string{"dynamodb", "rds"}, operations: []string{"backup"},
			parameters: map[string]string{"CatalogVersion": "1", "OnDrift": "revert", "ResourceTags": "a=b,c=d"}},
	},
	"cpm": {
		{name: "one asset", assets: []string{"ec2"}, operations: []string{"backup"}},
		{name: "assets and operations", assets: []string{"rds", "efs", "fsx"},
			operations: []string{"backup", "recovery", "dr", "file-level-recovery", "run-scripts"},
			options:    []string{"regions=every", "export-role=server"}},
		{name: "minimal", preset: "minimal"},
		{name: "enterprise", preset: "enterprise", options: []string{"release=4.2", "trust=server-role"},
			parameters: map[string]string{"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Server"}},
	},
}

// listParameters returns the parameters of template.yaml for a choice.
func (s selection) listParameters(t *testing.T, profile string) map[string]string {
	t.Helper()
	template, err := cfntemplate.Parse(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{
		"Profile": profile, "Operations": strings.Join(s.operations, ","), "Options": strings.Join(s.options, ","),
	}
	if s.preset != "" {
		out["Preset"] = s.preset
	}
	for asset, name := range launchlink.AssetParameters(template) {
		out[name] = "no"
		if slices.ContainsFunc(s.assets, func(a string) bool { return strings.ReplaceAll(a, "-", "") == asset }) {
			out[name] = "yes"
		}
	}
	return s.more(out, profile)
}

// questionParameters returns the parameters of a profile's template for a choice.
func (s selection) questionParameters(t *testing.T, profile string) map[string]string {
	t.Helper()
	stack := profileStack(t, profile)
	l := launchlink.Link{
		TemplateURL: launchlink.ObjectURL("b", "us-east-1", launchlink.ProfileFile(profile)), Region: "us-east-1",
		StackName: "permstack", Profile: profile, Preset: s.preset, Assets: s.assets, Operations: s.operations,
		Options: s.options, Parameters: s.parameters,
	}
	text, err := l.URL(stack)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(text, "#/stacks/quickcreate?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, v := range values {
		if parameter, ok := strings.CutPrefix(name, "param_"); ok {
			out[parameter] = v[0]
		}
	}
	return s.more(out, profile)
}

func (s selection) more(to map[string]string, profile string) map[string]string {
	maps.Copy(to, s.parameters)
	if requiresRole(profile) {
		to["ControlPlaneRoleArn"], to["ExternalId"] = "arn:aws:iam::111122223333:role/Control", "example"
		if !slices.Equal(s.assets, []string{"ec2"}) { // of EC2 alone nothing is sent to an account of the vendor
			to["DataPlaneAccountId"] = "444455556666"
		}
	}
	return to
}

// requiresRole reports whether every choice of a profile requires the role that will use the access.
func requiresRole(profile string) bool {
	p, _ := policies.Profile(profile)
	return slices.ContainsFunc(p.Needs, func(n schema.Need) bool {
		return n.Value == schema.ControlPlaneRole && len(n.For) == 0
	})
}

func resolve(t *testing.T, template []byte, parameters map[string]string) *cfntemplate.Resolved {
	t.Helper()
	parsed, err := cfntemplate.Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	out, err := parsed.ResolveParameters(cfntemplate.Environment{Parameters: parameters, Pseudo: cfntemplate.Pseudo{
		AccountID: "999999999999", Region: "us-east-1", StackName: "permstack",
		StackID: "arn:aws:cloudformation:us-east-1:999999999999:stack/permstack/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withoutRepetition returns properties in which no list has a value twice, and no property is empty.
func withoutRepetition(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if value = withoutRepetition(value); value != "" && fmt.Sprint(value) != "[]" && fmt.Sprint(value) != "[ ]" {
				out[key] = value
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			item = withoutRepetition(item)
			if item != "" && !slices.ContainsFunc(out, func(other any) bool { return cmp.Equal(item, other) }) {
				out = append(out, item)
			}
		}
		return out
	}
	return v
}

// TestProfileTemplateGrantsTheSame requires that the template of a profile has, for a choice by its questions, the
// resources and properties that template.yaml has for the same choice by its lists.
func TestProfileTemplateGrantsTheSame(t *testing.T) {
	for profile, list := range selections {
		p, _ := policies.Profile(profile)
		own, err := launch.ForProfile(permstack.Template, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			t.Run(profile+"/"+s.name, func(t *testing.T) {
				want := resolve(t, permstack.Template, s.listParameters(t, profile))
				got := resolve(t, own, s.questionParameters(t, profile))
				if len(want.Active()) != len(got.Active()) {
					t.Errorf("got %d resources, want %d", len(got.Active()), len(want.Active()))
				}
				for _, r := range want.Active() {
					a, err := want.Properties(r.LogicalID, ref{})
					if err != nil {
						t.Fatal(err)
					}
					b, err := got.Properties(r.LogicalID, ref{})
					if err != nil {
						t.Fatal(err)
					}
					if r.LogicalID == "PermissionStack" {
						requireOptions(t, p, s, a, b)
					}
					if diff := cmp.Diff(withoutRepetition(a), withoutRepetition(b)); diff != "" {
						t.Errorf("%s (-template.yaml +%s.yaml):\n%s", r.LogicalID, profile, diff)
					}
				}
			})
		}
	}
}

// requireOptions compares the options, and removes them: a setting that template.yaml does not list has its default.
func requireOptions(t *testing.T, p schema.Profile, s selection, properties ...map[string]any) {
	t.Helper()
	want := slices.Clone(s.options)
	for _, setting := range p.Settings {
		if !slices.ContainsFunc(want, func(o string) bool { return strings.HasPrefix(o, setting.Name+"=") }) {
			want = append(want, string(setting.Default))
		}
	}
	got := []string{}
	list, _ := properties[1]["Options"].([]any)
	for _, o := range list {
		got = append(got, o.(string))
	}
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("options: got %q, want %q", got, want)
	}
	for _, props := range properties {
		delete(props, "Options")
	}
}

// TestProfileTemplate checks the questions of the console's form.
func TestProfileTemplate(t *testing.T) {
	required := map[string][]string{"clumio": {"ControlPlaneRoleArn", "ExternalId"}, "cpm": {"Preset"}}
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			p, _ := policies.Profile(name)
			own, err := launch.ForProfile(permstack.Template, p)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := cfntemplate.Parse(own)
			if err != nil {
				t.Fatal(err)
			}
			assets := 0
			var without []string
			for _, q := range parsed.Parameters {
				if strings.HasPrefix(q.Name, "Protect") {
					assets++
				}
				if !q.HasDefault {
					without = append(without, q.Name)
				}
			}
			if slices.Sort(without); !slices.Equal(without, required[name]) && required[name] != nil {
				t.Errorf("parameters without a default: got %q, want %q", without, required[name])
			}
			if assets != len(p.Assets) {
				t.Errorf("got %d questions about assets, want %d", assets, len(p.Assets))
			}
			for _, list := range []string{"Profile", "Operations", "Options"} {
				if parsed.Parameter(list) != nil {
					t.Errorf("the template has a parameter %s", list)
				}
			}
			for _, other := range policies.ProfileNames() {
				q, _ := policies.Profile(other)
				if other != name && strings.Contains(string(own), policies.NamePrefix(q)) {
					t.Errorf("the template names the profile %s", other)
				}
			}
			requireForm(t, own, parsed, without)
		})
	}
}

// requireForm requires that the console shows every parameter once, with a label, and the required ones first.
func requireForm(t *testing.T, template []byte, parsed *cfntemplate.Template, required []string) {
	t.Helper()
	form := values(t, template)["Metadata"].(map[string]any)["AWS::CloudFormation::Interface"].(map[string]any)
	var shown []string
	for _, g := range form["ParameterGroups"].([]any) {
		for _, name := range g.(map[string]any)["Parameters"].([]any) {
			shown = append(shown, name.(string))
		}
	}
	first := slices.Sorted(slices.Values(shown[:len(required)]))
	if !slices.Equal(first, required) {
		t.Errorf("first parameters: got %q, want %q", first, required)
	}
	var all []string
	for _, p := range parsed.Parameters {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	if slices.Sort(shown); !slices.Equal(shown, all) {
		t.Errorf("parameters in groups (-parameters +groups):\n%s", cmp.Diff(all, shown))
	}
	if labels := form["ParameterLabels"].(map[string]any); len(labels) != len(all) {
		t.Errorf("got %d labels, want %d", len(labels), len(all))
	}
}

// TestProfileTemplateRefuses requires the messages for a choice that a profile's template refuses.
func TestProfileTemplateRefuses(t *testing.T) {
	clumio := map[string]string{
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "example",
	}
	for name, tc := range map[string]struct {
		profile string
		set     map[string]string
		unset   string
		want    string
	}{
		"no role":              {"clumio", nil, "ControlPlaneRoleArn", "ControlPlaneRoleArn"},
		"an empty external id": {"clumio", map[string]string{"ExternalId": ""}, "", "ExternalId"},
		"no asset":             {"clumio", map[string]string{"ProtectEC2": "no"}, "", "at least one kind of asset"},
		"no operation": {"clumio", map[string]string{"AllowBackup": "no", "AllowRestore": "no"}, "",
			"at least one operation"},
		"no data-plane account": {"clumio", map[string]string{"ProtectS3": "yes"}, "", "DataPlaneAccountId is required"},
		"no preset":             {"cpm", nil, "", "Preset"},
		"nothing": {"cpm", map[string]string{"Preset": "none", "AllowBackup": "yes"}, "",
			"at least one kind of asset"},
		"no operation of cpm": {"cpm", map[string]string{"Preset": "none", "ProtectEC2": "yes"}, "",
			"at least one operation"},
		"an answer beside a preset": {"cpm", map[string]string{"Preset": "minimal", "ProtectEC2": "yes"}, "",
			"answer no to each"},
		"an external id that nothing reads": {"cpm", map[string]string{"Preset": "minimal", "ExternalId": "example"}, "",
			"ExternalId is not used"},
		"a server without its role": {"cpm", map[string]string{"Preset": "minimal", "SettingTrust": "server-role"}, "",
			"ControlPlaneRoleArn is required"},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := cfntemplate.Parse(profileStack(t, tc.profile))
			if err != nil {
				t.Fatal(err)
			}
			parameters := map[string]string{}
			if requiresRole(tc.profile) {
				maps.Copy(parameters, clumio)
			}
			maps.Copy(parameters, tc.set)
			delete(parameters, tc.unset)
			_, err = parsed.ResolveParameters(cfntemplate.Environment{Parameters: parameters, Pseudo: cfntemplate.Pseudo{
				AccountID: "999999999999", Region: "us-east-1", StackName: "permstack", StackID: "arn:aws:cloudformation:x",
			}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
		})
	}
}

// TestProfileTemplatesInGit compares templates/ with what template.yaml generates.
func TestProfileTemplatesInGit(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			got, err := os.ReadFile(filepath.Join("..", "..", "..", "templates", launchlink.ProfileFile(name)))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(profileStack(t, name)) {
				t.Errorf("templates/%s.yaml is not up to date: run go run ./tools/release templates", name)
			}
			r := launch.Unreleased(launch.Functions(permstack.Template)...)
			set, err := launch.ProfileStackSet(name, got, r)
			if err != nil {
				t.Fatal(err)
			}
			inGit, err := os.ReadFile(filepath.Join("..", "..", "..", "templates", launch.ProfileStackSetFile(name)))
			if err != nil {
				t.Fatal(err)
			}
			if string(inGit) != string(set) || !strings.Contains(string(set), "/"+launchlink.ProfileFile(name)) {
				t.Errorf("templates/%s is not up to date: run go run ./tools/release templates", launch.ProfileStackSetFile(name))
			}
		})
	}
}
