package vendorfile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// openNull is a variable that is null or empty unless the customer sets it: alone it is nothing, in a text a
// placeholder.
type openNull struct{ name string }

// stepWork is the work of evaluating an expression without the expressions in it.
const stepWork = 4

// tfScope is what an expression is evaluated with. The values are those of encoding/json, and unknown, openNull, *tfRef
// and *tfDocument.
type tfScope struct {
	*tfModule
	vars        map[string]any  // each, count, iterators and the variables of for expressions
	open        map[string]bool // those of them that depend on what the file leaves open
	world       *world
	single      bool // the value is used as a whole: no list has the items of both branches of a condition
	inPrincipal bool // the value is who may assume a role: no account of a variable is the customer's own
	depth       int
}

// with returns the scope with another variable.
func (s tfScope) with(name string, value any, open bool) tfScope {
	s.vars, s.open = maps.Clone(s.vars), maps.Clone(s.open)
	if s.vars == nil {
		s.vars, s.open = map[string]any{}, map[string]bool{}
	}
	s.vars[name], s.open[name] = value, open
	return s
}

func lineUnknown(x hclsyntax.Expression, message string) unknown {
	return unknown{x.Range().Start.Line, message}
}

// eval returns the value of an expression. What cannot be evaluated is unknown, with its line.
func (s tfScope) eval(x hclsyntax.Expression) any {
	if s.depth++; s.depth > maxDepth || !s.spend(stepWork) {
		return lineUnknown(x, "evaluating the expression takes too much work")
	}
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return fromCty(x.Val)
	case *hclsyntax.TemplateExpr:
		return s.template(x, x.Parts)
	case *hclsyntax.TemplateJoinExpr:
		list, ok := s.eval(x.Tuple).([]any)
		if !ok {
			return lineUnknown(x, "the loop in the template cannot be evaluated")
		}
		return s.join(x, list)
	case *hclsyntax.TemplateWrapExpr:
		return s.eval(x.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return s.eval(x.Expression)
	case *hclsyntax.ObjectConsKeyExpr:
		if name := hcl.ExprAsKeyword(x.Wrapped); name != "" && !x.ForceNonLiteral {
			return name
		}
		return s.eval(x.Wrapped)
	case *hclsyntax.TupleConsExpr:
		return s.list(x.Exprs)
	case *hclsyntax.ObjectConsExpr:
		return s.object(x)
	case *hclsyntax.ConditionalExpr:
		return s.conditional(x)
	case *hclsyntax.UnaryOpExpr, *hclsyntax.BinaryOpExpr:
		return s.operation(x)
	case *hclsyntax.ForExpr:
		return s.forEach(x)
	case *hclsyntax.FunctionCallExpr:
		return s.function(x)
	case *hclsyntax.ScopeTraversalExpr:
		return s.traversal(x)
	case *hclsyntax.RelativeTraversalExpr:
		return s.walk(x, s.eval(x.Source), x.Traversal)
	case *hclsyntax.IndexExpr:
		key := s.eval(x.Key)
		if u, bad := key.(unknown); bad {
			return u
		}
		return s.step(x, s.eval(x.Collection), plain(key))
	case *hclsyntax.SplatExpr:
		return s.splat(x)
	case *hclsyntax.AnonSymbolExpr:
		if value, ok := s.vars["*"]; ok {
			return value
		}
	}
	return lineUnknown(x, "the expression is not evaluated")
}

// template returns the text of the parts.
func (s tfScope) template(x hclsyntax.Expression, parts []hclsyntax.Expression) any {
	var list []any
	s.single = true
	for _, part := range parts {
		list = append(list, s.eval(part))
	}
	return s.join(x, list)
}

func (s tfScope) join(x hclsyntax.Expression, parts []any) any {
	var out strings.Builder
	for _, part := range parts {
		part = plain(part)
		if u, bad := part.(unknown); bad {
			return u
		}
		text, ok := tfText(part)
		if !ok {
			return lineUnknown(x, "a list, an object or null is part of a text")
		}
		if !s.spend(len(text)) || out.Len()+len(text) > maxFile {
			return lineUnknown(x, "the text is too long")
		}
		out.WriteString(text)
	}
	return out.String()
}

// tfText returns a string, a number or a bool as text.
func tfText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// list returns the values. If the conditions in it have too many combinations, it has the items of both branches.
func (s tfScope) list(items []hclsyntax.Expression) any {
	out := []any{}
	for _, item := range items {
		if c, ok := unwrap(item).(*hclsyntax.ConditionalExpr); ok && s.world.union && !s.single && s.isOpen(c.Condition) {
			s.conditionNote(c.Condition)
			for _, branch := range []hclsyntax.Expression{c.TrueResult, c.FalseResult} {
				if value := s.eval(branch); value != "" && value != nil {
					out = append(out, value)
				}
			}
			continue
		}
		value := s.eval(item)
		if u, bad := value.(unknown); bad {
			return u
		}
		out = append(out, value)
	}
	return out
}

// unwrap returns the expression in parentheses, and in a template that consists of it.
func unwrap(x hclsyntax.Expression) hclsyntax.Expression {
	for {
		switch inner := x.(type) {
		case *hclsyntax.ParenthesesExpr:
			x = inner.Expression
		case *hclsyntax.TemplateWrapExpr:
			x = inner.Wrapped
		default:
			return x
		}
	}
}

