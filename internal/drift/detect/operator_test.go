package detect

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// unitUpdates records updates of stacks.
type unitUpdates struct {
	errs   []error // of one call after the other
	inputs []*cloudformation.UpdateStackInput
}

func (c *unitUpdates) UpdateStack(
	_ context.Context, in *cloudformation.UpdateStackInput, _ ...func(*cloudformation.Options),
) (*cloudformation.UpdateStackOutput, error) {
	c.inputs = append(c.inputs, in)
	if len(c.errs) < len(c.inputs) {
		return nil, nil
	}
	return nil, c.errs[len(c.inputs)-1]
}

// unitDeletion records what is removed from roles.
type unitDeletion struct {
	unitIAM
	calls []string
}

func (c *unitDeletion) do(call string, names ...string) error {
	c.calls = append(c.calls, call+" "+strings.Join(names, " "))
	return c.err[call]
}

func (c *unitDeletion) DetachRolePolicy(
	_ context.Context, in *iam.DetachRolePolicyInput, _ ...func(*iam.Options),
) (*iam.DetachRolePolicyOutput, error) {
	return nil, c.do("DetachRolePolicy", *in.RoleName, *in.PolicyArn)
}

func (c *unitDeletion) DeleteRolePolicy(
	_ context.Context, in *iam.DeleteRolePolicyInput, _ ...func(*iam.Options),
) (*iam.DeleteRolePolicyOutput, error) {
	return nil, c.do("DeleteRolePolicy", *in.RoleName, *in.PolicyName)
}

func (c *unitDeletion) RemoveRoleFromInstanceProfile(
	_ context.Context, in *iam.RemoveRoleFromInstanceProfileInput, _ ...func(*iam.Options),
) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return nil, c.do("RemoveRoleFromInstanceProfile", *in.RoleName, *in.InstanceProfileName)
}

func (c *unitDeletion) DeleteRole(
	_ context.Context, in *iam.DeleteRoleInput, _ ...func(*iam.Options),
) (*iam.DeleteRoleOutput, error) {
	return nil, c.do("DeleteRole", *in.RoleName)
}

// TestDeleteRole checks that a role is deleted after what IAM requires to be removed, and not after an error.
func TestDeleteRole(t *testing.T) {
	all := []string{"DetachRolePolicy r a1", "DetachRolePolicy r a2", "DeleteRolePolicy r i",
		"RemoveRoleFromInstanceProfile r p",
		"DeleteRole r"}
	for _, tc := range []struct {
		name  string
		err   map[string]error
		calls []string
		want  bool // no error
	}{
		{"role", nil, all, true},
		{"missing", map[string]error{"ListAttachedRolePolicies": errMissing}, nil, true},
		{"attached policies denied", map[string]error{"ListAttachedRolePolicies": errDenied}, nil, false},
		{"detached meanwhile", map[string]error{"DetachRolePolicy": errMissing}, all, true},
		{"not detached", map[string]error{"DetachRolePolicy": errDenied}, all[:1], false},
		{"inline policies denied", map[string]error{"ListRolePolicies": errDenied}, all[:2], false},
		{"deleted meanwhile", map[string]error{"DeleteRolePolicy": errMissing}, all, true},
		{"inline policy not deleted", map[string]error{"DeleteRolePolicy": errDenied}, all[:3], false},
		{"profiles denied", map[string]error{"ListInstanceProfilesForRole": errDenied}, all[:3], false},
		{"removed meanwhile", map[string]error{"RemoveRoleFromInstanceProfile": errMissing}, all, true},
		{"not removed", map[string]error{"RemoveRoleFromInstanceProfile": errDenied}, all[:4], false},
		{"role deleted meanwhile", map[string]error{"DeleteRole": errMissing}, all, true},
		{"role not deleted", map[string]error{"DeleteRole": errDenied}, all, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitDeletion{unitIAM: unitIAM{
				err: tc.err, attached: []string{"a1", "a2"}, inline: map[string]string{"i": "{}"}, profiles: []string{"p"},
			}}
			err := DeleteRole(t.Context(), api, "r")
			if (err == nil) != tc.want || !slices.Equal(api.calls, tc.calls) {
				t.Errorf("got %v after %q", err, api.calls)
			}
		})
	}
}

