package permissionstack_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// checkPolicies evaluates a template as CloudFormation does and compares its policies with those of the set.
func checkPolicies(
	t *testing.T, name string, set policies.Set, s permissionstack.Stack, env policies.Environment,
) {
	t.Helper()
	template, err := cfntemplate.Parse(s.Template.JSON())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	resolved, err := template.ResolveParameters(cfntemplate.Environment{
		Deployed:   true,
		Parameters: map[string]string{permissionstack.ExternalIDParameter: env.ExternalID},
		Pseudo: cfntemplate.Pseudo{AccountID: env.Account, Region: env.Region, Partition: env.Partition,
			StackName: "stack", StackID: "arn:" + env.Partition + ":cloudformation:" + env.Region + ":1:stack/stack/1"},
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want := map[string]bool{} // several roles have an inline policy of the same name
	for _, r := range set.Roles {
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			want[p.Name+documentText(t, p.Document)] = true
		}
	}
	for _, r := range resolved.Active() {
		raw, err := resolved.Properties(r.LogicalID, logicalIDs{})
		if err != nil {
			t.Fatalf("%s: %s: %v", name, r.LogicalID, err)
		}
		type policy struct {
			ManagedPolicyName, PolicyName string
			PolicyDocument                iampolicy.Document
		}
		var properties struct {
			policy
			Policies []policy
		}
		data, err := json.Marshal(raw)
		if err == nil && strings.HasPrefix(r.Type, "AWS::IAM::") {
			err = json.Unmarshal(data, &properties)
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", name, r.LogicalID, err)
		}
		list := properties.Policies
		if r.Type == "AWS::IAM::ManagedPolicy" {
			list = append(list, properties.policy)
		}
		for _, p := range list {
			if got := p.ManagedPolicyName + p.PolicyName + documentText(t, p.PolicyDocument); !want[got] {
				t.Errorf("%s: got policy %s, which the set does not have", name, got)
			}
		}
	}
}

// documentText returns a document of the stack "stack" with its resources sorted: a compact list has another order.
func documentText(t *testing.T, d iampolicy.Document) string {
	t.Helper()
	d.Statement = slices.Clone(d.Statement)
	for i := range d.Statement {
		var resources iampolicy.Values
		for _, r := range d.Statement[i].Resource {
			resources = append(resources, strings.ReplaceAll(r, "${AWS::StackName}", "stack"))
		}
		slices.Sort(resources)
		d.Statement[i].Resource = resources
	}
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type logicalIDs struct{}

func (logicalIDs) Ref(id string) (any, error)       { return id, nil }
func (logicalIDs) GetAtt(id, _ string) (any, error) { return id, nil }

// TestTooManyAccounts requires that the error says how many accounts fit.
func TestTooManyAccounts(t *testing.T) {
	for _, name := range []string{"clumio", "cpm"} {
		t.Run(name, func(t *testing.T) {
			profile, _ := policies.Profile(name)
			sel := everyChoice(profile)[0]
			long := environment("aws-us-gov", "us-gov-west-1")
			env := choice.Example(sel, policies.Environment{
				Partition: long.Partition, Region: long.Region, Account: long.Account, ConnectionID: long.ConnectionID,
				PermissionsBoundaryARN: long.PermissionsBoundaryARN, Path: long.Path, Organization: true,
				OtherAccounts: otherAccounts(60),
			})
			env.InstallationID, env.Protected = "7b0c9a52", protected(env)
			build := func() error {
				set, err := policies.Synthesize(sel, env)
				if err == nil {
					_, err = permissionstack.Stacks(set)
				}
				return err
			}
			err := permissionstack.WithFittingAccounts(build(), sel, env)
			if err == nil {
				t.Fatal("60 accounts fit, want an error")
			}
			fit := 0
			for n := range 60 {
				if strings.HasSuffix(err.Error(), "; of 60 accounts in OtherAccountIds, "+strconv.Itoa(n)+" fit") {
					fit = n
				}
			}
			if fit < 10 {
				t.Fatalf("got %q, want the number of accounts that fit, at least 10", err)
			}
			for _, n := range []int{fit, fit + 1} {
				env.OtherAccounts = otherAccounts(n)
				if err := build(); (err == nil) != (n == fit) {
					t.Errorf("%d accounts: %v, want an error beyond %d", n, err, fit)
				}
			}
		})
	}
	other := errors.New("other")
	if err := permissionstack.WithFittingAccounts(other, policies.Selection{}, policies.Environment{}); err != other {
		t.Errorf("got %v, want another error unchanged", err)
	}
}
