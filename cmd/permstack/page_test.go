package main

import (
	"bytes"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
	"permstack/internal/review/webui"
)

// TestPageEqualsSynth checks that the files of the review page are what synth
// prints, for a sample of the choices of assets, operations and options: one in 16 of those
// of a profile, and every preset. The choices of a profile with more than six assets are
// every single one, every pair, and all but one.
func TestPageEqualsSynth(t *testing.T) {
	env := policies.Environment{Region: "eu-central-1", ConnectionID: "c-1", Path: policies.DefaultPath}
	sample := policytest.NewSample(16)
	n := 0
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		for _, assets := range assetChoices(profile) {
			for _, operations := range operationChoices(profile) {
				for options := range 1 << len(profile.Options) {
					sel := policies.Selection{Profile: name, Assets: assets, Operations: operations}
					for i, o := range profile.Options {
						if options>>i&1 == 1 {
							sel.Options = append(sel.Options, o.Option)
						}
					}
					if sample.Includes(choice.String(sel)) {
						samePage(t, sel, env)
						n++
					}
				}
			}
		}
		for _, p := range profile.Presets {
			samePage(t, policies.Selection{Profile: name, Preset: p.Name}, env)
			n++
		}
	}
	t.Logf("%d choices: %s", n, sample)
}

func samePage(t *testing.T, sel policies.Selection, env policies.Environment) {
	t.Helper()
	request := webui.Request{Choice: choice.String(sel), Region: env.Region, ConnectionID: env.ConnectionID}
	got := request.Evaluate()
	if len(got.Problems) > 0 {
		t.Fatalf("%s: %v", choice.String(sel), got.Problems)
	}
	set, err := policies.Synthesize(sel, choice.Example(sel, env))
	if err != nil {
		t.Fatal(err)
	}
	for format, shown := range map[string]string{"template": got.Template, "policies": got.Review} {
		f := synthFlags{format: format, env: env}
		want, err := f.write(set)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, []byte(shown)) {
			t.Fatalf("%s: the page's %s differs from synth's output", choice.String(sel), format)
		}
	}
}

func assetChoices(p schema.Profile) [][]schema.Asset {
	all := choice.Everything(p).Assets
	var out [][]schema.Asset
	if len(all) <= 6 {
		for mask := 1; mask < 1<<len(all); mask++ {
			var list []schema.Asset
			for i, a := range all {
				if mask>>i&1 == 1 {
					list = append(list, a)
				}
			}
			out = append(out, list)
		}
		return out
	}
	for i, a := range all {
		out = append(out, []schema.Asset{a}, append(append([]schema.Asset{}, all[:i]...), all[i+1:]...))
		for _, b := range all[i+1:] {
			out = append(out, []schema.Asset{a, b})
		}
	}
	return append(out, all)
}

func operationChoices(p schema.Profile) [][]schema.Operation {
	out := [][]schema.Operation{p.Operations}
	for _, o := range p.Operations {
		out = append(out, []schema.Operation{o})
	}
	return out
}

// TestPageLaunchLink checks that every profile, preset and setting has a link.
func TestPageLaunchLink(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		form, err := launch.LinkForm(permstack.Template, profile)
		if err == nil {
			err = webui.AddForm(name, form)
		}
		if err != nil {
			t.Fatal(err)
		}
		choices := map[string]string{name + ":" + string(profile.Assets[0].Asset): "quickcreate?templateURL="}
		for _, p := range profile.Presets {
			choices[name+":::"+p.Name] = "param_Preset=" + p.Name
		}
		for _, s := range profile.Settings {
			o := string(s.Values[len(s.Values)-1].Option)
			choices[name+":"+string(profile.Assets[0].Asset)+"::"+o] = "param_Setting"
		}
		for choice, want := range choices {
			r := webui.Request{
				Choice: choice, Region: "eu-west-1", ConnectionID: "c-1",
				TemplateURL: "https://example-eu-west-1.s3.eu-west-1.amazonaws.com/v1/clumio.yaml",
			}
			if got := r.Evaluate(); !strings.Contains(got.Launch, want) {
				t.Errorf("%s: link %q lacks %s (%s)", choice, got.Launch, want, got.LaunchProblem)
			}
		}
	}
}

// TestPagePrerequisites checks that a choice has the prerequisites of what it
// includes and no others.
func TestPagePrerequisites(t *testing.T) {
	for _, c := range []struct {
		choice, text, use string // use: "" if the prerequisite is absent
	}{
		{"clumio:rds", "AWSServiceRoleForRDS", "restore of rds"},
		{"clumio:ec2,rds:restore", "AWSServiceRoleForRDS", "restore of rds"},
		{"clumio:rds:backup", "AWSServiceRoleForRDS", ""},
		{"clumio:ec2", "AWSServiceRoleForRDS", ""},
		{"cpm:ec2:run-scripts", "Scripts run only", "run-scripts of ec2"},
		{"cpm:::minimal", "Scripts run only", ""},
	} {
		t.Run(c.choice, func(t *testing.T) {
			var uses []string
			got := webui.Request{Choice: c.choice}.Evaluate()
			if len(got.Problems) > 0 {
				t.Fatal(got.Problems)
			}
			for _, p := range got.Prerequisites {
				if strings.Contains(p.Text, c.text) {
					uses = p.Uses
				}
			}
			if strings.Join(uses, ", ") != c.use {
				t.Errorf("uses of %q: got %q, want %q", c.text, uses, c.use)
			}
		})
	}
}

// TestPageProblems checks that an invalid choice has problems and no files.
func TestPageProblems(t *testing.T) {
	for choice, want := range map[string]string{
		"clumio:tape": "unknown asset", "acme": "unknown profile", "": "unknown profile",
	} {
		t.Run(choice, func(t *testing.T) {
			got := webui.Request{Choice: choice}.Evaluate()
			if !strings.Contains(strings.Join(got.Problems, "; "), want) || got.Template != "" {
				t.Errorf("%s: %v", choice, got.Problems)
			}
		})
	}
	if got := (webui.Request{Choice: "clumio", Account: "42"}).Evaluate(); len(got.Problems) == 0 {
		t.Error("an account ID of two digits is accepted")
	}
}
