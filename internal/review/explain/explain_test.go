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
