package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// bucketStatement returns a statement about two named buckets.
func bucketStatement(sid, action string) schema.Statement {
	return schema.Statement{
		Sid: sid, Why: "for " + sid, Actions: []string{action},
		Resources: []string{"arn:${Partition}:s3:::a", "arn:${Partition}:s3:::b"},
	}
}

// TestMergeNamed checks which statements of a role become one: those with the same conditions about the same kind of
// named resources. The first one in a managed policy gets the actions and reasons of the others.
func TestMergeNamed(t *testing.T) {
	use := []schema.Use{{Asset: "a"}}
	with := func(st schema.Statement, change func(*schema.Statement)) schema.Statement { change(&st); return st }
	noted := func(sid, note string) schema.Statement {
		return with(bucketStatement(sid, "s3:"+sid), func(st *schema.Statement) { st.Why, st.Note = "both", note })
	}
	tables := func(sid, suffix string) schema.Statement {
		const table = "arn:${Partition}:dynamodb:${Region}:${Account}:table/"
		return schema.Statement{
			Sid: sid, Actions: []string{sid}, Resources: []string{table + "t" + suffix, table + "u" + suffix},
		}
	}
	first, second := bucketStatement("First", "s3:First"), bucketStatement("Second", "s3:Second")
	const apart = "First[s3:First](for First|) Second[s3:Second](for Second|)"
	for _, tt := range []struct {
		name            string
		inline, managed []schema.Statement
		want            string // Sids with actions, and what is noted
	}{
		{"two", nil, []schema.Statement{first, second}, "First[s3:First s3:Second](for First; for Second|)"},
		{"one in an inline policy before", []schema.Statement{first}, []schema.Statement{second},
			"Second[s3:Second s3:First](for Second; for First|)"},
		{"only in an inline policy", []schema.Statement{first, second}, nil,
			"First[s3:First s3:Second](for First; for Second|)"},
		{"the same reason and notes", nil,
			[]schema.Statement{noted("A", "n"), noted("B", "n"), noted("C", "m"), noted("D", "")},
			"A[s3:A s3:B s3:C s3:D](both|n; m)"},
		{"a note of the second alone", nil, []schema.Statement{noted("A", ""), noted("B", "n")}, "A[s3:A s3:B](both|n)"},
		{"a denial", nil, []schema.Statement{
			first, with(second, func(st *schema.Statement) { st.Deny = true }),
		}, apart},
		{"one name", nil, []schema.Statement{
			first, with(second, func(st *schema.Statement) { st.Resources = st.Resources[:1] }),
		}, apart},
		{"another condition", nil, []schema.Statement{first, with(second, func(st *schema.Statement) {
			st.When = schema.Conditions{"Bool": {"aws:SecureTransport": {"true"}}}
		})}, apart},
		{"shared resources", nil, []schema.Statement{
			first, with(second, func(st *schema.Statement) { st.Shared = st.Resources }),
		}, apart},
		{"for every choice", nil, []schema.Statement{
			first, with(second, func(st *schema.Statement) { st.For = use }),
		}, apart},
		{"another preset", nil, []schema.Statement{
			first, with(second, func(st *schema.Statement) { st.Presets = []string{"p"} }),
		}, apart},
		{"every bucket, too", nil, []schema.Statement{first, with(second, func(st *schema.Statement) {
			st.Resources = append(slices.Clone(st.Resources), "*")
		})}, apart},
		{"a table, too", nil, []schema.Statement{first, with(second, func(st *schema.Statement) {
			st.Resources = append(slices.Clone(st.Resources), tables("T", "").Resources[0])
		})}, apart},
		{"a table first", nil, []schema.Statement{first, with(second, func(st *schema.Statement) {
			st.Resources = append(tables("T", "").Resources[:1], st.Resources...)
		})}, apart},
		{"tables", nil, []schema.Statement{first, tables("T", ""), tables("U", "")}, "First[s3:First](for First|) T[T U](|)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := schema.Profile{Roles: []schema.Role{{Policies: []schema.Policy{
				{Kind: schema.Inline, Statements: tt.inline}, {Kind: schema.Managed, Statements: tt.managed},
			}}}}
			var got []string
			for _, p := range mergeNamed(profile).Roles[0].Policies {
				for _, st := range p.Statements {
					got = append(got, fmt.Sprintf("%s%v(%s|%s)", st.Sid, st.Actions, st.Why, st.Note))
				}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
	// What is below a table is written alike if one of the statements names something else.
	both := union(tables("T", ""), tables("S", "/stream/*"))
	want := slices.Concat(tables("", "").Resources, tables("", "/*").Resources)
	if !slices.Equal(both.Resources, want) {
		t.Errorf("got %q, want %q", both.Resources, want)
	}
	if streams := union(tables("T", "/stream/*"), tables("S", "/stream/*")); !slices.Equal(streams.Resources,
		tables("", "/stream/*").Resources) {
		t.Errorf("streams alone: got %q", streams.Resources)
	}
}