func (s tfScope) object(x *hclsyntax.ObjectConsExpr) any {
	out := map[string]any{}
	for _, item := range x.Items {
		key, ok := tfText(plain(s.eval(item.KeyExpr)))
		if !ok {
			return lineUnknown(x, "a key of the object cannot be evaluated")
		}
		inner := s
		inner.inPrincipal = s.inPrincipal || key == "Principal" || key == "NotPrincipal"
		value := inner.eval(item.ValueExpr)
		if u, bad := value.(unknown); bad {
			return u
		}
		out[key] = value
	}
	return out
}

// conditional returns the branch of a constant condition, or that of the assumed value of an open one.
func (s tfScope) conditional(x *hclsyntax.ConditionalExpr) any {
	if s.world.union && !s.single && s.isOpen(x.Condition) {
		a, isList := s.eval(x.TrueResult).([]any)
		b, both := s.eval(x.FalseResult).([]any)
		if isList && both {
			s.conditionNote(x.Condition)
			return slices.Concat(a, b)
		}
	}
	taken, ok := s.decide(x.Condition)
	if !ok {
		return lineUnknown(x, "the condition cannot be evaluated")
	}
	branch := x.FalseResult
	if taken {
		branch = x.TrueResult
	}
	value := s.eval(branch)
	if open, isOpen := value.(openNull); isOpen {
		return placeholder(open.name)
	}
	return value
}

// decide returns a condition. Of one that depends on what the file leaves open, every part is assumed.
func (s tfScope) decide(x hclsyntax.Expression) (value, ok bool) {
	if s.depth++; s.depth > maxDepth || !s.spend(1) {
		return false, false
	}
	if !s.isOpen(x) {
		value, ok = s.eval(x).(bool)
		return value, ok
	}
	switch x := unwrap(x).(type) {
	case *hclsyntax.UnaryOpExpr:
		value, ok = s.decide(x.Val)
		return !value, ok
	case *hclsyntax.BinaryOpExpr:
		switch x.Op {
		case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
			left, ok := s.decide(x.LHS)
			if !ok || left == (x.Op == hclsyntax.OpLogicalOr) {
				return left, ok
			}
			return s.decide(x.RHS)
		case hclsyntax.OpNotEqual, hclsyntax.OpEqual:
			equal := s.assume(s.parser.text(x.LHS) + " == " + s.parser.text(x.RHS))
			return equal == (x.Op == hclsyntax.OpEqual), true
		}
	case *hclsyntax.ScopeTraversalExpr:
		if name, ok := attrName(x.Traversal, 1); ok && x.Traversal.RootName() == "local" && len(x.Traversal) == 2 {
			if local := s.locals[name]; local != nil {
				inner := s
				inner.vars, inner.open = nil, nil
				return inner.decide(local)
			}
		}
	}
	return s.assume(s.parser.text(x)), true
}

func (s tfScope) assume(condition string) bool {
	s.conditions[condition] = true
	return s.world.assume(s.dir + " " + condition)
}

// conditionNote records that both branches of a condition are taken: on what it depends.
func (s tfScope) conditionNote(x hclsyntax.Expression) {
	for _, t := range x.Variables() {
		name, _ := attrName(t, 1)
		s.conditions[t.RootName()+"."+name] = true
	}
}

// isOpen reports whether an expression depends on a variable, a resource or a data source.
func (s tfScope) isOpen(x hclsyntax.Expression) bool {
	return slices.ContainsFunc(x.Variables(), func(t hcl.Traversal) bool {
		root := t.RootName()
		if _, ok := s.vars[root]; ok {
			return s.open[root]
		}
		if name, ok := attrName(t, 1); ok && root == "local" {
			return s.localIsOpen(name)
		}
		return true
	})
}

// localIsOpen returns isOpen of a local value. One that refers to itself is open.
func (m *tfModule) localIsOpen(name string) bool {
	if open, ok := m.openLocals[name]; ok {
		return open
	}
	m.openLocals[name] = true
	if x := m.locals[name]; x != nil {
		m.openLocals[name] = tfScope{tfModule: m}.isOpen(x)
	}
	return m.openLocals[name]
}

func (s tfScope) operation(x hclsyntax.Expression) any {
	switch x := x.(type) {
	case *hclsyntax.UnaryOpExpr:
		switch value := s.eval(x.Val).(type) {
		case bool:
			return !value
		case float64:
			return -value
		}
	case *hclsyntax.BinaryOpExpr:
		left, right := plain(s.eval(x.LHS)), plain(s.eval(x.RHS))
		if u, bad := left.(unknown); bad {
			return u
		}
		if u, bad := right.(unknown); bad {
			return u
		}
		a, b := toCty(left), toCty(right)
		if x.Op == hclsyntax.OpEqual || x.Op == hclsyntax.OpNotEqual {
			return a.RawEquals(b) == (x.Op == hclsyntax.OpEqual)
		}
		out, err := x.Op.Impl.Call([]cty.Value{a, b})
		if err == nil {
			return fromCty(out)
		}
	}
	return lineUnknown(x, "the operation cannot be evaluated")
}
