package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/scope"
)

// testPolicy returns a policy whose statements are written ACTION:RESOURCE,RESOURCE.
func testPolicy(name string, statements ...string) Policy {
	p := Policy{Entity: name, Name: name}
	for _, text := range statements {
		action, resources, _ := strings.Cut(text, ":")
		p.Document.Statement = append(p.Document.Statement, iampolicy.Statement{
			Sid: action, Effect: "Allow", Action: iampolicy.Values{action}, Resource: strings.Split(resources, ","),
		})
		p.Grants = append(p.Grants, Grant{Sid: action})
	}
	return p
}

// onlyRegions returns the policy that denies other Regions, except for some actions.
func onlyRegions(notAction string, regions ...string) Policy {
	return Policy{Entity: ScopePolicy, Name: ScopePolicy, Document: iampolicy.Document{Statement: []iampolicy.Statement{{
		Sid: "OnlyRegions", Effect: "Deny", NotAction: iampolicy.Values{notAction}, Resource: iampolicy.Values{"*"},
		Condition: iampolicy.Conditions{"StringNotEquals": {"aws:RequestedRegion": regions}},
	}}}}
}

// shownPolicies writes policies as NAME[SID:RESOURCES …], and the Regions of the one that denies others.
func shownPolicies(list []Policy) string {
	var out []string
	for _, p := range list {
		var statements []string
		for _, st := range p.Document.Statement {
			text := st.Sid + ":" + strings.Join(st.Resource, ",")
			if p.Entity == ScopePolicy {
				text = fmt.Sprint(st.NotAction) + fmt.Sprint(st.Condition["StringNotEquals"]["aws:RequestedRegion"])
			}
			statements = append(statements, text)
		}
		out = append(out, p.Name+"["+strings.Join(statements, " ")+"]")
	}
	return strings.Join(out, " ")
}

