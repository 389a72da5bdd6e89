package permissiondocs

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/policies/narrowings"
)

// writeDifferences writes the recorded differences from the vendor's own permissions.
func writeDifferences(b *strings.Builder, profile string) error {
	d, err := narrowings.Read(profile)
	if err != nil || len(d.Narrowings) == 0 {
		return err
	}
	fmt.Fprintf(b, "## Differences from the vendor's permissions\n\n"+
		"Recorded in `internal/policies/profiles/%s/narrowings.yaml`: \n%s.\n"+
		"A test fails for a difference without a reason.\n\n", profile, d.ComparedWith)
	tighter := func(n narrowings.Narrowing) bool { return n.IsTighter() }
	wider := func(n narrowings.Narrowing) bool { return !n.IsTighter() }
	writeNarrowings(b, "Tighter than the vendor", slices.DeleteFunc(slices.Clone(d.Narrowings), wider))
	writeNarrowings(b, "More than the vendor, or another scope", slices.DeleteFunc(slices.Clone(d.Narrowings), tighter))
	return nil
}

func writeNarrowings(b *strings.Builder, title string, list []narrowings.Narrowing) {
	if len(list) == 0 {
		return
	}
	byRole := slices.ContainsFunc(list, func(n narrowings.Narrowing) bool { return n.Role != "" })
	fmt.Fprintf(b, "### %s\n\n", title)
	if byRole {
		b.WriteString("| role | actions | difference | why |\n|---|---|---|---|\n")
	} else {
		b.WriteString("| actions | difference | why |\n|---|---|---|\n")
	}
	for _, n := range list {
		var actions []string
		for _, a := range n.Actions {
			actions = append(actions, "`"+a+"`")
		}
		if byRole {
			fmt.Fprintf(b, "| %s ", n.Role)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", strings.Join(actions, "<br>"), n.We, escapeCell(n.Why))
	}
	b.WriteString("\n")
}
