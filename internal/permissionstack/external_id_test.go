package permissionstack_test

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

// withExternalID returns the sample with an external id in the first role's trust.
func withExternalID(ids ...string) policies.Set {
	set := sample()
	trust := set.Roles[0].Trust
	statement := trust.Statement[0]
	statement.Condition = iampolicy.Conditions{"StringEquals": {"sts:ExternalId": ids}}
	trust.Statement = append([]iampolicy.Statement{statement}, trust.Statement[1:]...)
	set.Roles = append([]policies.Role{}, set.Roles...)
	set.Roles[0].Trust = trust
	return set
}

// TestExternalID checks that no template and no hash depends on the external id.
func TestExternalID(t *testing.T) {
	var templates, hashes []string
	for _, id := range []string{"marker-one", "marker-two"} {
		set := withExternalID(id)
		stacks, err := permissionstack.Stacks(set)
		if err != nil {
			t.Fatal(err)
		}
		all := string(combined(t, set).JSON()) + permissionstack.Fingerprints(stacks)
		for i, s := range stacks {
			all += string(s.Template.JSON()) + s.Template.Hash()
			if want := []string{"", id}[i]; s.Template.ExternalID() != want || s.Template.HasExternalID() != (want != "") {
				t.Errorf("part %s: got external id %q, want %q", s.Part, s.Template.ExternalID(), want)
			}
		}
		hash, err := permissionstack.GrantedHash(set)
		if err != nil {
			t.Fatal(err)
		}
		templates, hashes = append(templates, all), append(hashes, hash)
	}
	if strings.Contains(templates[0], "marker") || templates[0] != templates[1] {
		t.Error("templates depend on the external id")
	}
	if hashes[0] != hashes[1] {
		t.Error("the hash of the granted access depends on the external id")
	}
	without, err := permissionstack.GrantedHash(sample())
	if err != nil {
		t.Fatal(err)
	}
	if without == hashes[0] {
		t.Error("a set without an external id has the same hash")
	}
	if _, err := permissionstack.Stacks(withExternalID("one", "two")); err == nil {
		t.Error("two external ids are accepted")
	}
}
