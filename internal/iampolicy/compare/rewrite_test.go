package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

func clone(docs []iampolicy.Document) []iampolicy.Document {
	text, err := json.Marshal(docs)
	if err != nil {
		panic(err)
	}
	var out []iampolicy.Document
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

func shuffle[T any](c *choices, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := c.upTo(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}

// turnCase returns the text with the case of some letters changed.
func (c *choices) turnCase(s string) string {
	out := []byte(s)
	for i := range out {
		if c.once(3) {
			out[i] = strings.ToUpper(s)[i]
		}
	}
	return string(out)
}

// rewrite returns the documents changed in ways that do not change their meaning.
func (c *choices) rewrite(docs []iampolicy.Document) []iampolicy.Document {
	out := clone(docs)
	for range 1 + c.upTo(8) {
		d := &out[c.upTo(len(out))]
		if len(d.Statement) == 0 {
			continue
		}
		s := &d.Statement[c.upTo(len(d.Statement))]
		switch c.upTo(12) {
		case 0:
			shuffle(c, d.Statement)
			shuffle(c, out)
		case 1:
			for _, list := range []iampolicy.Values{s.Action, s.NotAction, s.Resource, s.NotResource} {
				shuffle(c, list)
			}
		case 2:
			d.Statement = append(d.Statement, *s)
		case 3:
			s.Sid, d.ID = fmt.Sprint("Sid", c.upTo(9)), "renamed"
		case 4:
			for _, list := range []iampolicy.Values{s.Action, s.NotAction} {
				for i := range list {
					list[i] = c.turnCase(list[i])
				}
			}
		case 5:
			for _, list := range []*iampolicy.Values{&s.Action, &s.NotAction, &s.Resource, &s.NotResource} {
				if len(*list) > 0 {
					*list = append(*list, (*list)[0])
				}
			}
		case 6:
			d.Statement = append(d.Statement, c.split(s)...)
		case 7:
			s.Condition = c.rewriteConditions(s.Condition)
		case 8:
			s.Principal, s.NotPrincipal = c.rewritePrincipal(s.Principal), c.rewritePrincipal(s.NotPrincipal)
		case 9: // a part of an existing statement
			part := clone(docs[:1])[0].Statement
			if d.Version == docs[0].Version && &out[0] == d && len(part) > 0 {
				d.Statement = append(d.Statement, part[c.upTo(len(part))])
			}
		case 10:
			for _, list := range []iampolicy.Values{s.Action, s.NotAction, s.Resource, s.NotResource} {
				for i := range list {
					list[i] = strings.ReplaceAll(list[i], "*", "**")
					if strings.Contains(list[i], "${") {
						list[i] = strings.ReplaceAll(list[i], "${**}", "${*}")
					}
				}
			}
		case 11:
			if text, _ := d.JSON(); !strings.Contains(string(text), "${") {
				d.Version = pick(c, []string{iampolicy.Version, "2008-10-17", ""})
			}
		}
	}
	for i := range out {
		out[i] = parseForm(out[i], c)
	}
	return out
}

// split removes a part of the statement and returns it as another statement.
func (c *choices) split(s *iampolicy.Statement) []iampolicy.Statement {
	other := *s
	for _, list := range []struct{ mine, its *iampolicy.Values }{{&s.Action, &other.Action},
		{&s.Resource, &other.Resource}} {
		if n := len(*list.mine); n > 1 && c.once(2) {
			*list.its = slices.Clone((*list.mine)[:1])
			*list.mine = (*list.mine)[1:]
			return []iampolicy.Statement{other}
		}
	}
	if s.Principal != nil && len(s.Principal.ByType) > 1 {
		for kind, ids := range s.Principal.ByType {
			other.Principal = &iampolicy.Principal{ByType: map[string]iampolicy.Values{kind: ids}}
			rest := map[string]iampolicy.Values{}
			for k, v := range s.Principal.ByType {
				if k != kind {
					rest[k] = v
				}
			}
			s.Principal = &iampolicy.Principal{ByType: rest}
			return []iampolicy.Statement{other}
		}
	}
	for operator, keys := range s.Condition {
		base, mode, negated, family := readOperator(operator)
		if negated || mode == forAll || family == opaque || base == "null" {
			continue
		}
		for name, values := range keys {
			if len(values) < 2 {
				continue
			}
			condition := func(values iampolicy.Values) iampolicy.Conditions {
				text, _ := json.Marshal(s.Condition)
				var out iampolicy.Conditions
				if err := json.Unmarshal(text, &out); err != nil {
					panic(err)
				}
				out[operator][name] = values
				return out
			}
			first, rest := condition(values[:1]), condition(values[1:])
			s.Condition, other.Condition = first, rest
			return []iampolicy.Statement{other}
		}
	}
	return nil
}

func (c *choices) rewriteConditions(conditions iampolicy.Conditions) iampolicy.Conditions {
	out := iampolicy.Conditions{}
	for operator, keys := range conditions {
		base, mode, negated, family := readOperator(operator)
		switch {
		case base == "arnlike" && mode == plain && !negated:
			operator = "ArnEquals"
		case mode == plain && negated && !strings.HasSuffix(strings.ToLower(operator), "ifexists"):
			operator += pick(c, []string{"", "IfExists"})
		}
		operator = c.turnCase(operator)
		if _, taken := out[operator]; taken {
			return conditions
		}
		out[operator] = map[string]iampolicy.Values{}
		for name, values := range keys {
			values = append(slices.Clone(values), values...)
			shuffle(c, values)
			if family == boolean || family == null {
				for i := range values {
					if values[i] == "true" || values[i] == "false" {
						values[i] = c.turnCase(values[i])
					}
				}
			}
			out[operator][c.turnCase(name)] = values
		}
	}
	if c.once(2) {
		out["DateLessThan"] = map[string]iampolicy.Values{}
		for operator, keys := range conditions {
			if operator == "DateLessThan" {
				out[operator] = keys
			}
		}
	}
	return out
}

func (c *choices) rewritePrincipal(p *iampolicy.Principal) *iampolicy.Principal {
	if p == nil || p.Everyone {
		return p
	}
	out := &iampolicy.Principal{ByType: map[string]iampolicy.Values{}}
	for kind, ids := range p.ByType {
		for _, id := range ids {
			if account := newPrincipal(kind, id); kind == "AWS" && account.id == account.account && account.account != "" {
				id = pick(c, []string{
					account.account,
					"arn:aws:iam::" + account.account + ":root",
					"arn:aws-cn:iam::" + account.account + ":root",
				})
			}
			out.ByType[kind] = append(out.ByType[kind], id, id)
		}
		shuffle(c, out.ByType[kind])
	}
	return out
}

// parseForm formats a document in another form and parses it: white space, lists or single values, "true" or true.
func parseForm(d iampolicy.Document, c *choices) iampolicy.Document {
	text, err := json.MarshalIndent(d, strings.Repeat(" ", c.upTo(3)), pick(c, []string{"", "\t"}))
	if err != nil {
		panic(err)
	}
	form := string(text)
	if c.once(2) {
		form = strings.NewReplacer(`: "true"`, `:true`, `: "false"`, `: [ false ]`, `: "5"`, `: 5`).Replace(form)
	}
	back, err := iampolicy.Parse([]byte(form))
	if err != nil {
		panic(err)
	}
	return back
}

func checkRewrite(t *testing.T, c *choices) {
	want := c.documents(c.once(3))
	have := c.rewrite(want)
	for _, d := range []Difference{Compare(want, have), Compare(have, want)} {
		if d.Direction != Same {
			t.Errorf("%v\nwant %s\nhave %s\n%v", d.Direction, show(want), show(have), d.Changes)
		}
	}
	if more, less := decide(want, have); more != nil || less != nil {
		t.Errorf("the test is wrong: the rewrite changes %v %v\nwant %s\nhave %s", more, less, show(want), show(have))
	}
}

func TestRewritesAreSame(t *testing.T) {
	seeds(t, func(i uint64) { checkRewrite(t, randomChoices(i)) })
}

// FuzzRewrite checks that documents of the same meaning are Same.
func FuzzRewrite(f *testing.F) {
	for i := range 20 {
		f.Add(randomChoices(uint64(i)).data[:80])
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRewrite(t, &choices{data}) })
}

// widen returns the documents with one change that grants more or the same, and a description.
func (c *choices) widen(docs []iampolicy.Document) ([]iampolicy.Document, string) {
	out := clone(docs)
	d := &out[c.upTo(len(out))]
	i := c.upTo(len(d.Statement))
	s, fresh := &d.Statement[i], c.statement(d.Statement[i].Principal != nil)
	if s.Effect == deny {
		switch c.upTo(4) {
		case 0:
			d.Statement = slices.Delete(d.Statement, i, i+1)
			return out, "denial removed"
		case 1:
			if len(s.Action) > 1 {
				s.Action = s.Action[1:]
			}
			return out, "denied action removed"
		case 2:
			if len(s.Condition) == 0 {
				s.Condition = fresh.Condition
			}
			return out, "condition put on a denial"
		}
		if len(s.NotResource) > 0 {
			s.NotResource = append(s.NotResource, pick(c, resourcePatterns))
		}
		return out, "less denied"
	}
	switch c.upTo(6) {
	case 0:
		if len(s.Action) > 0 {
			s.Action = append(s.Action, pick(c, actionPatterns))
		}
		return out, "action added"
	case 1:
		if len(s.Resource) > 0 {
			s.Resource = iampolicy.Values{"*"}
		}
		return out, "resource widened"
	case 2:
		s.Condition = nil
		return out, "condition dropped"
	case 3:
		if s.Principal != nil && !s.Principal.Everyone {
			if s.Principal.ByType == nil {
				s.Principal.ByType = map[string]iampolicy.Values{}
			}
			s.Principal.ByType["AWS"] = append(s.Principal.ByType["AWS"],
				pick(c, []string{"444455556666", "*", "arn:aws:iam::111122223333:role/q"}))
		}
		return out, "principal added"
	case 4:
		if len(s.NotAction) > 1 {
			s.NotAction = s.NotAction[1:]
		}
		return out, "exception dropped"
	}
	fresh.Effect = allow
	d.Statement = append(d.Statement, fresh)
	return out, "statement added"
}

// TestWidening checks that a single change that grants more is GrantsMore, or Same if no request of
// the universe shows it.
func TestWidening(t *testing.T) {
	shown := 0
	n := seeds(t, func(i uint64) {
		c := randomChoices(i)
		want := c.documents(c.once(3))
		have, what := c.widen(want)
		d := Compare(want, have)
		if d.Direction != Same && d.Direction != GrantsMore {
			t.Fatalf("seed %d: %s is %v\nwant %s\nhave %s\n%v", i, what, d.Direction, show(want), show(have), d.Changes)
		}
		if back := Compare(have, want); back.Direction != Same && back.Direction != GrantsLess {
			t.Fatalf("seed %d: %s undone is %v\nwant %s\nhave %s", i, what, back.Direction, show(have), show(want))
		}
		if more, less := holds(t, want, have, d); less != nil {
			t.Fatalf("the test is wrong: %s takes %v", what, less)
		} else if more != nil {
			shown++
		}
	})
	if shown < n/10 {
		t.Errorf("only %d of %d changes show in the universe", shown, n)
	}
}
