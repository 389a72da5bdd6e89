package policies_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Actions that only the vendor's permissions document names.
var (
	pageAlways       = []string{"sts:AssumeRole"}
	pageCrossAccount = []string{"ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "rds:ModifyDBSnapshotAttribute"}
	pageKMSAdmin     = []string{"kms:ListAliases", "kms:ListKeys"}
	pageKMSBackup    = []string{
		"kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:ListAliases", "kms:ListKeys",
	}
	pageKMSRecovery = []string{
		"kms:DescribeKey", "kms:ListAliases", "kms:ListKeys", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
)

// TestCPMMatchesVendorFiles checks that everything grants exactly the actions of the vendor's files
// and permissions document, release by release, and each capability is granted by its own
// selection.
func TestCPMMatchesVendorFiles(t *testing.T) {
	var capabilities map[string]map[string]string
	readJSON(t, "cpm-capabilities.json", &capabilities)
	if len(capabilities) != len(cpmChoices) {
		t.Errorf("%d capabilities, %d are mapped", len(capabilities), len(cpmChoices))
	}
	for i, release := range cpmReleases {
		option := schema.Option("release=" + release)
		want := []string{"kms:GenerateDataKeyPairWithoutPlaintext"} // on the page only
		for name, actions := range capabilities {
			have := granted(t, cpmSelection(cpmChoices[name], option))
			for action, span := range actions {
				since, until, ends := strings.Cut(span, " until ")
				end := slices.Index(cpmReleases, until)
				switch at := slices.Index(cpmReleases, since); {
				case at < 0 || ends && end < 0:
					t.Fatalf("%s has an unknown release in %q", action, span)
				case at <= i && (!ends || i < end):
					want = append(want, action)
					if !slices.Contains(have, action) {
						t.Errorf("%s: %s in %s is not granted by %s", release, action, name, cpmChoices[name])
					}
				}
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		have := granted(t, policies.Selection{Profile: "cpm", Preset: "enterprise", Options: []schema.Option{option}})
		if missing, extra := minus(want, have), minus(have, want); len(missing)+len(extra) > 0 {
			t.Errorf("%s: missing %v, beyond the vendor's files %v", release, missing, extra)
		}
	}
	newest := granted(t, policies.Selection{Profile: "cpm", Preset: "enterprise"})
	if named := granted(t, policies.Selection{Profile: "cpm", Preset: "enterprise",
		Options: []schema.Option{"release=2025-09"}}); !slices.Equal(
		newest,
		named,
	) {
		t.Error("the newest release is not the default")
	}
}

// TestCPMMinimalMatchesPermissionsDocument checks that the preset grants exactly what the
// permissions document names, but for keys: AWS requires of every operation what the document names
// for one of them (backup alone re-encrypts when it copies a database snapshot under another key,
// recovery alone needs grants), so all of its sets belong to each operation.
func TestCPMMinimalMatchesPermissionsDocument(t *testing.T) {
	for _, c := range []struct {
		ops, user string
		want      [][]string
	}{
		{"", "other", [][]string{pageAlways, pageCrossAccount, pageKMSBackup, pageKMSRecovery}},
		{"", "admin", [][]string{pageAlways, pageCrossAccount, pageKMSAdmin}},
		{"backup", "other", [][]string{pageAlways, pageKMSBackup, pageKMSRecovery}},
		{"dr", "other", [][]string{pageAlways, pageKMSBackup, pageKMSRecovery}},
		{"recovery", "other", [][]string{pageAlways, pageKMSBackup, pageKMSRecovery}},
		{"cross-account", "admin", [][]string{pageAlways, pageCrossAccount, pageKMSAdmin}},
	} {
		t.Run(c.ops+" for "+c.user, func(t *testing.T) {
			have := granted(
				t,
				policies.Selection{
					Profile:    "cpm",
					Preset:     "minimal",
					Operations: splitList[schema.Operation](c.ops, nil),
					Options:    []schema.Option{schema.Option("kms-user=" + c.user)},
				},
			)
			want := slices.Sorted(slices.Values(slices.Concat(c.want...)))
			if want = slices.Compact(want); !slices.Equal(have, want) {
				t.Errorf("%s for user %s:\n%v\nwant\n%v", c.ops, c.user, have, want)
			}
		})
	}
}

// TestCPMKeysFollowTheUser checks that an administrator of the keys gets the lists alone, whatever
// is selected, and any other user what each operation requires.
func TestCPMKeysFollowTheUser(t *testing.T) {
	kms := func(choice string, user schema.Option) []string {
		return slices.DeleteFunc(
			granted(t, cpmSelection(choice, user)),
			func(a string) bool { return !strings.HasPrefix(a, "kms:") },
		)
	}
	decrypt := append([]string{"kms:Decrypt", "kms:GenerateDataKey"}, pageKMSAdmin...)
	every := slices.Concat(pageKMSBackup, pageKMSRecovery, decrypt)
	for choice, want := range map[string][]string{
		"ec2:backup":                  every,
		"rds:dr":                      every,
		"ec2:recovery":                every,
		"ec2:resource-control":        every, // starting an instance uses the keys of its volumes
		"ec2:copy-to-s3":              every,
		"ec2:cross-account":           every,
		"ec2:notification,s3-sync":    every,
		"ec2:notification":            decrypt, // encrypted topics
		"rds:secrets":                 decrypt, // encrypted secrets
		"ec2:vpc-capture,run-scripts": pageKMSAdmin,
		"ec2:snapshot-lock":           pageKMSAdmin,
		"ec2,rds,efs:backup,archive":  every,
	} {
		t.Run(choice, func(t *testing.T) {
			want = slices.Compact(slices.Sorted(slices.Values(want)))
			if have := kms(choice, "kms-user=other"); !slices.Equal(have, want) {
				t.Errorf("%v, want %v", have, want)
			}
			if have := kms(choice, "kms-user=admin"); !slices.Equal(have, pageKMSAdmin) {
				t.Errorf("%s for an administrator: %v", choice, have)
			}
		})
	}
}

// TestWorkersAloneAreTerminated checks that one statement grants the termination of instances,
// under the vendor's condition, and that nothing allows giving the worker's name to a running
// instance.
func TestWorkersAloneAreTerminated(t *testing.T) {
	for sel := range cpmSelections(200) {
		for _, r := range synthesize(t, sel, cpmEnvironment(here)).Roles {
			for _, p := range slices.Concat(r.Managed, r.Inline) {
				for _, s := range p.Document.Statement {
					for _, a := range s.Action {
						instance := slices.ContainsFunc(s.Resource, func(r string) bool {
							return r == "*" || strings.Contains(r, ":instance/") || strings.HasSuffix(r, ":*")
						})
						switch {
						case a == "ec2:TerminateInstances" && (len(s.Condition) != 1 ||
							!slices.Equal(s.Condition["StringEquals"]["ec2:ResourceTag/Name"], iampolicy.Values{"CPMWorkerMachine"})):
							t.Fatalf("%v: %s terminates under %v", sel, s.Sid, s.Condition)
						case a == "ec2:CreateTags" && instance &&
							!slices.Equal(s.Condition["StringEquals"]["ec2:CreateAction"], iampolicy.Values{"RunInstances"}):
							t.Fatalf("%v: %s tags instances under %v", sel, s.Sid, s.Condition)
						case strings.Contains(a, "*") && strings.HasPrefix(a, "ec2:"):
							t.Fatalf("%v: %s grants %s", sel, s.Sid, a)
						}
					}
				}
			}
		}
	}
}

// TestCPMFitsIAM checks that every choice that is tried, in the Regions with the longest names, has
// as few policies as their size allows, and that the largest selection, which has every statement
// of every other, has at most six of the ten policies that a role may have.
func TestCPMFitsIAM(t *testing.T) {
	for _, region := range regions {
		env := cpmEnvironment(region)
		env.ConnectionID = uuid
		for sel := range cpmSelections(150) {
			set := synthesize(t, sel, env)
			for _, r := range set.Roles {
				total := 0
				for _, p := range r.Managed {
					total += p.Document.Size()
					if p.Document.Size() > 6144 || len(p.Name) > 64 {
						t.Errorf("%s %v: policy %s: %d characters", region, sel, p.Name, p.Document.Size())
					}
				}
				// Parts are made for the longest Region, so a shorter one may have one more.
				if least := (total + 6143) / 6144; len(r.Managed) > least+1 || len(r.Managed) > 6 {
					t.Errorf("%s %v: %s has %d policies, their size requires %d", region, sel, r.Name, len(r.Managed), least)
				}
			}
		}
		set := synthesize(t, policies.Selection{Profile: "cpm", Preset: "enterprise"}, env)
		if n := len(set.Roles[0].Managed); n != 6 {
			t.Errorf("%s: everything takes %d policies, want 6", region, n)
		}
	}
}

// TestCPMReleasesKeepTheirPlace checks that from one release to the next, statements that both have
// remain in the same policy, except for a few.
func TestCPMReleasesKeepTheirPlace(t *testing.T) {
	var before map[string]int
	for _, release := range cpmReleases {
		set := synthesize(
			t,
			policies.Selection{
				Profile: "cpm",
				Preset:  "enterprise",
				Options: []schema.Option{schema.Option("release=" + release)},
			},
			cpmEnvironment(here),
		)
		parts := map[string]int{}
		moved := 0
		for i, p := range set.Roles[0].Managed {
			for _, s := range p.Document.Statement {
				parts[s.Sid] = i
				if was, known := before[s.Sid]; known && was != i {
					moved++
				}
			}
		}
		t.Logf("%s: %d of %d statements moved", release, moved, len(parts))
		if moved > len(parts)/4 {
			t.Errorf("%s: %d of %d statements moved", release, moved, len(parts))
		}
		before = parts
	}
}

// TestCPMDocumentation checks that the table of capabilities in the documentation agrees with the
// data.
func TestCPMDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../docs/profiles/cpm.md")
	if err != nil {
		t.Fatal(err)
	}
	var capabilities map[string]map[string]string
	readJSON(t, "cpm-capabilities.json", &capabilities)
	for name, choice := range cpmChoices {
		if row := fmt.Sprintf("| %s | %d | `%s` |", name, len(capabilities[name]), choice); !strings.Contains(
			string(data),
			row,
		) {
			t.Errorf("docs/profiles/cpm.md lacks the row %s", row)
		}
	}
	p, _ := policies.Profile("cpm")
	for _, s := range p.Settings {
		for _, v := range s.Values {
			if value := strings.TrimPrefix(string(v.Option), s.Name+"="); !strings.Contains(string(data), "`"+value+"`") {
				t.Errorf("docs/profiles/cpm.md lacks %s", v.Option)
			}
		}
	}
	for _, o := range p.Operations {
		if !strings.Contains(string(data), "`"+string(o)+"`") {
			t.Errorf("docs/profiles/cpm.md lacks operation %s", o)
		}
	}
}

// TestEveryChoiceIsPartOfEverything checks that everything, with the same settings, grants what any
// selection grants. So what is true of the largest selection is true of all.
func TestEveryChoiceIsPartOfEverything(t *testing.T) {
	for sel := range cpmSelections(100) {
		all := policies.Selection{Profile: "cpm", Preset: "enterprise", Options: sel.Options}
		have := statementSids(synthesize(t, sel, cpmEnvironment(here)))
		whole := statementSids(synthesize(t, all, cpmEnvironment(here)))
		if extra := minus(have, whole); len(extra) > 0 {
			t.Errorf("%v: %v", sel, extra)
		}
	}
}

func statementSids(set policies.Set) (sids []string) {
	for _, r := range set.Roles {
		for _, p := range r.Managed {
			for _, s := range p.Document.Statement {
				sids = append(sids, r.Entity+"/"+s.Sid)
			}
		}
	}
	return sids
}
