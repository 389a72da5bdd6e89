package permstack_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// cpmParameters returns the parameters of a launch for cpm, changed by more.
func cpmParameters(more map[string]string) map[string]string {
	values := map[string]string{"Profile": "cpm", "Operations": "", "ControlPlaneRoleArn": "", "ExternalId": ""}
	maps.Copy(values, more)
	return values
}

// launchParameters returns the parameters of a launch for a profile, changed by more: the inputs that it requires have
// values, the others do not.
func launchParameters(name string, more map[string]string) map[string]string {
	p, _ := policies.Profile(name)
	values := map[string]string{"Profile": name, "Operations": ""}
	for input, parameter := range map[schema.Value][2]string{
		schema.ControlPlaneRole: {"ControlPlaneRoleArn", "arn:aws:iam::111122223333:role/C"},
		schema.ExternalID:       {"ExternalId", "example"},
		schema.DataPlaneAccount: {"DataPlaneAccountId", "444455556666"},
	} {
		values[parameter[0]] = ""
		if requires(p, input) {
			values[parameter[0]] = parameter[1]
		}
	}
	maps.Copy(values, more)
	return values
}

// requires reports whether a profile requires an input whatever its options are.
func requires(p schema.Profile, input schema.Value) bool {
	return slices.ContainsFunc(p.Needs, func(n schema.Need) bool {
		return n.Value == input && n.Missing != "" &&
			!slices.ContainsFunc(n.For, func(u schema.Use) bool { return u.Option != "" })
	})
}

// questions returns the parameters that select an asset, by the asset.
func questions(t *testing.T) map[schema.Asset]string {
	t.Helper()
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	out := map[schema.Asset]string{}
	var missing []string
	for _, name := range policies.TemplateProfileNames() {
		profile, _ := policies.Profile(name)
		for _, a := range profile.Assets {
			for _, p := range template.Parameters {
				if asset, ok := strings.CutPrefix(p.Name, "Protect"); ok &&
					strings.EqualFold(asset, strings.ReplaceAll(string(a.Asset), "-", "")) {
					out[a.Asset] = p.Name
				}
			}
			if out[a.Asset] == "" {
				missing = append(missing, string(a.Asset)+" of "+name)
			}
		}
	}
	if missing != nil {
		t.Fatalf("template.yaml has no parameter for %s: go run ./tools/release templates names each place to edit",
			strings.Join(missing, ", "))
	}
	return out
}

