package permissionstack_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"permstack/internal/e2e/docsection"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// TestScopeLimits measures how many names of 16 characters fit in a scope, and compares them with docs/narrowing.md.
func TestScopeLimits(t *testing.T) {
	policytest.RequireSlow(t, "it measures the longest scopes")
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

// TestScopeOfTwoLists checks that a refusal states what would fit of every list if none of one would.
func TestScopeOfTwoLists(t *testing.T) {
	sel := policies.Selection{Profile: "cpm", Assets: []schema.Asset{"dynamodb", "s3"}}
	for kind, n := range map[scope.Kind]int{scope.Table: 500, scope.Bucket: 300} {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("name%012d", i)
		}
		sel.Scope = sel.Scope.With(kind, names)
	}
	env := environment("aws", "eu-central-1")
	env.ControlPlaneRoleARN, env.ExternalID = "", ""
	var tooLong *permissionstack.ScopeTooLongError
	err := permissionstack.CheckScope(sel, env)
	if !errors.As(err, &tooLong) || len(tooLong.Others) != 1 {
		t.Fatalf("got %v, want a scope of which two lists are too long", err)
	}
	if want := "500 tables and 300 buckets, of which "; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	for _, o := range append(tooLong.Others, tooLong.ScopeFit) {
		sel.Scope = sel.Scope.With(o.Kind, sel.Scope.Get(o.Kind)[:o.Fit])
	}
	if err := permissionstack.CheckScope(sel, env); err != nil {
		t.Errorf("with the lists shortened as the message states: %v", err)
	}
}
