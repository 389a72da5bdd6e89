package compare

import (
	"math/rand/v2"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// choices makes random choices from bytes, so that a fuzzer can control them. After the last byte every choice is the
// first.
type choices struct{ data []byte }

func (c *choices) upTo(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

func (c *choices) once(outOf int) bool { return c.upTo(outOf) == outOf-1 }

func pick[T any](c *choices, from []T) T { return from[c.upTo(len(from))] }

// some returns one to three values of a list.
func (c *choices) some(from []string) iampolicy.Values {
	out := iampolicy.Values{pick(c, from)}
	for len(out) < 3 && c.once(3) {
		out = append(out, pick(c, from))
	}
	return out
}

func randomChoices(seed uint64) *choices {
	c := &choices{make([]byte, 400)}
	r := rand.New(rand.NewPCG(seed, 7))
	for i := range c.data {
		c.data[i] = byte(r.Uint32())
	}
	return c
}

// A small universe: the elements of random documents, and requests for which they make a difference.
var (
	actionPatterns = []string{
		"s3:GetObject",
		"s3:PutObject",
		"iam:GetRole",
		"S3:getobject",
		"s3:*",
		"*",
		"s3:Get*",
		"*:*",
		"?3:*t",
		"iam:*",
		"*:Get*",
	}
	resourcePatterns = []string{
		"arn:aws:s3:::b/x",
		"arn:aws:s3:::b",
		"*",
		"arn:aws:s3:::b/*",
		"arn:aws:s3:::b*",
		"arn:aws:s3:::*",
		"arn:aws:iam::*:role/a",
		"arn:aws:iam::1:role/*",
		"arn:aws:s3*",
		"arn:aws:iam::2:role/a",
		"arn:*:role/a",
		"arn:aws:s3:::${k}",
		"arn:aws:s3:::${k}/*",
		"arn:aws:s3:::b/${l,'x'}",
		"arn:aws:s3:::b/${*}",
		"arn:aws:iam::${k}:role/a",
		"arn:aws:iam:*:?:role/a",
	}
	principalChoices = []iampolicy.Principal{
		{
			ByType: map[string]iampolicy.Values{"AWS": {"111122223333"}},
		}, {ByType: map[string]iampolicy.Values{"AWS": {"arn:aws:iam::111122223333:root"}}},
		{
			ByType: map[string]iampolicy.Values{"AWS": {"arn:aws:iam::111122223333:role/r"}},
		}, {ByType: map[string]iampolicy.Values{"AWS": {"arn:aws:sts::111122223333:assumed-role/r/s"}}},
		{
			ByType: map[string]iampolicy.Values{"AWS": {"*"}},
		}, {Everyone: true}, {ByType: map[string]iampolicy.Values{"Service": {"ec2.amazonaws.com"}}},
		{
			ByType: map[string]iampolicy.Values{"AWS": {"444455556666"}, "Service": {"ec2.amazonaws.com"}},
		}, {ByType: map[string]iampolicy.Values{"AWS": {"444455556666", "111122223333"}}}, {},
	}
	operators = []string{
		"StringEquals",
		"StringLike",
		"StringNotEquals",
		"StringNotLike",
		"StringEqualsIgnoreCase",
		"StringNotEqualsIgnoreCase",
		"ArnLike",
		"ArnEquals",
		"ArnNotLike",
		"Bool",
		"Null",
		"NumericEquals",
		"NumericNotEquals",
		"NumericLessThan",
		"NumericLessThanEquals",
		"NumericGreaterThan",
		"NumericGreaterThanEquals",
		"DateLessThan",
		"DateGreaterThanEquals",
		"DateEquals",
		"DateNotEquals",
		"IpAddress",
		"NotIpAddress",
		"BinaryEquals",
		"Unheard",
		"stringequals",
	}
	conditionValues = []string{
		"a",
		"b",
		"A",
		"*",
		"a*",
		"?",
		"b/x",
		"true",
		"false",
		"5",
		"10",
		"5.0",
		"10.0.0.1",
		"10.0.0.0/8",
		"10.0.0.0/9",
		"10.128.0.0/9",
		"arn:aws:iam::1:role/a",
		"arn:aws:iam::*:role/*",
		"arn:aws:iam::*:role/a",
		"arn:aws:iam",
		"2026-01-01",
		"2026-01-01T00:00:00Z",
		"1767225600",
		"2026",
		"${l}",
		"${k}",
		"${l, 'a'}",
		"x${l}",
		"${*}",
		"",
	}

	universe = requests()
)

func requests() []eval.Request {
	values := func(v ...string) []string { return v }
	contexts := []map[string][]string{
		{}, {"k": values()}, {"k": values("a")}, {"k": values("A")}, {"k": values("b"),
			"l": values("b")}, {"k": values("a", "b")}, {"k": values("b", "c")}, {"k": values("a"), "l": values("a")},
		{
			"k": values("a"),
			"l": values("true"),
		}, {"k": values("true")}, {"k": values("false")}, {"k": values("5")}, {"k": values("7")}, {"k": values("12")},
		{"k": values("10")}, {"k": values("10.0.0.1")},
		{
			"k": values("10.200.0.1"),
		}, {"k": values("arn:aws:iam::1:role/a")}, {"k": values("arn:aws:iam::2:role/b:c")},
		{"k": values("2026-01-01T00:00:00Z")}, {"k": values("2025-06-01T00:00:00Z")},
		{
			"k": values(""),
		}, {"k": values("*")}, {"k": values("b")}, {"k": values("1"), "l": values("x")}, {"k": values("1:role/a:x")},
		{"l": values("a")}, {"l": values("5")}, {"l": values("10.0.0.1"), "k": values("xb")},
		{
			"k": values("a*"),
		}, {"k": values("${l}"), "l": values("*")}, {"k": values("1767225600")}, {"l": values("a", "b"), "k": values("c")},
	}
	principals := []eval.Principal{
		{
			Account: "111122223333",
			ARN:     "arn:aws:sts::111122223333:assumed-role/r/s",
			RoleARN: "arn:aws:iam::111122223333:role/r",
		},
		{
			Account: "111122223333",
			ARN:     "arn:aws:sts::111122223333:assumed-role/q/s",
			RoleARN: "arn:aws:iam::111122223333:role/q",
		},
		{Account: "444455556666", ARN: "arn:aws:iam::444455556666:root"},
		{Service: "ec2.amazonaws.com"}, {Service: "lambda.amazonaws.com"},
	}
	var out []eval.Request
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "iam:GetRole", "iam:PassRole", "sts:GetSession"} {
		for _, r := range []string{"*", "arn:aws:s3:::b", "arn:aws:s3:::b/x", "arn:aws:s3:::b/*", "arn:aws:s3:::bc",
			"arn:aws:s3:::a", "arn:aws:iam::1:role/a", "arn:aws:iam::2:role/a", "arn:aws:iam::1:role/b"} {
			for i, c := range contexts {
				for j, p := range principals {
					if i > 5 && (i+j)%len(principals) != 0 { // all principals in a few contexts, one in the others
						continue
					}
					out = append(out, eval.Request{Principal: p, Action: action, Resource: r, Context: c})
				}
			}
		}
	}
	return out
}

func (c *choices) documents(trust bool) []iampolicy.Document {
	docs := []iampolicy.Document{c.document(trust)}
	if c.once(4) {
		docs = append(docs, c.document(trust))
	}
	return docs
}

func (c *choices) document(trust bool) iampolicy.Document {
	d := iampolicy.Document{Version: pick(c, []string{iampolicy.Version, iampolicy.Version, "2008-10-17", ""})}
	for range 1 + c.upTo(3) {
		d.Statement = append(d.Statement, c.statement(trust))
	}
	return d
}

func (c *choices) statement(trust bool) iampolicy.Statement {
	s := iampolicy.Statement{Effect: pick(c, []string{allow, allow, deny})}
	if actions := c.some(actionPatterns); c.once(6) {
		s.NotAction = actions
	} else {
		s.Action = actions
	}
	if resources := c.some(resourcePatterns); c.once(6) {
		s.NotResource = resources
	} else if !trust || !c.once(2) {
		s.Resource = resources
	}
	if trust {
		if p := pick(c, principalChoices); c.once(6) {
			s.NotPrincipal = &p
		} else {
			s.Principal = &p
		}
	}
	for c.once(2) && len(s.Condition) < 2 {
		if s.Condition == nil {
			s.Condition = iampolicy.Conditions{}
		}
		s.Condition[c.operator()] = map[string]iampolicy.Values{
			pick(c, []string{"k", "k", "K", "l"}): c.some(conditionValues),
		}
	}
	return s
}

func (c *choices) operator() string {
	operator := pick(c, operators)
	if c.once(4) {
		operator = pick(c, []string{"ForAllValues:", "ForAnyValue:"}) + operator
	}
	if c.once(4) {
		operator += "IfExists"
	}
	return operator
}