// TestOperatorReverts checks which findings a person's rights revert.
func TestOperatorReverts(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    finding.Finding
		want bool
	}{
		{"code", finding.Finding{LogicalID: "F", Kind: finding.FunctionCodeChanged}, true},
		{"added role", finding.Finding{Kind: finding.RoleAdded, Type: typeRole}, true},
		{"stack", finding.Finding{Kind: finding.StackHeld, Type: stackType}, true},
		{"resource of the type", finding.Finding{LogicalID: "S", Kind: finding.PropertyChanged, Type: stackType}, false},
		{"another resource", finding.Finding{LogicalID: "R", Kind: finding.TrustChanged, Type: typeRole}, false},
		{"finding without a resource", finding.Finding{Kind: finding.TrustChanged, Type: typeRole}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := unitReverter(Clients{Operator: &Operator{}}, unitStack("backup"))
			if got := v.isOperatorRevert(tc.f); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if v.clients.Operator = nil; v.isOperatorRevert(tc.f) {
				t.Error("the drift function reverts it, too")
			}
		})
	}
}

// TestDeleteReplaced checks which roles are deleted so that the change set creates them again.
func TestDeleteReplaced(t *testing.T) {
	of := func(id string, f finding.Finding) finding.Finding {
		f.ID, f.Stack, f.Type = id, "access", typeRole
		if f.LogicalID == "" {
			f.LogicalID, f.PhysicalID = "Role", "role"
		}
		return f
	}
	identity := of("1", finding.Finding{Kind: finding.RoleIdentityChanged})
	other := identity
	other.Type = "AWS::IAM::User"
	for _, tc := range []struct {
		name string
		list []finding.Finding
		err  error
		want string // calls
	}{
		{"another identity", []finding.Finding{identity}, nil, "DeleteRole role"},
		{"another path", []finding.Finding{of("1", finding.Finding{Kind: finding.PropertyChanged,
			Reason: finding.RoleRecreated})}, nil, "DeleteRole role"},
		{"another property", []finding.Finding{of("1", finding.Finding{Kind: finding.PropertyChanged})}, nil, ""},
		{"another type", []finding.Finding{other}, nil, ""},
		{"role of no stack", []finding.Finding{of("1", finding.Finding{Kind: finding.RoleIdentityChanged, LogicalID: "X"})},
			nil, ""},
		{"role that is not evaluated", []finding.Finding{of("1", finding.Finding{Kind: finding.RoleIdentityChanged,
			LogicalID: "Unknown", PhysicalID: "u"})}, nil, ""},
		{"after others", []finding.Finding{of("2", finding.Finding{Kind: finding.TagsChanged}),
			of("3", finding.Finding{Kind: finding.RoleIdentityChanged, LogicalID: "X"}), identity}, nil, "DeleteRole role"},
		{"denied", []finding.Finding{identity}, errDenied, "DeleteRole role"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			access := unitStack("access")
			access.add(typeRole, "Role", "role", `{}`)
			access.add(typeRole, "Unknown", "u", "")
			api := &unitDeletion{unitIAM: unitIAM{err: map[string]error{"DeleteRole": tc.err}}}
			v := unitReverter(Clients{Operator: &Operator{IAM: api}}, unitStack("backup"), access)
			v.deleteReplaced(t.Context(), finding.Report{Findings: tc.list})
			if strings.Join(api.calls, ",") != tc.want || (v.outcomes["1"].err != nil) != (tc.err != nil) {
				t.Errorf("got %+v after %q", v.outcomes, api.calls)
			}
		})
	}
}

// unitQueues records attributes of queues.
type unitQueues struct {
	err     error
	written []string
}