func TestMovedPolicies(t *testing.T) {
	denied := testPolicy("P", "A:r1")
	denied.Document.Statement[0].Effect = "Deny"
	for _, tt := range []struct {
		name        string
		before, now []Policy
		want        []string
	}{
		{"nothing", []Policy{testPolicy("P", "A:r1")}, []Policy{testPolicy("P", "A:r1")}, nil},
		{"a resource goes", []Policy{testPolicy("P", "A:r1,r2")}, []Policy{testPolicy("P", "A:r1")}, nil},
		{"an action goes", []Policy{testPolicy("P", "A:r1", "B:r1")}, []Policy{testPolicy("P", "B:r1")}, nil},
		{"an action comes", []Policy{testPolicy("P", "A:r1")},
			[]Policy{testPolicy("P", "A:r1"), testPolicy("Q", "B:r1")}, nil},
		{"an action moves", []Policy{testPolicy("P", "A:r1"), testPolicy("Q", "B:r1")},
			[]Policy{testPolicy("P"), testPolicy("Q", "B:r1", "A:r1")}, []string{"P"}},
		{"another policy has the action, too", []Policy{testPolicy("P", "A:r1"), testPolicy("R", "B:r1")},
			[]Policy{testPolicy("P", "A:r1"), testPolicy("Q", "A:r2"), testPolicy("R", "B:r1")}, []string{"P"}},
		{"two policies lose the action to a third one",
			[]Policy{testPolicy("P", "A:r1"), testPolicy("Q", "A:r1"), testPolicy("R", "A:r1")},
			[]Policy{testPolicy("R", "A:r1")}, []string{"P", "Q"}},
		{"what follows a denial", []Policy{{Name: "P", Document: iampolicy.Document{Statement: append(
			slices.Clone(denied.Document.Statement), testPolicy("", "B:r1").Document.Statement...)}}},
			[]Policy{testPolicy("Q", "B:r1")}, []string{"P"}},
		{"a resource moves", []Policy{testPolicy("P", "A:r1,r2"), testPolicy("Q", "A:r3")},
			[]Policy{testPolicy("P", "A:r1"), testPolicy("Q", "A:r2,r3")}, []string{"P"}},
		{"a resource is in both now", []Policy{testPolicy("P", "A:r1"), testPolicy("Q", "A:r2")},
			[]Policy{testPolicy("P", "A:r1"), testPolicy("Q", "A:r1,r2")}, nil},
		{"a resource within one policy", []Policy{testPolicy("P", "A:r1", "A:r2")},
			[]Policy{testPolicy("P", "A:r2,r1")}, nil},
		{"a denial moves", []Policy{denied}, []Policy{testPolicy("Q", "A:r1")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := slices.Sorted(maps.Keys(movedPolicies(Role{Managed: tt.before}, Role{Inline: tt.now})))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTransition checks the sets that are deployed between two scopes: with the statements of both in each policy, or
// with copies of the policies that access moves from. No set between them denies a Region that both allow.
func TestTransition(t *testing.T) {
	narrow, wide := scope.Scope{Tables: []string{"a"}}, scope.Scope{Tables: []string{"a", "b"}}
	guard := func(resource string) Policy {
		p := testPolicy(GuardPolicy, "Guard:"+resource)
		p.Document.Statement[0].Effect = "Deny"
		return p
	}
	old := Role{
		Entity: "R", Name: "R", Path: "/p/",
		Managed: []Policy{testPolicy("P", "A:r1", "X:rx"), testPolicy("Q", "B:r2"), testPolicy("Gone", "C:r3")},
		Inline:  []Policy{onlyRegions("sts:*", "eu-west-1", "eu-west-2"), guard("old")},
	}
	now := Role{
		Entity: "R", Name: "R", Path: "/p/",
		Managed: []Policy{testPolicy("P", "X:rx"), testPolicy("Q", "B:r2", "A:r1")},
		Inline:  []Policy{onlyRegions("iam:*", "eu-west-2", "eu-central-1"), guard("new")},
	}
	first := Role{Entity: "First", Name: "First", Managed: []Policy{testPolicy("F", "A:r9")}}
	with := func(r Role, managed, inline []Policy) Role { r.Managed, r.Inline = managed, inline; return r }
	const bothRegions = "PermstackScope[[iam:* sts:*][eu-central-1 eu-west-1 eu-west-2]] PermstackGuard[Guard:new]"
	large := func(action, letter string) Policy { return testPolicy("P", action+":"+strings.Repeat(letter, 4000)) }
	many := slices.Clone(old.Managed[:1])
	for i := range 9 {
		many = append(many, testPolicy(fmt.Sprint("M", i), "B:r2"))
	}
	for _, tt := range []struct {
		name        string
		before, now Role
		scope       scope.Scope
		needed      bool
		want        [][]string // of the role R in each set of each way, its managed | inline policies
	}{
		{"the same scope", old, now, narrow, false, nil},
		{"no access moves", with(old, now.Managed, nil), now, wide, false, nil},
		{"another role", with(Role{Entity: "R", Name: "R2"}, old.Managed, nil), now, wide, false, nil},
		{"access moves", old, now, wide, true, [][]string{
			{"P[X:rx ABefore:r1] Q[B:r2 A:r1] Gone[C:r3] | " + bothRegions},
			{
				"P[A:r1 X:rx] Q[B:r2] Gone[C:r3] P-before[A:r1 X:rx] | " +
					"PermstackScope[[sts:*][eu-west-1 eu-west-2]] PermstackGuard[Guard:old]",
				"P[X:rx] Q[B:r2 A:r1] P-before[A:r1 X:rx] | " + bothRegions,
			},
		}},
		{"every Region before", with(old, old.Managed, nil), now, wide, true, [][]string{
			{"P[X:rx ABefore:r1] Q[B:r2 A:r1] Gone[C:r3] | PermstackGuard[Guard:new]"},
			{
				"P[A:r1 X:rx] Q[B:r2] Gone[C:r3] P-before[A:r1 X:rx] | ",
				"P[X:rx] Q[B:r2 A:r1] P-before[A:r1 X:rx] | PermstackGuard[Guard:new]",
			},
		}},
		{"every Region after", old, with(now, now.Managed, nil), wide, true, [][]string{
			{"P[X:rx ABefore:r1] Q[B:r2 A:r1] Gone[C:r3] | PermstackGuard[Guard:old]"},
			{
				"P[A:r1 X:rx] Q[B:r2] Gone[C:r3] P-before[A:r1 X:rx] | " +
					"PermstackScope[[sts:*][eu-west-1 eu-west-2]] PermstackGuard[Guard:old]",
				"P[X:rx] Q[B:r2 A:r1] P-before[A:r1 X:rx] | ",
			},
		}},
		{"an inline policy moves", with(old, nil, []Policy{testPolicy("I", "A:r1")}),
			with(now, []Policy{testPolicy("Q", "A:r1")}, nil), wide, true, [][]string{
				{"Q[A:r1] | I[A:r1]"}, {"I-before[A:r1] | I[A:r1]", "Q[A:r1] I-before[A:r1] | "},
			}},
		{"both do not fit one policy", with(old, []Policy{large("A", "x"), testPolicy("Q", "B:r2")}, nil),
			with(now, []Policy{large("C", "y"), testPolicy("Q", "A:r1")}, nil), wide, true, [][]string{{
				"P Q P-before | ", "P Q P-before | ",
			}}},
		{"too many for a copy", with(old, many, nil), with(now, append([]Policy{testPolicy("P", "X:rx"),
			testPolicy("M0", "B:r2", "A:r1")}, many[2:]...), nil), wide, true, [][]string{{"P M0 M1 M2 M3 M4 M5 M6 M7 M8 | "}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := Set{Scope: narrow, Roles: []Role{tt.before}}
			after := Set{Scope: tt.scope, Roles: []Role{first, tt.now}}
			ways, needed := Transition(before, after)
			var got [][]string
			for i, way := range ways {
				var sets []string
				for j, set := range way {
					r := set.Roles[len(set.Roles)-1]
					text := shownPolicies(r.Managed) + " | " + shownPolicies(r.Inline)
					if len(tt.want) > i && len(tt.want[i]) > j && !strings.Contains(tt.want[i][j], "[") {
						text = strings.Join(policyNames(r.Managed), " ") + " | "
					}
					sets = append(sets, text)
					for _, p := range r.Managed {
						name, isCopy := strings.CutSuffix(p.Name, "-before")
						if isCopy && (p.Path != r.Path || p.Entity != name+"Before") {
							t.Errorf("copy %s: path %s, entity %s", p.Name, p.Path, p.Entity)
						}
					}
				}
				got = append(got, sets)
			}
			if needed != tt.needed {
				t.Errorf("needed: got %v, want %v", needed, tt.needed)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("ways (-want +got):\n%s", d)
			}
		})
	}
}

func policyNames(list []Policy) (out []string) {
	for _, p := range list {
		out = append(out, p.Name)
	}
	return out
}
