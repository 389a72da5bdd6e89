package reference

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy/spelling"
)

// SendsKey reports whether AWS sends a condition key with a request for the action. Global keys are sent with every
// action, except those about tags, which the reference lists for the actions that have them.
func (a Action) SendsKey(key string) bool {
	if IsGlobalKey(key) && !isTagKey(key) {
		return true
	}
	same := func(k string) bool { return sameKey(k, key) }
	return slices.ContainsFunc(a.Keys, same) ||
		slices.ContainsFunc(a.Resources, func(r Resource) bool { return slices.ContainsFunc(r.Keys, same) })
}

// AllKeys returns the keys of the action and of all its resource types, sorted.
func (a Action) AllKeys() []string {
	out := slices.Clone(a.Keys)
	for _, r := range a.Resources {
		out = append(out, r.Keys...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isTagKey reports whether a global key is about the tags of the request or the resource. aws:PrincipalTag is not: AWS
// sends the principal's tags with every request.
func isTagKey(key string) bool {
	return strings.Contains(key, "Tag") && !strings.HasPrefix(key, "aws:PrincipalTag/")
}

// IsGlobalKey reports whether a condition key is one of every service.
func IsGlobalKey(key string) bool {
	return slices.ContainsFunc(load().header.Global, func(k string) bool { return sameKey(k, key) })
}

// IsKey reports whether some service has a condition key.
func IsKey(key string) bool {
	if IsGlobalKey(key) {
		return true
	}
	prefix, _, _ := strings.Cut(key, ":")
	service, known := load().services[prefix]
	return known && slices.ContainsFunc(service().Keys, func(k string) bool { return sameKey(k, key) })
}

// FindKeys returns the condition keys of all services that a name matches, ignoring case and any tag after "/"; "Tag"
// keys without a tag as "aws:ResourceTag/*".
func FindKeys(name string) []string {
	prefix, _, _ := strings.Cut(strings.ToLower(name), ":")
	list := load().header.Global
	if service, known := load().services[prefix]; known {
		list = slices.Concat(list, service().Keys)
	}
	var out []string
	for _, k := range list {
		literal, _, variable := strings.Cut(k, "${")
		switch {
		case strings.EqualFold(k, name):
			out = append(out, k)
		case variable && (strings.EqualFold(literal, name) || strings.EqualFold(strings.TrimSuffix(literal, "/"), name)):
			out = append(out, literal+"*")
		case variable && len(name) > len(literal) && strings.EqualFold(name[:len(literal)], literal):
			out = append(out, literal+name[len(literal):])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// NearestGlobalKey returns the global condition key most like a name; "" if none is alike.
func NearestGlobalKey(name string) string { return spelling.Nearest(name, load().header.Global) }

// sameKey reports whether a key is the one of the reference, whose name may end with a variable part: ${TagKey}.
func sameKey(listed, key string) bool {
	if prefix, _, variable := strings.Cut(listed, "${"); variable {
		return strings.HasPrefix(key, prefix) && len(key) > len(prefix)
	}
	return listed == key
}

// NearestKey returns the condition key most like one that the action does not have; "" if none is alike.
func (a Action) NearestKey(key string) string {
	list := a.AllKeys()
	if _, name, ok := strings.Cut(key, "/"); ok { // "aws:ResourceTags/Name" is like "aws:ResourceTag/${TagKey}"
		for i, k := range list {
			if prefix, _, variable := strings.Cut(k, "${"); variable {
				list[i] = prefix + name
			}
		}
	}
	for _, k := range load().header.Global {
		if !isTagKey(k) {
			list = append(list, k)
		}
	}
	return spelling.Nearest(key, list)
}

// Nearest returns the action most like a name that AWS does not have; "" if none is alike. Of several services with a
// prefix like the name's it prefers one that has the action.
func Nearest(name string) string {
	prefix, action, _ := strings.Cut(name, ":")
	d := load()
	service, known := d.services[strings.ToLower(prefix)]
	if !known {
		for _, other := range Services() {
			if spelling.Distance(strings.ToLower(prefix), other) > 1 {
				continue
			}
			if a, ok := Find(other + ":" + action); ok {
				return a.Name
			}
		}
		if service, known = d.services[spelling.Nearest(prefix, Services())]; !known {
			return ""
		}
	}
	s := service()
	names := make([]string, len(s.Actions))
	for i, a := range s.Actions {
		names[i] = a.Name
	}
	if near := spelling.Nearest(action, names); near != "" {
		return s.Prefix + ":" + near
	}
	return ""
}

// Services returns the prefixes of all services, sorted.
func Services() []string { return slices.Sorted(maps.Keys(load().services)) }
