// Package flows holds the flows of the profiles: the authorization
// checks that AWS makes while the vendor does what a choice promises. Those of the
// built-in profiles are compiled from the profiles' YAML files by go generate in package profiles.
package flows

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

//go:embed *.json
var compiled embed.FS

// decoded caches the flows of the built-in profiles, by name: func() []schema.Flow.
var decoded sync.Map

// Get returns the flows of a profile, none if there is no such profile. They must not be modified.
func Get(profile string) []schema.Flow {
	data, err := compiled.ReadFile(profile + ".json")
	if err != nil {
		return policies.AddedFlows(profile)
	}
	list, _ := decoded.LoadOrStore(profile, sync.OnceValue(func() []schema.Flow { return decode(profile, data) }))
	return slices.Clone(list.(func() []schema.Flow)())
}

func decode(profile string, data []byte) []schema.Flow {
	var list []schema.Flow
	if err := json.Unmarshal(data, &list); err != nil {
		panic(fmt.Sprintf("decode embedded flows of %s: %v", profile, err)) // a part of the build, which a test reads
	}
	return list
}
