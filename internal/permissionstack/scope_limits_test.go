package permissionstack_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"permstack/internal/e2e/docsection"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// TestScopeLimits measures how many names of 16 characters fit in a scope, and compares them with docs/narrowing.md.
func TestScopeLimits(t *testing.T) {
	var table strings.Builder
	fmt.Fprint(&table, "| choice, names of 16 characters | fits |\n|---|---|\n")
	for _, row := range []struct {
		asset  schema.Asset
		backup bool
		kind   scope.Kind
	}{
		{"s3", false, scope.Bucket}, {"s3", true, scope.Bucket},
		{"dynamodb", false, scope.Table}, {"dynamodb", true, scope.Table},
		{"rds", false, scope.Database}, {"rds", true, scope.Database},
	} {
		sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{row.asset}}
		name := "clumio:" + string(row.asset)
		if row.backup {
			sel.Operations, name = []schema.Operation{"backup"}, name+":backup"
		}
		names := make([]string, 700)
		for i := range names {
			names[i] = fmt.Sprintf("name%012d", i)
		}
		sel.Scope = scope.Scope{}.With(row.kind, names)
		env := environment("aws", "eu-central-1")
		env.ConnectionID, env.Path, env.PermissionsBoundaryARN, env.Tags = "main", "", "", nil
		env.InstallationID, env.Protected = "7b0c9a52", protected(env)
		var tooLong *permissionstack.ScopeTooLongError
		if err := permissionstack.CheckScope(sel, env); !errors.As(err, &tooLong) {
			t.Fatalf("%s: got %v, want a scope that is too long", name, err)
		}
		fmt.Fprintf(&table, "| `%s` | %d %s |\n", name, tooLong.Fit, tooLong.Kind.Plural())
	}
	const command = "go test ./internal/permissionstack -run TestScopeLimits -update"
	docsection.Check(t, "../../docs/narrowing.md", "limits", command, table.String(), *update)
}
