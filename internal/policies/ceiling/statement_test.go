package ceiling

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

const ownPath = policies.PlaceholderPath + "${AWS::Region}/" + policies.PlaceholderConnection + "/"

// TestShortARNs checks which parts of ARNs become wildcards: those that do not limit anything.
func TestShortARNs(t *testing.T) {
	const iam = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
	for _, tt := range []struct {
		name       string
		arns, want []string
	}{
		{"a key", []string{"arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"},
			[]string{"arn:*:kms:${AWS::Region}:${AWS::AccountId}:key/*"}},
		{"a role", []string{iam + "x"}, []string{"arn:*:iam::*:role/x"}},
		{"every role", []string{iam + "*"}, []string{"*"}},
		{"a role of a service", []string{iam + "aws-service-role/ecs.amazonaws.com/X"},
			[]string{"arn:*:iam::*:role/aws-service-role/*"}},
		{"roles of services", []string{iam + "aws-service-role/*.amazonaws.com/X"},
			[]string{"arn:*:iam::*:role/aws-service-role/*.amazonaws.com/X"}},
		{"an own role", []string{"arn:${AWS::Partition}:iam::${AWS::AccountId}:role" + ownPath + "AcmeRole"},
			[]string{"arn:*:iam::*:role*/${AWS::Region}/${ConnectionId}/Acme*"}},
		{"own roles of other Regions", []string{"arn:${AWS::Partition}:iam::*:role" + policies.PlaceholderPath + "*"},
			[]string{"arn:*:iam::*:role*/Acme*"}},
		{"two that become one", []string{iam + "x", "arn:aws:iam::1:role/x"}, []string{"arn:*:iam::*:role/x"}},
		{"one that includes the other", []string{iam + "x", iam + "x*"}, []string{"arn:*:iam::*:role/x*"}},
		{"everything", []string{iam + "x", "*"}, []string{"*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := shortARNs(tt.arns, "Acme"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestNewStatement checks that a statement keeps its last condition, with wildcards for the path.
func TestNewStatement(t *testing.T) {
	role := "arn:${AWS::Partition}:iam::${AWS::AccountId}:role" + ownPath + "AcmeRole"
	w := When{Releases: []string{"1"}}
	got := newStatement(w, iampolicy.Statement{
		Action: iampolicy.Values{"iam:PassRole"}, Resource: iampolicy.Values{"r"},
		Condition: iampolicy.Conditions{
			"ArnEquals": {"a:Key": {"x"}}, "StringEquals": {"iam:Own": {role}, "iam:PassedTo": {"s", "t"}},
		},
	}, "Acme")
	want := Statement{
		When: w, Actions: []string{"iam:PassRole"}, Resources: []Part{{w, "r"}}, Operator: "StringEquals",
		Key: "iam:PassedTo", Values: []Part{{w, "s"}, {w, "t"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("statement (-want +got):\n%s", d)
	}
	own := iampolicy.Conditions{"StringEquals": {"iam:Own": {role, "y"}}}
	got = newStatement(w, iampolicy.Statement{Condition: own}, "Acme")
	values := []Part{{w, "arn:*:iam::*:role*/${AWS::Region}/${ConnectionId}/Acme*"}, {w, "y"}}
	if got.Operator != "StringLike" || !cmp.Equal(got.Values, values) {
		t.Errorf("got %s %v, want StringLike %v", got.Operator, got.Values, values)
	}
}

// uses returns uses of assets; "" is one of everything.
func uses(assets ...schema.Asset) (out []schema.Use) {
	for _, a := range assets {
		out = append(out, schema.Use{Asset: a})
	}
	return out
}

// TestJoin checks that statements that differ in their condition's values or in their resources become one, of which
// each part keeps its choice.
func TestJoin(t *testing.T) {
	a, b, both := When{Uses: uses("a")}, When{Uses: uses("b")}, When{Uses: uses("a", "b")}
	statement := func(w When, action, resource, value string) Statement {
		s := Statement{When: w, Actions: []string{action}, Resources: []Part{{w, resource}}}
		if value != "" {
			s.Operator, s.Key, s.Values = "StringEquals", "k", []Part{{w, value}}
		}
		return s
	}
	shown := func(list []Statement) string {
		var out []string
		for _, s := range list {
			out = append(out, fmt.Sprint(s.Actions, s.When.Uses, s.Resources, s.Values))
		}
		return strings.Join(out, "\n")
	}
	of := func(w When, actions string, resources, values []Part) Statement {
		return Statement{When: w, Actions: []string{actions}, Resources: resources, Values: values}
	}
	for _, tt := range []struct {
		name string
		list []Statement
		want []Statement
	}{
		{"other actions", []Statement{statement(a, "x", "r", ""), statement(a, "y", "r", "")},
			[]Statement{of(a, "x", []Part{{a, "r"}}, nil), of(a, "y", []Part{{a, "r"}}, nil)}},
		{"other values", []Statement{statement(a, "x", "r", "v"), statement(b, "x", "r", "w")},
			[]Statement{of(both, "x", []Part{{both, "r"}}, []Part{{a, "v"}, {b, "w"}})}},
		{"other resources", []Statement{statement(a, "x", "r", "v"), statement(b, "x", "s", "v")},
			[]Statement{of(both, "x", []Part{{a, "r"}, {b, "s"}}, []Part{{both, "v"}})}},
		{"both", []Statement{statement(a, "x", "r", "v"), statement(b, "x", "s", "w")},
			[]Statement{of(a, "x", []Part{{a, "r"}}, []Part{{a, "v"}}), of(b, "x", []Part{{b, "s"}}, []Part{{b, "w"}})}},
		{"a resource that another one includes", []Statement{statement(a, "x", "r*", ""), statement(a, "x", "r1", "")},
			[]Statement{of(a, "x", []Part{{a, "r*"}}, nil)}},
		{"with another choice", []Statement{statement(a, "x", "r*", ""), statement(b, "x", "r1", "")},
			[]Statement{of(both, "x", []Part{{a, "r*"}, {b, "r1"}}, nil)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := shown(join(tt.list)), shown(tt.want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestOr checks the choice of one of two choices.
func TestOr(t *testing.T) {
	first, second := []string{"1"}, []string{"2"}
	for _, tt := range []struct {
		name       string
		a, b, want When
	}{
		{"the same", When{uses("a"), first}, When{uses("a"), first}, When{uses("a"), first}},
		{"other uses", When{uses("b"), first}, When{uses("a"), first}, When{uses("a", "b"), first}},
		{"always", When{uses("b"), first}, When{nil, first}, When{nil, first}},
		{"always first", When{nil, first}, When{uses("b"), first}, When{nil, first}},
		{"other releases", When{uses("a"), first}, When{uses("a"), second}, When{uses("a"), nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, tt.a.or(tt.b)); d != "" {
				t.Errorf("choice (-want +got):\n%s", d)
			}
		})
	}
}

// TestUses checks how lists of uses are joined, and which releases they are of.
func TestUses(t *testing.T) {
	use := func(asset, operation, option string) schema.Use {
		return schema.Use{Asset: schema.Asset(asset), Operation: schema.Operation(operation), Option: schema.Option(option)}
	}
	if got, want := known([]schema.Use{use("a", "", "o"), use("b", "", "s=1")}, []schema.Option{"o"}),
		[]schema.Use{use("a", "", "o"), use("b", "", "")}; !slices.Equal(got, want) {
		t.Errorf("known: got %v, want %v", got, want)
	}
	if got := known(nil, nil); !slices.Equal(got, []schema.Use{always}) {
		t.Errorf("known of none: got %v", got)
	}
	for _, tt := range []struct {
		a, b, want []schema.Use
	}{
		{uses("b"), uses("a", "b"), uses("a", "b")},
		{[]schema.Use{use("a", "o", "")}, uses("a"), uses("a")},
		{[]schema.Use{use("a", "o", "x")}, []schema.Use{use("a", "", "x")}, []schema.Use{use("a", "", "x")}},
		{[]schema.Use{use("a", "o", "")}, []schema.Use{use("a", "p", "")},
			[]schema.Use{use("a", "o", ""), use("a", "p", "")}},
		{[]schema.Use{use("", "", "x")}, []schema.Use{use("", "", "y")}, []schema.Use{use("", "", "x"), use("", "", "y")}},
	} {
		if got := merge(tt.a, tt.b); !slices.Equal(got, tt.want) {
			t.Errorf("merge of %v and %v: got %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
	first, last := policies.Releases[0], policies.Releases[len(policies.Releases)-1]
	for _, tt := range []struct {
		name  string
		given map[string][]schema.Use
		want  []When
	}{
		{"every release", map[string][]schema.Use{first: uses("a"), last: uses("a")}, []When{{uses("a"), nil}}},
		{"one release", map[string][]schema.Use{last: uses("a")}, []When{{uses("a"), []string{last}}}},
		{"always", map[string][]schema.Use{first: uses(""), last: uses("")}, []When{{nil, nil}}},
		{"always in one", map[string][]schema.Use{first: uses("")}, []When{{nil, []string{first}}}},
		{"always and another use", map[string][]schema.Use{first: uses("", "a")}, []When{{uses("", "a"), []string{first}}}},
		{"other uses", map[string][]schema.Use{first: uses("a"), last: uses("b")},
			[]When{{uses("a"), []string{first}}, {uses("b"), []string{last}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, whens(tt.given)); d != "" {
				t.Errorf("choices (-want +got):\n%s", d)
			}
		})
	}
}

// TestJoinGroups checks that a pattern is in one group of the same releases, that of all its uses.
func TestJoinGroups(t *testing.T) {
	group := func(w When, actions ...string) Group { return Group{When: w, Actions: actions} }
	first := []string{"1"}
	got := joinGroups([]Group{
		group(When{}, "x:Always"), group(When{Uses: uses("a")}, "x:A", "x:Both"),
		group(When{Uses: uses("b")}, "x:Both", "x:Also"),
		group(When{Uses: uses("a"), Releases: first}, "x:Both"), group(When{Uses: uses("b")}, "x:Always"),
	})
	var text []string
	for _, g := range got {
		text = append(text, fmt.Sprint(g.When, g.Actions))
	}
	slices.Sort(text)
	var want []string
	for _, g := range []Group{
		group(When{}, "x:Always"), group(When{Uses: uses("a")}, "x:A"), group(When{Uses: uses("a", "b")}, "x:Both"),
		group(When{Uses: uses("b")}, "x:Also"), group(When{Uses: uses("a"), Releases: first}, "x:Both"),
	} {
		want = append(want, fmt.Sprint(g.When, g.Actions))
	}
	slices.Sort(want)
	if d := cmp.Diff(want, text); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
}

func TestWithoutCovered(t *testing.T) {
	a, b := When{Uses: uses("a")}, When{Uses: uses("b")}
	got := withoutCovered([]Part{{a, "r*"}, {a, "r1"}, {b, "r2"}, {When{}, "s*"}, {b, "s1"}, {a, "t"}})
	want := []Part{{a, "r*"}, {b, "r2"}, {When{}, "s*"}, {a, "t"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
}

func TestJoinParts(t *testing.T) {
	a, b := When{Uses: uses("a")}, When{Uses: uses("b")}
	got := joinParts([]Part{{a, "r"}}, []Part{{b, "r"}, {b, "s"}})
	if d := cmp.Diff([]Part{{When{Uses: uses("a", "b")}, "r"}, {b, "s"}}, got); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
}
