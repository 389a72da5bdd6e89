package detect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// rewritten is a document in another form: statements the other way round,
// actions in capitals and in another order, lists of one as values and values as
// lists, other Sids and Id, conditions' operators and keys in another case.
func rewritten(document map[string]any) map[string]any {
	out := map[string]any{"Version": document["Version"], "Id": "Rewritten"}
	var all []any
	for _, s := range slices.Backward(statements(document)) {
		statement := map[string]any{}
		for name, v := range s.(map[string]any) {
			switch name {
			case "Sid":
				continue
			case "Action":
				v = swap(v, strings.ToUpper)
			case "Resource":
				v = swap(v, nil)
			case "Principal":
				if m, ok := v.(map[string]any); ok {
					v = map[string]any{}
					for kind, ids := range m {
						v.(map[string]any)[kind] = swap(ids, nil)
					}
				}
			case "Condition":
				c := map[string]any{}
				for operator, keys := range v.(map[string]any) {
					k := map[string]any{}
					for key, values := range keys.(map[string]any) {
						k[strings.ToUpper(key)] = swap(values, nil)
					}
					c[operator] = k
				}
				v = c
			}
			statement[name] = v
		}
		all = append(all, statement)
	}
	out["Statement"] = all
	return out
}

// swap turns a value into a list and a list of one into a value, the other way round.
func swap(v any, change func(string) string) any {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	var out []any
	for _, e := range slices.Backward(list) {
		if s, ok := e.(string); ok && change != nil {
			prefix, name, _ := strings.Cut(s, ":")
			e = change(prefix) + ":" + change(name)
			if s == "*" {
				e = s
			}
		}
		out = append(out, e)
	}
	if isList && len(out) == 1 {
		return out[0]
	}
	return out
}

// TestForm checks that changes of form, and tags that others add, are not findings.
func TestForm(t *testing.T) {
	w := install(t)
	ctx := t.Context()
	for _, r := range must(w.Live.Roles(ctx, "/permstack/")) {
		for _, name := range w.inlineNames(r.Name) {
			w.PutInlinePolicy(r.Name, name, *format(rewritten(w.inline(r.Name, name))))
		}
		w.putTrust(r.Name, rewritten(w.trust(r.Name)))
		must(w.IAM.TagRole(ctx, &iam.TagRoleInput{RoleName: &r.Name,
			Tags: []iamtypes.Tag{{Key: aws.String("inventory:scanned"), Value: aws.String("today")}}}))
	}
	for _, arn := range w.AttachedPolicies(role) {
		document := rewritten(w.managed(arn))
		delete(document, "Id")
		w.putManaged(arn, document)
	}
	// The account for its root, and back.
	topic := rewritten(w.topicPolicy())
	text := strings.ReplaceAll(*format(topic), "arn:aws:iam::"+account+":root", account)
	text = strings.ReplaceAll(text, "arn:aws:iam::111122223333:root", "111122223333")
	w.putTopicPolicy(parse(t, text))
	for _, name := range w.rules() {
		rule := must(w.Live.RuleSettings(ctx, "", name))
		pattern := parse(t, rule.Pattern)
		reverse(pattern)
		must(w.Events.PutRule(ctx, &eventbridge.PutRuleInput{
			Name: &name, EventPattern: format(pattern), Description: &rule.Description, State: ebtypes.RuleState(rule.State),
		}))
	}
	for _, f := range w.check().Findings {
		t.Errorf("unexpected finding: %s", inWords(f))
	}
}

func reverse(v any) {
	switch v := v.(type) {
	case []any:
		slices.Reverse(v)
	case map[string]any:
		for _, e := range v {
			reverse(e)
		}
	}
}
