package policies_test

import (
	"regexp"
	"slices"
	"strings"
)

type awsAction struct {
	Keys      []string
	Resources map[string][]string
}

// shape returns the ARN pattern of a reference.
func shape(resource string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ":")
	if shape, ok := map[string]string{
		"roles":    "arn:${Partition}:iam::${Account}:role/x",
		"policies": "arn:${Partition}:iam::${Account}:policy/x",
		"topics":   "arn:${Partition}:sns:${Region}:${Account}:x",
		"rules":    "arn:${Partition}:events:${Region}:${Account}:rule/x",
		"stacks}":  "arn:${Partition}:cloudformation:${Region}:${Account}:stack/x/x",
	}[kind]; ok {
		return shape
	}
	return resource
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

func wild(s string) string { return variable.ReplaceAllString(s, "*") }

// overlap reports whether a text exists that both patterns match.
func overlap(a, b string) bool {
	switch {
	case a == "" && b == "":
		return true
	case a != "" && a[0] == '*':
		return overlap(a[1:], b) || b != "" && overlap(a, b[1:])
	case b != "" && b[0] == '*':
		return overlap(b, a)
	case a == "" || b == "":
		return false
	}
	return a[0] == b[0] && overlap(a[1:], b[1:])
}

func knownKey(a awsAction, key string) bool {
	// Of the global keys, the ones with tags are not sent with every action.
	if strings.HasPrefix(key, "aws:") && !strings.Contains(key, "Tag") {
		return true
	}
	known := slices.Clone(a.Keys)
	for _, keys := range a.Resources {
		known = append(known, keys...)
	}
	prefix, _, hasName := strings.Cut(key, "/")
	return slices.Contains(known, key) || hasName && slices.Contains(known, prefix+"/${TagKey}")
}

func conditionKeys(conditions map[string]map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, keys := range conditions {
			for k := range keys {
				if !yield(k) {
					return
				}
			}
		}
	}
}