func (c *unitQueues) SetQueueAttributes(
	_ context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options),
) (*sqs.SetQueueAttributesOutput, error) {
	c.written = append(c.written, *in.QueueUrl+" "+in.Attributes["Policy"])
	return nil, c.err
}

// TestByOperator checks how each finding is reverted with the rights of a person.
func TestByOperator(t *testing.T) {
	ofStack := func(stack string, f finding.Finding) finding.Finding {
		f.ID, f.Stack, f.Type = "1", stack, stackType
		return f
	}
	queue := finding.Finding{ID: "1", Stack: "backup", LogicalID: "Queue", PhysicalID: "q", Type: "AWS::SQS::Queue",
		Kind: finding.QueuePolicyChanged}
	otherQueue := queue
	otherQueue.PhysicalID = "other"
	unknownQueue := queue
	unknownQueue.LogicalID, unknownQueue.PhysicalID = "Unknown", "u"
	for _, tc := range []struct {
		name    string
		f       finding.Finding
		before  finding.Outcome
		err     error // of the deletion and of the update
		want    finding.Outcome
		updates int
		calls   string
	}{
		{"added role", finding.Finding{ID: "1", Kind: finding.RoleAdded, PhysicalID: "arn:aws:iam::1:role/p/x"}, "", nil,
			finding.RoleDeleted, 0, "DeleteRole x"},
		{"added role, denied", finding.Finding{ID: "1", Kind: finding.RoleAdded, PhysicalID: "arn:aws:iam::1:role/x"}, "",
			errDenied, finding.CallFailed, 0, "DeleteRole x"},
		{"queue", queue, "", nil, finding.SettingRestored, 0, ""}, {"queue of no stack", otherQueue, "", nil,
			finding.NotInStack, 0, ""},
		{"queue that is not evaluated", unknownQueue, "", nil, finding.NotInStack, 0, ""},
		{"resource", finding.Finding{ID: "1", LogicalID: "R", Type: typeRole, Kind: finding.TrustChanged}, "", nil, "", 0,
			""},
		{"resource that is a stack", finding.Finding{ID: "1", LogicalID: "R", Type: stackType, Kind: finding.StackFailed}, "",
			nil, "", 0, ""},
		{"role without a resource", finding.Finding{ID: "1", Type: typeRole, Kind: finding.ResourceDeleted}, "", nil, "", 0,
			""},
		{"deleted stack", ofStack("access", finding.Finding{Kind: finding.ResourceDeleted}), "", nil, finding.StackUpdated, 1,
			""},
		{"failed stack", ofStack("access", finding.Finding{Kind: finding.StackFailed}), "", nil, finding.StackUpdated, 1, ""},
		{"failed parent", ofStack("backup", finding.Finding{Kind: finding.StackFailed}), "", nil, finding.ByHand, 0, ""},
		{"template", ofStack("access", finding.Finding{Kind: finding.TemplateChanged}), "", nil, finding.StackUpdated, 1, ""},
		{"template of the parent", ofStack("backup", finding.Finding{Kind: finding.TemplateChanged}), "", nil,
			finding.ByHand, 0, ""},
		{"template whose external id is not known", ofStack("access", finding.Finding{Kind: finding.TemplateChanged}),
			finding.ExternalIDUnknown, nil, finding.StackUpdated, 1, ""},
		{"already reverted", ofStack("access", finding.Finding{Kind: finding.TemplateChanged}), finding.TemplateRestored, nil,
			finding.TemplateRestored, 0, ""},
		{"update denied", ofStack("access", finding.Finding{Kind: finding.ResourceDeleted}), "", errDenied,
			finding.CallFailed, 1, ""},
		{"tags", ofStack("access", finding.Finding{Kind: finding.TagsChanged}), "", nil, finding.SettingRestored, 1, ""},
		{"settings", ofStack("access", finding.Finding{Kind: finding.PropertyChanged}), "", nil, finding.SettingRestored, 1,
			""},
		{"added stack", ofStack("access", finding.Finding{Kind: finding.StackAdded}), "", nil, finding.ByHand, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup").parameters(map[string]string{"Revision": "1", "A": "a"}), unitStack("access")
			access.part = installation.Access
			parent.add("AWS::SQS::Queue", "Queue", "q", `{}`)
			parent.add("AWS::SQS::Queue", "Unknown", "u", "")
			parent.add("AWS::SQS::QueuePolicy", "Policy", "p", `{"Queues":["q"],"PolicyDocument":`+everyoneTrust+`}`)
			updates, roles := &unitUpdates{}, &unitDeletion{unitIAM: unitIAM{err: map[string]error{"DeleteRole": tc.err}}}
			if tc.err != nil {
				updates.errs = []error{tc.err}
			}
			v := unitReverter(Clients{
				Operator: &Operator{CloudFormation: updates, IAM: roles, SQS: &unitQueues{}},
				CloudFormation: &unitCloudFormation{stacks: map[string]*types.Stack{
					parent.id: parent.described, access.id: access.described,
				}},
			}, parent, access)
			v.chosen = unitChoices(t, nil)
			if tc.before != "" {
				v.outcomes["1"] = outcome{result: tc.before}
			}
			last := finding.Finding{ID: "9", Kind: finding.RoleAdded, PhysicalID: "arn:aws:iam::1:role/last"}
			v.byOperator(t.Context(), finding.Report{Findings: []finding.Finding{tc.f, last}})
			calls := strings.Join(append(strings.Fields(""), roles.calls...), ",")
			want := strings.TrimPrefix(tc.calls+",DeleteRole last", ",")
			if got := v.outcomes["1"].result; got != tc.want || len(updates.inputs) != tc.updates || calls != want {
				t.Errorf("got %q, %v after %d updates and %q", got, v.outcomes["1"].err, len(updates.inputs), calls)
			}
			if tc.want == finding.StackUpdated {
				in := updates.inputs[0]
				if *in.StackName != parent.id || len(in.Parameters) != 2 || *in.Parameters[1].ParameterValue !=
					"20261127-120000" || !aws.ToBool(in.Parameters[0].UsePreviousValue) {
					t.Errorf("updated with %+v", in)
				}
			}
		})
	}
}

