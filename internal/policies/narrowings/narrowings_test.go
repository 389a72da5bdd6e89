package narrowings_test

import (
	"bytes"
	"slices"
	"strings"
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

// TestAppend checks that differences are added without a reason, once, and only at the end of a file.
func TestAppend(t *testing.T) {
	more := []narrowings.Narrowing{
		{Role: "R", Actions: []string{"s3:GetObject", "s3:PutObject"}, We: "grant less"},
		{Role: "S", Actions: []string{"s3:GetObject"}, We: "grant another scope"},
	}
	const byRole = "comparedWith: x\nnarrowings:\n" +
		"  - role: R\n    actions: [s3:GetObject]\n    we: grant less\n    why: y\n"
	for _, c := range []struct {
		name, file string
		added      int
		want       string // in the result
	}{
		{"a new file", "", 2,
			"comparedWith: v\nnarrowings:\n  # Awaits a decision, since the comparison with v.\n  - role: R\n"},
		{"a known action", byRole, 2, "  - role: R\n    actions:\n      - s3:PutObject\n    we: grant less\n    why: \"\"\n"},
		{"without roles", strings.Replace(byRole, "role: R\n    ", "", 1), 1, "  - actions:\n      - s3:PutObject\n"},
		{"all actions of the first one known", strings.Replace(byRole, "GetObject]", "GetObject, s3:PutObject]", 1), 1,
			"  - role: S\n    actions:\n      - s3:GetObject\n    we: grant another scope\n    why: \"\"\n"},
		{"a list of another key at the end", "narrowings: []\nothers:\n", 0, ""},
		{"another key at the end", "narrowings: []\ncomparedWith: x\n", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, added, err := narrowings.Append([]byte(c.file), "v", more)
			if (err != nil) != (c.want == "") {
				t.Fatalf("error %v", err)
			}
			if added != c.added || !strings.Contains(string(got), c.want) {
				t.Errorf("got %d entries, want %d:\n%s", added, c.added, got)
			}
			if err != nil {
				return
			}
			if again, added, err := narrowings.Append(got, "v", more); err != nil || added != 0 || !bytes.Equal(again, got) {
				t.Errorf("appended again: got %d entries, error %v; want none", added, err)
			}
		})
	}
}
