package policies_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// TestGuard checks that whatever the other policies of a role allow, no vendor role may change a
// resource of the installation, even if every condition is met. What vendors read of it is not
// denied.
func TestGuard(t *testing.T) {
	const arn = "arn:aws:%s:eu-central-1:111111111111:%s"
	stack := fmt.Sprintf(arn, "cloudformation", "stack/parent-access/1")
	parameter := fmt.Sprintf(arn, "ssm", "parameter/CFN-State-1")
	topic := fmt.Sprintf(arn, "sns", "parent-AlertTopic-1")
	protected := []string{
		fmt.Sprintf(arn, "cloudformation", "stack/parent/1"), topic, parameter,
		"arn:aws:iam::111111111111:role/permstack/installer/*", fmt.Sprintf(arn, "lambda", "function:parent-Drift-1"),
		fmt.Sprintf(arn, "sqs", "parent-DriftFailures-1"), fmt.Sprintf(arn, "events", "rule/permstack-1"),
		fmt.Sprintf(arn, "cloudwatch", "alarm:parent-DriftCheckMissing-1"),
		fmt.Sprintf(arn, "logs", "log-group:parent-ProvisionerLogGroup-1*"),
	}
	want := map[string][]string{ // what the guard denies is allowed without it
		"clumio": nil, // its own policies name resources of other names
		"cpm": {
			"cloudformation:DeleteStack", "sns:Publish", "sns:SetTopicAttributes", "sns:Subscribe", "ssm:DeleteParameter",
			"ssm:PutParameter",
		},
	}
	for _, path := range []string{"/permstack/", "/"} {
		for _, profile := range []string{"clumio", "cpm"} {
			t.Run(profile+" "+path, func(t *testing.T) {
				sel := everythingSelection(profile)
				env := choice.Example(sel, cpmEnvironment(here))
				env.Path, env.StackNames, env.Protected = path, []string{"parent-access"}, protected
				set := synthesize(t, sel, env)
				resources := append([]string{stack}, protected...)
				for _, r := range set.Roles {
					resources = append(resources, "arn:aws:iam::111111111111:role"+path+r.Name)
					for _, p := range r.Managed {
						resources = append(resources, "arn:aws:iam::111111111111:policy"+path+p.Name)
					}
				}
				denied := map[string]bool{}
				for _, r := range set.Roles {
					for _, resource := range resources {
						for _, a := range deniedByGuard(t, r, strings.ReplaceAll(resource, "*", "x")) {
							denied[a] = true
						}
					}
				}
				for _, a := range want[profile] {
					if !denied[a] {
						t.Errorf("%s: the guard does not deny it; it denies %q", a, slices.Sorted(maps.Keys(denied)))
					}
				}
			})
		}
	}
}

// deniedByGuard requires that a role may change nothing of a resource, and returns the actions that it may use without
// its guard.
func deniedByGuard(t *testing.T, r policies.Role, resource string) (denied []string) {
	t.Helper()
	var others, guard []iampolicy.Document
	for _, p := range slices.Concat(r.Managed, r.Inline) {
		if p.Entity == policies.GuardPolicy {
			guard = append(guard, p.Document)
		} else {
			others = append(others, withoutConditions(p.Document))
		}
	}
	service := strings.Split(resource, ":")[2]
	for _, a := range actions.Matching(service + ":*") {
		request := eval.Request{Action: a.Name, Resource: resource}
		if eval.Documents(others, request) != eval.Allow {
			continue
		}
		_, name, _ := strings.Cut(a.Name, ":")
		reads := regexp.MustCompile("^(BatchGet|Describe|Detect|Get|List|Simulate|Validate)|^PassRole$").MatchString(name)
		got := eval.Documents(slices.Concat(others, guard), request)
		switch inStacks := slices.Contains([]string{"cloudformation", "events", "iam", "sns"}, service); {
		case reads && inStacks && got != eval.Allow:
			t.Errorf("%s: %s on %s: got %v, want it allowed", r.Entity, a.Name, resource, got)
		case !reads && got != eval.ExplicitDeny:
			t.Errorf("%s: %s on %s: got %v, want an explicit deny", r.Entity, a.Name, resource, got)
		case !reads:
			denied = append(denied, a.Name)
		}
	}
	return denied
}

// withoutConditions returns a document with the Allow statements of another as if every condition were met.
func withoutConditions(d iampolicy.Document) iampolicy.Document {
	d.Statement = slices.Clone(d.Statement)
	for i := range d.Statement {
		if d.Statement[i].Effect == "Allow" {
			d.Statement[i].Condition = nil
		}
	}
	return d
}

// TestGuardOfRolesThatNeedIt checks that a role whose policies allow nothing on the installation's
// resources has no guard.
func TestGuardOfRolesThatNeedIt(t *testing.T) {
	sel := everythingSelection("clumio")
	env := choice.Example(sel, cpmEnvironment(here))
	env.Protected = []string{"arn:aws:sns:eu-central-1:111111111111:alerts"}
	var got []string
	for _, r := range synthesize(t, sel, env).Roles {
		for _, p := range r.Inline {
			if p.Entity == policies.GuardPolicy {
				got = append(got, r.Entity)
			}
		}
	}
	if want := []string{"ClumioIAMRole"}; !slices.Equal(got, want) {
		t.Errorf("roles with a guard: got %q, want %q", got, want)
	}
}

func everythingSelection(profile string) policies.Selection {
	p, _ := policies.Profile(profile)
	sel := policies.Selection{Profile: profile, Operations: p.Operations}
	for _, a := range p.Assets {
		sel.Assets = append(sel.Assets, a.Asset)
	}
	for _, o := range p.Options {
		sel.Options = append(sel.Options, o.Option)
	}
	return sel
}

// TestProtectedIsChecked checks that a protected resource must be the ARN of one resource.
func TestProtectedIsChecked(t *testing.T) {
	for _, arn := range []string{"", "*", "alerts", "arn:aws:sns:eu-central-1:111111111111:*"} {
		t.Run(arn, func(t *testing.T) {
			env := cpmEnvironment(here)
			env.Protected = []string{arn}
			if _, err := policies.Synthesize(cpmSelection("ec2:backup"), env); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// TestGuardNeedsProtected checks that a set without an installation has no guard.
func TestGuardNeedsProtected(t *testing.T) {
	for _, r := range synthesize(t, cpmSelection("ec2:backup"), cpmEnvironment(here)).Roles {
		for _, p := range r.Inline {
			if p.Entity == policies.GuardPolicy {
				t.Errorf("%s has a guard", r.Entity)
			}
		}
	}
}