// TestRestoreStackSettings checks the update that restores the settings of a permission stack.
func TestRestoreStackSettings(t *testing.T) {
	noUpdate := apiError("CloudFormation", "UpdateStack", "ValidationError", "No updates are to be performed.")
	for _, tc := range []struct {
		name    string
		change  func(v *reverter, s *stack)
		errs    []error
		want    finding.Outcome
		updates int
	}{
		{"restored", nil, nil, finding.SettingRestored, 1},
		{"nothing but settings", nil, []error{noUpdate}, finding.SettingRestored, 3},
		{"denied", nil, []error{errDenied}, finding.CallFailed, 1},
		{"temporary tag denied", nil, []error{noUpdate, errDenied}, finding.CallFailed, 2},
		{"temporary tag not removed", nil, []error{noUpdate, nil, errDenied}, finding.CallFailed, 3},
		{"no choice", func(v *reverter, _ *stack) { v.chosen = nil }, nil, finding.NotInStack, 0},
		{"not a permission stack", func(_ *reverter, s *stack) { s.part = "" }, nil, finding.NotInStack, 0},
		{"another stack", func(_ *reverter, s *stack) { s.name = "x" }, nil, finding.NotInStack, 0},
		{"missing when it was opened", func(_ *reverter, s *stack) { s.described = nil }, nil, finding.NotInStack, 0},
		{"missing", func(v *reverter, _ *stack) { v.clients.CloudFormation.(*unitCloudFormation).stacks = nil }, nil,
			finding.CallFailed, 0},
		{"not readable", func(v *reverter, _ *stack) {
			v.clients.CloudFormation.(*unitCloudFormation).err = map[string]error{"DescribeStacks": errDenied}
		}, nil, finding.CallFailed, 0},
		{"role that is not known", func(v *reverter, _ *stack) { v.stacks[0].resources = nil }, nil,
			finding.SettingRestored, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := settingsParent(), unitStack("access").parameters(map[string]string{"ExternalId": "****"})
			access.part = installation.Access
			access.described.Tags = []types.Tag{
				{Key: aws.String("aws:x"), Value: aws.String("y")}, {Key: aws.String("theirs"), Value: aws.String("kept")},
				{Key: aws.String(installation.ParentTag), Value: aws.String("forged")},
			}
			updates := &unitUpdates{errs: tc.errs}
			v := unitReverter(Clients{
				Operator:       &Operator{CloudFormation: updates},
				CloudFormation: &unitCloudFormation{stacks: map[string]*types.Stack{access.id: access.described}},
			}, parent, access)
			v.chosen = unitChoices(t, nil)
			if tc.change != nil {
				tc.change(v, access)
			}
			o := v.restoreStackSettings(t.Context(), finding.Finding{Stack: "access"})
			if o.result != tc.want || len(updates.inputs) != tc.updates {
				t.Fatalf("got %s, %v after %d updates", o.result, o.err, len(updates.inputs))
			}
			for i, in := range updates.inputs {
				var tags []string
				for _, tag := range in.Tags {
					tags = append(tags, *tag.Key+"="+*tag.Value)
				}
				want := []string{installation.ParentTag + "=" + unitParent().ID, installation.ResourceTag + "=PermissionStack",
					"theirs=kept"}
				if i == 1 {
					want = append(want, temporaryTag+"=yes")
				}
				role := "role"
				if tc.name == "role that is not known" {
					role = ""
				}
				if !slices.Equal(tags, want) || aws.ToString(in.RoleARN) != role || !aws.ToBool(in.UsePreviousTemplate) ||
					in.NotificationARNs == nil || in.RollbackConfiguration.RollbackTriggers == nil || len(in.Parameters) != 1 {
					t.Errorf("update %d: got %q, %+v", i, tags, in)
				}
			}
		})
	}
	if got := stackName(stackARN("access", "1")); got != "access" {
		t.Errorf("got %s", got)
	}
}

