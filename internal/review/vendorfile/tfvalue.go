package vendorfile

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
)

// toCty returns a value of encoding/json for the functions of go-cty.
func toCty(v any) cty.Value {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case float64:
		return cty.NumberFloatVal(v)
	case int64:
		return cty.NumberIntVal(v)
	case []any:
		list := make([]cty.Value, len(v))
		for i, item := range v {
			list[i] = toCty(item)
		}
		return cty.TupleVal(list)
	case map[string]any:
		fields := map[string]cty.Value{}
		for key, value := range v {
			fields[key] = toCty(value)
		}
		return cty.ObjectVal(fields)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// fromCty returns a value in the types of encoding/json.
func fromCty(v cty.Value) any {
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown():
		return unknown{message: "the value is not known"}
	case v.IsNull():
		return nil
	case v.Type() == cty.String:
		return v.AsString()
	case v.Type() == cty.Bool:
		return v.True()
	case v.Type() == cty.Number:
		n, _ := v.AsBigFloat().Float64()
		return n
	case v.Type().IsObjectType() || v.Type().IsMapType():
		out := map[string]any{}
		for key, value := range v.AsValueMap() {
			out[key] = fromCty(value)
		}
		return out
	case v.CanIterateElements():
		out := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, value := it.Element()
			out = append(out, fromCty(value))
		}
		return out
	}
	return unknown{message: "the value has a type that is not evaluated"}
}

// plain returns a value in the types of encoding/json and unknown: documents are text, what is open a placeholder.
func plain(v any) any {
	switch v := v.(type) {
	case openNull:
		return placeholder(v.name)
	case *tfRef:
		return placeholder(v.block.address())
	case *tfDocument:
		data, err := json.Marshal(document(v.statements))
		if err != nil {
			return unknown{message: "the policy document cannot be evaluated"}
		}
		return string(data)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			if out[i] = plain(item); isUnknown(out[i]) {
				return out[i]
			}
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			if out[key] = plain(item); isUnknown(out[key]) {
				return out[key]
			}
		}
		return out
	}
	return v
}

func isUnknown(v any) bool {
	_, bad := v.(unknown)
	return bad
}
