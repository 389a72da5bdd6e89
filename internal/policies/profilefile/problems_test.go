package profilefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// small is a profile without problems.
const small = `profile: acme
vendor: Acme
assets:
  - {asset: ec2, title: Volumes}
operations: [backup]
roles:
  - role: AcmeRole
    why: works
    trust:
      - {sid: T, why: trusts, principal: {service: ec2.amazonaws.com}}
    policies:
      - policy: AcmePolicy
        kind: inline
        why: works
        statements:
          - {sid: S, why: works, actions: 'ec2:Start', resources: 'arn:x'}
`

// problems returns the problems of a profile as LINE: MESSAGE, without the name of a file acme.yaml.
func problems(t *testing.T, files map[string]string) (Loaded, []string) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	loaded, err := Load(fsys, "acme.yaml")
	var form *Error
	if err != nil && !errors.As(err, &form) {
		t.Fatal(err)
	}
	var out []string
	if form != nil {
		for _, p := range form.Problems {
			file := p.File
			if file == "acme.yaml" {
				file = ""
			}
			out = append(out, fmt.Sprintf("%s%d: %s", file, p.Line, p.Message))
		}
	}
	return loaded, out
}

// TestProblems changes the profile in one place each, by OLD and NEW or by what is appended, and compares the problems.
func TestProblems(t *testing.T) {
	const noAction = ": want SERVICE:ACTION, such as ec2:DescribeVolumes, or a name that the section actions defines"
	statement := func(text string) string { return "          - " + text + "\n" }
	outputs := func(second string) string {
		return "outputs:\n  - {output: RoleArn, name: A, title: t}\n  - " + second + "\n"
	}
	for _, tt := range []struct {
		name     string
		old, new string // old "": new is appended
		want     []string
	}{
		{"nothing", "", "", nil},
		{"no profile name", "profile: acme\n", "", []string{"1: profile is missing"}},
		{"a profile name", "acme", "Acme", []string{
			`1: profile "Acme": want lower-case letters, digits and -, a letter first`}},
		{"a list as text", "vendor: Acme", "vendor: [Acme]", []string{
			"1: vendor is missing", "2: want text, have a list"}},
		{"nothing as text", "vendor: Acme", "vendor:", []string{"1: vendor is missing", "2: want text, have nothing"}},
		{"a misspelled key", "actions: 'ec2:Start'", "actoins: 'ec2:Start'",
			[]string{`16: unknown key "actoins"; did you mean "actions"?`}},
		{"an unknown key", "vendor: Acme", "vendor: Acme\ntitle: x", []string{
			`3: unknown key "title"; valid: profile, vendor, ownTemplate, files, assets, operations, options, settings, ` +
				"presets, inputs, outputs, variables, resources, " +
				"actions, conditions, roles, topics, rules, prerequisites, flows"}},
		{"a misspelled key beside the right one", "actions: 'ec2:Start'", "actions: 'ec2:Start', actoins: 'ec2:Start'",
			[]string{`16: unknown key "actoins"; did you mean "actions"?`}},
		{"a misspelled key before the right one", "actions: 'ec2:Start'", "actoins: 'ec2:Start', actions: 'ec2:Start'",
			[]string{`16: unknown key "actoins"; did you mean "actions"?`}},
		{"a key misspelled twice", "actions: 'ec2:Start'", "acions: 'ec2:Start', actoins: 'ec2:Start'", []string{
			`16: unknown key "acions"; did you mean "actions"?`, `16: unknown key "actoins"; did you mean "actions"?`}},
		{"a key of policies elsewhere", "    why: works\n    trust:", "    why: works\n    Statement: x\n    trust:",
			[]string{`9: unknown key "Statement"; valid: role, why, for, instanceProfile, instanceProfileFor, trust, policies, ` +
				"releases"}},
		{"a key twice", "vendor: Acme", "vendor: Acme\nvendor: Acme", []string{`3: key "vendor" is written twice`}},
		{"a definition twice", "", "resources: {a: 'arn:a', a: 'arn:b', b: 'arn:c'}\n", []string{
			`17: key "a" is written twice`, `17: definition "a" is not used`, `17: definition "b" is not used`}},
		{"an option in two releases", "", "options:\n  - {option: o, title: t, releases: {until: 2}}\n" +
			"  - {option: o, title: t, releases: {from: 2}}\n", nil},
		{"an option twice", "", "options:\n  - {option: o, title: t}\n  - {option: o, title: t}\n",
			[]string{`19: option "o" is written twice`}},
		{"a setting", "", "settings:\n  - {setting: s, title: t, default: s=1, values: [{option: s=1}, {option: s=2}]}\n",
			nil},
		{"a setting without the default", "",
			"settings:\n  - {setting: s, title: t, default: s=3, values: [{option: s=1}, {option: s=2}]}\n",
			[]string{`18: default "s=3" is not one of the values`}},
		{"a value of another setting", "", "settings:\n  - {setting: s, title: t, default: t=1, values: [{option: t=1}]}\n",
			[]string{`18: option "t=1": a value of setting s is written s=VALUE`}},
		{"an undefined condition before a defined one", "resources: 'arn:x'}",
			"resources: 'arn:x', when: [nope, own]}\nconditions:\n  own: {Bool: {aws:SecureTransport: 'true'}}",
			[]string{`16: condition "nope" is not defined`}},
		{"a misspelled condition", "resources: 'arn:x'}",
			"resources: 'arn:x', when: [own-buket, own-bucket]}\nconditions:\n  own-bucket: {Bool: {aws:SecureTransport: 'true'}}",
			[]string{`16: condition "own-buket" is not defined; did you mean "own-bucket"?`}},
		{"an undefined action before a defined one", "actions: 'ec2:Start'", "actions: [Nothing, Start]", []string{
			`16: action "Nothing"` + noAction, `16: action "Start"` + noAction}},
		{"a misspelled resource", "resources: 'arn:x'}", "resources: [volums, volumes]}\nresources: {volumes: 'arn:x'}",
			[]string{"16: resource \"volums\": want an ARN such as 'arn:${Partition}:ec2:${Region}:${Account}:volume/*', or a " +
				"name that the section resources defines; did you mean \"volumes\"?"}},
		{"a role twice, with a reason", "", "  - {role: AcmeRole, why: again}\n", []string{
			"17: role AcmeRole is declared in another place; here only trust and policies can be added"}},
		{"with uses", "", "  - {role: AcmeRole, for: {assets: ec2}}\n", []string{
			"17: role AcmeRole is declared in another place; here only trust and policies can be added"}},
		{"with an instance profile", "", "  - {role: AcmeRole, instanceProfile: AcmeProfile}\n", []string{
			"17: role AcmeRole is declared in another place; here only trust and policies can be added"}},
		{"a policy twice, with a reason", "", "  - {role: AcmeRole, policies: [{policy: AcmePolicy, why: again}]}\n",
			[]string{"17: policy AcmePolicy is declared in another place; here only statements can be added"}},
		{"with a kind", "", "  - {role: AcmeRole, policies: [{policy: AcmePolicy, kind: inline}]}\n", []string{
			"17: policy AcmePolicy is declared in another place; here only statements can be added"}},
		{"with uses of its own", "", "  - {role: AcmeRole, policies: [{policy: AcmePolicy, for: {assets: ec2}}]}\n",
			[]string{"17: policy AcmePolicy is declared in another place; here only statements can be added"}},
		{"statements added", "", "  - {role: AcmeRole, policies: [{policy: AcmePolicy}]}\n", nil},
		{"no resources, and a reason for *", "resources: 'arn:x'", "whyWildcard: none", []string{"16: resources is missing"}},
		{"a reason for * without it", "", statement("{sid: R, why: w, actions: 'a:B', resources: 'arn:x', whyWildcard: w}"),
			[]string{"17: whyWildcard is given, but resources is not *"}},
		{"a call without actions", "", "flows:\n  - flow: f\n    calls: [{resources: 'arn:x', source: s}]\n",
			[]string{"19: actions or resources is missing"}},
		{"a call without resources", "", "flows:\n  - flow: f\n    calls: [{actions: 'a:B', source: s}]\n",
			[]string{"19: actions or resources is missing"}},
		{"uses without a choice", "", statement("{sid: R, why: w, actions: 'a:B', resources: 'arn:x', for: [{}, {}]}"),
			slices.Repeat([]string{"17: name at least one of assets, operations, options"}, 2)},
		{"an output", "", outputs("{output: EventTopicArn, name: B, title: t}"), nil},
		{"an output twice", "", outputs("{output: RoleArn, name: B, title: t}"),
			[]string{"19: output RoleArn is named twice, or B names two outputs"}},
		{"a name of two outputs", "", outputs("{output: EventTopicArn, name: A, title: t}"),
			[]string{"19: output EventTopicArn is named twice, or A names two outputs"}},
		{"files in other folders", "", "files: [., .., sub/other.yaml, missing.yaml, gone.yaml]\n", []string{
			`1: files: ".": want the name of a file in the same folder`,
			`1: files: "..": want the name of a file in the same folder`,
			`1: files: "sub/other.yaml": want the name of a file in the same folder`,
			"1: files: read profile: open missing.yaml: file does not exist",
			"1: files: read profile: open gone.yaml: file does not exist"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := small + tt.new
			if tt.old != "" {
				text = strings.Replace(small, tt.old, tt.new, 1)
			}
			if _, got := problems(t, map[string]string{"acme.yaml": text}); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestProblemsOfFiles checks that the problems of several files are in their order, and in the order of the lines.
func TestProblemsOfFiles(t *testing.T) {
	const forbidden = "1: profile, vendor and ownTemplate are written in the first file only"
	first := small + "files: [z.yaml, a.yaml]\n"
	for _, tt := range []struct {
		name, z, a string
		want       []string
	}{
		{"none", "options: []\n", "options: []\n", nil},
		{"a profile", "profile: other\n", "options: []\n", []string{"z.yaml" + forbidden}},
		{"a vendor", "vendor: other\n", "options: []\n", []string{"z.yaml" + forbidden}},
		{"a template", "ownTemplate: true\n", "options: []\n", []string{"z.yaml" + forbidden}},
		{"more files", "files: [b.yaml]\n", "options: []\n",
			[]string{"z.yaml1: only the first file of a profile may list files"}},
		{"an empty file", "", "options: []\n", []string{"z.yaml1: the file is empty"}},
		{"two documents", "options: []\n---\noptions: []\n", "options: []\n",
			[]string{"z.yaml1: want one document in a file"}},
		{"both", "options:\n  - {option: O, title: t}\n  - {option: p}\nx: 1\n",
			"options:\n  - {option: Q, title: t}\noptoins: []\n", []string{
				`z.yaml2: option "O": want lower-case letters, digits and -, a letter first`, "z.yaml3: title is missing",
				`z.yaml4: unknown key "x"; valid: profile, vendor, ownTemplate, files, assets, operations, options, settings, ` +
					"presets, inputs, outputs, variables, resources, actions, conditions, roles, topics, rules, prerequisites, " +
					"flows",
				`a.yaml2: option "Q": want lower-case letters, digits and -, a letter first`,
				`a.yaml3: unknown key "optoins"; did you mean "options"?`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := problems(t, map[string]string{"acme.yaml": first, "z.yaml": tt.z, "a.yaml": tt.a})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestLoadPath checks that positions have the path as it is given, and that a file of 4 MiB is read and no larger one.
func TestLoadPath(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	padded := small + "#" + strings.Repeat("x", MaxFile-len(small)-2) + "\n"
	for name, text := range map[string]string{
		"acme.yaml": small, "sub/acme.yaml": strings.Replace(small, "acme", "Acme", 1), "large.yaml": padded,
		"larger.yaml": padded + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := LoadPath("acme.yaml")
	if want := (Position{"acme.yaml", 7, 5}); err != nil || loaded.Place(RoleKey("AcmeRole")) != want {
		t.Errorf("got %v, %v, want %v", loaded.Place(RoleKey("AcmeRole")), err, want)
	}
	_, err = LoadPath(filepath.Join("sub", "acme.yaml"))
	var form *Error
	if want := filepath.Join("sub", "acme.yaml"); !errors.As(err, &form) || form.Problems[0].File != want {
		t.Errorf("got %v, want a problem in %s", err, want)
	}
	if _, err := LoadPath("large.yaml"); err != nil {
		t.Errorf("a file of 4 MiB: %v", err)
	}
	if _, err := LoadPath("larger.yaml"); err == nil || !strings.Contains(err.Error(), "larger than 4194304 bytes") {
		t.Errorf("a larger file: %v", err)
	}
}

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "z": true, "az-09": true, "a0": true, "a9": true, "": false, "0a": false, "-a": false, "A": false,
		"a_b": false, "a/": false, "a:": false, "a`": false, "a{": false,
	} {
		t.Run(name, func(t *testing.T) {
			if got := isName(name); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
