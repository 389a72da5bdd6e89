package question_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
)

// find answers a question about a set, everything of whose profile is all.
func find(text string, set policies.Set, some, all []explain.Grant) question.Result {
	return question.Find(text, question.Source{
		Set: set, Selection: policies.Selection{Profile: set.Profile}, Grants: some, All: all,
	})
}

// grants returns the grants of a choice and those of everything of its profile.
func grants(t *testing.T, chosen string) (set policies.Set, some, all []explain.Grant) {
	t.Helper()
	sel, err := choice.Parse(chosen)
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := policies.Profile(sel.Profile)
	synthesize := func(sel policies.Selection) (policies.Set, []explain.Grant) {
		env := choice.Example(sel, policies.Environment{})
		set, err := policies.Synthesize(sel, env)
		if err != nil {
			t.Fatal(err)
		}
		return set, explain.Grants(set, sel, explain.NewDescriber(sel, env))
	}
	set, some = synthesize(sel)
	_, all = synthesize(choice.Everything(profile))
	return set, some, all
}

func TestDeleteSnapshot(t *testing.T) {
	set, some, all := grants(t, "clumio:ec2,rds:backup") // restores delete others
	a := find("EC2:deletesnapshot", set, some, all)
	if len(a.Granted) != 1 {
		t.Fatalf("granted by %d statements", len(a.Granted))
	}
	g := a.Granted[0]
	if g.Entity != "ClumioIAMRole" || g.Policy != "ClumioEC2BackupPolicy" || g.Why == "" {
		t.Errorf("granted by %s › %s, why %q", g.Entity, g.Policy, g.Why)
	}
	if got := strings.Join(g.Actions, " "); got != "ec2:DeleteSnapshot" {
		t.Errorf("actions %s", got)
	}
	if got := strings.Join(g.On, " "); got != "any EC2 snapshot" {
		t.Errorf("on %s", got)
	}
	if got := strings.Join(g.OnlyIf, " "); got != "the resource has the tag Vendor = Clumio" {
		t.Errorf("only where %s", got)
	}
	if got := strings.Join(explain.Uses(g.For), " "); got != "backup of ec2" {
		t.Errorf("for %s", got)
	}
	if g.Risk.Level != explain.Medium || g.Risk.Effects[0].Does != "deletes" {
		t.Errorf("risk %s", g.Risk)
	}
}

// TestFindKnownNames checks that every name that completion offers is known, and
// that every statement is found by its Sid and by each of its actions.
func TestFindKnownNames(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		set, some, all := grants(t, name)
		for _, q := range question.KnownNames(profile, all) {
			if a := find(q, set, some, all); !a.Known() {
				t.Errorf("%s: query %q is not known", name, q)
			}
		}
		for _, g := range some {
			for _, q := range append([]string{g.Sid}, g.Actions...) {
				a := find(q, set, some, all)
				if !slices.ContainsFunc(slices.Concat(a.Granted, a.Denied), func(h explain.Grant) bool {
					return h.Sid == g.Sid && h.Policy == g.Policy
				}) {
					t.Errorf("%s: the result of query %s lacks %s › %s", name, q, g.Policy, g.Sid)
				}
			}
		}
	}
}

func TestNotGranted(t *testing.T) {
	set, some, all := grants(t, "clumio:ec2:backup")
	for _, c := range []struct {
		query        string
		known        bool
		otherChoices bool
	}{
		{"s3:PutBucketPolicy", true, false},    // in AWS's list, granted by no statement
		{"s3:GetObject", true, true},           // another asset has it
		{"ec2:TerminateInstances", true, true}, // another operation has it
		{"restore", true, true},
		{"ClumioSupportRole", true, true},
		{"ec2:DeleteSnapshoot", false, false},
		{"nonsense", false, false},
		{"sagemaker:CreateModel", true, false}, // a service that no profile touches
	} {
		t.Run(c.query, func(t *testing.T) {
			a := find(c.query, set, some, all)
			if len(a.Granted) > 0 || a.Known() != c.known || (len(a.OtherChoices) > 0) != c.otherChoices {
				t.Errorf("granted %d, known %v, other choices %d", len(a.Granted), a.Known(), len(a.OtherChoices))
			}
		})
	}
	similar := find("ec2:DeleteSnapshoot", set, some, all).Similar
	if len(similar) == 0 || similar[0] != "ec2:DeleteSnapshot" {
		t.Errorf("similar: %v", similar)
	}
	not := find("ec2:Delete*", set, some, all).NotGranted
	if !slices.Contains(not, "ec2:DeleteVpc") || slices.Contains(not, "ec2:DeleteSnapshot") {
		t.Errorf("not granted: %v", not)
	}
}

func TestFindResource(t *testing.T) {
	set, some, all := grants(t, "clumio:s3")
	a := find("arn:aws:s3:::invoices", set, some, all)
	if len(a.Granted) == 0 {
		t.Error("no statement matches a bucket")
	}
	a = find("arn:aws:sqs:eu-central-1:123456789012:queue", set, some, all)
	if slices.ContainsFunc(a.Granted, func(g explain.Grant) bool { return !slices.Contains(g.Resources, "*") }) {
		t.Error("a statement with resources other than * matches a queue")
	}
}
