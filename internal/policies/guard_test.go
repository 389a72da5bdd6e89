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
	"permstack/internal/policies/schema"
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

// TestGuardOfReachedResources checks that a resource that is protected beside the set is in the
// guard of the roles whose policies reach it.
func TestGuardOfReachedResources(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:111111111111:alerts"
	sel := everythingSelection("cpm")
	env := choice.Example(sel, cpmEnvironment(here))
	env.Protected = []string{topic}
	var got []string
	for _, r := range synthesize(t, sel, env).Roles {
		for _, p := range r.Inline {
			if p.Entity == policies.GuardPolicy && slices.Contains(p.Document.Statement[0].Resource, topic) {
				got = append(got, r.Entity)
			}
		}
	}
	if want := []string{"CPMRole"}; !slices.Equal(got, want) {
		t.Errorf("roles whose guard has %s: got %q, want %q", topic, got, want)
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

// TestVendorRoleHasAGuard checks that the role that the vendor assumes has a guard of the roles, policies,
// instance profiles and stacks of the set, also if another policy with all permissions is attached to it.
func TestVendorRoleHasAGuard(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		for _, path := range []string{"/permstack/", "/"} {
			t.Run(name+" "+path, func(t *testing.T) {
				sel := everythingSelection(name)
				env := choice.Example(sel, cpmEnvironment(here))
				env.Path, env.StackNames = path, []string{"parent-access"}
				set := synthesize(t, sel, env)
				resources := map[string]string{}
				for _, r := range set.Roles {
					resources["arn:aws:iam::111111111111:role"+r.Path+r.Name] = "iam:PutRolePolicy"
					for _, p := range r.Managed {
						resources["arn:aws:iam::111111111111:policy"+p.Path+p.Name] = "iam:CreatePolicyVersion"
					}
					if r.InstanceProfile != "" {
						profile := "arn:aws:iam::111111111111:instance-profile" + r.Path + r.InstanceProfile
						resources[profile] = "iam:AddRoleToInstanceProfile"
					}
				}
				everything := iampolicy.Document{Statement: []iampolicy.Statement{{
					Effect: "Allow", Action: iampolicy.Values{"*"}, Resource: iampolicy.Values{"*"},
				}}}
				resources["arn:aws:cloudformation:eu-central-1:111111111111:stack/parent-access/1"] = "cloudformation:DeleteStack"
				for _, r := range set.Roles[:1] {
					guard := iampolicy.Document{Statement: []iampolicy.Statement{guardStatement(t, r)}}
					documents := []iampolicy.Document{everything, guard}
					for resource, action := range resources {
						request := eval.Request{Action: action, Resource: resource}
						if got := eval.Documents(documents, request); got != eval.ExplicitDeny {
							t.Errorf("%s: %s on %s: got %v, want an explicit deny", r.Entity, action, resource, got)
						}
					}
				}
			})
		}
	}
}

// TestGuardOfThePathOfRestores checks that the guard does not deny the roles that restores create if
// they have the path of the set.
func TestGuardOfThePathOfRestores(t *testing.T) {
	sel := everythingSelection("clumio")
	env := choice.Example(sel, cpmEnvironment(here))
	env.Path = "/clumio/"
	set := synthesize(t, sel, env)
	var documents []iampolicy.Document
	for _, p := range slices.Concat(set.Roles[0].Managed, set.Roles[0].Inline) {
		documents = append(documents, p.Document)
	}
	request := eval.Request{
		Action: "iam:DeleteRole", Resource: "arn:aws:iam::111111111111:role/clumio/Clumio-DynamoDB-SecureVault-Restore-T1",
	}
	if got := eval.Documents(documents, request); got != eval.Allow {
		t.Errorf("%s: got %v, want it allowed", request.Action, got)
	}
	request.Resource = "arn:aws:iam::111111111111:role" + set.Roles[0].Path + set.Roles[0].Name
	if got := eval.Documents(documents, request); got == eval.Allow {
		t.Errorf("%s of the own role is allowed", request.Action)
	}
}

// guardStatement returns the one statement of a role's guard.
func guardStatement(t *testing.T, r policies.Role) iampolicy.Statement {
	t.Helper()
	i := slices.IndexFunc(r.Inline, func(p policies.Policy) bool { return p.Entity == policies.GuardPolicy })
	if i < 0 {
		t.Fatalf("%s has no guard", r.Entity)
	}
	return r.Inline[i].Document.Statement[0]
}

// TestGuardOfUnreachedResources checks that the guard has no more than its role may change: a role that only reads, or
// changes resources of other services, has none of further resources.
func TestGuardOfUnreachedResources(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:111111111111:alerts"
	for _, tt := range []struct {
		action  string
		reaches bool
	}{
		{"sns:GetTopicAttributes", false}, {"ec2:DeleteVolume", false}, {"ssm:SendCommand", false}, {"sns:ListTopics", false},
		{"sns:DeleteTopic", true}, {"sns:*", true}, {"*", true},
	} {
		t.Run(tt.action, func(t *testing.T) {
			profile := fillerProfile("*", "", 10)
			profile.Roles[0].Policies[0].Statements[1].Actions = []string{tt.action}
			env := environment(here)
			env.Protected, env.Path, env.InstallationID = []string{topic}, "/", "1a2b3c4d"
			sel := policies.Selection{Assets: []schema.Asset{"s3"}}
			set, err := policies.SynthesizeProfile(profile, sel, env)
			if err != nil {
				t.Fatal(err)
			}
			resources := guardStatement(t, set.Roles[0]).Resource
			if got := slices.Contains(resources, topic); got != tt.reaches {
				t.Errorf("the guard has %s: got %v, want %v", topic, got, tt.reaches)
			}
			for _, r := range resources {
				if !tt.reaches && strings.Contains(r, "permstack") || strings.Contains(r, ":instance-profile/") {
					t.Errorf("the guard has %s", r)
				}
			}
		})
	}
}

// TestWithoutUnnamedStack checks that only the guards lose the stack without a name, in a copy.
func TestWithoutUnnamedStack(t *testing.T) {
	env := environment(here)
	env.StackNames = nil
	set := synthesize(t, everything(), env)
	other := policies.Policy{Entity: "Other", Document: iampolicy.Document{Statement: []iampolicy.Statement{{
		Resource: iampolicy.Values{"${AWS::StackName}"},
	}}}}
	set.Roles[0].Inline = append([]policies.Policy{other}, set.Roles[0].Inline...)
	unnamed := func(s policies.Set, entity string) (count int) {
		for _, r := range s.Roles {
			for _, p := range r.Inline {
				resources := strings.Join(p.Document.Statement[0].Resource, " ")
				if p.Entity == entity && strings.Contains(resources, "${AWS::StackName}") {
					count++
				}
			}
		}
		return count
	}
	without := set.WithoutUnnamedStack()
	if got := unnamed(without, policies.GuardPolicy); got > 0 || unnamed(set, policies.GuardPolicy) == 0 {
		t.Errorf("%d guards have the stack, and %d did before", got, unnamed(set, policies.GuardPolicy))
	}
	if unnamed(without, "Other") != 1 {
		t.Error("another policy was changed")
	}
}

// TestRolePath checks the IAM path of roles: it names the Region and the connection, unless they are created by hand.
func TestRolePath(t *testing.T) {
	for _, tt := range []struct {
		env  policies.Environment
		want string
	}{
		{policies.Environment{}, "/permstack/${AWS::Region}/main/"},
		{policies.Environment{Path: "/", Region: here}, "/"},
		{policies.Environment{Path: "/", Region: here, InstallationID: "1a2b3c4d"}, "/eu-central-1/main/"},
		{policies.Environment{Path: "/a/", Region: here, ConnectionID: "c"}, "/a/eu-central-1/c/"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			if got := tt.env.RolePath(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestGuardOfOtherProfiles checks that the guard of a role that may delete topics and rules protects those of every
// other profile, by the beginnings of their names.
func TestGuardOfOtherProfiles(t *testing.T) {
	profile := fillerProfile("*", "", 10)
	profile.Name = "aws-backup" // the first one
	profile.Roles[0].Policies[0].Statements[1].Actions = []string{"sns:DeleteTopic", "events:DeleteRule"}
	set, err := policies.SynthesizeProfile(profile, policies.Selection{Assets: []schema.Asset{"s3"}}, environment(here))
	if err != nil {
		t.Fatal(err)
	}
	resources := guardStatement(t, set.Roles[0]).Resource
	clumio, _ := policies.Profile("clumio")
	for _, want := range []string{
		"arn:aws:sns:*:111111111111:" + clumio.Topics[0].Entity + "-*", "arn:aws:events:*:111111111111:rule/Clumio*",
		"arn:aws:sns:*:111111111111:permstack-*", "arn:aws:events:*:111111111111:rule/permstack-*",
	} {
		if !slices.Contains(resources, want) {
			t.Errorf("the guard has no %s: %q", want, resources)
		}
	}
}
