package consolefiles_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/review/consolefiles"
)

func set(t *testing.T, profile string, env policies.Environment, options ...schema.Option) policies.Set {
	t.Helper()
	p, _ := policies.Profile(profile)
	sel := policies.Selection{Profile: profile, Operations: p.Operations, Options: options}
	for _, a := range p.Assets {
		sel.Assets = append(sel.Assets, a.Asset)
	}
	for _, n := range p.Needs {
		if n.Value == schema.DataPlaneAccount {
			env.DataPlaneAccountID = "333333333333"
		}
		if n.Value == schema.DataPlaneAccount || n.Value == schema.ControlPlaneRole && len(n.For) == 0 {
			env.ControlPlaneRoleARN, env.ExternalID = "arn:aws:iam::222222222222:role/Control", "external-id-1"
		}
	}
	s, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func environment(region string) policies.Environment {
	return policies.Environment{
		Account: "111111111111", Region: region, ConnectionID: "prod", Path: "/", StackNames: []string{"parent-access"},
	}
}

// TestSameGrants checks for each role that the files have the statements and the
// trust policy of the set, each once.
func TestSameGrants(t *testing.T) {
	for _, profile := range policies.ProfileNames() {
		for _, region := range []string{"us-east-1", "eu-central-1", "ap-southeast-1"} {
			t.Run(profile+" in "+region, func(t *testing.T) {
				s := set(t, profile, environment(region))
				files, err := consolefiles.Files(s)
				if err != nil {
					t.Fatal(err)
				}
				readMe := string(files[consolefiles.ReadMe])
				for _, r := range s.Roles {
					var want, have []string
					for _, p := range slices.Concat(r.Managed, r.Inline) {
						want = append(want, statements(p.Document)...)
						if p.Name == policies.GuardPolicy {
							p.Name += "-" + r.Name
						}
						if data, written := files[p.Name+".json"]; written {
							have = append(have, statements(parse(t, data))...)
							if !strings.Contains(readMe, p.Name+".json") {
								t.Errorf("README.md lacks %s.json", p.Name)
							}
						}
					}
					slices.Sort(want)
					slices.Sort(have)
					if !slices.Equal(have, want) {
						t.Errorf("%s in %s: the statements in the files of %s differ from the set's", profile, region, r.Name)
					}
					if trust := parse(t, files["trust-"+r.Name+".json"]); !reflect.DeepEqual(statements(trust), statements(r.Trust)) {
						t.Errorf("%s: the trust policy differs from the set's", r.Name)
					}
				}
				for _, topic := range s.Topics {
					if !reflect.DeepEqual(statements(parse(t, files["topic-"+topic.Name+".json"])), statements(topic.Policy)) {
						t.Errorf("%s: the topic policy differs from the set's", topic.Name)
					}
				}
			})
		}
	}
}

// TestFewestFiles checks that the number of files is the least that the size allows,
// and that each is within IAM's limit, which does not count white space.
func TestFewestFiles(t *testing.T) {
	for _, region := range []string{"us-east-1", "eu-central-1", "us-gov-west-1", "cn-northwest-1", "ap-southeast-1"} {
		for _, options := range [][]schema.Option{
			nil, {"release=4.1.1a"}, {"release=4.2"}, {"regions=every"}, {"kms-user=admin", "export-role=server"},
		} {
			files, err := consolefiles.Files(set(t, "cpm", environment(region), options...))
			if err != nil {
				t.Fatal(err)
			}
			n, total := 0, 0
			for name, data := range files {
				if strings.HasPrefix(name, "CPMPolicy") {
					n, total = n+1, total+parse(t, data).Size()
					if size := parse(t, data).Size(); size > policies.MaxManagedPolicy {
						t.Errorf("%s: %d characters", name, size)
					}
				}
			}
			if least := (total + policies.MaxManagedPolicy - 1) / policies.MaxManagedPolicy; n != least {
				t.Errorf("%s %v: got %d files, want %d", region, options, n, least)
			}
			t.Logf("%s %v: %d files, %d characters", region, options, n, total)
		}
	}
}

// TestReproducible checks that the same set has the same bytes.
func TestReproducible(t *testing.T) {
	s := set(t, "cpm", environment("eu-central-1"))
	first, err := consolefiles.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := consolefiles.Files(set(t, "cpm", environment("eu-central-1")))
		if err != nil || !maps.EqualFunc(first, again, bytes.Equal) {
			t.Fatalf("the files differ, error %v", err)
		}
	}
	if again := set(t, "cpm", environment("eu-central-1")); !reflect.DeepEqual(s, again) {
		t.Error("Files changed the set")
	}
}

// TestReadMe checks that README.md names each file, and has no steps for the console
// if the set has a path.
func TestReadMe(t *testing.T) {
	files, err := consolefiles.Files(set(t, "cpm", environment("eu-central-1")))
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[consolefiles.ReadMe])
	for name := range files {
		if name != consolefiles.ReadMe && !strings.Contains(text, strings.TrimSuffix(name, ".json")) {
			t.Errorf("README.md lacks %s", name)
		}
	}
	for _, part := range []string{
		"**Create policy**", "**Trust relationships**", "**Modify IAM role**", "aws iam attach-role-policy",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("README.md lacks %q", part)
		}
	}
	env := environment("eu-central-1")
	env.Path = "/permstack/"
	if files, err = consolefiles.Files(set(t, "cpm", env)); err != nil {
		t.Fatal(err)
	}
	text = string(files[consolefiles.ReadMe])
	if strings.Contains(text, "**Create policy**") || !strings.Contains(text, "--path /permstack/") {
		t.Error("README.md has steps for the console, which cannot set a path")
	}
	env.Account = ""
	_, err = consolefiles.Files(set(t, "cpm", env))
	if err == nil || !strings.Contains(err.Error(), "does not fill them in") {
		t.Errorf("without an account: error %v", err)
	}
}

func parse(t *testing.T, data []byte) iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse(data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return d
}

func statements(d iampolicy.Document) []string {
	var out []string
	for _, s := range d.Statement {
		data, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		out = append(out, string(data))
	}
	return out
}
