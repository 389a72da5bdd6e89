package provisioner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// trusted returns the logical ids of the roles that a template lets somebody assume.
func trusted(t *testing.T, body string) []string {
	t.Helper()
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				AssumeRolePolicyDocument struct{ Statement []struct{ Effect string } }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &template); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for id, r := range template.Resources {
		for _, s := range r.Properties.AssumeRolePolicyDocument.Statement {
			if s.Effect == "Allow" {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out
}

// bodies returns the templates of the access stack that were requested, in order.
func bodies(f *fake) []string {
	var out []string
	for _, in := range f.inputs {
		switch in := in.(type) {
		case *cloudformation.CreateStackInput:
			if *in.StackName == access {
				out = append(out, *in.TemplateBody)
			}
		case *cloudformation.UpdateStackInput:
			if strings.Contains(*in.StackName, access) {
				out = append(out, *in.TemplateBody)
			}
		}
	}
	return out
}

// TestTrustIsSetLast checks that roles can be assumed only after both stacks are
// complete, and never if one of them fails.
func TestTrustIsSetLast(t *testing.T) {
	both := []string{"ClumioIAMRole", "ClumioSupportRole"}
	withSupport := testProperties("Assets", "s3", "SupportRole", "true")
	for name, tc := range map[string]struct {
		request cfn.RequestType
		fails   string     // the first operation of this kind fails
		trusted [][]string // by each template of the access stack
		left    []string
	}{
		"create": {
			cfn.RequestCreate, "", [][]string{{}, both},
			[]string{"access UPDATE_COMPLETE", "inventory CREATE_COMPLETE"},
		},
		"create, inventory fails": {cfn.RequestCreate, "CreateStack " + inventory, [][]string{{}}, nil},
		"create, access fails":    {cfn.RequestCreate, "CreateStack " + access, [][]string{{}}, nil},
		"create, trust fails":     {cfn.RequestCreate, "UpdateStack " + access, [][]string{{}, both}, nil},
		"update": {
			cfn.RequestUpdate, "", [][]string{{"ClumioIAMRole"}, both},
			[]string{"access UPDATE_COMPLETE", "inventory UPDATE_COMPLETE"},
		},
		"update, inventory fails": {
			cfn.RequestUpdate, "UpdateStack " + inventory, [][]string{{"ClumioIAMRole"}},
			[]string{"access UPDATE_COMPLETE", "inventory UPDATE_ROLLBACK_COMPLETE"},
		},
		"update, access fails": {
			cfn.RequestUpdate, "UpdateStack " + access, [][]string{{"ClumioIAMRole"}},
			[]string{"access UPDATE_ROLLBACK_COMPLETE", "inventory UPDATE_COMPLETE"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			if tc.request == cfn.RequestUpdate {
				f = launched(t)
			}
			if tc.fails != "" {
				f.fails[tc.fails] = "no"
			}
			if _, err := handle(t, f, event(tc.request, withSupport)); (err != nil) != (tc.fails != "") {
				t.Errorf("got error %v", err)
			}
			var got [][]string
			for _, body := range bodies(f) {
				got = append(got, trusted(t, body))
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.trusted) {
				t.Errorf("trusted roles by operation: got %v, want %v", got, tc.trusted)
			}
			exists(t, f, tc.left...)
		})
	}
}

// TestTrustOfOtherPrincipal checks that an update that changes who may assume a role
// changes it last.
func TestTrustOfOtherPrincipal(t *testing.T) {
	f := launched(t)
	f.fails["UpdateStack "+inventory] = "no"
	before := f.find(access).body
	properties := testProperties("ExternalId", "another-external-id", "Tags", "Owner=you")
	if _, err := handle(t, f, update(testProperties(), properties)); err == nil {
		t.Fatal("the update did not fail")
	}
	if got := f.find(access).parameters; got != "the-external-id" {
		t.Errorf("the external id was changed before both stacks were complete: %s", got)
	}
	for _, body := range bodies(f) {
		if roleTrust(t, body) != roleTrust(t, before) {
			t.Errorf("the trust policy was changed before both stacks were complete: %s", roleTrust(t, body))
		}
	}
	if _, err := handle(t, f, update(testProperties(), properties)); err != nil {
		t.Fatal(err)
	}
	if got := f.find(access).parameters; got != "another-external-id" {
		t.Errorf("got external id %s", got)
	}
}

// TestExternalIDIsRestored checks that an update without any change restores an
// external id that another principal changed in the stack.
func TestExternalIDIsRestored(t *testing.T) {
	f := launched(t)
	f.find(access).parameters = "of-another-customer"
	if _, err := handle(t, f, update(testProperties(), testProperties())); err != nil {
		t.Fatal(err)
	}
	if got := f.find(access).parameters; got != "the-external-id" {
		t.Errorf("got external id %s", got)
	}
	wrote(t, f, "UpdateStack "+access)
}

// TestExternalIDInNoTemplate checks that no request has the external id but in the
// parameter's value.
func TestExternalIDInNoTemplate(t *testing.T) {
	f := newFake()
	for _, e := range []cfn.Event{
		event(cfn.RequestCreate, testProperties()),
		update(testProperties(), testProperties("ExternalId", "another-external-id", "Assets", "ec2")),
	} {
		if _, err := handle(t, f, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range bodies(f) {
		if strings.Contains(body, "external-id") {
			t.Errorf("a template has the external id: %s", body)
		}
	}
}

func roleTrust(t *testing.T, body string) string {
	t.Helper()
	var template struct {
		Resources struct {
			ClumioIAMRole struct {
				Properties struct{ AssumeRolePolicyDocument json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &template); err != nil {
		t.Fatal(err)
	}
	return string(template.Resources.ClumioIAMRole.Properties.AssumeRolePolicyDocument)
}

// TestTrustNeedsTheEvent checks that roles stay closed if CloudFormation no longer
// waits for the event, because another resource of the parent failed.
func TestTrustNeedsTheEvent(t *testing.T) {
	f := newFake()
	calls := 0
	client := waiting{f, func() (types.ResourceStatus, error) {
		if calls++; calls == 1 {
			return types.ResourceStatusCreateInProgress, nil
		}
		return types.ResourceStatusCreateFailed, nil
	}}
	p := &Provisioner{
		Client: client, StackRoleARN: stackRole, StackID: parentID, Synthesize: synthesize, Sleep: f.sleep,
	}
	_, err := p.Handle(t.Context(), discard, event(cfn.RequestCreate, testProperties()))
	says(t, err, "CloudFormation does not wait for this Create")
	for _, body := range bodies(f) {
		if got := trusted(t, body); len(got) > 0 {
			t.Errorf("roles %v could be assumed", got)
		}
	}
	exists(t, f)
}

// TestSideBySide checks that tasks sleep at the same time, and what ends them.
func TestSideBySide(t *testing.T) {
	failed := errors.New("failed")
	for name, tc := range map[string]struct {
		stop  bool
		ends  time.Duration // when sleeping returns an error; 0: never
		fails time.Duration // when the second task fails; 0: never
		slept time.Duration
		want  []error
	}{
		"both succeed": {slept: 9 * time.Second, want: []error{nil, nil}},
		"one fails":    {fails: 4 * time.Second, slept: 9 * time.Second, want: []error{nil, failed}},
		"one fails and stops others": {
			stop: true, fails: 4 * time.Second, slept: 4 * time.Second, want: []error{errStopped, failed},
		},
		"no time left": {
			ends: 5 * time.Second, slept: 6 * time.Second,
			want: []error{context.DeadlineExceeded, context.DeadlineExceeded},
		},
		"no time left, which ends both alike": {
			stop: true, ends: 5 * time.Second, slept: 6 * time.Second,
			want: []error{context.DeadlineExceeded, context.DeadlineExceeded},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var slept time.Duration
			o := &operation{log: discard, Provisioner: &Provisioner{Sleep: func(_ context.Context, d time.Duration) error {
				slept += d
				if tc.ends > 0 && slept >= tc.ends {
					return context.DeadlineExceeded
				}
				return nil
			}}}
			sleeper := func(interval, until, fails time.Duration) func(context.Context) error {
				return func(ctx context.Context) error {
					for at := interval; at <= until; at += interval {
						if err := o.sleep(ctx, interval); err != nil {
							return err
						}
						if at == fails {
							return failed
						}
					}
					return nil
				}
			}
			got := o.sideBySide(t.Context(), tc.stop, sleeper(3*time.Second, 9*time.Second, 0),
				sleeper(2*time.Second, 8*time.Second, tc.fails))
			if fmt.Sprint(got) != fmt.Sprint(tc.want) || slept != tc.slept {
				t.Errorf("got %v after %v, want %v after %v", got, slept, tc.want, tc.slept)
			}
		})
	}
	t.Run("panic", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("a panic of a task is lost")
			}
		}()
		o := &operation{log: discard, Provisioner: &Provisioner{}}
		o.sideBySide(t.Context(), false, func(context.Context) error { panic("of a task") })
	})
}
