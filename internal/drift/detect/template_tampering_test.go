package detect_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/drift/detect"
	"permstack/internal/notify/wording"
)

const accessStack = parentName + "-permstack-access"

// replaceTemplate updates the access stack with a template that grants more, as a
// principal can that may update stacks.
func (w *environment) replaceTemplate() {
	w.t.Helper()
	got := must(w.cfn.GetTemplate(w.t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String(accessStack)}))
	const original, replaced = `"Action":["ec2:CreateSnapshot"`, `"Action":["iam:CreateUser","ec2:CreateSnapshot"`
	body := strings.Replace(*got.TemplateBody, original, replaced, 1)
	if body == *got.TemplateBody {
		w.t.Fatalf("no %s in the template", original)
	}
	must(w.cfn.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{StackName: aws.String(accessStack),
		TemplateBody: &body, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Tags: w.describe(accessStack).Tags}))
	w.rest(accessStack)
}

// updateParent sets one parameter of the parent.
func (w *environment) updateParent(key, value string) {
	w.t.Helper()
	var parameters []types.Parameter
	for _, p := range w.describe(parentName).Parameters {
		if *p.ParameterKey == key {
			parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value})
		} else {
			parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
		}
	}
	must(w.cfn.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{StackName: aws.String(parentName),
		UsePreviousTemplate: aws.Bool(true), Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}}))
	if _, _, err := w.engine.Wait(w.t.Context(), account, region, parentName); err != nil {
		w.t.Fatal(err)
	}
}

// TestTemplateTampering: nothing differs from the deployed template, but that is
// not the one that the custom resource deployed.
func TestTemplateTampering(t *testing.T) {
	w := installTemplate(t)
	want := []string{" template-changed [access] grants-more live"}
	w.replaceTemplate()
	report := w.check()
	if got := summaries(report); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if f := report.Findings[0]; len(wording.Finding(f).Details) != 2 || f.Stack != accessStack {
		t.Errorf("found %+v", f)
	}

	// The advice: any change of the parent.
	w.updateParent("ResourceTags", "team=archive")
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("after an update of the parent: %q", got)
	}
	w.replaceTemplate()
	if got := summaries(w.check()); !slices.Equal(got, want) {
		t.Errorf("after an update of the parent, replaced again: %q, want %q", got, want)
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
			clients := w.clients()
			clients.CloudFormation = &later{CloudFormation: clients.CloudFormation, now: now}
			got, err := detect.Check(t.Context(), clients, w.options())
			if err != nil || len(got.Findings) != 0 {
				t.Errorf("%s: %q, %v", name, summaries(got), err)
			}
		}
	})

	// A parent of a release without fingerprints.
	clients := w.clients()
	clients.CloudFormation = &later{
		CloudFormation: clients.CloudFormation,
		asked:          1,
		now: func(s types.Stack) []types.Stack {
			s.Outputs = slices.DeleteFunc(
				s.Outputs,
				func(o types.Output) bool { return *o.OutputKey == "TemplateFingerprints" },
			)
			return []types.Stack{s}
		},
	}
	if got, err := detect.Check(t.Context(), clients, w.options()); err != nil || len(got.Findings) != 0 {
		t.Errorf("without fingerprints: %q, %v", summaries(got), err)
	}

	// A rollback leaves the parent's outputs as they were, and may have been
	// written by another release.
	w.updateParent("RolePath", "/elsewhere/")
	if status := w.describe(parentName).StackStatus; status != types.StackStatusUpdateRollbackComplete {
		t.Fatalf("the parent is %s", status)
	}
	w.replaceTemplate()
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("after a rollback: %q", got)
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
