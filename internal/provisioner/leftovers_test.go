package provisioner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// TestRemovedRoleIsStrippedFirst checks that a role that an update removes has no
// trust and no policies before CloudFormation tries to delete it.
func TestRemovedRoleIsStrippedFirst(t *testing.T) {
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, testProperties("SupportRole", "true"))); err != nil {
		t.Fatal(err)
	}
	f.writes, f.inputs = nil, nil
	if _, err := handle(t, f, event(cfn.RequestUpdate, testProperties())); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "UpdateStack "+access, "UpdateStack "+access)
	first := *f.inputs[0].(*cloudformation.UpdateStackInput).TemplateBody
	if !strings.Contains(first, `"Deny"`) || !strings.Contains(first, `"TemplateHash":{"Value":"stripped-`) {
		t.Errorf("the first update is %s", first)
	}
}

// TestStripRemovedRolesFails checks that no role is removed if it cannot be
// stripped.
func TestStripRemovedRolesFails(t *testing.T) {
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, testProperties("SupportRole", "true"))); err != nil {
		t.Fatal(err)
	}
	f.writes = nil
	f.fails["UpdateStack "+access] = "an SCP denies it"
	_, err := handle(t, f, event(cfn.RequestUpdate, testProperties()))
	says(t, err, "an SCP denies it", "was rolled back")
	wrote(t, f, "UpdateStack "+access)
}

// TestLeftBehind checks that resources that CloudFormation could not delete are
// reported by successful and failed events.
func TestLeftBehind(t *testing.T) {
	f := launched(t)
	f.find(access).leaves = "Support-c"
	got, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "s3")))
	if err != nil || got.Data["LeftBehind"] != "AWS::IAM::Role Support-c" {
		t.Errorf("data %v, %v", got.Data["LeftBehind"], err)
	}
	f.find(access).leaves = "Support-c"
	f.fails["UpdateStack "+access] = "no"
	_, err = handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "ec2")))
	says(t, err, "left them behind: AWS::IAM::Role Support-c", "manually")
}

// TestLeftBehindUnreported checks that if the function is killed before it reports
// leftovers, the next event reports them, whether CloudFormation's operation had
// completed or not.
func TestLeftBehindUnreported(t *testing.T) {
	for name, tc := range map[string]struct {
		ends bool   // whether the update is complete before the next event
		next string // the assets of the next event
		want string
	}{
		"while at work": {false, "s3", "AWS::IAM::Role Support-c"},
		"afterwards":    {true, "ec2, s3", "AWS::IAM::Role Support-c (by an earlier event, possibly deleted since)"},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			f.find(access).leaves = "Support-c"
			ctx, kill := context.WithCancel(t.Context())
			f.onTick = func() { f.onTick = kill } // the update of the access stack is in progress
			if _, err := handleWith(ctx, f, event(cfn.RequestUpdate, testProperties("Assets", "s3"))); err == nil {
				t.Fatal("the function was not killed in time")
			}
			for tc.ends && len(f.find(access).steps) > 0 {
				if err := f.sleep(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
			}
			got, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", tc.next)))
			if err != nil || got.Data["LeftBehind"] != tc.want {
				t.Errorf("data %q, %v", got.Data["LeftBehind"], err)
			}
			f.find(access).events = nil // of long ago
			got, err = handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", tc.next)))
			if err != nil || got.Data["LeftBehind"] != "nothing" {
				t.Errorf("still reported after the update: %q, %v", got.Data["LeftBehind"], err)
			}
		})
	}
}

// TestLeftBehindInTheEnd checks that a resource whose deletion succeeded at a retry
// is not reported, nor a failure of an earlier operation.
func TestLeftBehindInTheEnd(t *testing.T) {
	f := launched(t)
	s := f.find(access)
	begin := func() { s.set(types.StackStatusUpdateInProgress)() }
	tried := func(id string, status types.ResourceStatus) { s.event(id, id, "AWS::IAM::Role", status, "in use") }
	tried("long-ago", types.ResourceStatusDeleteFailed)
	begin()
	tried("stays", types.ResourceStatusDeleteInProgress)
	tried("stays", types.ResourceStatusDeleteFailed)
	tried("deleted later", types.ResourceStatusDeleteFailed)
	tried("deleted later", types.ResourceStatusDeleteComplete)
	tried("made", types.ResourceStatusCreateComplete)
	o := &operation{Provisioner: &Provisioner{Client: f}, log: discard}
	got, want := o.collectLeftovers(t.Context(), &s.Stack, []string{"known"}), []string{"known", "AWS::IAM::Role stays"}
	if !slices.Equal(got, want) {
		t.Errorf("got leftovers %q, want %q", got, want)
	}
}

