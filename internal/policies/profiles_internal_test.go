package policies

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies/schema"
)

// emptyRegistry empties the registry of profiles for a test.
func emptyRegistry(t *testing.T) {
	t.Helper()
	added, load, err := registry.added, registry.load, registry.err
	registry.added, registry.load, registry.err = nil, nil, nil
	t.Cleanup(func() { registry.added, registry.load, registry.err = added, load, err })
}

func TestAddProfile(t *testing.T) {
	emptyRegistry(t)
	for _, tt := range []struct {
		name  string
		added bool
	}{{"acme", true}, {"other", true}, {"acme", false}, {"clumio", false}} {
		if err := AddProfile(schema.Profile{Name: tt.name}, schema.Flow{Name: tt.name}); (err == nil) != tt.added {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	if got := AddedFlows("acme"); len(got) != 1 || got[0].Name != "acme" {
		t.Errorf("got the flows %+v", got)
	}
	if names := ProfileNames(); !slices.Contains(names, "acme") || !slices.Contains(names, "other") {
		t.Errorf("got the profiles %q", names)
	}
}

// TestLoadProfilesWith checks that profiles are read once, and that an error is part of that about an unknown profile.
func TestLoadProfilesWith(t *testing.T) {
	emptyRegistry(t)
	calls := 0
	LoadProfilesWith(func() ([]schema.ProfileFlows, error) {
		calls++
		return []schema.ProfileFlows{{Profile: schema.Profile{Name: "acme"}}}, errors.New("a file is broken")
	})
	if _, ok := Profile("clumio"); !ok || calls > 0 {
		t.Errorf("a built-in profile: %v, read %d times", ok, calls)
	}
	_, err := Synthesize(Selection{Profile: "none"}, Environment{})
	want := []string{`unknown profile "none"; valid: acme, `, " (further profiles could not be read: a file is broken)"}
	for _, part := range want {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q", err, part)
		}
	}
	if _, ok := Profile("acme"); !ok || calls != 1 {
		t.Errorf("a read profile: %v, read %d times", ok, calls)
	}
}

// TestTemplateProfileNames checks which profiles the parameter Profile of template.yaml has.
func TestTemplateProfileNames(t *testing.T) {
	if got, want := TemplateProfileNames(), []string{"clumio", "cpm"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamePrefix(t *testing.T) {
	profile := func(instance, inline, managed, topic, rule string) schema.Profile {
		return schema.Profile{
			Roles: []schema.Role{{Entity: "AcmeRole", InstanceProfile: instance, Policies: []schema.Policy{
				{Entity: inline, Kind: schema.Inline}, {Entity: managed, Kind: schema.Managed},
			}}},
			Topics: []schema.Topic{{Entity: topic}}, Rules: []schema.Rule{{Entity: rule}},
		}
	}
	for _, tt := range []struct {
		name    string
		profile schema.Profile
		want    string
	}{
		{"nothing", schema.Profile{}, ""},
		{"an inline policy", profile("", "Inline", "AcmePolicy", "AcmeTopic", "AcmeRule"), "Acme"},
		{"an instance profile", profile("AcXProfile", "", "AcmePolicy", "AcmeTopic", "AcmeRule"), "Ac"},
		{"a managed policy", profile("AcmeProfile", "", "AcPolicy", "AcmeTopic", "AcmeRule"), "Ac"},
		{"a topic", profile("AcmeProfile", "", "AcmePolicy", "AcTopic", "AcmeRule"), "Ac"},
		{"a rule", profile("AcmeProfile", "", "AcmePolicy", "AcmeTopic", "Rule"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NamePrefix(tt.profile); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestInstanceRole(t *testing.T) {
	without, a, b := schema.Role{Entity: "W"}, schema.Role{Entity: "A", InstanceProfile: "P"},
		schema.Role{Entity: "B", InstanceProfile: "Q"}
	for _, tt := range []struct {
		name  string
		roles []schema.Role
		want  string
		ok    bool
	}{
		{"none", []schema.Role{without}, "", true},
		{"one", []schema.Role{without, a}, "A", true},
		{"one in two releases", []schema.Role{a, without, a}, "A", true},
		{"two", []schema.Role{a, b}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := InstanceRole(schema.Profile{Roles: tt.roles}); got != tt.want || ok != tt.ok {
				t.Errorf("got %q, %v, want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestReference(t *testing.T) {
	for text, want := range map[string]bool{
		"${roles:R}": true, "${policies:*}": true, "${stacks}": true, "${roles:R": false, "roles:R}": false,
		"${Account}": false, "${roles:R}/x": false, "*": false,
	} {
		t.Run(text, func(t *testing.T) {
			if _, _, ok := reference(text); ok != want {
				t.Errorf("got %v, want %v", ok, want)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	values := terms{"A": "1", "B": "${A}"}
	for text, want := range map[string]string{
		"x": "x", "${A}-${B}": "1-${A}", "${aws:username}${A}": "${aws:username}1", "${A}${A": "1${A", "$A": "$A",
	} {
		t.Run(text, func(t *testing.T) {
			if got := values.expand(text); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
