package provisioner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
	"permstack/internal/policies"
)

// operationOn returns an operation of this installation.
func operationOn(t *testing.T, f *fake, request cfn.RequestType) *operation {
	t.Helper()
	e := event(request, testProperties())
	return &operation{
		Provisioner: &Provisioner{Client: waitingFor(e, f), StackRoleARN: stackRole, Sleep: f.sleep},
		event:       e, parent: testParent(t), log: discard, operations: map[string]int{}, repeated: map[string]bool{},
	}
}

// TestPlanIsLogged checks which choices of the customer are logged before they are deployed.
func TestPlanIsLogged(t *testing.T) {
	all := []string{logRestoreWindow, logScope, logWeakExternalID}
	with := func(key, value string) map[string]any {
		p := scopedProperties("")
		p["ExternalId"] = "6b1f3a52-8e0d-4c7a-9f35-d2c4b8a1e970"
		p[key] = value
		return p
	}
	for name, tc := range map[string]struct {
		properties map[string]any
		want       string
	}{
		"nothing special":  {with("Tags", "Owner=me"), ""},
		"a restore window": {with("RestoreUntil", "2026-01-02T00:00:00Z"), logRestoreWindow},
		"a scope":          {with("OnlyBuckets", "one"), logScope},
		"a weak id":        {with("ExternalId", "12345"), logWeakExternalID},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := operationOn(t, newFake(), cfn.RequestCreate)
			o.log, o.event.ResourceProperties = slog.New(slog.NewTextHandler(&log, nil)), tc.properties
			o.Now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
			o.Synthesize = func(sel policies.Selection, env policies.Environment) (policies.Set, error) {
				set, err := synthesize(sel, env)
				set.Scope = sel.Scope
				return set, err
			}
			if _, _, err := o.plan(); err != nil {
				t.Fatal(err)
			}
			for _, message := range all {
				if got := strings.Contains(log.String(), `"`+message+`"`); got != (message == tc.want) {
					t.Errorf("logged %q: %v", message, got)
				}
			}
		})
	}
}

// TestProfileCannotChange checks that a stack with the role of another profile is not updated, and that a set without
// roles is compared with none.
func TestProfileCannotChange(t *testing.T) {
	f := launched(t)
	outputs := f.find(access).Outputs
	for i := range outputs {
		if *outputs[i].OutputKey == "RoleArn" {
			outputs[i].OutputValue = aws.String(strings.Replace(*outputs[i].OutputValue, "ClumioIAMRole-", "OtherRole-", 1))
		}
	}
	_, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "s3")))
	says(t, err, "property Profile: role OtherRole-us-east-1-c of stack "+access, "keep the profile")
	wrote(t, f)
	if err := operationOn(t, f, cfn.RequestUpdate).checkExisting(t.Context(), access, policies.Set{}); err != nil {
		t.Errorf("a set without roles: %v", err)
	}
}

// TestOwnerIsNamed checks that the error of a stack of another owner names the owner.
func TestOwnerIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		tags []types.Tag
		want string
	}{
		"no tags": {nil, "belongs to another owner (it has no tag " + installation.ParentTag + ")"},
		"another stack": {
			[]types.Tag{tag(installation.ParentTag, "other"), tag(installation.ResourceTag, "Access")},
			"belongs to resource Access of stack other",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			f.find(access).Tags = tc.tags
			says(t, operationOn(t, f, cfn.RequestUpdate).checkOwner(&f.find(access).Stack), tc.want)
		})
	}
}

// TestCleanUp checks what the error of a failed Create says about the stacks that it created.
func TestCleanUp(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*fake)
		want   string
	}{
		"deleted":          {func(*fake) {}, "Nothing of this installation was left behind"},
		"of another owner": {func(f *fake) { f.find(inventory).Tags = nil }, "Nothing of this installation was left behind"},
		"refused":          {func(f *fake) { f.refusal = errReset }, "could not be deleted: delete stack " + inventory},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			tc.change(f)
			o := operationOn(t, f, cfn.RequestCreate)
			o.created = []string{inventory}
			cause := errors.New("the cause")
			err := o.cleanUp(t.Context(), cause)
			if !errors.Is(err, cause) {
				t.Errorf("got error %v, want its cause", err)
			}
			says(t, err, tc.want)
		})
	}
}

// TestFailedDeletionWithoutAccess checks that the error of a deletion ends with the error if no access is known to
// remain.
func TestFailedDeletionWithoutAccess(t *testing.T) {
	f := launched(t)
	f.find(access).set(types.StackStatusDeleteComplete)()
	f.refusal = errReset
	_, err := handle(t, f, event(cfn.RequestDelete, nil))
	if err == nil || !strings.HasSuffix(err.Error(), errReset.Error()) {
		t.Errorf("got error %v, want one that ends with %v", err, errReset)
	}
}

// reappearing is a CloudFormation in which another principal creates the inventory stack again whenever a caller has
// seen that there is none.
type reappearing struct {
	*fake
	stack fakeStack
}

func (r reappearing) DescribeStacks(
	ctx context.Context, in *cloudformation.DescribeStacksInput, o ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	out, err := r.fake.DescribeStacks(ctx, in, o...)
	if *in.StackName == inventory && err != nil {
		again := r.stack
		again.StackId = aws.String(fmt.Sprint(*r.stack.StackId, len(r.stacks)))
		r.stacks = append(r.stacks, &again)
	}
	return out, err
}

// TestStacksReappear checks that a deletion ends with an error if another principal creates a stack again each time.
func TestStacksReappear(t *testing.T) {
	f := launched(t)
	o := operationOn(t, f, cfn.RequestDelete)
	o.Client = waitingFor(o.event, reappearing{f, *f.find(inventory)})
	says(t, o.deleteStacks(t.Context()), "the permission stacks reappear after each deletion")
	if deletions := strings.Count(strings.Join(f.writes, "\n"), "DeleteStack "+inventory); deletions != maxSteps {
		t.Errorf("got %d deletions, want %d", deletions, maxSteps)
	}
}
