// Package awsactions is AWS's own list of actions and their access levels, for
// the services that the catalogue touches. It is pure; its data is generated.
package actions

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:generate sh -c "go run ../../../tools/genactions \"$IAM_DATA\" ."

//go:embed actions.txt
var data string

// Level is an access level, as the Service Authorization Reference has them.
type Level string

// The access levels, from the least to the most.
const (
	List        Level = "list"
	Read        Level = "read"
	Tagging     Level = "tagging"
	Write       Level = "write"
	Permissions Level = "permissions management"
)

var letters = map[rune]Level{'L': List, 'R': Read, 'T': Tagging, 'W': Write, 'P': Permissions}

// Action is one action of AWS.
type Action struct {
	Name   string // as AWS writes it: "ec2:DeleteSnapshot"
	Levels []Level
}

// Is reports whether the action has a level.
func (a Action) Is(l Level) bool { return slices.Contains(a.Levels, l) }

var load = sync.OnceValues(func() (list []Action, byName map[string]Action) {
	byName = map[string]Action{}
	for line := range strings.Lines(data) {
		fields := strings.Fields(line)
		var levels []Level
		for _, letter := range fields[1] {
			levels = append(levels, letters[letter])
		}
		for _, name := range fields[2:] {
			a := Action{fields[0] + ":" + name, levels}
			list = append(list, a)
			byName[strings.ToLower(a.Name)] = a
		}
	}
	slices.SortFunc(list, func(a, b Action) int { return strings.Compare(a.Name, b.Name) })
	return list, byName
})

// All lists every action, sorted by name.
func All() []Action {
	list, _ := load()
	return list
}

// Find looks an action up, whatever its case.
func Find(name string) (Action, bool) {
	_, byName := load()
	a, ok := byName[strings.ToLower(name)]
	return a, ok
}

// Matching lists the actions that a name with wildcards (* and ?) means, sorted.
func Matching(pattern string) []Action {
	if !IsPattern(pattern) {
		if a, ok := Find(pattern); ok {
			return []Action{a}
		}
		return nil
	}
	var out []Action
	for _, a := range All() {
		if Match(pattern, a.Name) {
			out = append(out, a)
		}
	}
	return out
}

// Match tells whether a pattern with wildcards matches a text, without regard to
// case, as IAM reads actions.
func Match(pattern, text string) bool {
	p, t := strings.ToLower(pattern), strings.ToLower(text)
	pi, ti, starAt, retry := 0, 0, -1, 0
	for ti < len(t) {
		switch {
		case pi < len(p) && p[pi] == '*':
			starAt, retry = pi, ti
			pi++
		case pi < len(p) && (p[pi] == t[ti] || p[pi] == '?'):
			pi, ti = pi+1, ti+1
		case starAt >= 0: // let the last star take one character more
			retry++
			pi, ti = starAt+1, retry
		default:
			return false
		}
	}
	return strings.Trim(p[pi:], "*") == ""
}

// IsPattern tells whether a name has wildcards.
func IsPattern(name string) bool { return strings.ContainsAny(name, "*?") }
