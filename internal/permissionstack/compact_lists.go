package permissionstack

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// listSeparator separates the elements of a list that is written as one text. IAM's
// ARNs do not contain it; a list that does is not modified.
const listSeparator = "|"

// resourceList matches the resources of a statement in compact JSON.
var resourceList = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"Resource":\[("(?:[^"\\]|\\.)*"(?:,"(?:[^"\\]|\\.)*")+)\]`)
})

// sharedMap is the name of the mapping with the lists that several statements have.
const sharedMap = "Shared"

// shareLists moves lists of actions, resources and values of conditions that several statements have into
// a mapping, if that is shorter: a statement for the resources of other accounts has
// the actions of the one before it. It returns the lists by their name in the
// mapping, in JSON, and the section that refers to them. A mapping may hold lists but no functions
// (CloudFormation User Guide, "Mappings").
func shareLists(section []byte) (lists map[string]json.RawMessage, _ []byte) {
	lists = map[string]json.RawMessage{}
	count := map[string]int{}
	for _, m := range literalList().FindAllSubmatch(section, -1) {
		count[string(m[2])]++
	}
	names := map[string]string{}
	section = literalList().ReplaceAllFunc(section, func(match []byte) []byte {
		m := literalList().FindSubmatch(match)
		list := string(m[2])
		name, known := names[list]
		if !known {
			name = strconv.Itoa(len(names) + 1)
		}
		reference := mustCompact(map[string]any{"Fn::FindInMap": []string{sharedMap, "Lists", name}})
		declared := len(list) + len(`"":,`) + len(name)
		if n := count[list]; n < 2 || declared+n*len(reference) >= n*len(list) {
			return match
		}
		if !known {
			names[list] = name
			lists[name] = json.RawMessage(list)
		}
		return slices.Concat(m[1], reference)
	})
	return lists, section
}

// literalList matches the key and the value of a statement's actions or resources, or of a condition key's values, if
// it is a list without functions.
var literalList = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`("(?:Action|Resource|[a-z0-9-]+:[^"\\]+)":)(\["(?:[^"\\]|\\.)*"(?:,"(?:[^"\\]|\\.)*")+\])`)
})

// compactResources writes the resource lists of a policy so that what several ARNs
// have in common is written once: as Fn::Split of Fn::Join, whose delimiter is the
// common text. Ten other accounts then need a third of the bytes, and the deployed
// policy is the same. A list that becomes no shorter is not modified.
func compactResources(policy []byte) []byte {
	const key = `"Resource":`
	return resourceList().ReplaceAllFunc(policy, func(match []byte) []byte {
		var list []string
		if json.Unmarshal(bytes.TrimPrefix(match, []byte(key)), &list) != nil {
			return match
		}
		if out := compactList(list); len(key)+len(out) < len(match) {
			return append([]byte(key), out...)
		}
		return match
	})
}

// compactList returns the shortest form of a list that it finds, in JSON.
func compactList(list []string) []byte {
	best := mustCompact(list)
	if slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, listSeparator) || hasPseudo(s) }) {
		return best
	}
	for _, order := range []func(a, b string) int{strings.Compare, compareFromEnd} {
		text := strings.Join(slices.SortedFunc(slices.Values(list), order), listSeparator)
		if out := mustCompact(map[string]any{"Fn::Split": []any{listSeparator, compactText(text)}}); len(out) < len(best) {
			best = out
		}
	}
	return best
}

// compactText returns a text, or a shorter Fn::Join of its parts.
func compactText(text string) any {
	whole := len(mustCompact(text))
	size, delimiter := whole, ""
	for _, d := range delimiters(strings.Split(text, listSeparator)) {
		count := strings.Count(text, d)
		if count < 2 {
			continue
		}
		if n := joinSize(whole, len(mustCompact(d)), count); n < size {
			size, delimiter = n, d
		}
	}
	if delimiter == "" {
		return text
	}
	parts := []any{}
	for _, part := range strings.Split(text, delimiter) {
		parts = append(parts, compactText(part))
	}
	return map[string]any{"Fn::Join": []any{delimiter, parts}}
}

// joinSize returns the size of an Fn::Join that writes a delimiter once, which a text contains count times. The other
// sizes are those of the text and of the delimiter as JSON strings. It is what mustCompact would return; most
// delimiters are too short to write the join for.
func joinSize(text, delimiter, count int) int {
	const quotes = len(`""`)
	parts := text - quotes - count*(delimiter-quotes) + (count+1)*quotes + count*len(",")
	return len(`{"Fn::Join":[,[]]}`) + delimiter + parts
}

// compareFromEnd compares ARNs by their resource, then by the account.
func compareFromEnd(a, b string) int {
	f, g := strings.SplitN(a, ":", 6), strings.SplitN(b, ":", 6)
	slices.Reverse(f)
	slices.Reverse(g)
	return slices.Compare(f, g)
}

// delimiters returns texts that may occur several times between the parts in which
// the elements of a list differ: the end of an element from a colon on, the
// separator, and the beginning of the next one up to a colon. Ends and beginnings
// that a single element has are left out, as most are in a long list of names.
func delimiters(list []string) []string {
	type between struct{ ends, beginnings []string }
	all := make([]between, max(0, len(list)-1))
	ends, beginnings := map[string]int{}, map[string]int{}
	for i := range all {
		b := between{ends: []string{""}}
		for j, c := range list[i] {
			if c == ':' {
				b.ends = append(b.ends, list[i][j:])
			}
		}
		for j, c := range list[i+1] {
			if c == ':' {
				b.beginnings = append(b.beginnings, list[i+1][:j+1])
			}
		}
		for _, s := range b.ends {
			ends[s]++
		}
		for _, s := range b.beginnings {
			beginnings[s]++
		}
		all[i] = b
	}
	seen := map[string]bool{}
	for _, b := range all {
		for _, beginning := range b.beginnings {
			for _, end := range b.ends {
				if ends[end] > 1 && beginnings[beginning] > 1 {
					seen[end+listSeparator+beginning] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
