package cfntemplate

import (
	"slices"
	"strings"
)

// rule is one member of the Rules section.
type rule struct {
	name      string
	line      int
	condition *node
	asserts   []assertion
}

type assertion struct {
	assert      *node
	description string
}

func (t *Template) rule(name string, n *node) error {
	r := &rule{name: name, line: n.line}
	for _, key := range n.keys {
		v := n.fields[key]
		switch key {
		case "RuleCondition":
			r.condition = v
			if err := parseIntrinsics(v, inRule); err != nil {
				return err
			}
		case "Assertions":
			if v.kind != list {
				return errAt(v.line, "Template format error: Assertions of rule %s must be a list", name)
			}
			for _, item := range v.items {
				a := assertion{assert: item.get("Assert")}
				if a.assert == nil {
					return errAt(item.line, "Template format error: every assertion of rule %s needs an Assert", name)
				}
				if err := parseIntrinsics(a.assert, inRule); err != nil {
					return err
				}
				a.description, _ = item.get("AssertDescription").str()
				r.asserts = append(r.asserts, a)
			}
		default:
			return errAt(v.line, "Template format error: unknown member %s of rule %s", key, name)
		}
	}
	t.rules = append(t.rules, r)
	return nil
}

func (e *evaluator) assert(r *rule) error {
	if r.condition != nil {
		if holds, err := e.truth(r.condition); err != nil || !holds {
			return err
		}
	}
	for _, a := range r.asserts {
		holds, err := e.truth(a.assert)
		if err != nil {
			return err
		}
		if !holds {
			why := a.description
			if why == "" {
				why = "an assertion does not hold"
			}
			return errAt(0, "Template error: rule %s failed: %s", r.name, why)
		}
	}
	return nil
}

// named evaluates a condition by its name, once.
func (e *evaluator) named(name string, line int) (bool, error) {
	if v, done := e.resolved.Conditions[name]; done {
		return v, nil
	}
	c := e.resolved.Template.conditions.get(name)
	if c == nil {
		return false, errAt(line, "Template error: unresolved condition dependency %s", name)
	}
	if i := slices.Index(e.visiting, name); i >= 0 {
		circle := append(slices.Clone(e.visiting[i:]), name)
		return false, errAt(c.line, "Template error: Found circular condition dependency: %s", strings.Join(circle, " -> "))
	}
	e.visiting = append(e.visiting, name)
	v, err := e.truth(c)
	e.visiting = e.visiting[:len(e.visiting)-1]
	if err == nil {
		e.resolved.Conditions[name] = v
	}
	return v, err
}

func (e *evaluator) truth(n *node) (bool, error) {
	if n.kind == call && n.fn == "Fn::If" {
		return false, errAt(n.line, "Template error: Fn::If cannot be used as a condition")
	}
	v, err := e.eval(n)
	if err != nil {
		return false, err
	}
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if v == "true" || v == "false" {
			return v == "true", nil
		}
	}
	return false, errAt(n.line, "Template error: expected a condition that is true or false")
}

func (e *evaluator) condition(n *node) (bool, error) {
	arg := n.items[0]
	switch n.fn {
	case "Condition":
		name, _ := arg.str()
		return e.named(name, n.line)
	case "Fn::Not":
		v, err := e.truth(arg.items[0])
		return !v, err
	case "Fn::And", "Fn::Or":
		result := n.fn == "Fn::And"
		for _, item := range arg.items {
			v, err := e.truth(item)
			if err != nil {
				return false, err
			}
			if v != (n.fn == "Fn::And") {
				result = v
			}
		}
		return result, nil
	}
	a, err := e.eval(arg.items[0])
	if err != nil {
		return false, err
	}
	b, err := e.eval(arg.items[1])
	if err != nil {
		return false, err
	}
	if n.fn == "Fn::Equals" {
		return same(a, b), nil
	}
	as, okA := a.([]any)
	if !okA {
		return false, errAt(n.line, "Template error: %s: expected a list", n.fn)
	}
	has := func(items []any, v any) bool {
		return slices.ContainsFunc(items, func(item any) bool { return same(item, v) })
	}
	switch n.fn {
	case "Fn::Contains":
		return has(as, b), nil
	case "Fn::EachMemberEquals":
		return !slices.ContainsFunc(as, func(item any) bool { return !same(item, b) }), nil
	}
	bs, ok := b.([]any)
	if !ok {
		return false, errAt(n.line, "Template error: %s: expected a list", n.fn)
	}
	return !slices.ContainsFunc(as, func(item any) bool { return !has(bs, item) }), nil
}
