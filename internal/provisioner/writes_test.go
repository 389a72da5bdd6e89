package provisioner

import (
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// TestEveryWriteHasTheRole checks that every operation passes the stack role.
// Without it CloudFormation would use the function's own permissions, and the
// stack's next operation another role's.
func TestEveryWriteHasTheRole(t *testing.T) {
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, testProperties())); err != nil {
		t.Fatal(err)
	}
	f.find(access).set(types.StackStatusUpdateRollbackFailed)()
	update := event(cfn.RequestUpdate, testProperties("Assets", "ec2"))
	for _, e := range []cfn.Event{update, event(cfn.RequestDelete, nil)} {
		if _, err := handle(t, f, e); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, in := range f.inputs {
		var role *string
		switch in := in.(type) {
		case *cloudformation.CreateStackInput:
			role, seen["create"] = in.RoleARN, true
		case *cloudformation.UpdateStackInput:
			role, seen["update"] = in.RoleARN, true
		case *cloudformation.DeleteStackInput:
			role, seen["delete"] = in.RoleARN, true
		case *cloudformation.ContinueUpdateRollbackInput:
			role, seen["continue"] = in.RoleARN, true
		}
		if aws.ToString(role) != stackRole {
			t.Errorf("%T has the role %q", in, aws.ToString(role))
		}
	}
	if len(seen) != 4 {
		t.Errorf("got calls %v, want 4 kinds", seen)
	}
}

// TestMatchingStackIsNotUpdated checks that a stack is updated only if its
// template, tags or status differ.
func TestMatchingStackIsNotUpdated(t *testing.T) {
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	for name, tc := range map[string]struct {
		change  func(s *fakeStack)
		updates int
	}{
		"no difference":  {func(*fakeStack) {}, 0},
		"a tag of AWS's": {func(s *fakeStack) { s.Tags = append(slices.Clone(s.Tags), tag("aws:x", "y")) }, 0},
		"a tag more":     {func(s *fakeStack) { s.Tags = append(slices.Clone(s.Tags), tag("x", "y")) }, 1},
		"a tag less":     {func(s *fakeStack) { s.Tags = slices.DeleteFunc(slices.Clone(s.Tags), isOwner) }, 1},
		"another value":  {func(s *fakeStack) { s.Tags = retagged(s.Tags, tag("Owner", "you")) }, 1},
		"another key":    {func(s *fakeStack) { s.Tags = retagged(s.Tags, tag("owner", "me")) }, 1},
		// CloudFormation is asked, and has nothing to update.
		"an update failed":    {func(s *fakeStack) { s.StackStatus = types.StackStatusUpdateFailed }, 0},
		"one was rolled back": {func(s *fakeStack) { s.StackStatus = types.StackStatusUpdateRollbackComplete }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			tc.change(f.find(access))
			if _, err := handle(t, f, update(testProperties(), testProperties())); err != nil {
				t.Error(err)
			}
			if len(f.writes) != tc.updates {
				t.Errorf("got writes %v, want %d", f.writes, tc.updates)
			}
		})
	}
}

func isOwner(t types.Tag) bool { return *t.Key == "Owner" }

func retagged(tags []types.Tag, with types.Tag) []types.Tag {
	return append(slices.DeleteFunc(slices.Clone(tags), isOwner), with)
}

// TestRefusedWrites checks that an error of CloudFormation is reported, and that no
// log or response claims success.
func TestRefusedWrites(t *testing.T) {
	denied := &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "Any",
		Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "User is not authorized"}}
	for name, tc := range map[string]struct {
		status  types.StackStatus
		request cfn.RequestType
		words   string
	}{
		"update":   {types.StackStatusCreateComplete, cfn.RequestUpdate, "update stack " + access},
		"delete":   {types.StackStatusCreateComplete, cfn.RequestDelete, "delete stack " + access},
		"continue": {types.StackStatusUpdateRollbackFailed, cfn.RequestUpdate, "rollback of stack " + access},
		"recreate": {types.StackStatusRollbackComplete, cfn.RequestUpdate, "delete stack " + access},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			f.find(access).set(tc.status)()
			f.refusal = denied
			_, err := handle(t, f, event(tc.request, testProperties("Assets", "ec2")))
			says(t, err, tc.words, "not authorized")
			if len(f.writes) > 0 || f.ticks > 100 {
				t.Errorf("wrote %v in %d ticks", f.writes, f.ticks)
			}
		})
	}
}

// TestRemedyFails checks that a remedy that fails is repeated once, not without end.
func TestRemedyFails(t *testing.T) {
	f := launched(t)
	f.find(access).set(types.StackStatusRollbackComplete)()
	f.fails["DeleteStack "+access] = "The role is in use"
	if _, err := handle(t, f, event(cfn.RequestUpdate, testProperties())); err != nil {
		t.Fatalf("got %v, want the failed deletion repeated", err)
	}
	wrote(t, f, "DeleteStack "+access, "DeleteStack "+access, "CreateStack "+access, "UpdateStack "+access)
}
