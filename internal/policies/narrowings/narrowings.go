// Package narrowings reads the recorded differences between a profile and the
// permissions that its vendor publishes. Each has a reason.
package narrowings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"

	"permstack/internal/policies/profiles"
)

// Differences are the recorded differences of one profile.
type Differences struct {
	// ComparedWith names the vendor's publication, its date, and the choice that is
	// compared with it.
	ComparedWith string `yaml:"comparedWith"`
	Narrowings   []Narrowing
}

// Narrowing is a recorded decision to grant actions differently from the vendor.
type Narrowing struct {
	Role    string   // empty if the profile is compared as a whole
	Actions []string // may contain wildcards
	// We is the difference: "grant less", "grant more", "grant another scope", "limit
	// resources", "require a condition" or "deny".
	We  string
	Why string
}

// IsTighter reports whether the profile grants less than the vendor's permissions.
func (n Narrowing) IsTighter() bool { return n.We != "grant more" && n.We != "grant another scope" }

// Read returns the differences of a built-in profile, none if it has no such file.
func Read(profile string) (Differences, error) {
	data, err := profiles.Narrowings(profile)
	if errors.Is(err, fs.ErrNotExist) {
		return Differences{}, nil
	}
	if err != nil {
		return Differences{}, err
	}
	var out Differences
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&out); err != nil {
		return Differences{}, fmt.Errorf("parse narrowings of profile %s: %w", profile, err)
	}
	return out, nil
}
