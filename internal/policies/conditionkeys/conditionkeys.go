// Package conditionkeys compares the condition keys that AWS sends for each action
// of a profile with those that its statements use, and reads the recorded reasons
// for the others.
package conditionkeys

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/profiles"
	"permstack/internal/policies/schema"
)

// Reason is why statements do not use condition keys that AWS sends.
type Reason struct {
	Keys    []string // may contain wildcards
	Actions []string // may contain wildcards; none: every action
	Why     string
}

// Read returns the reasons for a built-in profile: those of the profile, and those
// that hold for every profile.
func Read(profile string) ([]Reason, error) {
	var out []Reason
	for _, folder := range []string{profile, ""} {
		data, err := profiles.ConditionKeys(folder)
		if err != nil {
			return nil, err
		}
		var file struct{ Reasons []Reason }
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil {
			return nil, fmt.Errorf("parse the reasons for unused condition keys of %q: %w", folder, err)
		}
		out = append(out, file.Reasons...)
	}
	return out, nil
}

// Explains reports whether a reason is about a key of an action.
func (r Reason) Explains(action, key string) bool {
	return matchesAny(r.Keys, key) && (len(r.Actions) == 0 || matchesAny(r.Actions, action))
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return actions.Match(p, name)
	})
}

// Action is an action that a profile grants, with the condition keys that AWS sends
// for it and the resource types that the statements name. Keys of every service
// (aws:SourceVpc) are left out.
type Action struct {
	Name string
	// Used are the keys that every statement which grants the action requires, or that
	// a statement which denies it has.
	Used []string
	// Unused are the other keys.
	Unused []string
}

// Actions returns the actions that a profile grants in a release, sorted by name.
func Actions(profile schema.Profile, release string) []Action {
	byName := map[string]*usage{}
	for _, r := range policies.AtRelease(profile, release).Roles {
		for _, p := range r.Policies {
			for _, st := range p.Statements {
				for _, pattern := range st.Actions {
					for _, a := range reference.Matching(pattern) {
						u := byName[a.Name]
						if u == nil {
							u = &usage{available: map[string]bool{}, denied: map[string]bool{}}
							byName[a.Name] = u
						}
						u.add(st, a)
					}
				}
			}
		}
	}
	var out []Action
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if u := byName[name]; len(u.granted) > 0 {
			out = append(out, u.action(name))
		}
	}
	return out
}

// usage collects the keys of an action over the statements that name it.
type usage struct {
	available map[string]bool
	granted   []map[string]bool // the keys of each statement that grants it
	denied    map[string]bool   // the keys of statements that deny it
}

func (u *usage) add(st schema.Statement, a reference.Action) {
	required := map[string]bool{}
	for _, keys := range st.When {
		for key := range keys {
			required[strings.ToLower(key)] = true
		}
	}
	if st.Deny {
		maps.Copy(u.denied, required)
		return
	}
	u.granted = append(u.granted, required)
	for _, k := range a.Keys {
		u.available[k] = true
	}
	for _, r := range a.Resources {
		if names(st.Resources, r.ARN) {
			for _, k := range r.Keys {
				u.available[k] = true
			}
		}
	}
}

func (u *usage) action(name string) Action {
	out := Action{Name: name}
	for _, key := range slices.Sorted(maps.Keys(u.available)) {
		requires := func(keys map[string]bool) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(keys)), func(k string) bool { return isKey(key, k) })
		}
		lacks := func(keys map[string]bool) bool { return !requires(keys) }
		if requires(u.denied) || !slices.ContainsFunc(u.granted, lacks) {
			out.Used = append(out.Used, key)
		} else {
			out.Unused = append(out.Unused, key)
		}
	}
	return out
}

// isKey reports whether a key of a statement, in lower case, is one of the
// reference, in which a variable part is ${TagKey} or <key>.
func isKey(key, used string) bool {
	prefix, _, isFamily := strings.Cut(strings.ReplaceAll(key, "<", "${"), "${")
	if isFamily {
		return strings.HasPrefix(used, strings.ToLower(prefix))
	}
	return strings.EqualFold(key, used)
}

// variable matches the variables that are no references to what a selection creates.
var variable = regexp.MustCompile(`\$\{[^}:]*\}`)

// entityTypes are the resource types of references to what a selection creates.
var entityTypes = map[string]string{
	"${roles:": "arn:*:iam::*:role/*", "${policies:": "arn:*:iam::*:policy/*", "${topics:": "arn:*:sns:*:*:*",
	"${rules:": "arn:*:events:*:*:rule/*", "${stacks": "arn:*:cloudformation:*:*:stack/*",
}

// names reports whether one of a statement's resources may be of a type, by the
// pattern of its ARNs.
func names(resources []string, arn string) bool {
	arn = iampolicy.VariablesAsWildcards(arn)
	return slices.ContainsFunc(resources, func(r string) bool {
		for prefix, pattern := range entityTypes {
			if strings.HasPrefix(r, prefix) {
				r = pattern
			}
		}
		return iampolicy.Overlap(variable.ReplaceAllString(r, "*"), arn)
	})
}
