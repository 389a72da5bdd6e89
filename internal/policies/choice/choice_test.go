package choice

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

func TestParseAndWrite(t *testing.T) {
	assets := func(release string) string {
		var out []string
		p, _ := policies.ProfileAt("clumio", release)
		for _, a := range p.Assets {
			out = append(out, string(a.Asset))
		}
		return strings.Join(out, ",")
	}
	options := func(release string) string {
		var out []string
		p, _ := policies.ProfileAt("clumio", release)
		for _, o := range p.Options {
			out = append(out, string(o.Option))
		}
		return strings.Join(out, ",")
	}
	for _, c := range []struct{ in, out string }{
		{"clumio:ec2", "clumio:ec2"},
		{"clumio@1:ec2,s3:backup", "clumio@1:ec2,s3:backup"},
		{"cpm:ec2::minimal", "cpm:ec2::minimal"},
		{"clumio:ec2, s3::support-role", "clumio:ec2,s3::support-role"},
		{"clumio", "clumio:" + assets("2") + "::" + options("2")},
		{"clumio@1", "clumio@1:" + assets("1") + "::" + options("1")},
		{"clumio::backup:support-role", "clumio:" + assets("2") + ":backup:support-role"},
	} {
		t.Run(c.in, func(t *testing.T) {
			sel, err := Parse(c.in)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if got := String(sel); got != c.out {
				t.Errorf("%s is written %s, want %s", c.in, got, c.out)
			}
		})
	}
	for _, bad := range []string{"", "acme:ec2", "clumio:a:b:c:d"} {
		t.Run(bad, func(t *testing.T) {
			if sel, err := Parse(bad); err == nil {
				t.Errorf("%q is read as %+v", bad, sel)
			}
		})
	}
}

func TestParsePreset(t *testing.T) {
	sel, err := Parse("cpm:ec2::minimal,backup-role=made")
	if want := []schema.Option{"backup-role=made"}; err != nil || sel.Preset != "minimal" ||
		!slices.Equal(sel.Options, want) {
		t.Errorf("got preset %q, options %q, %v, want minimal, %q", sel.Preset, sel.Options, err, want)
	}
}

// TestNeeded checks which values a selection requires: those of its assets, operations and options, of its preset, and
// of the values of settings, of which a cumulative one includes those before it.
func TestNeeded(t *testing.T) {
	value := func(v schema.Value, use schema.Use) schema.Need { return schema.Need{Value: v, For: []schema.Use{use}} }
	options := func(list ...schema.Option) (out []schema.OptionInfo) {
		for _, o := range list {
			out = append(out, schema.OptionInfo{Option: o})
		}
		return out
	}
	profile := schema.Profile{
		Presets: []schema.Preset{{
			Name: "small", Assets: []schema.Asset{"a"}, Operations: []schema.Operation{"backup"}, Options: []schema.Option{"x"},
		}},
		Settings: []schema.Setting{
			{Name: "mode", Default: "mode=1", Values: options("mode=1", "mode=2", "mode=3")},
			{Name: "release", Default: "release=2", Cumulative: true, Values: options("release=1", "release=2", "release=3")},
		},
		Needs: []schema.Need{
			value("asset", schema.Use{Asset: "a"}), value("operation", schema.Use{Operation: "backup"}),
			value("x", schema.Use{Option: "x"}), value("mode=1", schema.Use{Option: "mode=1"}),
			value("mode=2", schema.Use{Option: "mode=2"}), value("release=1", schema.Use{Option: "release=1"}),
			value("release=3", schema.Use{Option: "release=3"}), value("asset", schema.Use{Asset: "b", Operation: "restore"}),
		},
	}
	restore := []schema.Operation{"restore"}
	for _, tt := range []struct {
		name string
		sel  policies.Selection
		want []schema.Value
	}{
		{"an asset", policies.Selection{Assets: []schema.Asset{"a"}},
			[]schema.Value{"asset", "operation", "mode=1", "release=1"}},
		{"another operation", policies.Selection{Assets: []schema.Asset{"c"}, Operations: restore},
			[]schema.Value{"mode=1", "release=1"}},
		{"an asset with its operation", policies.Selection{Assets: []schema.Asset{"b"}, Operations: restore},
			[]schema.Value{"mode=1", "release=1", "asset"}},
		{"another asset with this operation", policies.Selection{Assets: []schema.Asset{"b"},
			Operations: []schema.Operation{"backup"}}, []schema.Value{"operation", "mode=1", "release=1"}},
		{"values", policies.Selection{Assets: []schema.Asset{"c"}, Operations: restore,
			Options: []schema.Option{"mode=3", "release=3"}}, []schema.Value{"release=1", "release=3"}},
		{"an option", policies.Selection{Assets: []schema.Asset{"c"}, Operations: restore,
			Options: []schema.Option{"x", "mode=2"}}, []schema.Value{"x", "mode=2", "release=1"}},
		{"a preset", policies.Selection{Preset: "small"}, []schema.Value{"asset", "operation", "x", "mode=1", "release=1"}},
		{"a preset with another asset and operation", policies.Selection{
			Preset: "small", Assets: []schema.Asset{"c"}, Operations: restore,
		}, []schema.Value{"x", "mode=1", "release=1"}},
		{"another preset", policies.Selection{Preset: "none", Assets: []schema.Asset{"c"}, Operations: restore},
			[]schema.Value{"mode=1", "release=1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := needed(profile, tt.sel); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestExampleIsEnough checks that with the example values every profile can be synthesized whole,
// and asset by asset, in every partition.
func TestExampleIsEnough(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		choices := []policies.Selection{Everything(profile)}
		for _, a := range Everything(profile).Assets {
			sel, err := Parse(name + ":" + string(a))
			if err != nil {
				t.Fatal(err)
			}
			choices = append(choices, sel)
		}
		for _, p := range profile.Presets {
			choices = append(choices, policies.Selection{Profile: name, Preset: p.Name})
		}
		for _, sel := range choices {
			for _, region := range []string{"", "eu-central-1", "us-gov-west-1", "cn-north-1"} {
				env := Example(sel, policies.Environment{Region: region})
				if _, err := policies.Synthesize(sel, env); err != nil {
					t.Errorf("%s in %q: %v", String(sel), region, err)
				}
			}
		}
	}
}