// TestEveryChoiceReachesTheFunction checks that every choice of a profile is available when the
// stack is launched, and is passed to the function as it was chosen.
func TestEveryChoiceReachesTheFunction(t *testing.T) {
	ask := questions(t)
	launch := map[string]func(map[string]string) map[string]string{
		"clumio": func(more map[string]string) map[string]string {
			return merged(map[string]string{"DataPlaneAccountId": "444455556666"}, more)
		},
		"cpm": cpmParameters,
	}
	for _, name := range policies.TemplateProfileNames() {
		profile, _ := policies.Profile(name)
		get := func(more map[string]string, property string) []string {
			t.Helper()
			b, err := resolveTemplate(t, "parent", launch[name](more))
			if err != nil {
				t.Fatalf("%s, %v: %v", name, more, err)
			}
			v, _ := properties(t, b, "PermissionStack")[property].([]any)
			var out []string
			for _, item := range v {
				out = append(out, item.(string))
			}
			return out
		}
		all := map[string]string{"ProtectEC2": "no"}
		var assets, operations []string
		for _, a := range profile.Assets {
			all[ask[a.Asset]] = "yes"
			assets = append(assets, string(a.Asset))
			one := map[string]string{"ProtectEC2": "no"}
			one[ask[a.Asset]] = "yes"
			if got := get(one, "Assets"); !slices.Equal(got, []string{string(a.Asset)}) {
				t.Errorf("%s: %s: got %q", name, a.Asset, got)
			}
		}
		for _, o := range profile.Operations {
			operations = append(operations, string(o))
		}
		all["Operations"] = strings.Join(operations, ",")
		if got := get(all, "Assets"); !sameMembers(got, assets) {
			t.Errorf("%s: every yes: got %q", name, got)
		}
		if got := get(all, "Operations"); !slices.Equal(got, operations) {
			t.Errorf("%s: every operation: got %q", name, got)
		}
		for _, s := range profile.Settings {
			for _, v := range s.Values {
				if v.Option == "trust=server-role" {
					continue // requires a role too
				}
				if got := get(map[string]string{"Options": string(v.Option)}, "Options"); !slices.Equal(got,
					[]string{string(v.Option)}) {
					t.Errorf("%s: %s: got %q", name, v.Option, got)
				}
			}
		}
		for _, p := range profile.Presets {
			b, err := resolveTemplate(t, "parent",
				launch[name](map[string]string{"Preset": p.Name, "Operations": "backup,restore"}))
			if err != nil {
				t.Fatal(err)
			}
			got := properties(t, b, "PermissionStack")
			if got["Preset"] != p.Name || got["Assets"] != nil || got["Operations"] != nil {
				t.Errorf("preset %s: got %v", p.Name, got)
			}
		}
	}
	sharing := map[string]string{"OtherAccountIds": "111122223333, 444455556666", "SharedResources": "organization"}
	for name, parameters := range launch {
		t.Run(name, func(t *testing.T) {
			b, err := resolveTemplate(t, "parent", parameters(sharing))
			if err != nil {
				t.Fatalf("%v", err)
			}
			got := properties(t, b, "PermissionStack")
			if ids := fmt.Sprint(got["OtherAccountIds"]); ids != "[111122223333 444455556666]" {
				t.Errorf("other accounts: %s", ids)
			}
			if got["SharedResources"] != "organization" {
				t.Errorf("shared resources: %v", got["SharedResources"])
			}
		})
	}
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func sameMembers(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func TestInvalidChoicesOfCPM(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/Server"
	for name, tc := range map[string]struct {
		values map[string]string
		want   string
	}{
		"nothing to protect": {map[string]string{"ProtectEC2": "no"}, "at least one kind of asset"},
		"clumio's operation": {map[string]string{"Operations": "backup,restore"},
			"Operations: valid for the backup service cpm"},
		"clumio's asset": {map[string]string{"ProtectEC2MSSQL": "yes"},
			"only no is valid for the backup service cpm"},
		"clumio's support role": {map[string]string{"SupportRole": "yes", "SupportControlPlaneRoleArn": role},
			"only no is valid for the backup service cpm"},
		"an unknown preset":  {map[string]string{"Preset": "advanced"}, "Preset"},
		"an unknown release": {map[string]string{"Options": "release=3.0"}, "Options: valid"},
		"a setting and another": {map[string]string{"Options": "release=4.2,colour=red"},
			"Options: valid"},
		"no server's role": {map[string]string{"Options": "trust=server-role"},
			"ControlPlaneRoleArn is required"},
		"a role that is not used": {map[string]string{"ControlPlaneRoleArn": role},
			"ControlPlaneRoleArn is not used"},
		"an external id that is not used": {map[string]string{"ExternalId": "example"}, "ExternalId is not used"},
		"an account that is not it":       {map[string]string{"OtherAccountIds": "111122223333,mine"}, "12 digits"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := resolveTemplate(t, "parent", cpmParameters(tc.values)); err == nil ||
				!strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one that contains %q", err, tc.want)
			}
		})
	}
	for _, id := range []string{"", "example"} { // the vendor's is optional
		if _, err := resolveTemplate(t, "parent",
			cpmParameters(map[string]string{"Options": "trust=server-role", "ControlPlaneRoleArn": role,
				"ExternalId": id})); err != nil {
			t.Errorf("the server's role: %v", err)
		}
	}
}

