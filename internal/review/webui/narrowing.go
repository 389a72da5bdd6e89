package webui

import (
	"fmt"
	"strings"

	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/scope"
)

// parseLink parses a choice as links have it: PROFILE:ASSETS:OPERATIONS:OPTIONS, and after it &only=KIND:VALUE,… and
// &until=TIME.
func parseLink(text string) (policies.Selection, error) {
	parts := strings.Split(text, "&")
	sel, err := choice.Parse(parts[0])
	if err != nil {
		return sel, err
	}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		switch key {
		case "only":
			if sel.Scope, err = scope.ParseEntries(strings.Split(value, ",")); err != nil {
				return sel, fmt.Errorf("narrowed to %w", err)
			}
		case "until":
			if sel.RestoreUntil, err = policies.ParseRestoreUntil(value); err != nil {
				return sel, fmt.Errorf("restores allowed until %q: %w", value, err)
			}
		default:
			return sel, fmt.Errorf("%q after the choice: want only= or until=", key)
		}
	}
	return sel, nil
}

// synthesize returns the set of a choice. It refuses a scope that is too long or breaks a promised flow.
func synthesize(sel policies.Selection, env policies.Environment) (policies.Set, error) {
	if err := permissionstack.CheckScope(sel, env); err != nil {
		return policies.Set{}, err
	}
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		return set, err
	}
	profile, _ := policies.ProfileAt(sel.Profile, sel.CatalogVersion)
	return set, flows.CheckScope(profile, flows.Get(sel.Profile), sel, env)
}

// flags returns the flags of the command line that narrow a choice alike.
func flags(sel policies.Selection) string {
	var b strings.Builder
	for _, k := range scope.Kinds {
		for _, v := range sel.Scope.Get(k) {
			flag := " --" + string(k)
			if k == scope.Tag || k == scope.Region {
				flag = " --only-" + string(k)
			}
			fmt.Fprintf(&b, "%s '%s'", flag, v)
		}
	}
	if !sel.RestoreUntil.IsZero() {
		b.WriteString(" --restore-until " + policies.FormatRestoreUntil(sel.RestoreUntil))
	}
	return b.String()
}

// onlyParameters are the parameters of the template that narrow the access, by kind.
var onlyParameters = map[scope.Kind]string{
	scope.Tag: "OnlyTags", scope.Bucket: "OnlyBuckets", scope.Table: "OnlyTables", scope.Database: "OnlyDatabases",
	scope.Key: "OnlyKeys", scope.Region: "OnlyRegions", scope.VPC: "OnlyVpcs",
}
