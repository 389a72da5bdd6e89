package provisioner

import (
	"context"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
)

// boundaryPolicy is an IAM with one managed policy.
type boundaryPolicy struct {
	livestate.IAM
	document string
	err      error
}

func (b boundaryPolicy) GetPolicy(
	_ context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options),
) (*iam.GetPolicyOutput, error) {
	return &iam.GetPolicyOutput{Policy: &iamtypes.Policy{Arn: in.PolicyArn, DefaultVersionId: aws.String("v1")}}, b.err
}

func (b boundaryPolicy) GetPolicyVersion(
	context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options),
) (*iam.GetPolicyVersionOutput, error) {
	return &iam.GetPolicyVersionOutput{PolicyVersion: &iamtypes.PolicyVersion{
		VersionId: aws.String("v1"), Document: aws.String(url.QueryEscape(b.document)),
	}}, b.err
}

// TestCheckBoundary checks a customer's boundary with the real catalogue: what it denies refuses the event, unless the
// permission stacks are deployed already, and what it allows beyond the access is returned.
func TestCheckBoundary(t *testing.T) {
	const boundary = "arn:aws:iam::123456789012:policy/boundary"
	statement := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`
	}
	all, none := statement(`"*"`), statement(`"s3:GetObject"`)
	for _, tt := range []struct {
		name     string
		arn      string
		iam      livestate.IAM
		deployed bool
		text     string // parts
		err      string
	}{
		{"no boundary", "", boundaryPolicy{document: none}, false, "", ""},
		{"no IAM", boundary, nil, false, "", ""},
		{"of the parent stack", ownBoundary(t), boundaryPolicy{document: none}, false, "", ""},
		{"allows everything", boundary, boundaryPolicy{document: all}, false,
			" actions that the backup service is not granted, such as iam:", ""},
		{"denies what is promised", boundary, boundaryPolicy{document: none}, false, "",
			"does not allow what the choice promises: "},
		{"denies what is deployed", boundary, boundaryPolicy{document: none}, true, "not checked: ", ""},
		{"does not exist", boundary, boundaryPolicy{err: &iamtypes.NoSuchEntityException{}}, false, "", "does not exist"},
		{"cannot be read", boundary, boundaryPolicy{err: &smithy.GenericAPIError{Code: "AccessDenied"}}, false, "",
			"cannot be read to check"},
		{"failure", boundary, boundaryPolicy{err: io.ErrUnexpectedEOF}, false, "",
			"property PermissionsBoundaryArn: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := withBoundary(t, tt.arn)
			set, stacks, err := o.plan()
			if err != nil {
				t.Fatal(err)
			}
			if tt.iam != nil {
				o.Roles = &livestate.Reader{IAM: tt.iam}
			}
			if tt.deployed {
				f := newFake()
				p := &Provisioner{Client: waitingFor(o.event, f), StackRoleARN: stackRole, Sleep: f.sleep}
				if _, err := p.Handle(t.Context(), discard, o.event); err != nil {
					t.Fatal(err)
				}
				o.Client = f
			}
			text, err := o.checkBoundary(t.Context(), set, stacks)
			if (text == "") != (tt.text == "") || !strings.Contains(text, tt.text) {
				t.Errorf("text %q, want it with %q", text, tt.text)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want it with %q", err, tt.err)
			}
			if tt.name == "denies what is promised" {
				checkNames(t, err.Error())
			}
			if tt.deployed { // another template is none that a rollback deploys
				o.Client.(*fake).find(access).body = "{}"
				if _, err := o.checkBoundary(t.Context(), set, stacks); err == nil {
					t.Error("the boundary of an update was not refused")
				}
			}
		})
	}
	o := &operation{}
	if o.isOwnBoundary(boundary, policies.Set{}) {
		t.Error("the boundary of no roles is of the parent stack")
	}
	unknown := policies.Set{Profile: "none"}
	if err := o.boundaryFailure(boundary, iampolicy.Document{}, unknown, properties.Properties{}); err != nil {
		t.Errorf("a profile that is not known: %v", err)
	}
}

// withBoundary returns the operation of a Create event for the real catalogue.
func withBoundary(t *testing.T, arn string) *operation {
	t.Helper()
	o := createOperation(t, typed("c", "/permstack/", "the-external-id", "Owner", "me", arn,
		"arn:aws:iam::444455556666:role/vendor"))
	o.Synthesize = nil
	return o
}

// ownBoundary returns the ARN of a boundary that the parent stack created.
func ownBoundary(t *testing.T) string {
	t.Helper()
	set, _, err := withBoundary(t, "").plan()
	if err != nil {
		t.Fatal(err)
	}
	return "arn:aws:iam::123456789012:policy" + set.Roles[0].Path + "installer/boundary"
}

// checkNames checks that an error names a few calls, each once.
func checkNames(t *testing.T, text string) {
	t.Helper()
	_, list, _ := strings.Cut(text, "promises: ")
	names, _, _ := strings.Cut(list, ", and ")
	seen := map[string]bool{}
	for _, name := range strings.Split(names, "), ") {
		seen[strings.TrimSuffix(name, ")")] = true
	}
	if len(seen) != mostFailures {
		t.Errorf("the error names %d calls:\n%s", len(seen), text)
	}
}

func TestListFailures(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	for n, want := range map[int]string{1: "a", 5: "a, b, c, d, e", 6: "a, b, c, d, e, and 1 more",
		7: "a, b, c, d, e, and 2 more"} {
		if got := listFailures(names[:n]); got != want {
			t.Errorf("%d calls: got %q, want %q", n, got, want)
		}
	}
}

// pagedEvents returns one event of a resource for each page.
type pagedEvents struct {
	CloudFormation
	endless bool
	calls   int
}

func (p *pagedEvents) DescribeStackEvents(
	context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options),
) (*cloudformation.DescribeStackEventsOutput, error) {
	p.calls++
	out := &cloudformation.DescribeStackEventsOutput{StackEvents: []types.StackEvent{{
		PhysicalResourceId: aws.String("resource"), ResourceStatus: types.ResourceStatusCreateFailed,
	}}}
	if p.endless {
		out.NextToken = aws.String("more")
	}
	return out, nil
}

// TestEventPages checks that events are read to their end, and that an end is set to them.
func TestEventPages(t *testing.T) {
	for endless, want := range map[bool]int{false: 1, true: maxEventPages} {
		client := &pagedEvents{endless: endless}
		o := &operation{Provisioner: &Provisioner{Client: client}, log: discard}
		failed, err := o.failedEvents(t.Context(), &types.Stack{StackId: aws.String("id")}, sinceStep)
		if err != nil || client.calls != want || len(failed) != want {
			t.Errorf("endless %v: %d calls, %d events (%v), want %d", endless, client.calls, len(failed), err, want)
		}
	}
	for status, want := range map[types.StackStatus]string{
		types.StackStatusDeleteInProgress: "another principal deleted it meanwhile",
		types.StackStatusDeleteComplete:   "another principal deleted it meanwhile",
		types.StackStatusUpdateComplete:   "CloudFormation reports no reason",
	} {
		o := &operation{Provisioner: &Provisioner{Client: newFake()}, log: discard}
		stack := &types.Stack{StackId: aws.String("id"), StackStatus: status}
		if got := o.findCause(t.Context(), stack, sinceStep); got.text != want {
			t.Errorf("%s: got %q, want %q", status, got.text, want)
		}
	}
}
