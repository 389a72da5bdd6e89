package cfntemplate

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// noValue is the value of AWS::NoValue, which lists and objects omit.
type noValue struct{}

type evaluator struct {
	resolved *Resolved
	resolver Resolver
	visiting []string // conditions under evaluation
}

func (e *evaluator) eval(n *node) (any, error) {
	switch n.kind {
	case list:
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			v, err := e.eval(item)
			if err != nil {
				return nil, err
			}
			if v != (noValue{}) {
				out = append(out, v)
			}
		}
		return out, nil
	case object:
		out := make(map[string]any, len(n.keys))
		for _, key := range n.keys {
			v, err := e.eval(n.fields[key])
			if err != nil {
				return nil, err
			}
			if _, none := v.(noValue); !none {
				out[key] = v
			}
		}
		return out, nil
	case call:
		return e.call(n)
	}
	if s, ok := n.value.(string); ok && strings.Contains(s, "{{resolve:") {
		return nil, errAt(n.line, "dynamic references ({{resolve:…}}) are not supported")
	}
	return n.value, nil
}

func (e *evaluator) call(n *node) (any, error) {
	arg := n.items[0]
	switch n.fn {
	case "Ref":
		name, _ := arg.str()
		return e.ref(name, n.line)
	case "Fn::GetAtt":
		id, _ := arg.items[0].str()
		attr, err := e.text(arg.items[1], n.fn)
		if err != nil {
			return nil, err
		}
		return e.getAtt(id, attr, n.line)
	case "Fn::Sub":
		return e.sub(arg)
	case "Fn::If":
		name, _ := arg.items[0].str()
		holds, err := e.named(name, n.line)
		if err != nil {
			return nil, err
		}
		if holds {
			return e.eval(arg.items[1])
		}
		return e.eval(arg.items[2])
	case "Fn::Join":
		return e.join(n, arg)
	case "Fn::Split":
		sep, err := e.text(arg.items[0], n.fn)
		if err != nil {
			return nil, err
		}
		s, err := e.text(arg.items[1], n.fn)
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, errAt(n.line, "Template error: every Fn::Split object requires a non-empty delimiter")
		}
		out := []any{}
		for _, part := range strings.Split(s, sep) {
			out = append(out, part)
		}
		return out, nil
	case "Fn::Select":
		index, err := e.text(arg.items[0], n.fn)
		if err != nil {
			return nil, err
		}
		items, err := e.items(arg.items[1], n.fn)
		if err != nil {
			return nil, err
		}
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(items) {
			return nil, errAt(n.line, "Template error: Fn::Select cannot select nonexistent value at index %s", index)
		}
		return items[i], nil
	case "Fn::FindInMap":
		return e.findInMap(n, arg)
	case "Fn::Base64":
		s, err := e.text(arg, n.fn)
		return base64.StdEncoding.EncodeToString([]byte(s)), err
	case "Fn::GetAZs":
		region, err := e.text(arg, n.fn)
		if err != nil {
			return nil, err
		}
		if e.resolved.env.Zones == nil || region != "" && region != e.resolved.env.Pseudo.Region {
			return nil, errAt(n.line, "Template error: Fn::GetAZs is not supported here")
		}
		out := []any{}
		for _, z := range e.resolved.env.Zones {
			out = append(out, z)
		}
		return out, nil
	case "Fn::ImportValue":
		name, err := e.text(arg, n.fn)
		if err != nil {
			return nil, err
		}
		if e.resolved.env.Import == nil {
			return nil, errAt(n.line, "No export named %s found.", name)
		}
		return e.resolved.env.Import(name)
	case "Condition",
		"Fn::And",
		"Fn::Or",
		"Fn::Not",
		"Fn::Equals",
		"Fn::Contains",
		"Fn::EachMemberIn",
		"Fn::EachMemberEquals":
		return e.condition(n)
	}
	return nil, errAt(n.line, "Template error: %s is not supported", n.fn)
}

func (e *evaluator) ref(name string, line int) (any, error) {
	p := e.resolved.env.Pseudo
	switch name {
	case "AWS::AccountId":
		return p.AccountID, nil
	case "AWS::Region":
		return p.Region, nil
	case "AWS::Partition":
		return p.Partition, nil
	case "AWS::URLSuffix":
		return p.URLSuffix, nil
	case "AWS::StackId":
		return p.StackID, nil
	case "AWS::StackName":
		return p.StackName, nil
	case "AWS::NoValue":
		return noValue{}, nil
	case "AWS::NotificationARNs":
		out := []any{}
		for _, arn := range p.NotificationARNs {
			out = append(out, arn)
		}
		return out, nil
	}
	if param := e.resolved.Template.parameters[name]; param != nil {
		return param.value(e.resolved.Parameters[name]), nil
	}
	if e.resolver == nil || !e.resolved.IsActive(name) {
		return nil, unresolved(line, name)
	}
	return e.resolver.Ref(name)
}

