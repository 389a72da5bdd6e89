package compare

import (
	"fmt"
	"testing"

	"permstack/internal/iampolicy"
)

// bigRole is a role's identity policies: ten of about 6 KB each. Salt makes
// every statement differ in form, a condition or an action.
func bigRole(salt string) []iampolicy.Document {
	var docs []iampolicy.Document
	for p := range 10 {
		d := iampolicy.Document{Version: iampolicy.Version}
		for s := range 10 {
			statement := iampolicy.Statement{
				Sid: fmt.Sprintf("S%d%s", s, salt), Effect: allow,
				Resource: iampolicy.Values{
					fmt.Sprintf("arn:aws:service%d:*:111122223333:kind/%d-*", p, s),
					fmt.Sprintf("arn:aws:service%d:*:*:other/%d/*", p, s),
				},
				Condition: iampolicy.Conditions{
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
				statement.Condition["Bool"] = map[string]iampolicy.Values{"aws:SecureTransport": {"true"}}
			case "other":
				statement.Condition["StringEquals"]["aws:ResourceTag/permstack:connection"] = iampolicy.Values{"b", "c"}
			}
			d.Statement = append(d.Statement, statement)
		}
		docs = append(docs, d)
	}
	return docs
}

func BenchmarkCompare(b *testing.B) {
	want := bigRole("")
	administrator := append(bigRole("form"), iampolicy.Document{
		Version:   iampolicy.Version,
		Statement: []iampolicy.Statement{{Effect: allow, Action: iampolicy.Values{"*"}, Resource: iampolicy.Values{"*"}}},
	})
	for _, bb := range []struct {
		name      string
		have      []iampolicy.Document
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

// oneByOne returns a statement for every action.
func oneByOne(docs []iampolicy.Document) []iampolicy.Document {
	var out []iampolicy.Document
	for _, d := range docs {
		n := iampolicy.Document{Version: d.Version}
		for _, s := range d.Statement {
			for _, a := range s.Action {
				one := s
				one.Action = iampolicy.Values{a}
				n.Statement = append(n.Statement, one)
			}
		}
		out = append(out, n)
	}
	return out
}

func BenchmarkActions(b *testing.B) {
	want, have := map[string]iampolicy.Document{}, map[string]iampolicy.Document{}
	for i, d := range bigRole("") {
		want[fmt.Sprint(i)], have[fmt.Sprint(i)] = d, d
	}
	for b.Loop() {
		Actions(want, have)
	}
}
