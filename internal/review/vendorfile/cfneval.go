package vendorfile

import (
	"strconv"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/permissionstack"
	"permstack/internal/policies/choice"
)

// maxDepth is the depth of calls in each other that is evaluated.
const maxDepth = 200

// noValue is AWS::NoValue: the list or object does not have the item.
type noValue struct{}

// cfnEvaluator evaluates values of a template without parameters.
type cfnEvaluator struct {
	policyFile
	root       cfntemplate.Value
	assumed    map[string]bool // conditions in the statement that is evaluated
	conditions map[string]bool // all conditions of which both branches were taken
}

// call returns the function and the argument of a value that is a call.
func call(v cfntemplate.Value) (name string, arg cfntemplate.Value, ok bool) {
	if keys := v.Keys(); len(keys) == 1 && (keys[0] == "Ref" || strings.HasPrefix(keys[0], "Fn::")) {
		return keys[0], v.Get(keys[0]), true
	}
	return "", cfntemplate.Value{}, false
}

// branches returns a value, or both branches if it is an Fn::If, without AWS::NoValue.
func (e *cfnEvaluator) branches(v cfntemplate.Value, depth int) []cfntemplate.Value {
	name, arg, ok := call(v)
	switch target, _ := arg.Text(); {
	case !v.Exists() || ok && name == "Ref" && target == "AWS::NoValue":
		return nil
	case ok && name == "Fn::If" && len(arg.Items()) == 3 && depth < maxDepth && e.spend(1):
		condition, _ := arg.Items()[0].Text()
		e.conditions[condition] = true
		return append(e.branches(arg.Items()[1], depth+1), e.branches(arg.Items()[2], depth+1)...)
	}
	return []cfntemplate.Value{v}
}

// conditionsIn adds the names of the conditions in a value.
func (e *cfnEvaluator) conditionsIn(v cfntemplate.Value, names map[string]bool, depth int) {
	if depth > maxDepth || !e.spend(1) {
		return
	}
	if name, arg, ok := call(v); ok && name == "Fn::If" && len(arg.Items()) == 3 {
		condition, _ := arg.Items()[0].Text()
		names[condition], e.conditions[condition] = true, true
	}
	for _, key := range v.Keys() {
		e.conditionsIn(v.Get(key), names, depth+1)
	}
	for _, item := range v.Items() {
		e.conditionsIn(item, names, depth+1)
	}
}

// eval returns a value in the types of encoding/json. What cannot be evaluated is unknown, with its line.
func (e *cfnEvaluator) eval(v cfntemplate.Value, depth int) any {
	if depth > maxDepth || !e.spend(1) {
		return unknown{v.Line(), "evaluating the template takes too much work"}
	}
	name, arg, isCall := call(v)
	switch {
	case isCall:
		return e.call(name, arg, v.Line(), depth)
	case v.IsList():
		out := []any{}
		for _, item := range v.Items() {
			switch value := e.eval(item, depth+1).(type) {
			case noValue:
			case []any: // a list parameter, or a branch, in a list of strings
				if item.IsList() {
					out = append(out, value)
				} else {
					out = append(out, value...)
				}
			default:
				out = append(out, value)
			}
		}
		return out
	case v.IsObject():
		out := map[string]any{}
		for _, key := range v.Keys() {
			if value := e.eval(v.Get(key), depth+1); value != (any)(noValue{}) {
				out[key] = value
			}
		}
		return out
	}
	return v.Plain()
}

// placeholder returns the text that represents an unknown string.
func placeholder(parts ...string) string {
	inner := strings.NewReplacer("<", "", ">", "", "${", "", "}", "").Replace(strings.Join(parts, " "))
	return "<" + inner + ">"
}

func isOpen(text string) bool {
	return strings.Contains(text, "<") || strings.Contains(text, "${AWS::")
}

// call evaluates an intrinsic function.
func (e *cfnEvaluator) call(name string, arg cfntemplate.Value, line, depth int) any {
	items := arg.Items()
	bad := unknown{line, name + " has arguments that cannot be evaluated"}
	switch name {
	case "Ref":
		target, ok := arg.Text()
		if !ok {
			return bad
		}
		return e.ref(target)
	case "Fn::GetAtt":
		return e.getAtt(items)
	case "Fn::Sub":
		return e.sub(arg, bad, depth)
	case "Fn::If":
		if len(items) != 3 {
			return bad
		}
		condition, _ := items[0].Text()
		taken, known := e.assumed[condition]
		if !known {
			e.conditions[condition] = true
			taken = true
		}
		if taken {
			return e.eval(items[1], depth+1)
		}
		return e.eval(items[2], depth+1)
	case "Fn::Join":
		if len(items) != 2 {
			return bad
		}
		separator, _ := items[0].Text()
		list, ok := e.eval(items[1], depth+1).([]any)
		if !ok {
			return bad
		}
		var parts []string
		for _, item := range list {
			text, ok := scalarText(item)
			if !ok {
				return bad
			}
			parts = append(parts, text)
		}
		return e.text(strings.Join(parts, separator), line)
	case "Fn::Split":
		if len(items) != 2 {
			return bad
		}
		separator, _ := items[0].Text()
		text, ok := e.eval(items[1], depth+1).(string)
		if !ok || separator == "" {
			return bad
		}
		out := []any{}
		for _, part := range strings.Split(text, separator) {
			out = append(out, part)
		}
		return out
	case "Fn::Select":
		return e.selectItem(items, bad, depth)
	case "Fn::FindInMap":
		return e.findInMap(items, bad, depth)
	case "Fn::ImportValue":
		text, _ := e.eval(arg, depth+1).(string)
		return placeholder("import", text)
	case "Fn::Base64", "Fn::ToJsonString":
		return placeholder(name)
	case "Fn::GetAZs", "Fn::Cidr":
		return []any{placeholder(name)}
	}
	return unknown{line, "the function " + name + " is not evaluated"}
}

