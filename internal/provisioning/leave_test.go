package provisioning

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// TestDroppedRoleIsEmptiedFirst: a role that an update drops lets nobody in any
// more before CloudFormation tries to delete it.
func TestDroppedRoleIsEmptiedFirst(t *testing.T) {
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, properties("SupportRole", "true"))); err != nil {
		t.Fatal(err)
	}
	f.writes, f.inputs = nil, nil
	if _, err := handle(t, f, event(cfn.RequestUpdate, properties())); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "UpdateStack "+access, "UpdateStack "+access)
	first := *f.inputs[0].(*cloudformation.UpdateStackInput).TemplateBody
	if !strings.Contains(first, `"Deny"`) || !strings.Contains(first, `"TemplateHash":{"Value":"farewell-`) {
		t.Errorf("the first update is %s", first)
	}
}

// TestFarewellFails: where the role cannot be emptied, nothing is dropped.
func TestFarewellFails(t *testing.T) {
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, properties("SupportRole", "true"))); err != nil {
		t.Fatal(err)
	}
	f.writes = nil
	f.fails["UpdateStack "+access] = "an SCP denies it"
	_, err := handle(t, f, event(cfn.RequestUpdate, properties()))
	says(t, err, "an SCP denies it", "went back")
	wrote(t, f, "UpdateStack "+access)
}

// TestLeftBehind: what CloudFormation could not delete is told, in a success and
// in a failure.
func TestLeftBehind(t *testing.T) {
	f := launched(t)
	f.find(access).leaves = "Support-c"
	got, err := handle(t, f, event(cfn.RequestUpdate, properties("Assets", "s3")))
	if err != nil || got.Data["LeftBehind"] != "AWS::IAM::Role Support-c" {
		t.Errorf("data %v, %v", got.Data["LeftBehind"], err)
	}
	f.find(access).leaves = "Support-c"
	f.fails["UpdateStack "+access] = "no"
	_, err = handle(t, f, event(cfn.RequestUpdate, properties("Assets", "ec2")))
	says(t, err, "left behind: AWS::IAM::Role Support-c", "by hand")
}

// TestLostAnswerOfCreate: the stack that nobody confirmed is removed, too.
func TestLostAnswerOfCreate(t *testing.T) {
	f := newFake()
	f.lost = true
	_, err := handle(t, f, event(cfn.RequestCreate, properties()))
	says(t, err, "connection reset", "Nothing of this installation was left behind")
	stands(t, f)
	if len(f.stacks) == 0 || f.stacks[0].StackStatus != types.StackStatusDeleteComplete {
		t.Error("no stack was made and removed")
	}
}

var errReset = errors.New("read: connection reset by peer")
