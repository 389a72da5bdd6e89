package policies

import (
	"fmt"
	"maps"
	"slices"

	"permstack/internal/policies/profiles"
	"permstack/internal/policies/schema"
)

// added are the profiles that are not built in.
var added = map[string]schema.Profile{}

// AddProfile adds a profile that is not built in. It returns an error if there is one of that name. It must not be called
// concurrently with other functions of the package.
func AddProfile(p schema.Profile) error {
	if _, ok := profile(p.Name); ok {
		return fmt.Errorf("add profile %s: there is a profile of that name", p.Name)
	}
	added[p.Name] = p
	return nil
}

func profile(name string) (schema.Profile, bool) {
	if p, ok := added[name]; ok {
		return p, true
	}
	return profiles.Get(name)
}

// Releases are the releases of the catalogue that this build can synthesize, the
// newest last. Release 1 is the vendors' documents as they were first written
// down. What a release adds or ends has a schema.Span.
var Releases = []string{"1", "2"}

// ProfileNames returns the names of the profiles, sorted.
func ProfileNames() []string {
	return slices.Sorted(slices.Values(slices.Concat(profiles.Names(), slices.Collect(maps.Keys(added)))))
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
