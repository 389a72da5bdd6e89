// Package profiles holds the vendor profiles that this build knows. Each is a
// folder of YAML files, which go generate compiles to Go: the provisioner
// parses no profile when it starts. A test fails if the compiled files are not
// what the YAML files say.
package profiles

import (
	"maps"
	"slices"
	"sync"

	"permstack/internal/policies/schema"
)

//go:generate go run ../../../tools/compileprofiles . ../flows

var compiled = map[string]func() schema.Profile{}

func register(name string, build func() schema.Profile) { compiled[name] = sync.OnceValue(build) }

// Names returns the names of the profiles, sorted.
func Names() []string { return slices.Sorted(maps.Keys(compiled)) }

// Get returns a profile, and whether there is one of that name. The caller must
// not modify it.
func Get(name string) (schema.Profile, bool) {
	build, ok := compiled[name]
	if !ok {
		return schema.Profile{}, false
	}
	return build(), true
}