// manyBuckets returns a profile with statements of one policy each about any bucket, and a filler.
func manyBuckets(statements, filler int) schema.Profile {
	profile := manyPolicies(filler)
	for i := range statements {
		name := fmt.Sprint("S", i)
		profile.Roles[0].Policies = append(profile.Roles[0].Policies, schema.Policy{
			Entity: name, Kind: schema.Managed, Statements: []schema.Statement{{
				Sid: name, Actions: []string{"s3:PutBucketPolicy"}, Resources: []string{"arn:${Partition}:s3:::*"},
			}},
		})
	}
	return profile
}

func buckets(n, length int) (out []string) {
	for i := range n {
		name := fmt.Sprint("bucket-", i, "-")
		out = append(out, name+strings.Repeat("x", length-len(name)))
	}
	return out
}

// TestMergeAbove checks that statements are merged in a set of more than 24,000 characters, or that does not fit IAM's
// limits otherwise, and keep their places in others.
func TestMergeAbove(t *testing.T) {
	synthesized := func(statements, filler, names int) (Set, error) {
		sel := Selection{Assets: []schema.Asset{"a"}, Scope: scope.Scope{Buckets: buckets(names, 60)}}
		env := Environment{Account: "111111111111", Region: "eu-central-1", StackNames: []string{"stack"}}
		return SynthesizeProfile(manyBuckets(statements, filler), sel, env)
	}
	merged := func(set Set) bool {
		return !slices.ContainsFunc(set.Roles[0].Managed, func(p Policy) bool { return p.Entity == "S1" })
	}
	small, err := synthesized(4, 10, 70)
	if err != nil || merged(small) {
		t.Fatalf("a small set: %v, merged %v", err, merged(small))
	}
	filler := 10 + 24_000 - small.size()
	for characters, want := range map[int]bool{24_000: false, 24_001: true} {
		set, err := synthesized(4, filler+characters-24_000, 70)
		if err != nil || merged(set) != want {
			t.Errorf("%d characters: %v, merged %v, want %v", characters, err, merged(set), want)
		}
		if !want && set.size() != characters {
			t.Errorf("got %d characters, want %d", set.size(), characters)
		}
	}
	// Ten policies do not have space for three times 250 names.
	set, err := synthesized(3, 10, 250)
	if err != nil || !merged(set) {
		t.Errorf("long lists: %v, want them merged", err)
	}
	var limit *LimitError
	if _, err := synthesized(1, 10, 900); !errors.As(err, &limit) {
		t.Errorf("longer lists: got %v, want a limit error", err)
	}
}

