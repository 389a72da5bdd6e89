package cfntemplate

import (
	"slices"
	"strings"
)

// checkNames returns an error for undefined names: parameters, resources,
// conditions.
func (t *Template) checkNames() error {
	known := func(c string) bool { return c == "" || t.conditions.get(c) != nil }
	for _, r := range t.Resources {
		if t.parameters[r.LogicalID] != nil {
			return errAt(r.Line, "Template format error: %s is both a parameter and a resource", r.LogicalID)
		}
		if !known(r.Condition) {
			return errAt(r.Line,
				"Template format error: Unresolved condition dependency %s in the Resources block of the template",
				r.Condition)
		}
		for _, dep := range r.DependsOn {
			if t.resources[dep] == nil {
				return unresolved(r.Line, dep)
			}
		}
		if err := t.checkUses(r.properties, "Resources", true); err != nil {
			return err
		}
	}
	for _, o := range t.Outputs {
		if !known(o.Condition) {
			return errAt(o.Line,
				"Template format error: Unresolved condition dependency %s in the Outputs block of the template",
				o.Condition)
		}
		for _, n := range []*node{o.value, o.export} {
			if n == nil {
				continue
			}
			if err := t.checkUses(n, "Outputs", true); err != nil {
				return err
			}
		}
	}
	if t.conditions != nil {
		for _, name := range t.conditions.keys {
			if err := t.checkUses(t.conditions.fields[name], "Conditions", false); err != nil {
				return err
			}
		}
	}
	for _, r := range t.rules {
		if r.condition != nil {
			if err := t.checkUses(r.condition, "Rules", false); err != nil {
				return err
			}
		}
		for _, a := range r.asserts {
			if err := t.checkUses(a.assert, "Rules", false); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Template) checkUses(n *node, block string, resources bool) error {
	return walk(n, nil, func(u use) error {
		switch {
		case u.condition:
			if t.conditions.get(u.name) == nil {
				return errAt(u.line,
					"Template format error: Unresolved condition dependency %s in the %s block of the template",
					u.name, block)
			}
		case strings.HasPrefix(u.name, "AWS::") && u.attribute == "":
			if !slices.Contains(pseudoNames, u.name) {
				return errAt(u.line,
					"Template format error: Unresolved resource dependencies [%s] in the %s block of the template",
					u.name, block)
			}
		case u.attribute == "" && t.parameters[u.name] != nil:
		case t.resources[u.name] != nil && resources:
		case u.attribute != "":
			return errAt(u.line, "Template error: instance of Fn::GetAtt references undefined resource %s", u.name)
		default:
			return errAt(u.line,
				"Template format error: Unresolved resource dependencies [%s] in the %s block of the template",
				u.name, block)
		}
		return nil
	})
}

var pseudoNames = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition",
	"AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

// use is one place where a template names something.
type use struct {
	name, attribute string
	condition       bool
	line            int
}

// walk visits the names that a value uses. Where taken is given, only the
// branch of an Fn::If that holds is walked.
func walk(n *node, taken func(condition string) bool, visit func(use) error) error {
	children := n.items
	if n.kind == call {
		arg := n.items[0]
		switch n.fn {
		case "Ref", "Condition":
			name, _ := arg.str()
			return visit(use{name: name, condition: n.fn == "Condition", line: n.line})
		case "Fn::GetAtt":
			name, _ := arg.items[0].str()
			if err := visit(use{name: name, attribute: "*", line: n.line}); err != nil {
				return err
			}
			children = arg.items[1:]
		case "Fn::If":
			name, _ := arg.items[0].str()
			if err := visit(use{name: name, condition: true, line: n.line}); err != nil {
				return err
			}
			children = arg.items[1:]
			if taken != nil && taken(name) {
				children = arg.items[1:2]
			} else if taken != nil {
				children = arg.items[2:]
			}
		case "Fn::Sub":
			return walkSub(arg, taken, visit)
		}
	}
	for _, item := range children {
		if err := walk(item, taken, visit); err != nil {
			return err
		}
	}
	for _, key := range n.keys {
		if err := walk(n.fields[key], taken, visit); err != nil {
			return err
		}
	}
	return nil
}

func walkSub(arg *node, taken func(string) bool, visit func(use) error) error {
	text, vars := arg, (*node)(nil)
	if arg.kind == list {
		text, vars = arg.items[0], arg.items[1]
		if err := walk(vars, taken, visit); err != nil {
			return err
		}
	}
	s, _ := text.str()
	parts, err := splitSub(s, arg.line)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.name == "" || vars.get(p.name) != nil {
			continue
		}
		name, attr, _ := strings.Cut(p.name, ".")
		if err := visit(use{name: name, attribute: attr, line: arg.line}); err != nil {
			return err
		}
	}
	return nil
}
