package detect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// TestParentSettings changes settings of the parent stack that no template contains, and checks that each change is
// announced once, with its direction.
func TestParentSettings(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	update := func(edit func(*cloudformation.UpdateStackInput)) func(*environment) {
		return func(w *environment) {
			in := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true)}
			for _, p := range w.Stack(parentName).Describe().Parameters {
				in.Parameters = append(in.Parameters,
					types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
			}
			in.Tags = []types.Tag{{Key: aws.String("at"), Value: aws.String(t.Name())}}
			edit(in)
			w.Stack(parentName).BeginUpdate(in)
			w.Stack(parentName).Wait("UPDATE_COMPLETE")
		}
	}
	policy := func(body string) func(*environment) {
		return func(w *environment) {
			must(w.CloudFormation.SetStackPolicy(w.t.Context(), &cloudformation.SetStackPolicyInput{
				StackName: aws.String(parentName), StackPolicyBody: &body,
			}))
		}
	}
	const statement = `{"Statement":[{"Effect":"%","Action":"Update:*","Principal":"*","Resource":"*"}]}`
	previous := w.check()
	for _, tc := range []struct {
		name      string
		do        func(*environment)
		want      string // subject and direction
		contained string
	}{
		{"nothing", func(*environment) {}, "", ""},
		{"topic", update(func(in *cloudformation.UpdateStackInput) {
			in.NotificationARNs = []string{"arn:aws:sns:us-east-1:123456789012:theirs"}
		}), "StackSettings grants-more", "topic arn:aws:sns:us-east-1:123456789012:theirs"},
		{"topic kept", update(func(in *cloudformation.UpdateStackInput) {
			in.Tags[0].Value = aws.String("again")
		}), "", ""},
		{"alarm", update(func(in *cloudformation.UpdateStackInput) {
			in.NotificationARNs = []string{}
			in.RollbackConfiguration = &types.RollbackConfiguration{RollbackTriggers: []types.RollbackTrigger{{
				Arn:  aws.String("arn:aws:cloudwatch:us-east-1:123456789012:alarm:theirs"),
				Type: aws.String("AWS::CloudWatch::Alarm"),
			}}}
		}), "StackSettings monitoring", "alarm arn:aws:cloudwatch:us-east-1:123456789012:alarm:theirs"},
		{"policy", policy(strings.Replace(statement, "%", "Deny", 1)), "StackPolicy monitoring", `policy: {"Statement"`},
		{"policy that allows", policy(strings.Replace(statement, "%", "Allow", 1)), "StackPolicy monitoring", "none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			tc.do(w)
			after := w.checkAfter(previous, false)
			var got []string
			text := ""
			for _, f := range finding.CompareChoices(parentName, w.parent, previous.Choices, after.Choices) {
				if f.Subject != finding.TerminationChoice {
					got = append(got, f.Subject+" "+string(f.Direction))
					text += inWords(f)
				}
			}
			if want := strings.Fields(tc.want); len(want) == 0 && len(got) != 0 ||
				len(want) > 0 && !slices.Equal(got, []string{tc.want}) {
				t.Errorf("got choices %q, want %q", got, tc.want)
			}
			if !strings.Contains(text, tc.contained) {
				t.Errorf("no %q in %s", tc.contained, text)
			}
			previous = after
		})
	}
}
