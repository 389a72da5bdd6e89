// Package narrowings reads the recorded differences between a profile and the
// permissions that its vendor publishes. Each has a reason.
package narrowings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

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

// Append returns a narrowings file with further differences, which have no reason yet: the tests fail until somebody
// has written one, or removed the entry because the profile was changed. Actions of a role that the file has are not
// added. It returns the number of added entries.
func Append(file []byte, source string, more []Narrowing) ([]byte, int, error) {
	var existing Differences
	if err := yaml.Unmarshal(file, &existing); err != nil {
		return nil, 0, fmt.Errorf("parse narrowings: %w", err)
	}
	byRole := slices.ContainsFunc(existing.Narrowings, func(n Narrowing) bool { return n.Role != "" }) ||
		len(existing.Narrowings) == 0
	known := func(role, action string) bool {
		return slices.ContainsFunc(existing.Narrowings, func(n Narrowing) bool {
			return (n.Role == role || n.Role == "") && slices.Contains(n.Actions, action)
		})
	}
	var out bytes.Buffer
	out.Write(file)
	if len(bytes.TrimSpace(file)) == 0 {
		fmt.Fprintf(&out, "comparedWith: %s\nnarrowings:\n", source)
	}
	added := 0
	for _, n := range more {
		if !byRole {
			n.Role = ""
		}
		n.Actions = slices.DeleteFunc(slices.Clone(n.Actions), func(a string) bool { return known(n.Role, a) })
		if len(n.Actions) == 0 {
			continue
		}
		existing.Narrowings = append(existing.Narrowings, n)
		added++
		fmt.Fprintf(&out, "  # Awaits a decision, since the comparison with %s.\n", strings.Join(strings.Fields(source), " "))
		first := "  - "
		if n.Role != "" {
			fmt.Fprintf(&out, "  - role: %s\n", n.Role)
			first = "    "
		}
		fmt.Fprintf(&out, "%sactions:\n", first)
		for _, a := range n.Actions {
			fmt.Fprintf(&out, "      - %s\n", a)
		}
		fmt.Fprintf(&out, "    we: %s\n    why: \"\"\n", n.We)
	}
	var again Differences
	if err := yaml.Unmarshal(out.Bytes(), &again); err != nil || len(again.Narrowings) != len(existing.Narrowings) {
		return nil, 0, errors.New("add to narrowings: the list narrowings must be at the end of the file, one entry below " +
			"the other")
	}
	return out.Bytes(), added, nil
}
