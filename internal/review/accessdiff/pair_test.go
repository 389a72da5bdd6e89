package accessdiff

import (
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/review/explain"
)

func named(label, name string, actions ...string) *AccessSet {
	s := newAccessSet(label)
	s.Roles[name] = Role{Policies: []iampolicy.Document{{Version: iampolicy.Version, Statement: []iampolicy.Statement{
		{Effect: "Allow", Action: actions, Resource: iampolicy.Values{"*"}},
	}}}}
	return s
}

func TestPair(t *testing.T) {
	loose := newAccessSet("loose")
	loose.Loose["backup"] = named("", "x", "s3:GetObject", "s3:PutObject").Roles["x"].Policies[0]
	byHand := named("a", "Old", "ec2:CreateSnapshot")
	byHand.As = map[string]string{"Old": "New"}
	for _, c := range []struct {
		name     string
		from, to *AccessSet
		pairs    int
		grows    bool
	}{
		{"another name", named("a", "A", "s3:GetObject", "s3:PutObject"), named("b", "B", "s3:GetObject", "s3:PutObject"),
			1, false},
		{"nothing in common", named("a", "A", "s3:GetObject"), named("b", "B", "ec2:CreateSnapshot"), 0, true},
		{"a policy without its role", loose, named("b", "B", "s3:GetObject", "s3:PutObject"), 1, false},
		{"by hand", byHand, named("b", "New", "s3:GetObject"), 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Compare(c.from, c.to, explain.Describer{})
			if len(d.Pairs) != c.pairs || d.Grows != c.grows {
				t.Errorf("got %d pairs, grows %v; want %d, %v: %+v", len(d.Pairs), d.Grows, c.pairs, c.grows, d)
			}
		})
	}
}
