// Package policytest helps to test that tests of policies are complete. It generates mutants of a statement: each
// changes one detail that an author could get wrong. A test that evaluates requests must fail for each mutant; a mutant
// that it does not detect is a permission, or a restriction, that no test covers. Only tests import this package.
package policytest

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// Dangerous lists actions that mutants add to a statement, and that tests request where a statement allows anything.
var Dangerous = []string{
	"iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:CreateAccessKey", "iam:CreateUser", "iam:CreateRole",
	"iam:UpdateAssumeRolePolicy", "iam:PassRole", "iam:DeleteRolePermissionsBoundary",
	"sts:AssumeRole", "s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteObject", "ec2:TerminateInstances",
	"ec2:CreateTags",
	"ec2:DeleteSnapshot", "ec2:DeleteVolume", "ec2:ModifySnapshotAttribute", "rds:DeleteDBInstance",
	"rds:ModifyDBSnapshotAttribute",
	"dynamodb:DeleteTable", "kms:ScheduleKeyDeletion", "kms:CreateGrant", "kms:Decrypt", "kms:PutKeyPolicy",
	"lambda:InvokeFunction", "lambda:UpdateFunctionCode", "secretsmanager:GetSecretValue", "ssm:SendCommand",
	"events:PutTargets",
	"sns:Publish", "redshift:DeleteCluster", "cloudformation:CreateStack", "cloudformation:UpdateStack",
	"logs:DeleteLogGroup",
}

// Actions returns the actions that mutants add to a statement with the actions have: the dangerous ones, all, all of
// its service, and all of its service that delete.
func Actions(have []string) []string {
	service, _, _ := strings.Cut(have[0], ":")
	var out []string
	for _, a := range slices.Concat(Dangerous, []string{"*", service + ":*", service + ":Delete*"}) {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, a) }) {
			out = append(out, a)
		}
	}
	return out
}

// Context describes condition values to Conditions.
type Context struct {
	// More returns values of third parties, which a condition on the key must not allow.
	More func(key, operator string) []string
	// Caseless reports whether a value has no letters, for example an account ID.
	Caseless func(value string) bool
	// Wider returns patterns that match more than a value; nil for none.
	Wider func(value string) []string
}

// Conditions yields mutants of a Condition element, each with its description: conditions removed, operators negated or
// replaced by one that an absent key meets, and values widened.
func Conditions[V ~[]string](when map[string]map[string]V, c Context, yield func(string, map[string]map[string]V)) {
	for operator, keys := range when {
		for key, values := range keys {
			without := cloned(when)
			if delete(without[operator], key); len(without[operator]) == 0 {
				delete(without, operator)
			}
			if len(without) == 0 {
				without = nil
			}
			yield("condition on "+key+" removed", without)
			operatorsAndValues(operator, key, values, c, func(operator string, values ...string) {
				changed := cloned(without)
				if changed == nil {
					changed = map[string]map[string]V{}
				}
				if changed[operator] == nil {
					changed[operator] = map[string]V{}
				}
				changed[operator][key] = values
				yield("condition on "+key+" is "+operator+" "+strings.Join(values, ","), changed)
			})
		}
	}
}

func operatorsAndValues(
	operator, key string, values []string, c Context, with func(operator string, values ...string),
) {
	if operator == "Null" { // it has no other form, and its value is true or false (IAM User Guide, condition operators)
		with("Null", map[string]string{"true": "false", "false": "true"}[values[0]])
		return
	}
	bare := operator[strings.LastIndex(operator, ":")+1:]
	plain := strings.TrimSuffix(bare, "IfExists")
	if plain == bare {
		with(operator+"IfExists", values...)
	} else {
		with(strings.TrimSuffix(operator, "IfExists"), values...)
	}
	if plain == operator { // for a single value it is equal to IfExists
		with("ForAllValues:"+operator, values...)
	}
	if values[0] != "*" {
		with("StringLike", "*")
	}
	with("Null", "true")
	if negated := negations[plain]; negated != "" {
		with(strings.Replace(operator, plain, negated, 1), values...)
	}
	switch plain {
	case "StringEquals":
		if !c.Caseless(values[0]) {
			with("StringEqualsIgnoreCase", values...)
		}
		with("StringLike", values[0]+"*")
	case "Bool":
		with("Bool", map[string]string{"true": "false", "false": "true"}[values[0]])
	}
	for i, v := range values {
		if len(values) > 1 {
			with(operator, slices.Delete(slices.Clone(values), i, i+1)...)
		}
		if c.Wider == nil {
			continue
		}
		for _, wider := range c.Wider(v) {
			list := slices.Clone(values)
			list[i] = wider
			with(strings.Replace(operator, "StringEquals", "StringLike", 1), list...)
		}
	}
	if values[0] != "*" && plain != "Bool" {
		with(operator, append(slices.Clone(values), c.More(key, plain)...)...)
	}
}

var negations = map[string]string{
	"StringEquals": "StringNotEquals", "StringLike": "StringNotLike", "ArnLike": "ArnNotLike", "ArnEquals": "ArnNotEquals",
}

func cloned[V ~[]string](when map[string]map[string]V) map[string]map[string]V {
	if when == nil {
		return nil
	}
	out := map[string]map[string]V{}
	for operator, keys := range when {
		out[operator] = maps.Clone(keys)
	}
	return out
}

