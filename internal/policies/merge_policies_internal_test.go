package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// manyPolicies returns a profile of one role with a managed policy of one statement for each number, its characters.
// The names have no common beginning, so that the guard lists each policy.
func manyPolicies(sizes ...int) schema.Profile {
	role := schema.Role{Entity: "Role", Trust: []schema.Trust{{Sid: "T", Service: "ec2.amazonaws.com"}}}
	for i, size := range sizes {
		letter := string(rune('A' + i))
		role.Policies = append(role.Policies, schema.Policy{
			Entity: letter + "-Policy", Kind: schema.Managed, Statements: []schema.Statement{{
				Sid: letter, Actions: []string{"a:B"}, Resources: []string{strings.Repeat(letter, size)},
			}},
		})
	}
	return schema.Profile{
		Name: "many", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"o"},
		Roles: []schema.Role{role}, Topics: []schema.Topic{{Entity: "Topic", For: []schema.Use{{Asset: "b"}}}},
	}
}

func merged(t *testing.T, profile schema.Profile, env Environment) (Set, string) {
	t.Helper()
	env.Account, env.Region, env.Path = "111111111111", "eu-central-1", "/"
	env.InstallationID, env.StackNames = "1a2b3c4d", []string{"stack"}
	set, err := SynthesizeProfile(profile, Selection{Assets: []schema.Asset{"a"}}, env)
	var limit *LimitError
	if errors.As(err, &limit) {
		return set, strings.Join(limit.Problems, "; ")
	}
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, p := range set.Roles[0].Managed {
		var sids []string
		for _, st := range p.Document.Statement {
			sids = append(sids, st.Sid)
		}
		parts = append(parts, strings.TrimSuffix(p.Name, "-Policy-eu-central-1-main")+":"+strings.Join(sids, "+"))
	}
	return set, strings.Join(parts, " ")
}

// TestReduce checks which policies of a role become one if they are more than ten, IAM's default quota: the two
// smallest, at the place and with the name of the first of them.
func TestReduce(t *testing.T) {
	const tooMany = "managed policies of Role: 11 of at most 10"
	equal := slices.Repeat([]int{100}, 12)
	document := func(list ...schema.Statement) int {
		d := iampolicy.Document{Version: iampolicy.Version}
		for _, st := range list {
			d.Statement = append(d.Statement, iampolicy.Statement{
				Sid: st.Sid, Effect: "Allow", Action: st.Actions, Resource: st.Resources,
			})
		}
		return d.Size()
	}
	// What two policies of 0 characters have as one.
	empty := document(schema.Statement{Sid: "A", Actions: []string{"a:B"}, Resources: []string{""}},
		schema.Statement{Sid: "BPolicyB", Actions: []string{"a:B"}, Resources: []string{""}})
	fitting := []int{2000, 6144 - empty - 2000, 5000, 5001, 5002, 5003, 5004, 5005, 5006, 5007, 5008}
	above := slices.Clone(fitting)
	above[1]++
	for _, tt := range []struct {
		name  string
		sizes []int
		want  string
	}{
		{"ten are not merged", equal[:10], "A:A B:B C:C D:D E:E F:F G:G H:H I:I J:J"},
		{"of equal ones the first", equal, "A:A+BPolicyB C:C+DPolicyD E:E F:F G:G H:H I:I J:J K:K L:L"},
		{"the smallest is the first", []int{10, 50, 20, 60, 70, 80, 90, 91, 92, 93, 94},
			"A:A+CPolicyC B:B D:D E:E F:F G:G H:H I:I J:J K:K"},
		{"the smallest is the second", []int{20, 10, 30, 60, 70, 80, 90, 91, 92, 93, 94},
			"A:A+BPolicyB C:C D:D E:E F:F G:G H:H I:I J:J K:K"},
		{"in the middle", []int{90, 91, 92, 11, 93, 94, 10, 95, 96, 97, 98},
			"A:A B:B C:C D:D+GPolicyG E:E F:F H:H I:I J:J K:K"},
		{"the smallest is the last", []int{90, 91, 92, 30, 93, 94, 95, 96, 97, 98, 5},
			"A:A B:B C:C D:D+KPolicyK E:E F:F G:G H:H I:I J:J"},
		{"as large as a policy may be", fitting, "A:A+BPolicyB C:C D:D E:E F:F G:G H:H I:I J:J K:K"},
		{"larger", above, tooMany},
		// What was merged is larger then, and others are the smallest.
		{"twice", []int{10, 20, 200, 40, 50, 201, 202, 203, 204, 205, 206, 207},
			"A:A+BPolicyB C:C D:D+EPolicyE F:F G:G H:H I:I J:J K:K L:L"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := manyPolicies(tt.sizes...)
			notChosen := profile.Roles[0].Policies[0]
			notChosen.Entity, notChosen.For = "Other-Policy", []schema.Use{{Asset: "b"}}
			profile.Roles[0].Policies = append(profile.Roles[0].Policies, notChosen)
			set, got := merged(t, profile, Environment{})
			if got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			// The guard names the policies that there are.
			for _, r := range set.Roles[0].Inline[0].Document.Statement[0].Resource {
				isPolicy := func(p Policy) bool { return strings.HasSuffix(r, ":policy"+p.Path+p.Name) }
				if strings.Contains(r, ":policy/") && !slices.ContainsFunc(set.Roles[0].Managed, isPolicy) {
					t.Errorf("the guard names %s, which is not in the set", r)
				}
			}
		})
	}
}

