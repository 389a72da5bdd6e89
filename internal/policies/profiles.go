package policies

import (
	"maps"
	"slices"

	"permstack/internal/policies/clumio"
	"permstack/internal/policies/cpm"
	"permstack/internal/policies/schema"
)

// profiles are the vendors' pages that this build knows.
var profiles = map[string]schema.Profile{
	clumio.Profile.Name: clumio.Profile,
	cpm.Profile.Name:    cpm.Profile,
}

// Releases are the catalogue's releases that this build can synthesize, the
// newest last. Release 1 is the vendor's page as it was first written down. What
// a release brings or ends says so in its catalog.Span.
var Releases = []string{"1"}

// ProfileNames lists the profiles, sorted.
func ProfileNames() []string { return slices.Sorted(maps.Keys(profiles)) }

// Profile is a vendor's page by name, as the newest release has it.
func Profile(name string) (schema.Profile, bool) { return ProfileAt(name, "") }

// ProfileAt is a vendor's page as a release has it; none is the newest.
func ProfileAt(name, release string) (schema.Profile, bool) {
	p, ok := profiles[name]
	return at(p, release), ok
}
