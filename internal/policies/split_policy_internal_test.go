package policies

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// TestSizeMatchesJSON compares size with the length of the JSON text.
func TestSizeMatchesJSON(t *testing.T) {
	values := func(list ...string) iampolicy.Values { return list }
	for _, d := range []iampolicy.Document{
		{},
		{Version: iampolicy.Version, ID: "id"},
		{ID: `"`}, {ID: `\`}, {ID: "\t"}, {ID: "ä"}, {ID: "$"}, {ID: "$}"}, {ID: "a b"}, // each alone
		{Version: iampolicy.Version, Statement: []iampolicy.Statement{
			{Effect: "Allow", Action: values("a:B"), Resource: values("*")},
			{
				Sid: "S", Effect: "Deny", NotAction: values("a:B", "c:D"), NotResource: values("arn:x", "arn:${*}", "with space"),
				Principal: &iampolicy.Principal{Everyone: true},
				Condition: iampolicy.Conditions{
					"StringEquals": {"k": values("v"), "l": values("v", "w")}, "StringLike": {"tag/ä": values(`"quoted" <&>`)},
				},
			},
			{Effect: "Allow",
				NotPrincipal: &iampolicy.Principal{ByType: map[string]iampolicy.Values{"AWS": values("a"),
					"Service": values("b", "c")}}},
		}},
	} {
		if have, want := size(d), d.Size(); have != want {
			t.Errorf("%+v: %d characters, want %d", d, have, want)
		}
	}
	open := iampolicy.Document{
		Statement: []iampolicy.Statement{
			{
				Effect:   "Allow",
				Resource: values("arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}/${aws:username}"),
			},
		},
	}
	text := "arn:aws-us-gov:x:" + strings.Repeat(
		"r",
		maxRegion,
	) + ":123456789012:" + strings.Repeat("s", 128) + "/${aws:username}"
	want := iampolicy.Document{Statement: []iampolicy.Statement{{Effect: "Allow", Resource: values(text)}}}
	if size(open) != want.Size() {
		t.Errorf("open: %d characters, want %d", size(open), want.Size())
	}
	open.Statement[0].Resource[0] = "ä${AWS::StackName}${AWS::StackName}"
	want.Statement[0].Resource[0] = "ä" + strings.Repeat("s", 2*128)
	if size(open) != want.Size() {
		t.Errorf("open, with another character: %d characters, want %d", size(open), want.Size())
	}
}

// TestFewestParts checks that every item is packed once, each part is within the capacity, and few
// packings need more parts than the total size does.
func TestFewestParts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	over := 0
	const rounds, capacity = 2000, 6000
	for range rounds {
		var sizes []int
		items := make([]int, 20+r.IntN(100))
		total := 0
		for i := range items {
			items[i] = i
			sizes = append(sizes, 120+r.IntN(700))
			total += sizes[i]
		}
		parts := packFewest(sizes, items, capacity)
		var seen []int
		for _, p := range parts {
			used := 0
			for _, i := range p {
				used += sizes[i]
			}
			if used > capacity || !slices.IsSorted(p) {
				t.Fatalf("part of %d: %v", used, p)
			}
			seen = append(seen, p...)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, items) {
			t.Fatal("an item is lost or there twice")
		}
		if len(parts) > (total+capacity-1)/capacity {
			over++
		}
	}
	// One more than the sizes alone require is at times all that can be done.
	if over > rounds/20 {
		t.Errorf("%d of %d packings need more parts than the sizes require", over, rounds)
	}
}

// TestPack checks which packing is used: the first of those with the fewest parts, of which the one in order is first.
func TestPack(t *testing.T) {
	for _, tt := range []struct {
		name     string
		sizes    []int
		capacity int
		want     [][]int
	}{
		{"nothing", nil, 6, nil},
		{"in order", []int{3, 3, 3, 3}, 6, [][]int{{0, 1}, {2, 3}}},
		{"one above the capacity", []int{3, 4, 3, 3}, 6, [][]int{{0}, {1}, {2, 3}}},
		{"larger than the capacity", []int{2, 7, 3}, 6, [][]int{{0, 2}, {1}}},
		{"first fit", []int{4, 5, 2, 1}, 6, [][]int{{0, 2}, {1, 3}}},
		{"first fit of the largest first", []int{1, 4, 8, 1, 5}, 10, [][]int{{0, 2, 3}, {1, 4}}},
		{"best fit of the largest first", []int{9, 20, 23, 33, 3, 21, 30, 4, 18, 27, 11}, 50,
			[][]int{{0, 3, 4, 7}, {1, 6}, {2, 9}, {5, 8, 10}}},
		{"best fit, of equal ones the first", []int{9, 16, 25, 3, 2, 20, 2, 4, 6, 7, 26}, 40,
			[][]int{{0, 3, 4, 10}, {1, 5, 7}, {2, 6, 8, 9}}},
		{"in order, although the sizes would fit into one less", []int{4, 7, 1, 4, 4}, 10, [][]int{{0}, {1, 2}, {3, 4}}},
		{"first fit, although the sizes would fit into one less", []int{2, 9, 6, 9, 4}, 10,
			[][]int{{0, 2}, {1}, {3}, {4}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Pack(tt.sizes, tt.capacity); !slices.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestSplitAtTheLimit checks that a policy, and each part of one, is filled up to IAM's limit and not above.
func TestSplitAtTheLimit(t *testing.T) {
	const limit = 6144
	none := iampolicy.Document{Version: iampolicy.Version}.Size()
	one := iampolicy.Statement{
		Sid: "S0", Effect: "Allow", Action: iampolicy.Values{"a:B"}, Resource: iampolicy.Values{"x"},
	}
	// A statement of a document, the comma before the next one, and the letter that is its resource.
	fixed := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{one}}.Size() - none - 1
	for _, tt := range []struct {
		name  string
		sizes []int // of the statements, with a comma each
		want  []int // statements of each part
	}{
		{"one at the limit", []int{limit - none + 1}, []int{1}},
		{"two at the limit", []int{3000, limit - none + 1 - 3000}, []int{2}},
		{"two above the limit", []int{3000, limit - none + 2 - 3000}, []int{1, 1}},
		{"a full part", []int{3000, limit - none + 1 - 3000, 100}, []int{2, 1}},
		{"one character more", []int{3000, limit - none + 2 - 3000, 100}, []int{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list []schema.Statement
			for i, size := range tt.sizes {
				list = append(list, schema.Statement{
					Sid: fmt.Sprint("S", i), Actions: []string{"a:B"}, Resources: []string{strings.Repeat("x", size-fixed-1)},
				}, schema.Statement{Sid: "NotSelected", Actions: []string{"a:B"}, Resources: []string{"${topics:None}"}})
			}
			s := synthesis{}
			var got []int
			for _, part := range s.pack(list) {
				d := iampolicy.Document{Version: iampolicy.Version}
				for _, st := range part {
					d.Statement = append(d.Statement, s.statements(st)...)
				}
				if d.Size() > limit {
					t.Errorf("got a part of %d characters", d.Size())
				}
				got = append(got, len(d.Statement))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got parts of %d statements, want %d", got, tt.want)
			}
		})
	}
}

// TestSplitOfSharedStatements checks that a statement has the size of all that it becomes.
func TestSplitOfSharedStatements(t *testing.T) {
	st := schema.Statement{Sid: "S", Actions: []string{"a:B"}, Resources: []string{strings.Repeat("x", 2500)}}
	st.Shared = st.Resources
	s := synthesis{names: names{Environment{Organization: true}}}
	if got := len(s.pack([]schema.Statement{st, st})); got != 2 {
		t.Errorf("got %d policies for two statements of more than 5000 characters, want 2", got)
	}
}

// TestTrustWithGivenValues checks that a trust statement has the conditions of the values that are given.
func TestTrustWithGivenValues(t *testing.T) {
	trust := schema.Trust{AWS: "1", WhenGiven: map[schema.Value]schema.Conditions{}}
	given := []schema.Value{schema.ControlPlaneRole, schema.ExternalID, schema.DataPlaneAccount}
	for _, v := range slices.Concat(given, []schema.Value{schema.SupportControlPlaneRole}) {
		trust.WhenGiven[v] = schema.Conditions{"StringEquals": {"aws:PrincipalTag/" + string(v): {"x"}}}
	}
	env := Environment{ControlPlaneRoleARN: "r", ExternalID: "e", DataPlaneAccountID: "d"}
	for range 20 { // maps have no order
		got := synthesis{names: names{env}}.trust(trust).Condition["StringEquals"]
		if len(got) != len(given) {
			t.Fatalf("got conditions on %d keys, want %d: %v", len(got), len(given), got)
		}
	}
}

// TestLimitError checks that a set at IAM's quotas ("IAM and AWS STS quotas") is accepted, and that the error about one
// above them names what is too large, how large it is, and the quota.
func TestLimitError(t *testing.T) {
	document := func(characters int) iampolicy.Document {
		d := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Effect: "Allow", Action: iampolicy.Values{"a:B"}, Resource: iampolicy.Values{""},
		}}}
		d.Statement[0].Resource[0] = strings.Repeat("x", characters-d.Size())
		return d
	}
	policy := func(characters int) Policy { return Policy{Entity: "P", Document: document(characters)} }
	for _, tt := range []struct {
		name  string
		limit int
		role  func(n int) Role
		want  string
	}{
		{"trust policy", 2048, func(n int) Role { return Role{Trust: document(n)} }, "trust policy of R in characters: "},
		{"managed policies", 10, func(n int) Role { return Role{Managed: make([]Policy, n)} }, "managed policies of R: "},
		{"inline policies", 10240, func(n int) Role { return Role{Inline: []Policy{policy(4000), policy(n - 4000)}} },
			"inline policies of R in characters: "},
		{"managed policy", 6144, func(n int) Role { return Role{Managed: []Policy{policy(200), policy(n)}} },
			"policy P in characters: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, above := tt.role(tt.limit), tt.role(tt.limit+1)
			at.Entity, above.Entity = "R", "R"
			if err := checkLimits(Set{Roles: []Role{at}}); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			var limit *LimitError
			want := []string{fmt.Sprintf("%s%d of at most %d", tt.want, tt.limit+1, tt.limit)}
			if err := checkLimits(Set{Roles: []Role{above}}); !errors.As(err, &limit) || !slices.Equal(limit.Problems, want) {
				t.Errorf("above the limit: got %v, want %q", err, want)
			}
		})
	}
}
