package policies_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
)

type awsAction struct {
	Keys      []string
	Resources map[string][]string
}

// statementsOf lists every statement of every profile under its place.
func eachStatement(f func(where string, actions, resources []string, conditions map[string]map[string][]string)) {
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, r := range p.Roles {
			for _, policy := range r.Policies {
				for _, s := range policy.Statements {
					f(policy.Entity+"/"+s.Sid, s.Actions, s.Resources, s.When)
				}
			}
		}
	}
}

// TestScopeAgainstAWS holds every statement against AWS's own list: the action
// exists; "*" stands only where the action takes no ARN; every ARN is of a type
// that an action of the statement takes, and every action gets one; every
// condition key is one that AWS knows for the action.
func TestScopeAgainstAWS(t *testing.T) {
	var aws map[string]awsAction
	readJSON(t, "aws-actions.json", &aws)
	eachStatement(func(where string, actions, resources []string, conditions map[string]map[string][]string) {
		used := map[string]bool{}
		for _, name := range actions {
			a, ok := aws[name]
			if !ok {
				t.Errorf("%s: %s is not in the fixture; make it anew (internal/tools/awsactions)", where, name)
				continue
			}
			if slices.Contains(resources, "*") {
				if len(a.Resources) > 0 {
					t.Errorf("%s: %s takes ARNs, yet has a wildcard", where, name)
				}
				continue
			}
			if len(a.Resources) == 0 {
				t.Errorf("%s: %s takes no ARN; it is never granted this way", where, name)
			}
			if !matchTypes(a, resources, used) {
				t.Errorf("%s: %s takes none of %v", where, name, resources)
			}
			for _, keys := range conditions {
				for key := range keys {
					if !knownKey(a, key) {
						t.Errorf("%s: AWS does not send %s with %s: the condition never holds", where, key, name)
					}
				}
			}
		}
		for _, r := range resources {
			if r != "*" && !used[r] {
				t.Errorf("%s: no action takes %s", where, r)
			}
		}
	})
}

// matchTypes notes which resources fit a type of the action.
func matchTypes(a awsAction, resources []string, used map[string]bool) bool {
	any := false
	for _, r := range resources {
		for pattern := range a.Resources {
			if overlap(wild(shape(r)), wild(pattern)) {
				used[r], any = true, true
			}
		}
	}
	return any
}

// shape gives the ARN of what a reference stands for.
func shape(resource string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ":")
	if shape, ok := map[string]string{
		"roles":    "arn:${Partition}:iam::${Account}:role/x",
		"policies": "arn:${Partition}:iam::${Account}:policy/x",
		"topics":   "arn:${Partition}:sns:${Region}:${Account}:x",
		"rules":    "arn:${Partition}:events:${Region}:${Account}:rule/x",
		"stacks}":  "arn:${Partition}:cloudformation:${Region}:${Account}:stack/x/x",
	}[kind]; ok {
		return shape
	}
	return resource
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

func wild(s string) string { return variable.ReplaceAllString(s, "*") }

// overlap reports whether a text exists that both patterns match.
func overlap(a, b string) bool {
	switch {
	case a == "" && b == "":
		return true
	case a != "" && a[0] == '*':
		return overlap(a[1:], b) || b != "" && overlap(a, b[1:])
	case b != "" && b[0] == '*':
		return overlap(b, a)
	case a == "" || b == "":
		return false
	}
	return a[0] == b[0] && overlap(a[1:], b[1:])
}

func knownKey(a awsAction, key string) bool {
	// Of the global keys, the ones with tags are not sent with every action.
	if strings.HasPrefix(key, "aws:") && !strings.Contains(key, "Tag") {
		return true
	}
	prefix, _, hasName := strings.Cut(key, "/")
	if hasName {
		key = prefix + "/${TagKey}"
	}
	known := slices.Clone(a.Keys)
	for _, keys := range a.Resources {
		known = append(known, keys...)
	}
	return slices.Contains(known, key)
}

// TestARNsAreOfThisPlace: partition and account always, the Region unless the
// statement's reason says that it crosses Regions.
func TestARNsAreOfThisPlace(t *testing.T) {
	crossing := regexp.MustCompile(`Region|Convert|Clumio's data-plane account|that Clumio take|that Clumio took`)
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, r := range p.Roles {
			for _, policy := range r.Policies {
				for _, s := range policy.Statements {
					for _, res := range s.Resources {
						f := strings.SplitN(res, ":", 6)
						if f[0] != "arn" {
							continue
						}
						where := policy.Entity + "/" + s.Sid + " " + res
						if f[1] != "${Partition}" {
							t.Errorf("%s: the partition is left open", where)
						}
						if f[3] == "*" && !crossing.MatchString(s.Why) {
							t.Errorf("%s: every Region, and the reason does not say why", where)
						}
						if strings.Contains(f[4], "*") {
							t.Errorf("%s: every account", where)
						}
						// IAM's documentation: no wildcard in the part that says the type.
						kind := f[5][:max(0, strings.IndexAny(f[5], ":/"))]
						if f[2] != "s3" && strings.Contains(kind, "*") {
							t.Errorf("%s: a wildcard in the type", where)
						}
						if f[4] == "${OtherAccount}" && !regexp.MustCompile(`(an)?other account`).MatchString(s.Why) {
							t.Errorf("%s: other accounts, and the reason does not say why", where)
						}
						if f[2] == "s3" && !slices.ContainsFunc(slices.Collect(keysOf(s.When)), func(k string) bool { return k == "s3:ResourceAccount" }) {
							t.Errorf("%s: a bucket's ARN has no account, s3:ResourceAccount must bound it", where)
						}
					}
				}
			}
		}
	}
}

func keysOf(conditions map[string]map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, keys := range conditions {
			for k := range keys {
				if !yield(k) {
					return
				}
			}
		}
	}
}

// TestConditionsArePositive: a negated operator holds where its key is absent.
// ForAllValues does too; it is right only for keys that AWS always sends.
func TestConditionsArePositive(t *testing.T) {
	eachStatement(func(where string, actions, _ []string, conditions map[string]map[string][]string) {
		for operator, keys := range conditions {
			for key := range keys {
				if strings.Contains(operator, "Not") || strings.Contains(operator, "IfExists") || operator == "Null" ||
					strings.HasPrefix(operator, "ForAllValues") && key != "events:TargetArn" {
					t.Errorf("%s: %s %s holds where the key is absent", where, operator, key)
				}
			}
		}
		if slices.Contains(actions, "iam:PassRole") && conditions["StringEquals"]["iam:PassedToService"] == nil {
			t.Errorf("%s: iam:PassRole to any service", where)
		}
		if slices.Contains(actions, "kms:CreateGrant") && conditions["Bool"]["kms:GrantIsForAWSResource"] == nil {
			t.Errorf("%s: kms:CreateGrant to anyone", where)
		}
	})
}
