package policies

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

// TestSizeMatchesJSON compares size with the length of the JSON text.
func TestSizeMatchesJSON(t *testing.T) {
	values := func(list ...string) iampolicy.Values { return list }
	for _, d := range []iampolicy.Document{
		{},
		{Version: iampolicy.Version, ID: "id"},
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

// TestLimitError names what is too large, and how much.
func TestLimitError(t *testing.T) {
	big := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
		Effect: "Allow", Action: iampolicy.Values{"a:B"}, Resource: iampolicy.Values{strings.Repeat("x", MaxManagedPolicy)},
	}}}
	set := Set{Roles: []Role{{Entity: "R", Managed: []Policy{{Entity: "P", Document: big}}}}}
	err := checkLimits(set)
	if err == nil || !strings.Contains(err.Error(), "policy P in characters: 62") ||
		!strings.Contains(err.Error(), "6144") {
		t.Errorf("have %v", err)
	}
}
