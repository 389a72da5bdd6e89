package timing

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/installation"
)

const role = `{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}}}`

const profile = `{"Type":"AWS::IAM::InstanceProfile","Properties":{"Roles":[{"Ref":"Role"}]}}`

// TestWaits checks how long CloudFormation takes for resources beside and after one
// another.
func TestWaits(t *testing.T) {
	for name, tc := range map[string]struct {
		resources      string
		create, remove time.Duration
	}{
		// Two seconds before the first resource, one after the last; a second each in a deletion.
		"one role":     {`"Role":` + role, 21 * time.Second, 15 * time.Second},
		"three roles":  {`"Role":` + role + `,"B":` + role + `,"C":` + role, 21 * time.Second, 15 * time.Second},
		"role, policy": {`"Role":` + role + `,"P":` + attachedPolicy("Role"), 39 * time.Second, 28 * time.Second},
		// The parameter follows the profile when that is configured, not when it is complete.
		"profile, parameter": {
			`"Role":` + role + `,"Profile":` + profile + `,"P":{"Type":"AWS::SSM::Parameter","DependsOn":"Profile",` +
				`"Properties":{"Type":"String","Value":"x"}}`,
			153 * time.Second, 20 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				got := a.create("stack", []byte(`{"Resources":{`+tc.resources+`}}`), nil).Round(time.Second)
				if got != tc.create {
					t.Errorf("creation: got %v, want %v", got, tc.create)
				}
				if strings.Contains(tc.resources, "Parameter") {
					at := a.since("stack", "P", "CREATE_COMPLETE").Round(time.Second)
					if want := 24 * time.Second; at != want {
						t.Errorf("the parameter is complete after %v, want %v", at, want)
					}
				}
				if got := a.remove("stack").Round(time.Second); got != tc.remove {
					t.Errorf("deletion: got %v, want %v", got, tc.remove)
				}
			})
		})
	}
}

func attachedPolicy(role string) string {
	return `{"Type":"AWS::IAM::ManagedPolicy","Properties":{"Roles":[{"Ref":"` + role + `"}],"PolicyDocument":{` +
		`"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}}}`
}

// TestCancelledCreation checks that the waits of a creation end when the stack is
// deleted, and when its time is over.
func TestCancelledCreation(t *testing.T) {
	template := `{"Resources":{"Role":` + role + `,"Profile":` + profile + `}}`
	t.Run("deleted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t)
			if _, err := a.cfn.CreateStack(t.Context(), &cloudformation.CreateStackInput{
				StackName: aws.String("stack"), TemplateBody: &template, Capabilities: capabilities,
			}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second) // the profile is being created
			if got, limit := a.remove("stack"), 20*time.Second; got > limit {
				t.Errorf("the deletion took %v, want at most %v", got, limit)
			}
		})
	})
	t.Run("timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t)
			got := a.measure("stack", "ROLLBACK_COMPLETE", func(ctx context.Context) error {
				_, err := a.cfn.CreateStack(ctx, &cloudformation.CreateStackInput{
					StackName: aws.String("stack"), TemplateBody: &template, Capabilities: capabilities,
					TimeoutInMinutes: aws.Int32(1),
				})
				return err
			})
			if limit := 80 * time.Second; got < time.Minute || got > limit {
				t.Errorf("the creation ended after %v, want one minute and at most %v", got, limit)
			}
		})
	})
}

// TestNobodyIsLetInEarly checks every trust policy that is written during a launch:
// none lets an account in before both permission stacks and the monitoring are
// complete.
func TestNobodyIsLetInEarly(t *testing.T) {
	for _, c := range choices {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				began := time.Now()
				first := time.Duration(-1)
				a := newAccountWith(t, fakeaws.Options{Intercept: func(call *protocol.Call) error {
					trust := call.Form.Get("AssumeRolePolicyDocument")
					if call.Action == "UpdateAssumeRolePolicy" {
						trust = call.Form.Get("PolicyDocument")
					}
					if !strings.Contains(trust, `"AWS":`) || strings.Contains(trust, `"Deny"`) {
						return nil
					}
					mu.Lock()
					defer mu.Unlock()
					if first < 0 {
						first = time.Since(began)
					}
					return nil
				}})
				a.create(parentName, permstack.Template, c.launch)
				if first < 0 {
					t.Skip("the choice lets no account in")
				}
				offset := a.since(parentName, "PermissionStack", "CREATE_IN_PROGRESS")
				parent, err := installation.ParseParent(a.id(parentName))
				if err != nil {
					t.Fatal(err)
				}
				parts := []string{parent.StackName(installation.Access)}
				if len(a.set.Topics) > 0 {
					parts = append(parts, parent.StackName(installation.Inventory))
				}
				for _, stack := range parts {
					if complete := offset + a.since(stack, stack, "CREATE_COMPLETE"); first < complete {
						t.Errorf("somebody is let in after %v, stack %s is complete after %v", first, stack, complete)
					}
				}
				for _, id := range []string{"DriftRule", "DriftRulePermission", "Drift", "AlertTopicPolicy"} {
					if complete := a.since(parentName, id, "CREATE_COMPLETE"); first < complete {
						t.Errorf("somebody is let in after %v, %s is complete after %v", first, id, complete)
					}
				}
			})
		})
	}
}
