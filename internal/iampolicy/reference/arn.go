package reference

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/spelling"
)

// TypesOfARN returns the resource types of a service that an ARN is of: "bucket". An empty account or Region of the ARN
// is any. The variables of a type's pattern match no "/" or ":" if such a type exists; else the type with the most
// literal text is returned: the ARN of an object is not that of a bucket.
func TypesOfARN(text string) []Type {
	wanted, service, known := parseKnownARN(text)
	if !known {
		return nil
	}
	var strict, lenient []Type
	longest := 0
	for _, t := range service().Types {
		pattern := t.pattern()
		if isGlobal(pattern) && namesRegion(wanted) || !matchesResource(pattern.Resource, wanted.Resource, false) {
			continue
		}
		if matchesResource(pattern.Resource, wanted.Resource, true) {
			strict = append(strict, t)
		}
		literal := len(strings.ReplaceAll(pattern.Resource, "*", ""))
		if literal > longest {
			longest, lenient = literal, nil
		}
		if literal == longest {
			lenient = append(lenient, t)
		}
	}
	if len(strict) > 0 {
		return strict
	}
	return lenient
}

// TypesOfPattern is TypesOfARN for an ARN that may have wildcards in its last field, which match "/" and ":" as in a
// policy: "invoices*" is of buckets and objects, "*" of every type of the service.
func TypesOfPattern(text string) []Type {
	wanted, service, known := parseKnownARN(text)
	if !known {
		return nil
	}
	out := TypesOfARN(text)
	if !strings.Contains(wanted.Resource, "*") {
		return out
	}
	global := wanted.Region == "" && slices.ContainsFunc(out, func(t Type) bool { return isGlobal(t.pattern()) })
	for _, t := range service().Types {
		pattern := t.pattern()
		listed := slices.ContainsFunc(out, func(o Type) bool { return o.Name == t.Name && o.ARN == t.ARN })
		if listed || isGlobal(pattern) && namesRegion(wanted) ||
			strings.Count(pattern.Resource, "/") < strings.Count(wanted.Resource, "/") {
			continue
		}
		// The ARN of a bucket has no Region, so that wildcard means no resource in a Region either.
		if iampolicy.Overlap(pattern.Resource, wanted.Resource) && !(global && !isGlobal(pattern)) {
			out = append(out, t)
		}
	}
	return out
}

// parseKnownARN returns the fields of an ARN and its service. It reports whether the text is an ARN of a service that
// AWS's reference has.
func parseKnownARN(text string) (a arn.ARN, service func() Service, known bool) {
	a, ok := iampolicy.ParseARN(text)
	if !ok {
		return a, nil, false
	}
	service, known = load().services[strings.ToLower(a.Service)]
	return a, service, known
}

// pattern returns the fields of the type's ARN with * for each variable.
func (t Type) pattern() arn.ARN {
	a, _ := iampolicy.ParseARN(iampolicy.VariablesAsWildcards(t.ARN))
	return a
}

// isGlobal reports whether the ARNs of a type have no Region.
func isGlobal(pattern arn.ARN) bool { return pattern.Region == "" }

// namesRegion reports whether an ARN is limited to a Region.
func namesRegion(a arn.ARN) bool { return a.Region != "" && a.Region != "*" }

// NearestARNs returns up to three ARNs of a service with the same ID, of the resource types most like that of an ARN of
// which AWS has no type: "…:key/1234" for "…:1234", "…:volume/vol-1" for "…:volumes/vol-1".
func NearestARNs(text string) []string {
	wanted, service, known := parseKnownARN(text)
	if !known {
		return nil
	}
	kind, id := "", wanted.Resource
	if i := strings.IndexAny(id, "/:"); i >= 0 {
		kind, id = id[:i], id[i+1:]
	}
	type near struct {
		arn      string
		distance int
	}
	var list []near
	for _, t := range service().Types {
		literal, endsInID := strings.CutSuffix(t.pattern().Resource, "*")
		if !endsInID || strings.Contains(literal, "*") {
			continue
		}
		name := strings.Trim(literal, "/:")
		if name == "" {
			continue
		}
		similar := wanted
		similar.Resource = literal + id
		n := near{similar.String(), spelling.Distance(kind, name)}
		if kind != "" && strings.Contains(strings.ToLower(t.Name), strings.ToLower(kind)) {
			n.distance = 1
		}
		if kind == "" || n.distance <= max(1, len(kind)/3) {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b near) int { return a.distance - b.distance })
	var out []string
	for _, n := range list[:min(3, len(list))] {
		if !slices.Contains(out, n.arn) {
			out = append(out, n.arn)
		}
	}
	return out
}

// KindsOfARN returns what the last fields of a service's ARNs begin with, such as "db" and "cluster", sorted.
func KindsOfARN(service string) []string {
	find, known := load().services[strings.ToLower(service)]
	if !known {
		return nil
	}
	var out []string
	for _, t := range find().Types {
		pattern := t.pattern().Resource
		if i := strings.IndexAny(pattern, "/:"); i > 0 && pattern[0] != '*' {
			out = append(out, pattern[:i])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ResourceSpelling returns the last field of an ARN of a service with the resource type spelled as AWS spells it:
// "volume/vol-1" for "Volume/vol-1". ARNs are case-sensitive, and people who type them are not.
func ResourceSpelling(prefix, resource string) string {
	service, known := load().services[strings.ToLower(prefix)]
	end := strings.IndexAny(resource, "/:")
	if !known || end < 0 {
		return resource
	}
	out := resource
	for _, t := range service().Types {
		pattern := t.pattern().Resource
		i := strings.IndexAny(pattern, "/:")
		if i < 0 {
			continue
		}
		switch literal := pattern[:i]; {
		case literal == resource[:end]:
			return resource
		case strings.EqualFold(literal, resource[:end]):
			out = literal + resource[end:]
		}
	}
	return out
}

// matchesResource reports whether the last field of a pattern matches that of an ARN. If strict is true, * matches no
// "/" or ":".
func matchesResource(pattern, resource string, strict bool) bool {
	if !strict {
		return actions.Match(pattern, resource)
	}
	separator := func(r rune) bool { return r == '/' || r == ':' }
	p, q := strings.FieldsFunc(pattern, separator), strings.FieldsFunc(resource, separator)
	return len(p) == len(q) && strings.Count(pattern, "/") == strings.Count(resource, "/") &&
		slices.EqualFunc(p, q, actions.Match)
}

// ActsOnType reports whether the action acts on resources of one of some types.
func (a Action) ActsOnType(types []Type) bool {
	return slices.ContainsFunc(a.Resources, func(r Resource) bool {
		return slices.ContainsFunc(types, func(t Type) bool { return t.Name == r.Type && t.ARN == r.ARN })
	})
}

// HasService reports whether AWS has a service of a prefix.
func HasService(prefix string) bool {
	_, known := load().services[strings.ToLower(prefix)]
	return known
}

// MatchingAny is Matching for patterns whose service may have wildcards too: "*:DeleteSnapshot".
func MatchingAny(pattern string) []Action {
	prefix, name, ok := strings.Cut(pattern, ":")
	if !ok {
		if pattern != "*" {
			return nil
		}
		prefix, name = "*", "*"
	}
	if !actions.IsPattern(prefix) {
		return Matching(pattern)
	}
	var out []Action
	for _, s := range Services() {
		if actions.Match(prefix, s) {
			out = append(out, Matching(s+":"+name)...)
		}
	}
	return out
}
