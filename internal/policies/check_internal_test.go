package policies

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies/schema"
)

// TestPreset checks that a preset fills in what a selection leaves empty: of its options a setting that the selection
// has keeps its value.
func TestPreset(t *testing.T) {
	profile := schema.Profile{Name: "p", Presets: []schema.Preset{
		{Name: "other", Assets: []schema.Asset{"z"}},
		{
			Name: "small", Assets: []schema.Asset{"a"}, Operations: []schema.Operation{"o"},
			Options: []schema.Option{"x", "s=2"},
		},
	}}
	for _, tt := range []struct {
		name string
		sel  Selection
		want Selection
	}{
		{"nothing given", Selection{}, Selection{Assets: []schema.Asset{"a"}, Operations: []schema.Operation{"o"},
			Options: []schema.Option{"x", "s=2"}}},
		{"assets and operations given", Selection{Assets: []schema.Asset{"b"}, Operations: []schema.Operation{"q"}},
			Selection{Assets: []schema.Asset{"b"}, Operations: []schema.Operation{"q"}, Options: []schema.Option{"x", "s=2"}}},
		{"the setting given", Selection{Options: []schema.Option{"s=1"}}, Selection{Assets: []schema.Asset{"a"},
			Operations: []schema.Operation{"o"}, Options: []schema.Option{"s=1", "x"}}},
		{"another option given", Selection{Options: []schema.Option{"y"}}, Selection{Assets: []schema.Asset{"a"},
			Operations: []schema.Operation{"o"}, Options: []schema.Option{"y", "x", "s=2"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c checker
			tt.sel.Preset = "small"
			got := c.preset(profile, tt.sel)
			if !slices.Equal(got.Assets, tt.want.Assets) || !slices.Equal(got.Operations, tt.want.Operations) ||
				!slices.Equal(got.Options, tt.want.Options) || c.err() != nil {
				t.Errorf("got %+v, %v, want %+v", got, c.err(), tt.want)
			}
		})
	}
	for name, want := range map[string]string{"p": "profile p has: other, small", "none": "profile none has: none"} {
		t.Run("unknown preset of "+name, func(t *testing.T) {
			var c checker
			of := schema.Profile{Name: name}
			if name == "p" {
				of = profile
			}
			c.preset(of, Selection{Preset: "big"})
			if len(c.problems) != 1 || !strings.Contains(c.problems[0], want) {
				t.Errorf("got %q, want %q", c.problems, want)
			}
		})
	}
}

// TestChoiceProblems checks the messages about choices, with what is valid.
func TestChoiceProblems(t *testing.T) {
	profile := schema.Profile{
		Name: "p", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"o", "r"},
		Settings: []schema.Setting{
			{Name: "s", Default: "s=2", Values: []schema.OptionInfo{{Option: "s=1"}, {Option: "s=2"}}},
			{Name: "t", Default: "t=1", Values: []schema.OptionInfo{{Option: "t=1"}}},
		},
		Options: []schema.OptionInfo{{Option: "x"}},
	}
	presets := profile
	presets.Presets = []schema.Preset{{Name: "small"}}
	for _, tt := range []struct {
		name    string
		profile schema.Profile
		sel     Selection
		want    []string
	}{
		{"nothing", profile, Selection{}, []string{"no asset chosen; choose one or more of: a, b"}},
		{"nothing, with presets", presets, Selection{},
			[]string{"no asset chosen; choose one or more of: a, b; or a preset: small"}},
		{"two values", profile, Selection{Assets: []schema.Asset{"a"}, Options: []schema.Option{"s=1", "s=2", "t=1"}},
			[]string{"s=1, s=2 cannot be combined; s has one value"}},
		{"unknown ones", profile, Selection{Assets: []schema.Asset{"c", "a", "d"}},
			[]string{`unknown asset "c"; valid: a, b`, `unknown asset "d"; valid: a, b`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c checker
			c.selection(tt.profile, tt.sel)
			if !slices.Equal(c.problems, tt.want) {
				t.Errorf("got %q, want %q", c.problems, tt.want)
			}
		})
	}
	var c checker
	got := c.selection(profile, Selection{Assets: []schema.Asset{"b", "a", "b"}, Options: []schema.Option{"s=1", "x"}})
	if err := c.err(); err != nil || !slices.Equal(got.Assets, []schema.Asset{"a", "b"}) ||
		!slices.Equal(got.Operations, profile.Operations) || !slices.Equal(got.Options, []schema.Option{"x", "s=1", "t=1"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCumulativeSettings checks that a value of a cumulative setting includes the values before it, and that of another
// one no others.
func TestCumulativeSettings(t *testing.T) {
	values := func(list ...schema.Option) (out []schema.OptionInfo) {
		for _, o := range list {
			out = append(out, schema.OptionInfo{Option: o})
		}
		return out
	}
	profile := schema.Profile{Settings: []schema.Setting{
		{Name: "s", Values: values("s=1", "s=2")}, {Name: "t", Cumulative: true, Values: values("t=1", "t=2", "t=3")},
	}}
	c := newChoice(profile, Selection{Options: []schema.Option{"s=2", "t=2"}})
	for option, want := range map[schema.Option]bool{"s=1": false, "s=2": true, "t=1": true, "t=2": true, "t=3": false} {
		if got := c.has(schema.Use{Option: option}); got != want {
			t.Errorf("%s: got %v, want %v", option, got, want)
		}
	}
}

// TestStatementsOfOptions checks that a statement has the actions of the chosen options, and is left out without any.
func TestStatementsOfOptions(t *testing.T) {
	since := func(sid string, options map[string]schema.Option, actions ...string) schema.Statement {
		return schema.Statement{Sid: sid, Actions: actions, Since: options}
	}
	policy := schema.Policy{For: []schema.Use{{Asset: "a"}}, Statements: []schema.Statement{
		since("Always", nil, "x:A"), since("One", map[string]schema.Option{"x:B": "o"}, "x:A", "x:B"),
		since("None", map[string]schema.Option{"x:B": "o"}, "x:B"),
		{Sid: "Until", Actions: []string{"x:C"}, Until: map[string]schema.Option{"x:C": "o"}},
	}}
	for option, want := range map[schema.Option]string{
		"":  "Always[x:A] One[x:A] Until[x:C]",
		"o": "Always[x:A] One[x:A x:B] None[x:B]",
	} {
		c := newChoice(schema.Profile{}, Selection{Assets: []schema.Asset{"a"}, Options: []schema.Option{option}})
		var got []string
		for _, st := range c.statements(policy) {
			got = append(got, fmt.Sprint(st.Sid, st.Actions))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("option %q: got %s, want %s", option, text, want)
		}
	}
}