// text returns a string, and takes its length from the work that is left.
func (e *cfnEvaluator) text(s string, line int) any {
	if !e.spend(len(s)) {
		return unknown{line, "evaluating the template takes too much work"}
	}
	return s
}

func scalarText(v any) (string, bool) {
	switch v.(type) {
	case string, bool, int64, float64:
		return cfntemplate.Text(v), true
	}
	return "", false
}

// ref evaluates Ref: a parameter without a default is a placeholder.
func (e *cfnEvaluator) ref(name string) any {
	switch {
	case name == "AWS::NoValue":
		return noValue{}
	case name == "AWS::NotificationARNs":
		return []any{placeholder(name)}
	case strings.HasPrefix(name, "AWS::"):
		return "${" + name + "}"
	case name == permissionstack.ExternalIDParameter && e.root.Get("Parameters").Get(name).Exists():
		e.maskedID = true
		return choice.ExampleExternalID
	}
	if p := e.root.Get("Parameters").Get(name); p.Exists() {
		kind, _ := p.Get("Type").Text()
		value, ok := p.Get("Default").Text()
		if !ok || value == "" {
			value = placeholder(name)
		}
		if kind != "CommaDelimitedList" && !strings.HasPrefix(kind, "List<") {
			return value
		}
		out := []any{}
		for _, item := range strings.Split(value, ",") {
			out = append(out, strings.TrimSpace(item))
		}
		return out
	}
	r := e.root.Get("Resources").Get(name)
	switch kind, _ := r.Get("Type").Text(); {
	case kind == "AWS::SNS::Topic":
		return "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + name
	case grants(kind):
		return name
	}
	return placeholder(name)
}

func (e *cfnEvaluator) getAtt(items []cfntemplate.Value) any {
	var parts []string
	for _, item := range items {
		text, _ := item.Text()
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return placeholder("attribute")
	}
	if kind, _ := e.root.Get("Resources").Get(parts[0]).Get("Type").Text(); grants(kind) {
		return e.ref(parts[0])
	}
	return placeholder(strings.Join(parts, "."))
}

func (e *cfnEvaluator) sub(arg cfntemplate.Value, bad unknown, depth int) any {
	var vars cfntemplate.Value
	if items := arg.Items(); len(items) == 2 {
		arg, vars = items[0], items[1]
	}
	text, ok := arg.Text()
	if !ok {
		return bad
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		out.WriteString(before)
		name, rest, closed := strings.Cut(after, "}")
		if !found || !closed {
			out.WriteString(strings.TrimPrefix(text, before))
			return e.text(out.String(), bad.line)
		}
		text = rest
		name = strings.TrimSpace(name)
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			out.WriteString("${" + literal + "}")
			continue
		}
		var value any
		if v := vars.Get(name); v.Exists() {
			value = e.eval(v, depth+1)
		} else if id, attr, dotted := strings.Cut(name, "."); dotted {
			value = placeholder(name)
			if kind, _ := e.root.Get("Resources").Get(id).Get("Type").Text(); attr != "" && grants(kind) {
				value = e.ref(id)
			}
		} else {
			value = e.ref(name)
		}
		part, ok := scalarText(value)
		if list, isList := value.([]any); isList && len(list) == 1 {
			part, ok = scalarText(list[0])
		}
		if !ok || !e.spend(len(part)) {
			return bad
		}
		out.WriteString(part)
	}
}

func (e *cfnEvaluator) selectItem(items []cfntemplate.Value, bad unknown, depth int) any {
	if len(items) != 2 {
		return bad
	}
	index, _ := scalarText(e.eval(items[0], depth+1))
	i, err := strconv.Atoi(index)
	list, ok := e.eval(items[1], depth+1).([]any)
	if err != nil || !ok || i < 0 {
		return bad
	}
	if i < len(list) && len(list) > 1 {
		return list[i]
	}
	if len(list) > 0 {
		if text, ok := scalarText(list[0]); ok && isOpen(text) {
			return placeholder(text, "part", index)
		}
		if i < len(list) {
			return list[i]
		}
	}
	return bad
}

// findInMap returns a value of a mapping. If a key is unknown and the values differ, the result is a placeholder.
func (e *cfnEvaluator) findInMap(items []cfntemplate.Value, bad unknown, depth int) any {
	if len(items) < 3 {
		return bad
	}
	var keys []string
	for _, item := range items[:3] {
		text, ok := e.eval(item, depth+1).(string)
		if !ok {
			return bad
		}
		keys = append(keys, text)
	}
	v := e.root.Get("Mappings").Get(keys[0]).Get(keys[1]).Get(keys[2])
	if v.Exists() {
		return v.Plain()
	}
	if !isOpen(strings.Join(keys, "")) {
		return bad
	}
	return placeholder(strings.Join(keys, "."))
}