// TestSplitStatement checks that a statement that is larger than a policy becomes parts that are each as large as fits.
func TestSplitStatement(t *testing.T) {
	const limit = 6144
	st := schema.Statement{Sid: "S", Actions: []string{"s3:GetObject"}}
	for _, b := range buckets(200, 60) {
		st.Resources = append(st.Resources, "arn:aws:s3:::"+b)
	}
	size := func(st schema.Statement) int {
		return iampolicy.Document{Version: iampolicy.Version, Statement: synthesis{}.statements(st)}.Size()
	}
	for _, tt := range []struct {
		name         string
		shared       bool
		organization bool
	}{{"own", false, false}, {"shared", true, true}} {
		t.Run(tt.name, func(t *testing.T) {
			s := synthesis{names: names{Environment{Organization: tt.organization}}}
			whole := st
			if tt.shared {
				whole.Shared = whole.Resources
			}
			var all []string
			parts := s.split(whole)
			for i, p := range parts {
				document := func(resources []string) int {
					p := p
					p.Resources = resources
					if tt.shared {
						p.Shared = resources
					}
					return iampolicy.Document{Version: iampolicy.Version, Statement: s.statements(p)}.Size()
				}
				if got := document(p.Resources); got > limit {
					t.Errorf("part %d has %d characters", i+1, got)
				}
				all = append(all, p.Resources...)
				if i+1 < len(parts) && document(append(slices.Clone(p.Resources), parts[i+1].Resources[0])) <= limit {
					t.Errorf("part %d has space for one more resource", i+1)
				}
				want := "S"
				if i > 0 {
					want = fmt.Sprint("SPart", i+1)
				}
				if p.Sid != want {
					t.Errorf("part %d has the Sid %s, want %s", i+1, p.Sid, want)
				}
			}
			if !slices.Equal(all, st.Resources) {
				t.Errorf("got %d resources in %d parts, want %d", len(all), len(parts), len(st.Resources))
			}
		})
	}
	// A first part that is filled up.
	full := st
	full.Resources = slices.Clone(st.Resources)
	first := len(synthesis{}.split(st)[0].Resources)
	of := full
	of.Resources = full.Resources[:first]
	full.Resources[0] += strings.Repeat("y", limit-size(of))
	if got := (synthesis{}).split(full)[0]; len(got.Resources) != first || size(got) != limit {
		t.Errorf("the first part has %d resources and %d characters, want %d and %d", len(got.Resources), size(got), first,
			limit)
	}
	st.Resources = st.Resources[:70]
	st.Resources[0] += strings.Repeat("y", limit-size(st))
	if got := len(synthesis{}.split(st)); got != 1 {
		t.Errorf("a statement that just fits: got %d parts", got)
	}
	st.Resources[0] += "y"
	if got := len(synthesis{}.split(st)); got != 2 {
		t.Errorf("one that does not: got %d parts", got)
	}
	st.Resources = []string{strings.Repeat("x", 7000), "y"} // checkLimits reports it
	if got := len(synthesis{}.split(st)); got != 2 {
		t.Errorf("a resource that is too long: got %d parts", got)
	}
}

// TestPackAgain checks that policies are packed again if a statement names a policy that was split, and is longer then.
func TestPackAgain(t *testing.T) {
	for _, name := range []string{"${policies:B-Policy}", "${policies:*}"} {
		t.Run(name, func(t *testing.T) {
			for filler := range 120 { // one of them fills the policy as long as the other one is whole
				profile := manyPolicies(5810+filler, 4000)
				policies := profile.Roles[0].Policies
				policies[0].Statements = append(policies[0].Statements, schema.Statement{
					Sid: "Names", Actions: []string{"a:B"}, Resources: []string{name},
				})
				more := policies[1].Statements[0]
				more.Sid = "More"
				policies[1].Statements = append(policies[1].Statements, more)
				if _, err := SynthesizeProfile(profile, Selection{Assets: []schema.Asset{"a"}}, Environment{}); err != nil {
					t.Fatalf("filler %d: %v", filler, err)
				}
			}
		})
	}
}

// TestNothingIsNarrowed checks that a scope that narrows nothing of the chosen roles is refused, and that the message
// about another problem stays the only one.
func TestNothingIsNarrowed(t *testing.T) {
	profile := manyBuckets(1, 10)
	bucketRole := profile.Roles[0]
	bucketRole.Entity, bucketRole.For = "BucketRole", []schema.Use{{Asset: "b"}}
	profile.Roles = []schema.Role{bucketRole, {Entity: "Role", Policies: manyPolicies(10).Roles[0].Policies}}
	for _, tt := range []struct {
		assets []schema.Asset
		want   []string
	}{
		{[]schema.Asset{"a", "b"}, nil},
		{[]schema.Asset{"b"}, nil},
		{[]schema.Asset{"a"}, []string{
			"buckets are given, but nothing of this selection can be narrowed to them; leave them out",
		}},
		{[]schema.Asset{"a", "c"}, []string{`unknown asset "c"; valid: a, b`}},
	} {
		t.Run(fmt.Sprint(tt.assets), func(t *testing.T) {
			sel := Selection{Assets: tt.assets, Scope: scope.Scope{Buckets: []string{"reports"}}}
			_, err := SynthesizeProfile(profile, sel, Environment{})
			var got []string
			var input *InputError
			if errors.As(err, &input) {
				got = input.Problems
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	reversed := profile
	reversed.Roles = []schema.Role{bucketRole, profile.Roles[1], bucketRole}
	reversed.Roles[2].Entity, reversed.Roles[2].For = "Last", nil
	reversed.Roles[2].Policies = manyBuckets(1, 10).Roles[0].Policies[1:]
	sel := Selection{Assets: []schema.Asset{"a"}, Scope: scope.Scope{Buckets: []string{"reports"}}}
	if _, err := SynthesizeProfile(reversed, sel, Environment{}); err != nil {
		t.Errorf("narrowed in the last role: %v", err)
	}
}
