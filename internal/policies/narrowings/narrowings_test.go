package narrowings_test

import (
	"slices"
	"testing"

	"permstack/internal/policies/narrowings"
	"permstack/internal/policies/profiles"
)

// TestRead checks the form of the files. internal/policies compares them with the
// vendors' permissions.
func TestRead(t *testing.T) {
	known := []string{"grant less", "grant more", "grant another scope", "limit resources", "require a condition", "deny"}
	for _, name := range profiles.Names() {
		t.Run(name, func(t *testing.T) {
			d, err := narrowings.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			if d.ComparedWith == "" || len(d.Narrowings) == 0 {
				t.Errorf("compared with %q, %d narrowings", d.ComparedWith, len(d.Narrowings))
			}
			for _, n := range d.Narrowings {
				if len(n.Actions) == 0 || n.Why == "" || !slices.Contains(known, n.We) {
					t.Errorf("a field is empty or unknown: %+v", n)
				}
			}
		})
	}
}

func TestReadUnknownProfile(t *testing.T) {
	if d, err := narrowings.Read("acme"); err != nil || len(d.Narrowings) > 0 {
		t.Errorf("got %d narrowings, error %v; want none", len(d.Narrowings), err)
	}
}

func TestIsTighter(t *testing.T) {
	for we, want := range map[string]bool{
		"grant less": true, "limit resources": true, "require a condition": true, "deny": true,
		"grant more": false, "grant another scope": false,
	} {
		t.Run(we, func(t *testing.T) {
			if got := (narrowings.Narrowing{We: we}).IsTighter(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
