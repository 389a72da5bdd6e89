package vendorfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"permstack/internal/cfn/cfntemplate"
)

// policyStatements returns the statements of an attribute that holds a policy; ok is false if there is none.
func (m *tfModule) policyStatements(b *tfBlock, attr string, i instance) (statements []any, ok bool) {
	x := b.attrs[attr]
	if x == nil {
		return nil, false
	}
	problems := len(m.problems)
	if items := statementItems(x); items != nil { // each statement has its own conditions
		for _, item := range items {
			statements = append(statements, m.unit(b.file, item.Range().Start.Line, func(w *world) []any {
				s := m.scope(i, w)
				if value := s.eval(item); value != nil {
					return flatten(value)
				}
				return nil
			})...)
		}
		return statements, len(statements) > 0 || len(m.problems) == problems
	}
	found := false
	statements = m.unit(b.file, b.attrLine(attr), func(w *world) []any {
		value := m.scope(i, w).eval(x)
		if _, isNull := value.(openNull); isNull || value == nil {
			if isNull {
				m.emptyNote(b, x)
			}
			return nil
		}
		found = true
		return m.documentStatements(b.file, x, value)
	})
	return statements, found
}

// flatten returns the statements in a value, which may be a list of statements.
func flatten(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// statementItems returns the statements of jsonencode({Statement = [...]}), nil if the expression is another.
func statementItems(x hclsyntax.Expression) []hclsyntax.Expression {
	call, ok := unwrap(x).(*hclsyntax.FunctionCallExpr)
	if !ok || call.Name != "jsonencode" || len(call.Args) != 1 {
		return nil
	}
	object, ok := unwrap(call.Args[0]).(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	for _, item := range object.Items {
		key := ""
		switch k := item.KeyExpr.(type) {
		case *hclsyntax.ObjectConsKeyExpr:
			key = hcl.ExprAsKeyword(k.Wrapped)
			if t, isText := k.Wrapped.(*hclsyntax.TemplateExpr); isText && len(t.Parts) == 1 {
				if literal, isLiteral := t.Parts[0].(*hclsyntax.LiteralValueExpr); isLiteral {
					key, _ = fromCty(literal.Val).(string)
				}
			}
		case *hclsyntax.LiteralValueExpr:
			key, _ = fromCty(k.Val).(string)
		}
		if list, isList := unwrap(item.ValueExpr).(*hclsyntax.TupleConsExpr); isList && key == "Statement" {
			return list.Exprs
		}
	}
	return nil
}

// documentStatements returns the statements of a document that is a data source or JSON text.
func (m *tfModule) documentStatements(file string, x hclsyntax.Expression, value any) []any {
	line := x.Range().Start.Line
	switch value := value.(type) {
	case nil:
		return nil
	case unknown:
		return []any{value}
	case *tfDocument:
		return value.statements
	case map[string]any:
		if value["Statement"] != nil {
			return flatten(value["Statement"])
		}
	case string:
		if value == "" {
			return nil
		}
		doc, err := decodeDocument(value)
		if err == nil && doc.Get("Statement").Exists() {
			items := doc.Get("Statement").Items()
			if doc.Get("Statement").IsObject() {
				items = []cfntemplate.Value{doc.Get("Statement")}
			}
			var out []any
			for _, item := range items {
				out = append(out, item.Plain())
			}
			return out
		}
		switch {
		case isOpen(value) && !strings.Contains(value, "{\""):
			return []any{unknown{line, "the policy is " + value + ", which the file does not contain"}}
		case err != nil:
			return []any{unknown{line, "the policy document cannot be read: " + err.Error()}}
		}
	}
	return []any{unknown{line, "the policy document cannot be evaluated"}}
}
