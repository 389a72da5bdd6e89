package compare

import (
	"fmt"
	"testing"

	"permstack/internal/policydoc"
)

// bigRole is a role's identity policies: ten of about 6 KB each. Salt makes
// every statement differ in form, a condition or an action.
func bigRole(salt string) []policydoc.Document {
	var docs []policydoc.Document
	for p := range 10 {
		d := policydoc.Document{Version: policydoc.Version}
		for s := range 10 {
			statement := policydoc.Statement{
				Sid: fmt.Sprintf("S%d%s", s, salt), Effect: allow,
				Resource: policydoc.Values{fmt.Sprintf("arn:aws:service%d:*:111122223333:kind/%d-*", p, s), fmt.Sprintf("arn:aws:service%d:*:*:other/%d/*", p, s)},
				Condition: policydoc.Conditions{
					"StringEquals": {"aws:ResourceTag/permstack:connection": {"a", fmt.Sprint(s)}},
					"StringLike":   {"aws:RequestedRegion": {"eu-*", "us-east-1"}},
				},
			}
			for a := range 12 {
				statement.Action = append(statement.Action, fmt.Sprintf("service%d:Action%dOfStatement%d", p, a, s))
			}
			if s%5 == 4 {
				statement.Action = append(statement.Action, fmt.Sprintf("service%d:Describe*%d", p, s))
			}
			switch salt {
			case "form":
				statement.Action[0], statement.Action[5] = statement.Action[5], statement.Action[0]
				statement.Action = append(statement.Action, statement.Action[0])
			case "less":
				statement.Condition["Bool"] = map[string]policydoc.Values{"aws:SecureTransport": {"true"}}
			case "other":
				statement.Condition["StringEquals"]["aws:ResourceTag/permstack:connection"] = policydoc.Values{"b", "c"}
			}
			d.Statement = append(d.Statement, statement)
		}
		docs = append(docs, d)
	}
	return docs
}

func BenchmarkCompare(b *testing.B) {
	want := bigRole("")
	administrator := append(bigRole("form"), policydoc.Document{Version: policydoc.Version, Statement: []policydoc.Statement{{Effect: allow, Action: policydoc.Values{"*"}, Resource: policydoc.Values{"*"}}}})
	for _, bb := range []struct {
		name      string
		have      []policydoc.Document
		direction Direction
	}{
		{"form", bigRole("form"), Same},
		{"split", oneByOne(want), Same},
		{"less", bigRole("less"), GrantsLess},
		{"administrator", administrator, GrantsMore},
		{"everything", bigRole("other"), Changed},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				if got := Compare(want, bb.have); got.Direction != bb.direction {
					b.Fatalf("got %v", got.Direction)
				}
			}
		})
	}
}

// oneByOne gives every action a statement of its own.
func oneByOne(docs []policydoc.Document) []policydoc.Document {
	var out []policydoc.Document
	for _, d := range docs {
		n := policydoc.Document{Version: d.Version}
		for _, s := range d.Statement {
			for _, a := range s.Action {
				one := s
				one.Action = policydoc.Values{a}
				n.Statement = append(n.Statement, one)
			}
		}
		out = append(out, n)
	}
	return out
}

func BenchmarkActions(b *testing.B) {
	want, have := map[string]policydoc.Document{}, map[string]policydoc.Document{}
	for i, d := range bigRole("") {
		want[fmt.Sprint(i)], have[fmt.Sprint(i)] = d, d
	}
	for b.Loop() {
		Actions(want, have)
	}
}