// TestReduceKeeps checks what is not merged or left out.
func TestReduceKeeps(t *testing.T) {
	const rest = " D:D E:E F:F G:G H:H I:I J:J K:K"
	sizes := []int{10, 11, 12, 100, 101, 102, 103, 104, 105, 106, 107}
	repeat := func(profile schema.Profile, of, in int) {
		p := profile.Roles[0].Policies
		st := p[of].Statements[0]
		st.Sid += "Again"
		p[in].Statements = append(slices.Clone(p[in].Statements), st)
	}
	for _, tt := range []struct {
		name   string
		change func(schema.Profile)
		env    Environment
		want   string
	}{
		{"a policy that a statement names", func(p schema.Profile) {
			p.Roles[0].Policies[4].Statements[0].Resources = []string{"${policies:A-Policy}"}
		}, Environment{}, "A:A B:B+CPolicyC" + rest},
		{"one that a condition names", func(p schema.Profile) {
			when := schema.Conditions{"ArnEquals": {"iam:PolicyARN": {"${policies:B-Policy}"}}}
			p.Roles[0].Policies[4].Statements[0].When = when
		}, Environment{}, "A:A+CPolicyC B:B" + rest},
		{"all of them", func(p schema.Profile) {
			for _, policy := range p.Roles[0].Policies {
				st := &p.Roles[0].Policies[4].Statements[0]
				st.Resources = append(st.Resources, "${policies:"+policy.Entity+"}")
			}
		}, Environment{}, "managed policies of Role: 11 of at most 10"},
		{"a policy without a chosen resource", func(p schema.Profile) {
			p.Roles[0].Policies[0].Statements[0].Resources = []string{"${topics:Topic}"}
			repeat(p, 1, 2)
		}, Environment{}, "B:B C:C+BAgain" + rest},
		{"eleven, and one without a chosen resource", func(p schema.Profile) {
			p.Roles[0].Policies[0].Statements[0].Resources = []string{"${topics:Topic}"}
			last := manyPolicies(make([]int, 12)...).Roles[0].Policies[11]
			last.Statements[0].Resources = []string{strings.Repeat("L", 50)}
			p.Roles[0].Policies = append(p.Roles[0].Policies, last)
		}, Environment{}, "B:B+CPolicyC" + rest + " L:L"},
		{"two policies that others repeat", func(p schema.Profile) {
			p.Roles[0].Policies[1].Statements = nil
			p.Roles[0].Policies[2].Statements = nil
			repeat(p, 0, 1)
			repeat(p, 3, 2)
			repeat(p, 0, 5)
		}, Environment{}, "A:A C:DAgain E:E F:F G:G H:H I:I J:J K:K"}, // of two the first is kept
		{"what another policy repeats, after one that is named", func(p schema.Profile) {
			p.Roles[0].Policies[4].Statements[0].Resources = []string{"${policies:A-Policy}"}
			p.Roles[0].Policies[10].Statements = nil
			repeat(p, 3, 10)
		}, Environment{}, "A:A B:B C:C D:D E:E F:F G:G H:H I:I J:J"},
		{"what a later policy includes", func(p schema.Profile) {
			p.Roles[0].Policies[3].Statements[0].Resources = []string{"*"}
		}, Environment{}, "D:D"},
		{"a denial", func(p schema.Profile) {
			repeat(p, 0, 1)
			p.Roles[0].Policies[1].Statements[1].Deny = true
		}, Environment{}, "A:A+CPolicyC B:B+AAgain" + rest},
		{"what is shared with the organization", func(p schema.Profile) {
			for i := range p.Roles[0].Policies {
				st := &p.Roles[0].Policies[i].Statements[0]
				st.Shared = st.Resources
			}
		}, Environment{Organization: true}, "A:A+AOfOrganization+BPolicyB+BPolicyBOfOrganization C:C+COfOrganization " +
			"D:D+DOfOrganization E:E+EOfOrganization F:F+FOfOrganization G:G+GOfOrganization H:H+HOfOrganization " +
			"I:I+IOfOrganization J:J+JOfOrganization K:K+KOfOrganization"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := manyPolicies(sizes...)
			tt.change(profile)
			if _, got := merged(t, profile, tt.env); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestReduceInline checks that an inline policy loses what the managed ones repeat as well, and only if they are too
// many.
func TestReduceInline(t *testing.T) {
	for policies, want := range map[int]string{10: "Own+Again", 11: "Own"} {
		t.Run(fmt.Sprint(policies), func(t *testing.T) {
			profile := manyPolicies(slices.Repeat([]int{50}, policies)...)
			p := profile.Roles[0].Policies
			again := p[0].Statements[0]
			again.Sid = "Again"
			own := schema.Statement{Sid: "Own", Actions: []string{"a:B"}, Resources: []string{"own"}}
			profile.Roles[0].Policies = append(p, schema.Policy{
				Entity: "Inline", Kind: schema.Inline, Statements: []schema.Statement{own, again},
			})
			set, _ := merged(t, profile, Environment{})
			var got []string
			for _, st := range set.Roles[0].Inline[0].Document.Statement {
				got = append(got, st.Sid)
			}
			if text := strings.Join(got, "+"); text != want {
				t.Errorf("got %s, want %s", text, want)
			}
		})
	}
}
