package permissionstack_test

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

func hash(t *testing.T, set policies.Set) string {
	t.Helper()
	out, err := permissionstack.GrantedHash(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGrantedHash(t *testing.T) {
	first := hash(t, sample())
	if len(first) != 64 {
		t.Fatalf("got hash %q, want 64 digits", first)
	}
	statement := func(s *policies.Set) *iampolicy.Statement { return &s.Roles[0].Managed[0].Document.Statement[0] }
	for name, tc := range map[string]struct {
		edit func(*policies.Set)
		same bool
	}{
		"nothing":           {func(*policies.Set) {}, true},
		"Sid":               {func(s *policies.Set) { statement(s).Sid = "Other" }, true},
		"case of an action": {func(s *policies.Set) { statement(s).Action[0] = "EC2:createsnapshot" }, true},
		"description, tags": {func(s *policies.Set) { s.Roles[0].Description, s.Roles[0].Tags = "x", nil }, true},
		"order of roles":    {func(s *policies.Set) { slices.Reverse(s.Roles) }, true},
		"policies merged": {func(s *policies.Set) {
			m := s.Roles[0].Managed
			m[0].Document.Statement = append(m[0].Document.Statement, m[1].Document.Statement...)
			s.Roles[0].Managed = m[:1]
		}, true},
		"action":    {func(s *policies.Set) { statement(s).Action = append(statement(s).Action, "ec2:RunInstances") }, false},
		"resource":  {func(s *policies.Set) { statement(s).Resource[0] = "arn:aws:ec2:*:*:volume/*" }, false},
		"effect":    {func(s *policies.Set) { statement(s).Effect = "Deny" }, false},
		"condition": {func(s *policies.Set) { s.Roles[0].Inline[0].Document.Statement[0].Condition = nil }, false},
		"principal": {func(s *policies.Set) { s.Roles[0].Trust = trust("AWS", "*") }, false},
		"boundary":  {func(s *policies.Set) { s.Roles[0].PermissionsBoundary = "" }, false},
		"pattern":   {func(s *policies.Set) { s.Rules[0].Pattern["source"] = []any{"aws.rds"} }, false},
		"a role":    {func(s *policies.Set) { s.Roles = s.Roles[:2] }, false},
	} {
		t.Run(name, func(t *testing.T) {
			set := sample()
			tc.edit(&set)
			if same := hash(t, set) == first; same != tc.same {
				t.Errorf("the same hash: got %t, want %t", same, tc.same)
			}
		})
	}
}
