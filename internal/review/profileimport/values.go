package profileimport

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/choice"
	"permstack/internal/review/accessdiff"
)

var (
	placeholder = regexp.MustCompile(`<([^<>]*)>`)
	ownEntity   = regexp.MustCompile(`^arn:\$\{Partition\}:` +
		`(iam::\$\{Account\}:role/|sns:\$\{Region\}:\$\{Account\}:)(\S+)$`)
)

// pseudoParameters are CloudFormation's pseudo parameters as variables of a profile.
var pseudoParameters = strings.NewReplacer(
	"arn:aws:", "arn:${Partition}:", "${AWS::Partition}", "${Partition}", "${AWS::Region}", "${Region}",
	"${AWS::AccountId}", "${Account}", "${AWS::URLSuffix}", "amazonaws.com",
)

// variables returns a value with the variables of profiles. A placeholder becomes a variable that is not defined, which
// lint reports.
func (w *writer) variables(value string) string {
	value = pseudoParameters.Replace(value)
	value = placeholder.ReplaceAllStringFunc(value, func(p string) string {
		return "${" + cmp.Or(camelCase(strings.Trim(p, "<>")), "Unknown") + "}"
	})
	m := ownEntity.FindStringSubmatch(value)
	if m == nil {
		return value
	}
	name := m[2][strings.LastIndexByte(m[2], '/')+1:]
	kind := "roles"
	_, known := w.set.Roles[name]
	if strings.HasPrefix(m[1], "sns") {
		kind = "topics"
		_, known = w.set.Topics[name]
	}
	if known {
		return "${" + kind + ":" + w.entity(name) + "}"
	}
	return value
}

func (w *writer) conditions(c iampolicy.Conditions) conditionsForm {
	if len(c) == 0 {
		return nil
	}
	out := conditionsForm{}
	for operator, keys := range c {
		out[operator] = map[string][]string{}
		for key, values := range keys {
			for _, v := range values {
				out[operator][key] = append(out[operator][key], w.variables(v))
			}
		}
	}
	return out
}

// principals returns the principals of a statement, one by one: a profile has a statement for each.
func principals(st iampolicy.Statement) (list []principalForm, ok bool) {
	if st.Principal == nil {
		return nil, false
	}
	if st.Principal.Everyone {
		return []principalForm{{AWS: "*"}}, true
	}
	ok = true
	for _, kind := range slices.Sorted(maps.Keys(st.Principal.ByType)) {
		for _, id := range st.Principal.ByType[kind] {
			switch kind {
			case "AWS":
				list = append(list, principalForm{AWS: id})
			case "Service":
				list = append(list, principalForm{Service: pseudoParameters.Replace(id)})
			default:
				ok = false
			}
		}
	}
	return list, ok
}

// trust returns the statements of a trust policy. The first role that another account may assume is that of the control
// plane, the next one that of its support.
func (w *writer) trust(role string, st iampolicy.Statement) []trustForm {
	if st.Effect != "Allow" || st.NotPrincipal != nil {
		w.leave("a statement of the trust policy of %s that denies, or with NotPrincipal", role)
		return nil
	}
	list, ok := principals(st)
	if !ok {
		w.leave("a federated principal of the trust policy of %s", role)
	}
	var out []trustForm
	for _, p := range list {
		if p.AWS != "" && p.AWS != "*" {
			p.AWS = w.vendorPrincipal(p.AWS)
		}
		t := trustForm{Sid: w.unique(cmp.Or(camelCase(st.Sid), role+"Trust")), Principal: p}
		t.When, t.WhenGiven = w.trustConditions(st.Condition)
		out = append(out, t)
	}
	return out
}

func (w *writer) vendorPrincipal(arn string) string {
	const where = "where the vendor's console shows it"
	switch {
	case strings.Contains(arn, "${AWS::AccountId}"):
		return w.variables(arn)
	case w.control == "" || w.control == arn:
		w.control = arn
		w.inputs["ControlPlaneRole"] = where + " (in the files: " + arn + ")"
		return "${ControlPlaneRole}"
	case w.support == "" || w.support == arn:
		w.support = arn
		w.inputs["SupportControlPlaneRole"] = where + " (in the files: " + arn + ")"
		return "${SupportControlPlaneRole}"
	}
	return w.variables(arn)
}

// trustConditions returns the conditions; that of the external ID applies if the customer has one.
func (w *writer) trustConditions(c iampolicy.Conditions) (when conditionsForm, whenGiven map[string]conditionsForm) {
	for operator, keys := range c {
		for key, values := range keys {
			if strings.EqualFold(key, "sts:ExternalId") && operator == "StringEquals" && len(values) == 1 &&
				(values[0] == choice.ExampleExternalID || strings.ContainsAny(values[0], "<*")) {
				w.inputs["ExternalId"] = ""
				whenGiven = map[string]conditionsForm{
					"ExternalId": {"StringEquals": {"sts:ExternalId": {"${ExternalId}"}}},
				}
				continue
			}
			if when == nil {
				when = conditionsForm{}
			}
			if when[operator] == nil {
				when[operator] = map[string][]string{}
			}
			for _, v := range values {
				when[operator][key] = append(when[operator][key], w.variables(v))
			}
		}
	}
	return when, whenGiven
}

// topicsAndRules adds topics with their policies, and event rules.
func (w *writer) topicsAndRules(form *profileForm) {
	for _, name := range slices.Sorted(maps.Keys(w.set.Topics)) {
		t := topicForm{Topic: w.entity(name), Policy: w.unique(w.entity(name) + "Policy")}
		for _, st := range w.set.Topics[name].Statement {
			list, ok := principals(st)
			if !ok || st.Effect != "Allow" {
				w.leave("a statement of the policy of the topic %s", name)
				continue
			}
			for _, p := range list {
				if p.AWS != "" {
					p.AWS = w.variables(p.AWS)
				}
				t.Statements = append(t.Statements, topicStatementForm{
					Sid: w.unique(cmp.Or(camelCase(st.Sid), t.Topic+"Statement")), Actions: st.Action, Principal: p,
					When: w.conditions(st.Condition),
				})
			}
		}
		form.Topics = append(form.Topics, t)
	}
	for _, name := range slices.Sorted(maps.Keys(w.set.Rules)) {
		rule := w.set.Rules[name]
		r := ruleForm{Rule: w.unique(camelCase(name)), Pattern: rule.Pattern}
		if len(rule.Targets) > 0 {
			r.Topic = w.entity(rule.Targets[0])
		}
		if len(rule.Targets) > 1 {
			w.leave("the other targets of the rule %s", name)
		}
		form.Rules = append(form.Rules, r)
	}
}

// DefaultName returns a profile name for a set: what the names of its roles begin with, else otherwise.
func DefaultName(set *accessdiff.AccessSet, otherwise string) string {
	names := set.Names()
	if len(names) == 0 {
		return otherwise
	}
	prefix := names[0]
	for _, n := range names {
		for !strings.HasPrefix(n, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	words := regexp.MustCompile(`^[A-Z]?[a-z0-9]+`).FindString(prefix)
	if len(words) < 3 {
		return otherwise
	}
	return strings.ToLower(words)
}
