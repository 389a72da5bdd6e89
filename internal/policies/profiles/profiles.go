// Package profiles holds the vendor profiles that this build knows. Each is a
// folder of YAML files, which go generate compiles to Go: the provisioner
// parses no profile when it starts. A test fails if the compiled files are not
// what the YAML files say.
package profiles

import (
	"maps"
	"slices"

	"permstack/internal/policies/schema"
)

//go:generate go run ../../../tools/compileprofiles . ../flows

// compiled are the profiles by name. The compiled files add them.
var compiled = map[string]*schema.Profile{}

// Names returns the names of the profiles, sorted.
func Names() []string { return slices.Sorted(maps.Keys(compiled)) }

// Get returns a profile, and whether there is one of that name. The caller must
// not modify it.
func Get(name string) (schema.Profile, bool) {
	profile, ok := compiled[name]
	if !ok {
		return schema.Profile{}, false
	}
	return *profile, true
}
