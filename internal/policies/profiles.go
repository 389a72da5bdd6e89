package policies

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"permstack/internal/policies/profiles"
	"permstack/internal/policies/schema"
)

// registry holds the profiles that are not built in.
var registry struct {
	sync.Mutex
	added map[string]schema.ProfileFlows
	load  func() ([]schema.ProfileFlows, error) // not called yet
	err   error                                 // of load
}

// AddProfile adds a profile that is not built in, with the flows that it promises. It returns an error if there is one
// of that name.
func AddProfile(p schema.Profile, flows ...schema.Flow) error {
	registry.Lock()
	defer registry.Unlock()
	return addProfile(schema.ProfileFlows{Profile: p, Flows: flows})
}

// AddedFlows returns the flows of a profile that is not built in.
func AddedFlows(name string) []schema.Flow {
	registry.Lock()
	defer registry.Unlock()
	loadProfiles()
	return registry.added[name].Flows
}

func addProfile(p schema.ProfileFlows) error {
	_, isAdded := registry.added[p.Name]
	if _, builtIn := profiles.Get(p.Name); builtIn || isAdded {
		return fmt.Errorf("add profile %s: there is a profile of that name", p.Name)
	}
	if registry.added == nil {
		registry.added = map[string]schema.ProfileFlows{}
	}
	registry.added[p.Name] = p
	return nil
}

// LoadProfilesWith sets the function that returns further profiles. It is called once, when a profile that is not
// built in is needed for the first time, so that a function that starts for a built-in profile reads nothing. Its
// error is part of the error of Synthesize for an unknown profile.
func LoadProfilesWith(load func() ([]schema.ProfileFlows, error)) {
	registry.Lock()
	defer registry.Unlock()
	registry.load = load
}

// loadProfiles calls the function of LoadProfilesWith if that has not been done. The caller has locked the registry.
func loadProfiles() {
	load := registry.load
	if load == nil {
		return
	}
	registry.load = nil
	list, err := load()
	for _, p := range list {
		err = errors.Join(err, addProfile(p))
	}
	registry.err = err
}

func profile(name string) (schema.Profile, bool) {
	if p, ok := profiles.Get(name); ok {
		return p, true
	}
	registry.Lock()
	defer registry.Unlock()
	loadProfiles()
	p, ok := registry.added[name]
	return p.Profile, ok
}

// unknownProfile returns the problem of a profile name that is not known.
func unknownProfile(name string) string {
	problem := fmt.Sprintf("unknown profile %q; valid: %s", name, strings.Join(ProfileNames(), ", "))
	registry.Lock()
	defer registry.Unlock()
	if registry.err != nil {
		problem += fmt.Sprintf(" (further profiles could not be read: %v)", registry.err)
	}
	return problem
}

// Releases are the releases of the catalogue that this build can synthesize, the
// newest last. Release 1 is the vendors' documents as they were first written
// down. What a release adds or ends has a schema.Span.
var Releases = []string{"1", "2"}

// ProfileNames returns the names of the profiles, sorted.
func ProfileNames() []string {
	registry.Lock()
	defer registry.Unlock()
	loadProfiles()
	return slices.Sorted(slices.Values(slices.Concat(profiles.Names(), slices.Collect(maps.Keys(registry.added)))))
}

// TemplateProfileNames returns the names of the profiles that template.yaml can select, sorted.
func TemplateProfileNames() []string {
	var names []string
	for _, name := range profiles.Names() {
		if p, _ := profiles.Get(name); !p.OwnTemplate {
			names = append(names, name)
		}
	}
	return names
}

// Profile returns a profile by name in the newest release, and whether there is
// one.
func Profile(name string) (schema.Profile, bool) { return ProfileAt(name, "") }

// ProfileAt returns a profile by name in a release; "" is the newest.
func ProfileAt(name, release string) (schema.Profile, bool) {
	p, ok := profile(name)
	return atRelease(p, release), ok
}

// AtRelease returns a profile, which need not be one of ProfileNames, as it is in a release; "" is the newest.
func AtRelease(p schema.Profile, release string) schema.Profile { return atRelease(p, release) }
