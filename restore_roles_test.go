package permstack_test

import (
	"slices"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	choices "permstack/internal/policies/choice"
)

// TestRestoreRoles states what remains of "Remaining risks" in docs/security.md for roles that restores create, the
// option dynamodb-local-indexes of Clumio. The ceiling allows a vendor's role to change roles only with this option,
// only those of the vendor's name, and to create them only with one boundary. That boundary is a policy of the access
// stack, which somebody who controls the provisioner can rewrite: if the stack role can no longer do that, the risk is
// closed, and this test and the document have to say so.
func TestRestoreRoles(t *testing.T) {
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := iampolicy.Parse([]byte(allowEverything))
	if err != nil {
		t.Fatal(err)
	}
	const restored = "arn:aws:iam::" + account + ":role/clumio/Clumio-DynamoDB-SecureVault-Restore-T1"
	sel := ceilingSelection("profile=clumio assets=dynamodb operations=backup,restore")
	env := choices.Example(sel, policies.Environment{
		Partition: "aws", Account: account, Region: region, ConnectionID: "main",
	})
	changes := func(boundary iampolicy.Document, resource, roleBoundary string) []string {
		var out []string
		for _, a := range actions.Matching("iam:*") {
			q := eval.Request{Action: a.Name, Resource: resource, Context: map[string][]string{
				"iam:PermissionsBoundary": {roleBoundary},
			}}
			if !reads.MatchString(a.Name) && a.Name != "iam:PassRole" &&
				eval.Role([]iampolicy.Document{admin}, &boundary, q).Decision == eval.Allow {
				out = append(out, a.Name)
			}
		}
		return out
	}

	without := ceiling(t, template, sel, env, uuid)
	sel.Options = append(sel.Options, "dynamodb-local-indexes")
	with := ceiling(t, template, sel, env, uuid)
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	own := "arn:aws:iam::" + account + ":policy" + env.RolePath() +
		policyName(t, set, "ClumioIAMPermissionsBoundaryPolicy")
	for _, c := range []struct {
		name               string
		ceiling            iampolicy.Document
		resource, boundary string
		want               []string
	}{
		{"without the option", without, restored, own, nil},
		{"with its boundary", with, restored, own, []string{
			"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DetachRolePolicy",
		}},
		{"with another boundary", with, restored, vendorCeiling, []string{"iam:DeleteRole", "iam:DetachRolePolicy"}},
		{"role of another name", with, "arn:aws:iam::" + account + ":role/Admin", own, nil},
		{"role of the vendor", with, "arn:aws:iam::" + account + ":role" + env.RolePath() + set.Roles[0].Name, own, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := changes(c.ceiling, c.resource, c.boundary); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	t.Run("boundary can be rewritten", func(t *testing.T) {
		base, _ := isolatedPairs()
		writes := slices.ContainsFunc(base.rights(t)["StackRole"], func(st iampolicy.Statement) bool {
			return slices.Contains(st.Action, "iam:CreatePolicyVersion") &&
				slices.ContainsFunc(st.Resource, func(r string) bool { return iampolicy.Overlap(r, own) })
		})
		if !writes {
			t.Error("the stack role cannot write the boundary of restores' roles: the risk of docs/security.md is closed")
		}
	})
}

// policyName returns the name of a managed policy of a set by its entity.
func policyName(t *testing.T, set policies.Set, entity string) string {
	t.Helper()
	for _, r := range set.Roles {
		for _, p := range r.Managed {
			if strings.HasPrefix(p.Entity, entity) {
				return p.Name
			}
		}
	}
	t.Fatalf("the set has no policy %s", entity)
	return ""
}
