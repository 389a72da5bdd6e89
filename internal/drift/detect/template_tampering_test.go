package detect_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy/policytest"
)

// updateParent sets one parameter of the parent.
func (w *environment) updateParent(key, value string) {
	w.t.Helper()
	var parameters []types.Parameter
	for _, p := range w.Stack(parentName).Describe().Parameters {
		if *p.ParameterKey == key {
			parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value})
		} else {
			parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
		}
	}
	must(w.CloudFormation.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{StackName: aws.String(parentName),
		UsePreviousTemplate: aws.Bool(true), Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}}))
	if _, _, err := w.Stacks.Wait(w.t.Context(), account, region, parentName); err != nil {
		w.t.Fatal(err)
	}
}

// TestTemplateTampering checks that the findings of a forged template end with the remedy that they
// name, and are not reported while the parent is being changed.
func TestTemplateTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	w.updateStack(w.accessStack(), w.forged())
	report := w.check()
	if len(report.Findings) != 2 || report.Findings[0].Stack != w.accessStack() {
		t.Errorf("found %q", summaries(report))
	}

	t.Run("while the parent changes", func(t *testing.T) {
		for name, now := range map[string]func(types.Stack) []types.Stack{
			"deleted": func(types.Stack) []types.Stack { return nil },
			"in progress": func(s types.Stack) []types.Stack {
				s.StackStatus = types.StackStatusUpdateInProgress
				return []types.Stack{s}
			},
			"changed": func(s types.Stack) []types.Stack {
				s.LastUpdatedTime = aws.Time(time.Now().Add(time.Hour))
				return []types.Stack{s}
			},
		} {
			t.Run(name, func(t *testing.T) {
				clients := w.clients()
				clients.CloudFormation = &later{CloudFormation: clients.CloudFormation, now: now}
				got, err := detect.Check(t.Context(), clients, w.options())
				if err != nil || len(got.Findings) != 0 {
					t.Errorf("%q, %v", summaries(got), err)
				}
			})
		}
	})

	w.updateParent("ResourceTags", "team=archive")
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("after the remedy: %q", got)
	}
}

// later is a CloudFormation that returns another description of the parent stack
// from the second time on.
type later struct {
	detect.CloudFormation
	asked int
	now   func(types.Stack) []types.Stack
}

func (l *later) DescribeStacks(
	ctx context.Context,
	in *cloudformation.DescribeStacksInput,
	o ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	out, err := l.CloudFormation.DescribeStacks(ctx, in, o...)
	if err != nil || *out.Stacks[0].StackName != parentName {
		return out, err
	}
	if l.asked++; l.asked > 1 {
		out.Stacks = l.now(out.Stacks[0])
	}
	return out, nil
}
