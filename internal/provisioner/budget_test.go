package provisioner

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

const newPermission = `Resource handler returned message: "User: arn:aws:sts::123456789012:assumed-role/stack/AWSCloudFormation ` +
	`is not authorized to perform: iam:CreateRole on resource: role ClumioIAMRole because no identity-based policy ` +
	`allows the iam:CreateRole action" (HandlerErrorCode: AccessDenied)`

const deniedByOrganization = `User: x is not authorized to perform: iam:CreateRole on resource: y ` +
	`with an explicit deny in a service control policy`

// TestStackRoleDeniedOnce checks that an operation that fails because a permission
// of the stack role is new is requested once more, and no other.
func TestStackRoleDeniedOnce(t *testing.T) {
	for _, tc := range []struct {
		name, call, reason string
		repeated           bool
	}{
		{"create", "CreateStack", newPermission, true},
		{"create, denied for good", "CreateStack", deniedByOrganization, false},
		{"create, other cause", "CreateStack", "ClumioIAMRole already exists", false},
		{"update", "UpdateStack", newPermission, true},
		{"update, denied for good", "UpdateStack", deniedByOrganization, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, request := newFake(), cfn.RequestCreate
			if tc.call == "UpdateStack" {
				f, request = launched(t), cfn.RequestUpdate
			}
			f.fails[tc.call+" "+access] = tc.reason
			_, err := handle(t, f, event(request, testProperties("Assets", "ec2")))
			if !tc.repeated {
				says(t, err, tc.reason)
				return
			}
			if err != nil {
				t.Error(err)
			}
			n := strings.Count(strings.Join(f.writes, "\n"), tc.call+" "+access)
			if n != 2 {
				t.Errorf("wrote %q, want two of %s", f.writes, tc.call)
			}
		})
	}
}

// deniedAlways is a CloudFormation in which every creation of the access stack is
// denied.
type deniedAlways struct{ *fake }

func (d deniedAlways) CreateStack(
	ctx context.Context, in *cloudformation.CreateStackInput, o ...func(*cloudformation.Options),
) (*cloudformation.CreateStackOutput, error) {
	d.fails["CreateStack "+access] = newPermission
	return d.fake.CreateStack(ctx, in, o...)
}

// TestStackRoleDeniedTwice checks that a second denial is reported, and that nothing
// remains.
func TestStackRoleDeniedTwice(t *testing.T) {
	f := newFake()
	p := &Provisioner{Client: deniedAlways{f}, StackRoleARN: stackRole, Synthesize: synthesize, Sleep: f.sleep}
	_, err := p.Handle(t.Context(), discard, event(cfn.RequestCreate, testProperties()))
	says(t, err, "iam:CreateRole", "Nothing of this installation was left behind")
	exists(t, f)
	if n := strings.Count(strings.Join(f.writes, "\n"), "CreateStack "+access); n != 2 {
		t.Errorf("wrote %q, want two attempts", f.writes)
	}
}

// TestCreationLimit checks that the time of a creation leaves time for its deletion.
func TestCreationLimit(t *testing.T) {
	for _, tc := range []struct {
		left    time.Duration
		minutes int32 // 0: no creation is started
	}{
		{15*time.Minute - 20*time.Second, 8}, {10*time.Minute + 30*time.Second, 6}, {6*time.Minute + 30*time.Second, 2},
		{5*time.Minute + 30*time.Second, 0}, {0, 0},
	} {
		t.Run(tc.left.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.left)
			defer cancel()
			got, err := new(operation).creationLimit(ctx)
			if got != tc.minutes || (err == nil) != (tc.minutes > 0) {
				t.Errorf("got %d minutes, %v; want %d", got, err, tc.minutes)
			}
			if err != nil {
				says(t, err, "less than 6m0s of the function's time are left")
			}
		})
	}
	if got, err := new(operation).creationLimit(t.Context()); got != 8 || err != nil {
		t.Errorf("without a deadline: got %d minutes, %v; want 8", got, err)
	}
}

// TestNoTimeForRepetition checks that a denied operation is not repeated when there
// is no time for it.
func TestNoTimeForRepetition(t *testing.T) {
	f := newFake()
	denied := &failedStack{denied: true}
	for left, want := range map[time.Duration]bool{10 * time.Minute: true, 6 * time.Minute: false} {
		t.Run(left.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			o := &operation{Provisioner: &Provisioner{Sleep: f.sleep}, log: discard, repeated: map[string]bool{}}
			if got := o.repeatDenied(ctx, "create", access, denied); got != want {
				t.Errorf("%v left: got %v, want %v", left, got, want)
			}
			cancel()
		})
	}
}
