package eval

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// test compares one value of the request with one value of the policy.
type test func(have string, want []token) bool

// operators are the condition operators in lower case, without the negated ones.
var operators = map[string]test{
	"stringequals":             func(have string, want []token) bool { return have == text(want) },
	"stringequalsignorecase":   func(have string, want []token) bool { return strings.EqualFold(have, text(want)) },
	"stringlike":               func(have string, want []token) bool { return matchTokens(want, have) },
	"arnequals":                func(have string, want []token) bool { return matchARNParts(want, have) },
	"arnlike":                  func(have string, want []token) bool { return matchARNParts(want, have) },
	"binaryequals":             func(have string, want []token) bool { return have == text(want) },
	"bool":                     func(have string, want []token) bool { return strings.EqualFold(have, text(want)) },
	"numericequals":            numeric(func(a, b float64) bool { return a == b }),
	"numericlessthan":          numeric(func(a, b float64) bool { return a < b }),
	"numericlessthanequals":    numeric(func(a, b float64) bool { return a <= b }),
	"numericgreaterthan":       numeric(func(a, b float64) bool { return a > b }),
	"numericgreaterthanequals": numeric(func(a, b float64) bool { return a >= b }),
	"dateequals":               date(func(a, b time.Time) bool { return a.Equal(b) }),
	"datelessthan":             date(func(a, b time.Time) bool { return a.Before(b) }),
	"datelessthanequals":       date(func(a, b time.Time) bool { return !a.After(b) }),
	"dategreaterthan":          date(func(a, b time.Time) bool { return a.After(b) }),
	"dategreaterthanequals":    date(func(a, b time.Time) bool { return !a.Before(b) }),
	"ipaddress":                ipAddress,
}

// negated maps the negated operators (…Not…) to those that they negate.
var negated = map[string]string{
	"stringnotequals":           "stringequals",
	"stringnotequalsignorecase": "stringequalsignorecase",
	"stringnotlike":             "stringlike",
	"arnnotequals":              "arnequals",
	"arnnotlike":                "arnlike",
	"numericnotequals":          "numericequals",
	"datenotequals":             "dateequals",
	"notipaddress":              "ipaddress",
}

// condition reports whether the request meets one operator and key of a Condition element. An unknown operator is never
// met.
//
// A key that the request does not have fails a condition, except for negated operators, IfExists and ForAllValues. It
// always fails ForAnyValue, with IfExists or without, because no value matches.
func condition(operator, key string, values []string, context map[string][]string, variables bool) bool {
	name, set, ifExists := strings.ToLower(operator), "", false
	for _, prefix := range []string{"forallvalues:", "foranyvalue:"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name, set = rest, prefix
		}
	}
	have, present := context[strings.ToLower(key)]
	if name == "null" {
		return null(values, present && len(have) > 0)
	}
	name, ifExists = strings.CutSuffix(name, "ifexists")
	plain, not := negated[name]
	if !not {
		plain = name
	}
	compare, known := operators[plain]
	switch {
	case !known:
		return false
	case !present && ifExists && set != "foranyvalue:":
		return true
	case set == "" && !present:
		return not
	}
	var wanted [][]token
	for _, v := range values {
		if tokens, ok := expand(v, context, variables); ok {
			wanted = append(wanted, tokens)
		}
	}
	meets := func(value string) bool {
		for _, w := range wanted {
			if compare(value, w) {
				return !not
			}
		}
		return not
	}
	if set == "forallvalues:" || set == "" && not {
		for _, h := range have {
			if !meets(h) {
				return false
			}
		}
		return true
	}
	for _, h := range have {
		if meets(h) {
			return true
		}
	}
	return false
}

// null evaluates the Null operator: "true" requires the key to be absent.
func null(values []string, present bool) bool {
	for _, v := range values {
		if strings.EqualFold(v, "true") == !present {
			return true
		}
	}
	return false
}

// text returns a pattern as it was written, with the values of its variables.
func text(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		switch t.kind {
		case anyText:
			b.WriteByte('*')
		case anyOne:
			b.WriteByte('?')
		default:
			b.WriteString(t.text)
		}
	}
	return b.String()
}

// matchARNParts implements ArnLike and ArnEquals, which behave identically: six parts, each of which may contain
// wildcards. A single * matches any ARN.
func matchARNParts(want []token, have string) bool {
	if len(splitTokens(want)) < 6 && !isStars(want) {
		return false
	}
	return matchARN(want, have)
}

// isStars reports whether a pattern consists of * only.
func isStars(tokens []token) bool {
	return len(tokens) > 0 && !slices.ContainsFunc(tokens, func(t token) bool { return t.kind != anyText })
}

func numeric(compare func(a, b float64) bool) test {
	return func(have string, want []token) bool {
		a, errA := strconv.ParseFloat(have, 64)
		b, errB := strconv.ParseFloat(text(want), 64)
		return errA == nil && errB == nil && !math.IsNaN(a) && !math.IsNaN(b) && compare(a, b)
	}
}

func date(compare func(a, b time.Time) bool) test {
	return func(have string, want []token) bool {
		a, okA := parseDate(have)
		b, okB := parseDate(text(want))
		return okA && okB && compare(a, b)
	}
}

// parseDate parses ISO 8601 in the formats of the W3C note, or seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if layout == "2006" && len(s) != 4 {
			continue
		}
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

func ipAddress(have string, want []token) bool {
	ip, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	if prefix, err := netip.ParsePrefix(text(want)); err == nil {
		return prefix.Contains(ip)
	}
	one, err := netip.ParseAddr(text(want))
	return err == nil && one == ip
}