// TestLeftBehindInReasons checks the text that is appended to a failure and its
// limit.
func TestLeftBehindInReasons(t *testing.T) {
	cause := errors.New("the cause")
	o := &operation{}
	if err := o.withLeftovers(cause); err != cause {
		t.Errorf("without leftovers: got %v", err)
	}
	o.earlierLeftovers = []string{"A", "B"}
	says(t, o.withLeftovers(cause), "the cause",
		"left them behind: A (by an earlier event, possibly deleted since), B (by an earlier")
	if err := o.withLeftovers(nil); err != nil {
		t.Errorf("without an error: got %v", err)
	}
	o.leftovers = []string{"B"}
	if text := o.leftoversText(); text != "B, A (by an earlier event, possibly deleted since)" {
		t.Errorf("got %s", text)
	}
	exact := []string{strings.Repeat("x", 700), strings.Repeat("y", maxLeftoversText-702)}
	if text := (&operation{leftovers: exact}).leftoversText(); text != strings.Join(exact, ", ") {
		t.Errorf("a text of exactly %d bytes was cut: %d", maxLeftoversText, len(text))
	}
	for range 100 {
		o.leftovers = append(o.leftovers, strings.Repeat("x", 97))
	}
	if text := o.leftoversText(); len(text) > maxLeftoversText+60 || !strings.HasPrefix(text, "B, xxx") ||
		!strings.HasSuffix(text, "x and more: see the function's log") {
		t.Errorf("got %d bytes: %s", len(text), text)
	}
}

// TestTemplateUnread checks that nothing is changed if the deployed template cannot
// be read, because the roles to strip are then unknown.
func TestTemplateUnread(t *testing.T) {
	f := launched(t)
	e := event(cfn.RequestUpdate, testProperties("Assets", "s3"))
	p := &Provisioner{
		Client:       waitingFor(e, withoutTemplates{f}),
		StackRoleARN: stackRole,
		Synthesize:   synthesize,
		Sleep:        f.sleep,
	}
	_, err := p.Handle(t.Context(), discard, e)
	says(t, err, "read template of stack "+access)
	wrote(t, f, "UpdateStack "+inventory) // it has no roles
}

// withoutTemplates is a CloudFormation whose templates cannot be read.
type withoutTemplates struct{ CloudFormation }

func (withoutTemplates) GetTemplate(
	context.Context,
	*cloudformation.GetTemplateInput,
	...func(*cloudformation.Options),
) (*cloudformation.GetTemplateOutput, error) {
	return nil, errReset
}

// withoutEvents is a CloudFormation whose events cannot be read.
type withoutEvents struct{ CloudFormation }

func (withoutEvents) DescribeStackEvents(
	context.Context,
	*cloudformation.DescribeStackEventsInput,
	...func(*cloudformation.Options),
) (*cloudformation.DescribeStackEventsOutput, error) {
	return nil, errReset
}

// TestLeftBehindUnknown checks that unreadable events are reported rather than
// taken for "nothing".
func TestLeftBehindUnknown(t *testing.T) {
	f := launched(t)
	e := event(cfn.RequestUpdate, testProperties("Assets", "s3"))
	p := &Provisioner{
		Client:       waitingFor(e, withoutEvents{f}),
		StackRoleARN: stackRole,
		Synthesize:   synthesize,
		Sleep:        f.sleep,
	}
	got, err := p.Handle(t.Context(), discard, e)
	left, _ := got.Data["LeftBehind"].(string)
	if err != nil || !strings.Contains(left, "events of stack "+access) ||
		!strings.Contains(left, "could not be read") {
		t.Errorf("data %q, %v", left, err)
	}
}

// TestLostAnswerOfCreate checks that a stack is cleaned up even if the response of
// CreateStack was lost.
func TestLostAnswerOfCreate(t *testing.T) {
	f := newFake()
	f.lost = true
	_, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
	says(t, err, "connection reset", "Nothing of this installation was left behind")
	exists(t, f)
	if len(f.stacks) == 0 || f.stacks[0].StackStatus != types.StackStatusDeleteComplete {
		t.Error("no stack was created and deleted")
	}
}

var errReset = errors.New("read: connection reset by peer")