// TestRevertWithoutOperator checks that roles are deleted with the rights of a person alone.
func TestRevertWithoutOperator(t *testing.T) {
	for _, operator := range []bool{true, false} {
		parent := unitStack("backup")
		id, typ := "role", typeRole
		api := &unitCloudFormation{
			stacks:    map[string]*types.Stack{parent.id: parent.described},
			templates: map[string]string{"": "Resources: {role: {Type: AWS::IAM::Role, Properties: {RoleName: role}}}"},
			resources: []types.StackResourceSummary{{
				LogicalResourceId: &id, PhysicalResourceId: &id, ResourceType: &typ, LastUpdatedTimestamp: &unitNow,
			}},
		}
		roles := &unitDeletion{}
		clients := Clients{
			CloudFormation: api, ChangeSets: &unitChangeSets{}, RolePolicies: &unitRolePolicies{}, TopicPolicies: &unitSNS{},
		}
		want := ""
		if operator {
			clients.Operator, want = &Operator{IAM: roles}, "DeleteRole role,DeleteRole added"
		}
		got, err := Revert(t.Context(), clients, finding.Report{ParentStackID: parent.id, Findings: []finding.Finding{
			{ID: "1", Stack: "backup", LogicalID: id, PhysicalID: id, Type: typ, Kind: finding.RoleIdentityChanged},
			{ID: "2", Stack: "backup", PhysicalID: "arn:aws:iam::1:role/added", Type: typ, Kind: finding.RoleAdded},
		}}, Options{AnyStack: true})
		if err != nil || strings.Join(roles.calls, ",") != want || (len(got.Done) > 0) != operator {
			t.Errorf("operator %v: got %+v, %v after %q", operator, got, err, roles.calls)
		}
	}
}
