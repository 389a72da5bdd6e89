package eval

import (
	"strings"
	"unicode/utf8"
)

// token is a part of a pattern: literal text, "*" or "?". The value of a policy variable is literal text, even if it
// contains wildcards.
type token struct {
	kind tokenKind
	text string
}

type tokenKind int

const (
	literal tokenKind = iota
	anyText           // *
	anyOne            // ?
)

// Wildcard reports whether a pattern matches a text: * matches any text, also an empty one, and ? one character. It
// needs at most len(pattern)·len(text) steps.
func Wildcard(pattern, text string) bool {
	tokens, _ := expand(pattern, nil, false)
	return matchTokens(tokens, text)
}

// expand parses a pattern and replaces its policy variables: ${key}, ${key, 'default'}, and ${*}, ${?}, ${$} for those
// characters themselves. It reports false if a variable has no value, or several, and no default.
func expand(pattern string, context map[string][]string, variables bool) ([]token, bool) {
	var out []token
	add := func(text string) {
		if text == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].kind == literal {
			out[n-1].text += text
			return
		}
		out = append(out, token{literal, text})
	}
	for pattern != "" {
		i := strings.IndexAny(pattern, "*?$")
		if i < 0 {
			add(pattern)
			break
		}
		add(pattern[:i])
		pattern = pattern[i:]
		switch {
		case pattern[0] == '*':
			out = append(out, token{kind: anyText})
		case pattern[0] == '?':
			out = append(out, token{kind: anyOne})
		case variables && strings.HasPrefix(pattern, "${"):
			end := strings.IndexByte(pattern, '}')
			if end < 0 {
				add(pattern)
				return out, true
			}
			value, ok := variable(pattern[2:end], context)
			if !ok {
				return nil, false
			}
			add(value)
			pattern = pattern[end:]
		default:
			add("$")
		}
		pattern = pattern[1:]
	}
	return out, true
}

func variable(name string, context map[string][]string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	if values := context[strings.ToLower(strings.TrimSpace(name))]; len(values) == 1 {
		return values[0], true
	}
	fallback = strings.TrimSpace(fallback)
	if hasFallback && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		return fallback[1 : len(fallback)-1], true
	}
	return "", false
}

// matchTokens reports whether the tokens match the whole text. After a mismatch only the last * is tried again with one
// character more, so there is no exponential case.
func matchTokens(tokens []token, text string) bool {
	ti, si := 0, 0
	starAt, starText := -1, 0
	for {
		if ti < len(tokens) {
			switch t := tokens[ti]; t.kind {
			case anyText:
				starAt, starText = ti, si
				ti++
				continue
			case anyOne:
				if si < len(text) {
					_, size := utf8.DecodeRuneInString(text[si:])
					ti, si = ti+1, si+size
					continue
				}
			default:
				if strings.HasPrefix(text[si:], t.text) {
					ti, si = ti+1, si+len(t.text)
					continue
				}
			}
		} else if si == len(text) {
			return true
		}
		if starAt < 0 || starText >= len(text) {
			return false
		}
		_, size := utf8.DecodeRuneInString(text[starText:])
		starText += size
		ti, si = starAt+1, starText
	}
}

// matchARN matches an ARN part by part: a wildcard does not match beyond its part. The pattern's last part matches the
// rest, so that a resource may contain colons, "*" matches everything and "arn:aws:s3*" all of one service.
func matchARN(tokens []token, arn string) bool {
	parts := splitTokens(tokens)
	text := strings.SplitN(arn, ":", len(parts))
	if len(text) < len(parts) {
		return false
	}
	for i := range parts {
		if !matchTokens(parts[i], text[i]) {
			return false
		}
	}
	return true
}

// splitTokens splits a pattern at its first five colons.
func splitTokens(tokens []token) [][]token {
	parts := [][]token{nil}
	for _, t := range tokens {
		for t.kind == literal && len(parts) < 6 {
			before, after, found := strings.Cut(t.text, ":")
			if !found {
				break
			}
			if before != "" {
				parts[len(parts)-1] = append(parts[len(parts)-1], token{literal, before})
			}
			parts = append(parts, nil)
			t.text = after
		}
		if t.kind != literal || t.text != "" {
			parts[len(parts)-1] = append(parts[len(parts)-1], t)
		}
	}
	return parts
}
