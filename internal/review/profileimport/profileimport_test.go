package profileimport_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/lint"
	"permstack/internal/policies/profilefile"
	"permstack/internal/review/accessdiff"
	"permstack/internal/review/explain"
	"permstack/internal/review/profileimport"
	"permstack/internal/review/vendorfile"
)

// filled returns an imported profile with reasons, as its author writes them.
func filled(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte(`why: ""`), []byte("why: a reason that the author of the profile writes"))
	return bytes.ReplaceAll(data, []byte("resources:\n              - '*'\n          - sid"),
		[]byte("resources:\n              - '*'\n            whyWildcard: a reason\n          - sid"))
}

// TestRoundTrip checks that the profile imported from a synthesized set grants what the set grants.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"clumio", "cpm", "aws-backup"} {
		t.Run(name, func(t *testing.T) {
			profile, _ := policies.Profile(name)
			sel := choice.Everything(profile)
			env := choice.Example(sel, policies.Environment{})
			set, err := policies.Synthesize(sel, env)
			if err != nil {
				t.Fatal(err)
			}
			want := accessdiff.FromSet("set", set)
			imported := "imported-" + name
			got, err := profileimport.Write(want, profileimport.Options{Profile: imported, Vendor: "Acme", Source: "a set"})
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := profilefile.Load(fstest.MapFS{"p.yaml": {Data: filled(got.YAML)}}, "p.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if err := policies.AddProfile(loaded.Profile); err != nil {
				t.Fatal(err)
			}
			again := choice.Everything(loaded.Profile)
			set, err = policies.Synthesize(again, choice.Example(again, env))
			if err != nil {
				t.Fatal(err)
			}
			d := accessdiff.Compare(want, accessdiff.FromSet("import", set), explain.NewDescriber(sel, env))
			for _, c := range d.Changes {
				if c.What == "actions" || c.What == "rule" {
					t.Errorf("%s %s: was %v, now %v", c.Kind, c.Title(), c.Was, c.Now)
				}
			}
		})
	}
}

// TestLint checks that lint reads an import and reports its empty reasons and what is too wide, with their lines.
func TestLint(t *testing.T) {
	const policy = `{"Version": "2012-10-17", "Statement": [
		{"Sid": "Snap-shots", "Effect": "Allow", "Action": ["ec2:CreateSnapshot", "ec2:DescribeVolumes"], "Resource": "*"},
		{"Sid": "Rest", "Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}`
	read, err := vendorfile.ReadFiles("v", []vendorfile.File{{Name: "acme-backup.json", Data: []byte(policy)}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := profileimport.Write(read.Set, profileimport.Options{Profile: "acme", Vendor: "Acme", Source: "acme.json"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Left) != 1 || !strings.Contains(got.Left[0], "NotAction") {
		t.Errorf("not imported: got %q, want the statement with NotAction", got.Left)
	}
	_, problems, err := lint.Load(fstest.MapFS{"p.yaml": {Data: got.YAML}}, "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range problems {
		if p.Line == 0 {
			t.Errorf("%s has no line", p)
		}
		all = append(all, p.Message)
	}
	for _, want := range []string{
		"why is missing", "trust is missing", "whyWildcard is missing", "ec2:CreateSnapshot has resource-level permissions",
	} {
		if !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("lint does not report %q:\n%s", want, strings.Join(all, "\n"))
		}
	}
}

func TestDefaultName(t *testing.T) {
	for text, want := range map[string]string{
		`[{"PolicyName": "AcmeBackup", "PolicyDocument": P}, {"PolicyName": "AcmeRestore", "PolicyDocument": P}]`: "acme",
		`[{"PolicyName": "Backup", "PolicyDocument": P}, {"PolicyName": "Restore", "PolicyDocument": P}]`:         "vendor",
	} {
		t.Run(want, func(t *testing.T) {
			text = strings.ReplaceAll(text, "P}",
				`{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}}`)
			read, err := vendorfile.ReadFiles("v", []vendorfile.File{{Name: "a.json", Data: []byte(text)}})
			if err != nil {
				t.Fatal(err)
			}
			if got := profileimport.DefaultName(read.Set, "vendor"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