// words matches the words of an ARN's last part; a ${variable} is one word.
var words = regexp.MustCompile(`\$\{[^}]*\}|[A-Za-z0-9_.]+`)

// ARN returns patterns that match more than an ARN, or than a pattern of one: * for each part and for each word of the
// last part, from each word on, and up to each word; and the ARN with the foreign accounts. It returns only "*" for a
// text that is not an ARN.
func ARN(arn string, foreign ...string) []string {
	f := strings.SplitN(arn, ":", 6)
	if arn == "*" {
		return nil
	}
	out := []string{"*"}
	if len(f) < 6 {
		return out
	}
	set := func(i int, v string) {
		if f[i] != v {
			g := slices.Clone(f)
			g[i] = v
			if arn := strings.Join(g, ":"); !slices.Contains(out, arn) {
				out = append(out, arn)
			}
		}
	}
	for i := 1; i < 5; i++ {
		if f[i] != "" {
			set(i, "*")
		}
	}
	if f[4] != "" {
		for _, id := range foreign {
			set(4, id)
		}
	}
	for _, v := range Text(f[5]) {
		set(5, v)
	}
	return out
}

// Text returns patterns that match more than a text of words.
func Text(text string) []string {
	out := []string{"*"}
	for _, at := range words.FindAllStringIndex(text, -1) {
		before, word, after := text[:at[0]], text[at[0]:at[1]], text[at[1]:]
		out = append(out, before+"*"+after, before+"*", "*"+after, before+word+"*"+after, before+"*"+word+after)
	}
	return slices.DeleteFunc(out, func(v string) bool {
		return strings.ReplaceAll(v, "**", "*") == strings.ReplaceAll(text, "**", "*")
	})
}

// Misses returns ARNs that differ from an ARN in one detail: in a part, in a word of the last part, from a word on, up
// to a word, or by a longer word. Each pattern of [ARN] matches some of them.
func Misses(arn string) []string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 {
		return nil
	}
	var out []string
	set := func(i int, v string) {
		g := slices.Clone(f)
		g[i] = v
		out = append(out, strings.Join(g, ":"))
	}
	for i := 1; i < 5; i++ {
		if f[i] != "" {
			set(i, "zz")
		}
	}
	for _, at := range words.FindAllStringIndex(f[5], -1) {
		before, word, after := f[5][:at[0]], f[5][at[0]:at[1]], f[5][at[1]:]
		for _, rest := range []string{
			before + "zz" + after, before + "zz", "zz" + after, before + word + "zz" + after, before + "zz" + word + after,
		} {
			set(5, rest)
		}
	}
	return out
}

// Statement yields every mutant of a statement: a description and the statements that replace it, none if it is
// removed. principals are those that mutants of a statement with principals allow; foreign are accounts, as for ARN.
func Statement(
	s iampolicy.Statement, c Context, principals []iampolicy.Principal, foreign []string,
	yield func(what string, changed ...iampolicy.Statement),
) {
	yield("removed")
	with := func(what string, change func(*iampolicy.Statement)) {
		changed := s
		change(&changed)
		yield(what, changed)
	}
	with("effect inverted", func(s *iampolicy.Statement) {
		s.Effect = map[string]string{"Allow": "Deny", "Deny": "Allow"}[s.Effect]
	})
	Conditions(s.Condition, c, func(what string, when map[string]map[string]iampolicy.Values) {
		with(what, func(s *iampolicy.Statement) { s.Condition = when })
	})
	for i, r := range s.Resource {
		for _, wider := range ARN(r, foreign...) {
			with("resource "+r+" widened to "+wider, func(s *iampolicy.Statement) {
				s.Resource = slices.Clone(s.Resource)
				s.Resource[i] = wider
			})
		}
		if len(s.Resource) > 1 {
			with("resource "+r+" removed", func(s *iampolicy.Statement) {
				s.Resource = slices.Delete(slices.Clone(s.Resource), i, i+1)
			})
		}
	}
	for i, a := range s.Action {
		if len(s.Action) > 1 {
			with("action "+a+" removed", func(s *iampolicy.Statement) {
				s.Action = slices.Delete(slices.Clone(s.Action), i, i+1)
			})
		}
	}
	for _, a := range Actions(s.Action) {
		with("action "+a+" added", func(s *iampolicy.Statement) { s.Action = append(slices.Clone(s.Action), a) })
	}
	with("every action but its own", func(s *iampolicy.Statement) { s.NotAction, s.Action = s.Action, nil })
	if s.Resource != nil && s.Resource[0] != "*" {
		with("every resource but its own", func(s *iampolicy.Statement) { s.NotResource, s.Resource = s.Resource, nil })
	}
	if s.Principal == nil {
		return
	}
	for _, p := range principals {
		text := principalText(p)
		with("principal "+text+" instead", func(s *iampolicy.Statement) { s.Principal = &p })
		second := s
		second.Principal = &p
		yield("principal "+text+" too", s, second)
	}
	with("every principal but its own", func(s *iampolicy.Statement) { s.NotPrincipal, s.Principal = s.Principal, nil })
}

func principalText(p iampolicy.Principal) string {
	text, _ := p.MarshalJSON()
	return string(text)
}
