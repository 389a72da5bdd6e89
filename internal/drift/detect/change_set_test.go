package detect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack"
	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy/policytest"
)

// createChangeSet creates a change set of a stack with other values of parameters, or another template.
func (w *environment) createChangeSet(stack, name, template string, parameters map[string]string) {
	w.t.Helper()
	in := &cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: &name, UsePreviousTemplate: aws.Bool(true),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	if template != "" {
		in.UsePreviousTemplate, in.TemplateURL = nil, aws.String(w.TemplateURL(name, []byte(template)))
	}
	for _, p := range w.Stack(stack).Describe().Parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if value, ok := parameters[*p.ParameterKey]; ok {
			next.UsePreviousValue, next.ParameterValue = nil, &value
		}
		in.Parameters = append(in.Parameters, next)
	}
	in.Tags = append(w.Stack(stack).Describe().Tags, types.Tag{Key: aws.String("extra"), Value: aws.String("1")})
	must(w.CloudFormation.CreateChangeSet(w.t.Context(), in))
	if _, _, err := w.Stacks.Wait(w.t.Context(), account, region, stack); err != nil {
		w.t.Fatal(err)
	}
}

// TestChangeSets creates change sets that are not executed, and checks which are reported, and how.
func TestChangeSets(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	for _, tc := range []struct {
		name     string
		create   func(w *environment)
		want     string
		contains string
	}{
		{"wider template of the access stack", func(w *environment) {
			w.createChangeSet(w.accessStack(), "wider", w.forged(), nil)
		}, " change-set-added [wider] grants-more live", "another template"},
		{"the same template", func(w *environment) {
			w.createChangeSet(w.accessStack(), "same", w.template(w.accessStack()), nil)
		}, "", ""},
		{"of a revert", func(w *environment) {
			w.createChangeSet(w.accessStack(), detect.ChangeSetPrefix+"1", w.forged(), nil)
		}, "", ""},
		{"another principal", func(w *environment) {
			w.createChangeSet(parentName, "principal", "", map[string]string{
				"ControlPlaneRoleArn": "arn:aws:iam::999988887777:role/theirs"})
		}, " change-set-added [principal] grants-more live", "999988887777"},
		{"another schedule", func(w *environment) {
			w.createChangeSet(parentName, "schedule", "", map[string]string{"DriftSchedule": "rate(2 hours)"})
		}, " change-set-added [schedule] monitoring live", "rate(2 hours)"},
		{"another template of the parent", func(w *environment) {
			w.createChangeSet(parentName, "template", strings.Replace(string(permstack.Template), "State: ENABLED",
				"State: DISABLED", 1), nil)
		}, " change-set-added [template] monitoring live", "Template: sha256"},
		{"more assets", func(w *environment) {
			w.createChangeSet(parentName, "assets", "", map[string]string{"ProtectRDS": "yes"})
		}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			before := summaries(w.check())
			tc.create(w)
			report := w.check()
			got := slices.DeleteFunc(summaries(report), func(s string) bool { return slices.Contains(before, s) })
			if tc.want == "" && len(got) != 0 || tc.want != "" && !slices.Equal(got, []string{tc.want}) {
				t.Errorf("got findings %q, want %q", got, tc.want)
			}
			if tc.contains != "" && !strings.Contains(inWords(report.Findings...), tc.contains) {
				t.Errorf("no %q in %s", tc.contains, inWords(report.Findings...))
			}
		})
	}
}

// TestFailedParent makes an update of the parent stack fail without a rollback, and checks that the stack and what it
// contains are compared all the same.
func TestFailedParent(t *testing.T) {
	w := installTemplate(t)
	url := w.TemplateURL("failing.yaml", []byte(strings.Replace(string(permstack.Template), "\nOutputs:\n",
		"\n  Last:\n    Type: AWS::SNS::Subscription\n"+
			"    Properties: {TopicArn: !Ref AlertTopic, Protocol: none, Endpoint: none}\n\nOutputs:\n", 1)))
	in := &cloudformation.UpdateStackInput{TemplateURL: &url, DisableRollback: aws.Bool(true)}
	for _, p := range w.Stack(parentName).Describe().Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	w.Stack(parentName).BeginUpdate(in)
	w.Stack(parentName).Wait("UPDATE_FAILED")
	w.AttachPolicy(w.parentRole(), admin)
	got := summaries(w.check())
	for _, want := range []string{
		" stack-failed [UPDATE_FAILED] monitoring live", "StackRole attachment-added [" + admin + "] grants-more live",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("got findings %q, want %q", got, want)
		}
	}
}
