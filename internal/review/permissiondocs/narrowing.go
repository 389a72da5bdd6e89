package permissiondocs

import (
	"errors"
	"fmt"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/scope"
)

// exampleScopes narrow a choice by each kind.
var exampleScopes = map[scope.Kind]string{
	scope.Tag: "backup=yes", scope.Bucket: "example", scope.Table: "example", scope.Database: "example",
	scope.Key: "12345678-1234-1234-1234-123456789012", scope.Region: "us-east-1", scope.VPC: "vpc-0123456789abcdef0",
}

// writeNarrowing writes what customers cannot narrow of a selection, by kind.
func writeNarrowing(b *strings.Builder, sel policies.Selection) error {
	b.WriteString("## Narrowing\n\nWhat remains as it is if everything is chosen and narrowed, see " +
		"[narrowing.md](../narrowing.md). An action can be in\nseveral statements: it is listed if one of them is not " +
		"narrowed.\n\n| narrowed by | not narrowed, because … | actions |\n|---|---|---|\n")
	for _, k := range scope.Kinds {
		sel.Scope = scope.Scope{}.With(k, []string{exampleScopes[k]})
		set, err := policies.Synthesize(sel, choice.Example(sel, policies.Environment{}))
		var input *policies.InputError
		if errors.As(err, &input) {
			fmt.Fprintf(b, "| %s | nothing can be narrowed by them | |\n", k.Plural())
			continue
		}
		if err != nil {
			return err
		}
		for _, n := range set.NotNarrowed {
			fmt.Fprintf(b, "| %s | %s | %s |\n", k.Plural(), escapeCell(n.Why), strings.Join(n.Actions, ", "))
		}
		if len(set.NotNarrowed) == 0 {
			fmt.Fprintf(b, "| %s | everything is narrowed | |\n", k.Plural())
		}
	}
	b.WriteString("\n")
	return nil
}
