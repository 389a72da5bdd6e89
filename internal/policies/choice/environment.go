package choice

import (
	"cmp"
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Example values of the vendor, for a review without the real ones. The account IDs are those of AWS's documentation.
const (
	exampleControlPlane = "111122223333"
	exampleDataPlane    = "444455556666"
	ExampleExternalID   = "EXTERNAL-ID"
)

// Example returns the environment with example values for those that a selection requires and that are empty.
func Example(sel policies.Selection, env policies.Environment) policies.Environment {
	profile, _ := policies.Profile(sel.Profile)
	return ExampleFor(profile, sel, env)
}

// ExampleFor is Example for a profile that need not be one of policies.ProfileNames.
func ExampleFor(profile schema.Profile, sel policies.Selection, env policies.Environment) policies.Environment {
	partition := env.Partition
	if partition == "" {
		partition = policies.Partition(env.Region)
	}
	role := func(name string) string {
		return "arn:" + partition + ":iam::" + exampleControlPlane + ":role/" + name
	}
	for _, v := range needed(profile, sel) {
		switch v {
		case schema.ControlPlaneRole:
			env.ControlPlaneRoleARN = cmp.Or(env.ControlPlaneRoleARN, role("ControlPlane"))
		case schema.SupportControlPlaneRole:
			env.SupportControlPlaneRoleARN = cmp.Or(env.SupportControlPlaneRoleARN, role("SupportControlPlane"))
		case schema.DataPlaneAccount:
			env.DataPlaneAccountID = cmp.Or(env.DataPlaneAccountID, exampleDataPlane)
		case schema.ExternalID:
			env.ExternalID = cmp.Or(env.ExternalID, ExampleExternalID)
		}
	}
	return env
}

// Needed returns the values of an environment that a selection requires.
func Needed(sel policies.Selection) []schema.Value {
	profile, _ := policies.Profile(sel.Profile)
	return needed(profile, sel)
}

func needed(profile schema.Profile, sel policies.Selection) []schema.Value {
	for _, p := range profile.Presets {
		if p.Name == sel.Preset {
			if len(sel.Assets) == 0 {
				sel.Assets = p.Assets
			}
			if len(sel.Operations) == 0 {
				sel.Operations = p.Operations
			}
			sel.Options = slices.Concat(sel.Options, p.Options)
		}
	}
	options := slices.Clone(sel.Options)
	for _, s := range profile.Settings {
		chosen := s.Default
		for _, v := range s.Values {
			if slices.Contains(options, v.Option) {
				chosen = v.Option
			}
		}
		options = append(options, chosen)
		for _, v := range s.Values {
			if !s.Cumulative || v.Option == chosen {
				break
			}
			options = append(options, v.Option)
		}
	}
	var out []schema.Value
	for _, n := range profile.Needs {
		needed := len(n.For) == 0 || slices.ContainsFunc(n.For, func(u schema.Use) bool {
			return (u.Asset == "" || slices.Contains(sel.Assets, u.Asset)) &&
				(u.Operation == "" || len(sel.Operations) == 0 || slices.Contains(sel.Operations, u.Operation)) &&
				(u.Option == "" || slices.Contains(options, u.Option))
		})
		if needed && !slices.Contains(out, n.Value) {
			out = append(out, n.Value)
		}
	}
	return out
}

// With returns the environment bare with those values of from that a selection requires.
func With(sel policies.Selection, bare, from policies.Environment) policies.Environment {
	for _, v := range Needed(sel) {
		switch v {
		case schema.ControlPlaneRole:
			bare.ControlPlaneRoleARN = from.ControlPlaneRoleARN
		case schema.SupportControlPlaneRole:
			bare.SupportControlPlaneRoleARN = from.SupportControlPlaneRoleARN
		case schema.DataPlaneAccount:
			bare.DataPlaneAccountID = from.DataPlaneAccountID
		case schema.ExternalID:
			bare.ExternalID = from.ExternalID
		}
	}
	return bare
}
