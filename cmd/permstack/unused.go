package main

import (
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// refuseUnused returns a usage error that names the flag of a vendor's value which a valid choice does not read. A
// value that is not among the profile's needs is optional, and no data states which choices read it.
func refuseUnused(sel policies.Selection, env policies.Environment) error {
	profile, _ := policies.Profile(sel.Profile)
	needed := choice.Needed(sel)
	for _, f := range []struct {
		input       schema.Value
		flag, value string
	}{
		{schema.ControlPlaneRole, "control-plane-role", env.ControlPlaneRoleARN},
		{schema.SupportControlPlaneRole, "support-control-plane-role", env.SupportControlPlaneRoleARN},
		{schema.DataPlaneAccount, "data-plane-account", env.DataPlaneAccountID},
		{schema.ExternalID, "external-id", env.ExternalID},
	} {
		stated := slices.ContainsFunc(profile.Needs, func(n schema.Need) bool { return n.Value == f.input })
		if f.value != "" && stated && !slices.Contains(needed, f.input) {
			return usagef("--%s is not used: nothing of this choice reads it; leave it out", f.flag)
		}
	}
	return nil
}