// TestRightsFollowTheProfile requires that an installation can change resources with
// the names of its own vendor only.
func TestRightsFollowTheProfile(t *testing.T) {
	const iam = "arn:aws:iam::123456789012:"
	prefix, instanceRole := map[string]string{}, map[string]string{}
	for _, name := range policies.TemplateProfileNames() {
		profile, _ := policies.Profile(name)
		prefix[name] = policies.NamePrefix(profile)
		instanceRole[name], _ = policies.InstanceRole(profile)
	}
	for _, own := range policies.TemplateProfileNames() {
		ownProfile, _ := policies.Profile(own)
		b, err := resolveTemplate(t, "parent", launchParameters(own, map[string]string{"OnDrift": "revert"}))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range policies.TemplateProfileNames() {
			may, entity := name == own, prefix[name]+"X-us-east-1-main"
			const path = "/permstack/us-east-1/main/"
			role, policy := iam+"role"+path+entity, iam+"policy"+path+entity
			topic, rule := "arn:aws:sns:us-east-1:123456789012:none", "arn:aws:events:us-east-1:123456789012:rule/none"
			if profile, _ := policies.Profile(name); len(profile.Topics) > 0 {
				topic = "arn:aws:sns:us-east-1:123456789012:" + profile.Topics[0].Entity + "-us-east-1-main"
				rule = "arn:aws:events:us-east-1:123456789012:rule/" + profile.Rules[0].Entity + "-us-east-1-main"
			}
			events := may && len(ownProfile.Topics) > 0
			within := map[string]string{"iam:PermissionsBoundary": vendorCeiling}
			attached := map[string]string{"iam:PolicyARN": policy, "iam:PermissionsBoundary": vendorCeiling}
			checkDecisions(t, documents(t, b, "StackRole"), []request{
				{own, "iam:CreateRole", role, within, may},
				{own, "iam:DeleteRole", role, within, may},
				{own, "iam:UpdateAssumeRolePolicy", role, within, may},
				{own, "iam:PutRolePolicy", role, within, may},
				{own, "iam:DeleteRolePermissionsBoundary", role, within, false},
				{own, "iam:GetRole", iam + "role/" + entity, nil, may},
				{own, "iam:AttachRolePolicy", role, attached, may},
				{own, "iam:DetachRolePolicy", role, attached, may},
				{own, "iam:CreatePolicy", policy, nil, may},
				{own, "iam:SetDefaultPolicyVersion", policy, nil, may},
				{own, "iam:CreateInstanceProfile", iam + "instance-profile" + path + entity, nil, may},
				{own, "sns:CreateTopic", topic, nil, events},
				{own, "events:PutRule", rule, nil, events},
			})
			checkDecisions(t, documents(t, b, "DriftRole"), calledBy(checkerARN, []request{
				{own, "iam:GetRole", role, nil, true}, // every role under the path
				{own, "iam:GetRole", iam + "role/" + entity, nil, may},
				{own, "iam:GetInstanceProfile", iam + "instance-profile" + path + entity, nil, may},
				{own, "iam:ListEntitiesForPolicy", policy, nil, may},
				{own, "iam:DetachRolePolicy", role, nil, may},
				{own, "iam:DeleteRolePolicy", role, nil, may},
				{own, "sns:SetTopicAttributes", topic, nil, events},
				{own, "events:DescribeRule", "arn:aws:events:us-east-1:123456789012:rule/" + entity, nil, may},
			}))
		}
		for profile, role := range instanceRole {
			for _, service := range []string{"ec2.amazonaws.com", "ec2.amazonaws.com.cn"} {
				checkDecisions(t, documents(t, b, "StackRole"), []request{
					{own, "iam:PassRole", iam + "role/permstack/us-east-1/main/" + role + "-us-east-1-main",
						map[string]string{"iam:PassedToService": service}, profile == own},
				})
			}
		}
	}
}

// TestMappingOfProfiles requires that the mapping Profiles states what the profiles are: the rights above end where the
// names of a profile begin.
func TestMappingOfProfiles(t *testing.T) {
	root, err := yamlfmt.Parse(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Mappings struct {
			Profiles map[string]struct {
				Prefix       string            `yaml:"Prefix"`
				InstanceRole string            `yaml:"InstanceRole"`
				SendsEvents  string            `yaml:"SendsEvents"`
				Topic        string            `yaml:"Topic"`
				Rules        map[string]string `yaml:",inline"`
			} `yaml:"Profiles"`
		} `yaml:"Mappings"`
	}
	if err := root.Decode(&template); err != nil {
		t.Fatal(err)
	}
	got, want := slices.Sorted(maps.Keys(template.Mappings.Profiles)), policies.TemplateProfileNames()
	if !slices.Equal(got, want) {
		t.Fatalf("got profiles %q, want %q", got, want)
	}
	for name, got := range template.Mappings.Profiles {
		profile, _ := policies.Profile(name)
		role, ok := policies.InstanceRole(profile)
		if !ok || got.InstanceRole != role {
			t.Errorf("%s: got instance role %q, want %q", name, got.InstanceRole, role)
		}
		if prefix := policies.NamePrefix(profile); got.Prefix != prefix {
			t.Errorf("%s: got prefix %q, want %q", name, got.Prefix, prefix)
		}
		if events := got.SendsEvents == "yes"; events != (len(profile.Topics) > 0) {
			t.Errorf("%s: got SendsEvents %q for %d topics", name, got.SendsEvents, len(profile.Topics))
		}
		topic, rules := "none", map[string]bool{}
		for _, declared := range profile.Topics {
			topic = declared.Entity
		}
		for _, rule := range profile.Rules {
			rules[rule.Entity] = true
		}
		if got.Topic != topic || len(profile.Topics) > 1 {
			t.Errorf("%s: got topic %q, want %q", name, got.Topic, topic)
		}
		named := map[string]bool{}
		for _, rule := range got.Rules {
			if rule != "none" {
				named[rule] = true
			}
		}
		if !maps.Equal(named, rules) {
			t.Errorf("%s: got rules %v, want %v", name, named, rules)
		}
	}
}
