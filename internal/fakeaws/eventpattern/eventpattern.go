// Package eventpattern matches events against EventBridge's event patterns
// ("Comparison operators for use in event patterns", EventBridge User Guide).
// SNS filter policies have the same operators.
package eventpattern

import (
	"net/netip"
	"slices"
	"strings"
)

// Match reports whether a pattern matches an event. Both are decoded JSON: a
// pattern's leaves are lists of alternatives, each a plain value or an object
// with one operator. A pattern that is not valid matches nothing.
func Match(pattern, event map[string]any) bool {
	for name, want := range pattern {
		if name == "$or" {
			if !matchesOr(want, event) {
				return false
			}
			continue
		}
		have, present := event[name]
		if !matchesField(want, have, present) {
			return false
		}
	}
	return true
}

func matchesOr(alternatives any, event map[string]any) bool {
	list, _ := alternatives.([]any)
	for _, a := range list {
		if p, ok := a.(map[string]any); ok && Match(p, event) {
			return true
		}
	}
	return false
}

// matchesField matches one field. A list in an event matches if any of its
// elements does.
func matchesField(want, have any, present bool) bool {
	switch want := want.(type) {
	case map[string]any:
		switch have := have.(type) {
		case map[string]any:
			return Match(want, have)
		case []any:
			return slices.ContainsFunc(have, func(item any) bool {
				object, ok := item.(map[string]any)
				return ok && Match(want, object)
			})
		}
		return Match(want, nil) // only "exists": false can match
	case []any:
		_, object := have.(map[string]any)
		leaf := present && !object // exists applies to leaves only
		return slices.ContainsFunc(want, func(alternative any) bool { return matchesLeaf(alternative, have, leaf) })
	}
	return false
}

func matchesLeaf(want, have any, leaf bool) bool {
	operator, isOperator := want.(map[string]any)
	if exists, ok := operator["exists"].(bool); isOperator && ok {
		return exists == leaf
	}
	if !leaf {
		return false
	}
	values, isList := have.([]any)
	if !isList {
		values = []any{have}
	}
	return slices.ContainsFunc(values, func(v any) bool {
		if !isOperator {
			return equal(want, v)
		}
		for name, argument := range operator {
			return matchesOperator(name, argument, v)
		}
		return false
	})
}

// equal compares plain values; numbers are compared as numbers.
func equal(want, have any) bool {
	switch have.(type) {
	case map[string]any, []any:
		return false
	}
	return want == have
}

func matchesOperator(name string, argument, have any) bool {
	text, isText := have.(string)
	switch name {
	case "prefix":
		return isText && affix(argument, text, strings.HasPrefix)
	case "suffix":
		return isText && affix(argument, text, strings.HasSuffix)
	case "equals-ignore-case":
		want, ok := argument.(string)
		return ok && isText && strings.EqualFold(want, text)
	case "wildcard":
		want, ok := argument.(string)
		return ok && isText && wildcard(want, text)
	case "cidr":
		want, _ := argument.(string)
		network, err1 := netip.ParsePrefix(want)
		address, err2 := netip.ParseAddr(text)
		return err1 == nil && err2 == nil && network.Contains(address)
	case "numeric":
		number, ok := have.(float64)
		return ok && numeric(argument, number)
	case "anything-but":
		return anythingBut(argument, have)
	}
	return false
}

// affix tests a prefix or suffix; an object {"equals-ignore-case": …} ignores case.
func affix(argument any, text string, has func(string, string) bool) bool {
	switch argument := argument.(type) {
	case string:
		return has(text, argument)
	case map[string]any:
		want, ok := argument["equals-ignore-case"].(string)
		return ok && has(strings.ToLower(text), strings.ToLower(want))
	}
	return false
}

// anythingBut excludes values, or with an object the values that its operator
// matches.
func anythingBut(argument, have any) bool {
	switch argument := argument.(type) {
	case []any:
		return !slices.ContainsFunc(argument, func(v any) bool { return equal(v, have) })
	case map[string]any:
		for name, excluded := range argument {
			list, isList := excluded.([]any)
			if !isList {
				list = []any{excluded}
			}
			if slices.ContainsFunc(list, func(v any) bool { return matchesOperator(name, v, have) }) {
				return false
			}
		}
		return len(argument) > 0
	}
	return !equal(argument, have)
}

// numeric tests pairs of operators and numbers: [">", 0, "<=", 5].
func numeric(argument any, have float64) bool {
	pairs, ok := argument.([]any)
	if !ok || len(pairs) == 0 || len(pairs)%2 != 0 {
		return false
	}
	for i := 0; i < len(pairs); i += 2 {
		operator, _ := pairs[i].(string)
		want, ok := pairs[i+1].(float64)
		if !ok {
			return false
		}
		holds := map[string]bool{
			"=": have == want, "<": have < want, "<=": have <= want, ">": have > want, ">=": have >= want,
		}[operator]
		if !holds {
			return false
		}
	}
	return true
}

// wildcard matches a text with a pattern in which * is any text and a backslash
// makes the next character literal.
func wildcard(pattern, text string) bool {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			part.WriteByte(pattern[i])
		case pattern[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(pattern[i])
		}
	}
	last := part.String()
	if len(parts) == 0 {
		return text == last
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1:] {
		_, rest, found := strings.Cut(text, p)
		if !found {
			return false
		}
		text = rest
	}
	return strings.HasSuffix(text, last)
}
