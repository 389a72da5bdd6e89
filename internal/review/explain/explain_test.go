package explain_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
)

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
	set, some, all := grants(t, "clumio:ec2,rds")
	a := explain.Find("EC2:deletesnapshot", set, some, all)
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
		for _, q := range explain.KnownNames(profile, all) {
			if a := explain.Find(q, set, some, all); !a.Known() {
				t.Errorf("%s: query %q is not known", name, q)
			}
		}
		for _, g := range some {
			for _, q := range append([]string{g.Sid}, g.Actions...) {
				a := explain.Find(q, set, some, all)
				if !slices.ContainsFunc(slices.Concat(a.Granted, a.Denied), func(h explain.Grant) bool {
					return h.Sid == g.Sid && h.Policy == g.Policy
				}) {
					t.Errorf("%s: the result of query %s lacks %s › %s", name, q, g.Policy, g.Sid)
				}
			}
		}
	}
}

// TestGrantsAreComplete checks that every grant has a reason, descriptions of its
// resources and conditions, and a risk, and that AWS has all its actions.
func TestGrantsAreComplete(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		_, _, all := grants(t, name)
		for _, g := range all {
			where := name + " " + g.Entity + " › " + g.Sid
			if g.Why == "" || g.Sid == "" || len(g.On) == 0 ||
				g.Policy != policies.GuardPolicy && (len(g.Risk.Effects) == 0 || g.Risk.Level == "") {
				t.Errorf("%s: a field is empty: %+v", where, g)
			}
			for _, on := range g.On {
				if strings.Contains(on, "arn:") || strings.Contains(on, "AWS::Partition") {
					t.Errorf("%s: resource %s is not described", where, on)
				}
			}
			if (len(g.Conditions) > 0) != (len(g.OnlyIf) > 0) {
				t.Errorf("%s: conditions %v, descriptions %v", where, g.Conditions, g.OnlyIf)
			}
			for _, a := range g.Actions {
				if _, ok := actions.Find(a); !ok && len(actions.Matching(a)) == 0 {
					t.Errorf("%s: AWS has no action %s (regenerate internal/iampolicy/actions?)", where, a)
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
			a := explain.Find(c.query, set, some, all)
			if len(a.Granted) > 0 || a.Known() != c.known || (len(a.OtherChoices) > 0) != c.otherChoices {
				t.Errorf("granted %d, known %v, other choices %d", len(a.Granted), a.Known(), len(a.OtherChoices))
			}
		})
	}
	similar := explain.Find("ec2:DeleteSnapshoot", set, some, all).Similar
	if len(similar) == 0 || similar[0] != "ec2:DeleteSnapshot" {
		t.Errorf("similar: %v", similar)
	}
	not := explain.Find("ec2:Delete*", set, some, all).NotGranted
	if !slices.Contains(not, "ec2:DeleteVpc") || slices.Contains(not, "ec2:DeleteSnapshot") {
		t.Errorf("not granted: %v", not)
	}
}

func TestFindResource(t *testing.T) {
	set, some, all := grants(t, "clumio:s3")
	a := explain.Find("arn:aws:s3:::invoices", set, some, all)
	if len(a.Granted) == 0 {
		t.Error("no statement matches a bucket")
	}
	a = explain.Find("arn:aws:sqs:eu-central-1:123456789012:queue", set, some, all)
	if slices.ContainsFunc(a.Granted, func(g explain.Grant) bool { return !slices.Contains(g.Resources, "*") }) {
		t.Error("a statement with resources other than * matches a queue")
	}
}

func TestDescribeConditions(t *testing.T) {
	w := explain.Describer{Accounts: map[string]string{"444455556666": "the data-plane account"}}
	for _, c := range []struct{ operator, key, values, want string }{
		{"StringEquals", "aws:ResourceTag/Vendor", "Clumio", "the resource has the tag Vendor = Clumio"},
		{"StringLike", "ec2:ResourceTag/x", "*", "the resource has the tag x"},
		{"StringEquals", "aws:RequestTag/Vendor", "Clumio", "the request includes the tag Vendor = Clumio"},
		{"StringNotEquals", "aws:ResourceTag/a", "b", "the resource has no tag a = b"},
		{"StringEqualsIfExists", "aws:SourceAccount", "${AWS::AccountId}",
			"the account of the resource that makes the call, if present, is this account"},
		{"StringEquals", "s3:ResourceAccount", "444455556666", "the bucket's account is the data-plane account"},
		{"StringEquals", "iam:PassedToService", "ec2.amazonaws.com,rds.amazonaws.com",
			"the service that the role is passed to is one of ec2.amazonaws.com or rds.amazonaws.com"},
		{"Bool", "kms:GrantIsForAWSResource", "true", "an AWS service uses the grant on the caller's behalf"},
		{"Null", "aws:TagKeys", "true", "the key aws:TagKeys is not set"},
		{"ForAllValues:StringEquals", "aws:TagKeys", "a,b", "the request's tag keys are only a or b"},
		{"IpAddress", "aws:SourceIp", "10.0.0.0/8", "aws:SourceIp is in 10.0.0.0/8"},
		{"NumericLessThan", "s3:max-keys", "10", "s3:max-keys is less than 10"},
		{"StringNotLike", "aws:PrincipalArn", "a*", "the caller does not match a*"},
	} {
		t.Run(c.operator+" "+c.key, func(t *testing.T) {
			got := w.Conditions(iampolicy.Conditions{c.operator: {c.key: strings.Split(c.values, ",")}})
			if len(got) != 1 || got[0] != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDescribeResource(t *testing.T) {
	w := explain.Describer{Accounts: map[string]string{"444455556666": "Clumio's data-plane account"}}
	for _, c := range []struct{ pattern, want string }{
		{"*", "all resources"},
		{"arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*", "any EC2 snapshot"},
		{"arn:aws:s3:::*", "any S3 bucket"},
		{"arn:aws:s3:::*/*", "any S3 object"},
		{"arn:aws:kms:*:444455556666:key/*", "any KMS key in every Region in Clumio's data-plane account"},
		{"arn:aws:dynamodb:eu-west-1:123456789012:table/*/backup/*", "any DynamoDB table backup in account 123456789012"},
		{"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:document/Clumio*", "Systems Manager document Clumio*"},
		{"arn:${AWS::Partition}:rds:*:${AWS::AccountId}:og:*", "any RDS option group in every Region"},
		{"arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:Pub-${AWS::Region}-c-1", "SNS topic Pub-<Region>-c-1"},
		{"arn:aws:sns:us-east-1:123456789012:Topic", "SNS topic Topic in account 123456789012"},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			if got := w.Resource(c.pattern); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestRank checks that the order is that of the levels, the highest first.
func TestRank(t *testing.T) {
	_, _, all := grants(t, "clumio")
	all = slices.DeleteFunc(all, func(g explain.Grant) bool { return g.Policy == policies.GuardPolicy })
	ranked := explain.Rank(all)
	if len(ranked) != len(all) {
		t.Fatalf("%d of %d grants", len(ranked), len(all))
	}
	last := 0
	for _, g := range ranked {
		level := slices.Index(explain.Levels, g.Risk.Level)
		if level < last {
			t.Fatalf("%s follows a lower level", g.Sid)
		}
		last = level
		if g.Risk.Level == explain.High && slices.Contains(g.Risk.Limits, "conditions") {
			t.Errorf("%s is limited by conditions, and is high", g.Sid)
		}
	}
	if does := explain.Does("iam:PassRole"); does != "passes a role to a service" {
		t.Errorf("iam:PassRole %s", does)
	}
}
