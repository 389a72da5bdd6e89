package provisioner

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// counted is a CloudFormation that counts the requests of updates, also those that
// find nothing to update.
type counted struct {
	*fake
	updates *int
}

func (c counted) UpdateStack(
	ctx context.Context, in *cloudformation.UpdateStackInput, o ...func(*cloudformation.Options),
) (*cloudformation.UpdateStackOutput, error) {
	*c.updates++
	return c.fake.UpdateStack(ctx, in, o...)
}

// handleCounted handles an event and returns the number of requested updates.
func handleCounted(t *testing.T, f *fake, e cfn.Event) (int, error) {
	t.Helper()
	updates := 0
	p := &Provisioner{
		Client: waitingFor(e, counted{f, &updates}), StackRoleARN: stackRole, Synthesize: synthesize, Sleep: f.sleep,
	}
	_, err := p.Handle(t.Context(), discard, e)
	return updates, err
}

// createdWithoutTrust returns a fake whose access stack was created, but whose trust
// policies were not set: the function was killed before.
func createdWithoutTrust(t *testing.T) *fake {
	t.Helper()
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, testProperties())); err != nil {
		t.Fatal(err)
	}
	f.find(access).done(bodies(f)[0])()
	f.writes, f.inputs = nil, nil
	return f
}

// TestCreateContinues checks that a redelivered Create sets the trust policies of the
// access stack that exists already, with one request and not before the inventory
// stack is complete.
func TestCreateContinues(t *testing.T) {
	t.Run("both stacks exist", func(t *testing.T) {
		f := createdWithoutTrust(t)
		updates, err := handleCounted(t, f, event(cfn.RequestCreate, testProperties()))
		if err != nil || updates != 1 {
			t.Errorf("got %d updates, %v; want 1", updates, err)
		}
		wrote(t, f, "UpdateStack "+access)
		if len(trusted(t, f.find(access).body)) == 0 {
			t.Error("nobody can assume the role")
		}
	})
	t.Run("the inventory stack fails", func(t *testing.T) {
		f := createdWithoutTrust(t)
		f.find(inventory).StackStatus = types.StackStatusDeleteComplete
		f.fails["CreateStack "+inventory] = "no"
		_, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
		says(t, err, "create stack "+inventory)
		for _, body := range append(bodies(f), f.find(access).body) {
			if roles := trusted(t, body); len(roles) > 0 {
				t.Errorf("roles %v could be assumed", roles)
			}
		}
	})
}

// TestExternalIDIsRestoredAtOnce checks that an update of the permissions restores an
// external id that another principal changed, with the same operation.
func TestExternalIDIsRestoredAtOnce(t *testing.T) {
	f := launched(t)
	f.find(access).parameters = "of-another-customer"
	if _, err := handle(t, f, update(testProperties(), testProperties("Assets", "ec2"))); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "UpdateStack "+access)
	if got := f.find(access).parameters; got != "the-external-id" {
		t.Errorf("got external id %s", got)
	}
}