func (e *evaluator) getAtt(id, attr string, line int) (any, error) {
	if e.resolver == nil || !e.resolved.IsActive(id) {
		return nil, unresolved(line, id)
	}
	return e.resolver.GetAtt(id, attr)
}

func unresolved(line int, names string) *Error {
	return errAt(line,
		"Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", names)
}

func (e *evaluator) sub(arg *node) (any, error) {
	text, vars := arg, (*node)(nil)
	if arg.kind == list {
		text, vars = arg.items[0], arg.items[1]
	}
	s, _ := text.str()
	parts, err := splitSub(s, arg.line)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, p := range parts {
		if p.name == "" {
			out.WriteString(p.literal)
			continue
		}
		var v any
		if bound := vars.get(p.name); bound != nil {
			v, err = e.eval(bound)
		} else if id, attr, dotted := strings.Cut(p.name, "."); dotted {
			v, err = e.getAtt(id, attr, arg.line)
		} else {
			v, err = e.ref(p.name, arg.line)
		}
		if err != nil {
			return nil, err
		}
		str, ok := scalarText(v)
		if !ok {
			return nil, errAt(arg.line, "Template error: Fn::Sub: ${%s} is not a string", p.name)
		}
		out.WriteString(str)
	}
	return out.String(), nil
}

type subPart struct{ literal, name string }

// splitSub cuts an Fn::Sub string into literals and names: ${Name},
// ${Resource.Attribute}, ${AWS::Region}; ${!Text} is the literal ${Text}.
func splitSub(s string, line int) ([]subPart, error) {
	var out []subPart
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			return append(out, subPart{literal: s}), nil
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return append(out, subPart{literal: s}), nil
		}
		name := s[i+2 : i+end]
		out = append(out, subPart{literal: s[:i]})
		s = s[i+end+1:]
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			out = append(out, subPart{literal: "${" + literal + "}"})
			continue
		}
		bad := func(r rune) bool {
			return !(r == '_' || r == '.' || r == ':' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
		}
		if name == "" || strings.ContainsFunc(name, bad) {
			return nil, errAt(line,
				"Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
		}
		out = append(out, subPart{name: name})
	}
}

func (e *evaluator) join(n, arg *node) (any, error) {
	sep, err := e.text(arg.items[0], n.fn)
	if err != nil {
		return nil, err
	}
	items, err := e.items(arg.items[1], n.fn)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	for i, item := range items {
		s, ok := scalarText(item)
		if !ok {
			return nil, errAt(n.line,
				"Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined")
		}
		parts[i] = s
	}
	return strings.Join(parts, sep), nil
}

func (e *evaluator) findInMap(n, arg *node) (any, error) {
	var keys [3]string
	for i, item := range arg.items {
		s, err := e.text(item, n.fn)
		if err != nil {
			return nil, err
		}
		keys[i] = s
	}
	m := e.resolved.Template.mappings.get(keys[0])
	if m == nil {
		return nil, errAt(n.line,
			"Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", keys[0])
	}
	v := m.get(keys[1]).get(keys[2])
	if v == nil {
		return nil, errAt(n.line, "Template error: Unable to get mapping for %s::%s::%s", keys[0], keys[1], keys[2])
	}
	return v.plain(), nil
}

func (e *evaluator) text(n *node, fn string) (string, error) {
	v, err := e.eval(n)
	if err != nil {
		return "", err
	}
	s, ok := scalarText(v)
	if !ok {
		return "", errAt(n.line, "Template error: %s: expected a string", fn)
	}
	return s, nil
}

func (e *evaluator) items(n *node, fn string) ([]any, error) {
	v, err := e.eval(n)
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, errAt(n.line, "Template error: %s: expected a list", fn)
	}
	return items, nil
}

// same compares as CloudFormation does: scalars by their text.
func same(a, b any) bool {
	ta, oka := scalarText(a)
	tb, okb := scalarText(b)
	if oka || okb {
		return oka && okb && ta == tb
	}
	ja, _ := json.Marshal(a)
	jb, _ := json.Marshal(b)
	return string(ja) == string(jb)
}
