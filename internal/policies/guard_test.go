package policies_test

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// TestGuard: with any other permissions, no vendor role may change a resource of the installation, and what vendors read
// of it is not denied.
func TestGuard(t *testing.T) {
	const (
		topic     = "arn:aws:sns:eu-central-1:111111111111:alerts"
		parameter = "arn:aws:ssm:eu-central-1:111111111111:parameter/permstack/state"
		function  = "arn:aws:lambda:eu-central-1:111111111111:function:drift"
		stack     = "arn:aws:cloudformation:eu-central-1:111111111111:stack/parent-access/1"
	)
	everything := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{
		{Effect: "Allow", Action: iampolicy.Values{"*"}, Resource: iampolicy.Values{"*"}},
	}}
	for _, path := range []string{"/permstack/", "/"} {
		for _, sel := range []policies.Selection{everythingSelection("clumio"), everythingSelection("cpm")} {
			env := choice.Example(sel, cpmEnvironment(here))
			env.Path, env.StackNames, env.Protected = path, []string{"parent-access"}, []string{topic, parameter, function}
			set := synthesize(t, sel, env)
			first := set.Roles[0]
			role := "arn:aws:iam::111111111111:role" + path + first.Name
			policy := "arn:aws:iam::111111111111:policy" + path + first.Managed[0].Name
			for _, r := range set.Roles {
				i := slices.IndexFunc(r.Inline, func(p policies.Policy) bool { return p.Entity == policies.GuardPolicy })
				if i < 0 {
					t.Errorf("%s has no guard", r.Entity)
					continue
				}
				documents := []iampolicy.Document{everything, r.Inline[i].Document}
				for _, c := range []struct {
					action, resource string
					want             eval.Decision
				}{
					{"cloudformation:DeleteStack", stack, eval.ExplicitDeny},
					{"cloudformation:UpdateStack", stack, eval.ExplicitDeny},
					{"sns:SetTopicAttributes", topic, eval.ExplicitDeny},
					{"sns:Subscribe", topic, eval.ExplicitDeny},
					{"ssm:PutParameter", parameter, eval.ExplicitDeny},
					{"ssm:DeleteParameter", parameter, eval.ExplicitDeny},
					{"lambda:UpdateFunctionCode", function, eval.ExplicitDeny},
					{"iam:PutRolePolicy", role, eval.ExplicitDeny},
					{"iam:DeleteRolePolicy", role, eval.ExplicitDeny},
					{"iam:UpdateAssumeRolePolicy", role, eval.ExplicitDeny},
					{"iam:CreatePolicyVersion", policy, eval.ExplicitDeny},
					{"iam:GetRole", role, eval.Allow},
					{"iam:PassRole", role, eval.Allow},
					{"sts:AssumeRole", role, eval.Allow},
					{"iam:SimulatePrincipalPolicy", role, eval.Allow},
					{"cloudformation:DescribeStacks", stack, eval.Allow},
					{"cloudformation:DeleteStack", "arn:aws:cloudformation:eu-central-1:111111111111:stack/network/1", eval.Allow},
					{"ssm:PutParameter", "arn:aws:ssm:eu-central-1:111111111111:parameter/hana", eval.Allow},
				} {
					got := eval.Documents(documents, eval.Request{Action: c.action, Resource: c.resource})
					if got != c.want {
						t.Errorf("%s with path %s: %s on %s: got %v, want %v", r.Entity, path, c.action, c.resource, got, c.want)
					}
				}
			}
		}
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

// TestProtectedIsChecked: a protected resource is the ARN of one resource.
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

// TestGuardNeedsProtected: a set without an installation has no guard.
func TestGuardNeedsProtected(t *testing.T) {
	for _, r := range synthesize(t, cpmSelection("ec2:backup"), cpmEnvironment(here)).Roles {
		for _, p := range r.Inline {
			if p.Entity == policies.GuardPolicy {
				t.Errorf("%s has a guard", r.Entity)
			}
		}
	}
}
