package vendorfile

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// loopWork is the work of an iteration, in which the variables are copied.
const loopWork = 20

// element is one of a collection: its key and its value.
type element struct {
	key, value any
}

// elements returns the elements of a list, an object or the instances of a resource.
func (s tfScope) elements(v any) (list []element, ok bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case openNull:
		return nil, true
	case []any:
		for i, item := range v {
			list = append(list, element{float64(i), item})
		}
		return list, true
	case map[string]any:
		for _, key := range sortedKeys(v) {
			list = append(list, element{key, v[key]})
		}
		return list, true
	case *tfRef:
		for _, i := range s.instances(v.block, s.depth) {
			list = append(list, element{i.key, &tfRef{block: v.block, key: i.key, hasKey: true}})
		}
		return list, true
	case string:
		if isOpen(v) {
			return []element{{v, v}}, true
		}
	}
	return nil, false
}

func (s tfScope) forEach(x *hclsyntax.ForExpr) any {
	coll := s.eval(x.CollExpr)
	if u, bad := coll.(unknown); bad {
		return u
	}
	list, ok := s.elements(coll)
	if !ok {
		return lineUnknown(x, "the collection of the for expression cannot be evaluated")
	}
	open := s.isOpen(x.CollExpr)
	out, object := []any{}, map[string]any{}
	for _, e := range list {
		if !s.spend(loopWork) {
			return lineUnknown(x, "evaluating the expression takes too much work")
		}
		inner := s.with(x.ValVar, e.value, open)
		if x.KeyVar != "" {
			inner = inner.with(x.KeyVar, e.key, open)
		}
		if x.CondExpr != nil { // of an open condition, the element is included
			if !inner.isOpen(x.CondExpr) {
				if keep, ok := inner.eval(x.CondExpr).(bool); !ok {
					return lineUnknown(x, "the condition of the for expression cannot be evaluated")
				} else if !keep {
					continue
				}
			} else {
				s.conditionNote(x.CondExpr)
			}
		}
		value := inner.eval(x.ValExpr)
		if u, bad := value.(unknown); bad {
			return u
		}
		if x.KeyExpr == nil {
			out = append(out, value)
			continue
		}
		key, ok := tfText(plain(inner.eval(x.KeyExpr)))
		switch existing, _ := object[key].([]any); {
		case !ok:
			return lineUnknown(x, "a key of the for expression cannot be evaluated")
		case x.Group:
			object[key] = append(existing, value)
		default:
			object[key] = value
		}
	}
	if x.KeyExpr != nil {
		return object
	}
	return out
}

func (s tfScope) splat(x *hclsyntax.SplatExpr) any {
	source := s.eval(x.Source)
	if u, bad := source.(unknown); bad {
		return u
	}
	list, ok := s.elements(source)
	if _, isObject := source.(map[string]any); isObject || !ok {
		list = []element{{float64(0), source}}
	}
	out := []any{}
	for _, e := range list {
		value := s.with("*", e.value, true).eval(x.Each)
		if u, bad := value.(unknown); bad {
			return u
		}
		out = append(out, value)
	}
	return out
}
