package permissiondocs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/conditionkeys"
)

// conditionKeysDocument returns, for each action of each profile, the condition keys
// that its statements use, and why they do not use the others that AWS sends.
func conditionKeysDocument() (string, error) {
	var b strings.Builder
	origin := reference.Origin()
	fmt.Fprintf(&b, "%s# Condition keys\n\n"+
		"Which condition keys AWS sends for each action that a profile grants, for the resource types that its\n"+
		"statements name: those that the statements require (\"used\"), and the reasons for not using the others. The keys are those of\n"+
		"AWS's Service Authorization Reference of %s. Keys that every request has, such as `aws:SourceVpc`, are left\n"+
		"out. A test fails for a key that is neither used nor explained.\n", generatedHeader, origin.Date)
	for _, name := range policies.ProfileNames() {
		if err := writeConditionKeys(&b, name); err != nil {
			return "", fmt.Errorf("write condition keys of profile %s: %w", name, err)
		}
	}
	return b.String(), nil
}

func writeConditionKeys(b *strings.Builder, name string) error {
	profile, _ := policies.Profile(name)
	reasons, err := conditionkeys.Read(name)
	if err != nil {
		return err
	}
	actions := conditionkeys.Actions(profile, policies.Releases[len(policies.Releases)-1])
	keys := make([][]string, len(reasons)) // unused keys by reason
	numbers := make([][]int, len(actions)) // reasons by action
	for i, a := range actions {
		for _, key := range a.Unused {
			n := slices.IndexFunc(reasons, func(r conditionkeys.Reason) bool { return r.Explains(a.Name, key) })
			if n >= 0 {
				keys[n] = append(keys[n], key)
				numbers[i] = append(numbers[i], n)
			}
		}
	}
	fmt.Fprintf(b, "\n## %s\n\n### Reasons\n\n| | keys | why they are not used |\n|---|---|---|\n", profile.Vendor)
	label := map[int]string{}
	for n, r := range reasons {
		if len(keys[n]) == 0 {
			continue
		}
		label[n] = strconv.Itoa(len(label) + 1)
		slices.Sort(keys[n])
		fmt.Fprintf(b, "| %s | %s | %s |\n", label[n], code(slices.Compact(keys[n])), escapeCell(r.Why))
	}
	b.WriteString("\n### Actions\n\n| action | used | reasons for the others |\n|---|---|---|\n")
	for i, a := range actions {
		slices.Sort(numbers[i])
		var list []string
		for _, n := range slices.Compact(numbers[i]) {
			list = append(list, label[n])
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", a.Name, code(a.Used), strings.Join(list, ", "))
	}
	return nil
}

// code returns a list of names as code.
func code(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}
