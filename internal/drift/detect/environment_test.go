package detect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
	"permstack/internal/provisioner"
)

const (
	account    = "123456789012"
	region     = "us-east-1"
	parentName = "backup"
	secret     = "e2e-external-id-7b0c9a52"
	role       = "ClumioIAMRole-us-east-1-main"
	roleID     = "ClumioIAMRole" // logical
)

// parentTemplate replaces template.yaml: a role of its own with the stack
// role's rights, and a log group. The real one is installed by TestInstalled.
const parentTemplate = `
Parameters:
  ExternalId: {Type: String, NoEcho: true, AllowedPattern: "[a-z0-9-]+"}
  Profile: {Type: String, Default: clumio}
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 30}}
  StackRole:
    Type: AWS::IAM::Role
    Properties:
      Path: /permstack/us-east-1/main/installer/
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: cloudformation.amazonaws.com}, Action: sts:AssumeRole}]
      ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"]
      Policies:
        - PolicyName: Log
          PolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Action: [logs:PutLogEvents], Resource: !GetAtt Log.Arn}]
Outputs:
  RoleArn: {Value: !GetAtt StackRole.Arn}
`

// environment is an embedded AWS with an installation of permstack.
type environment struct {
	*fakeawstest.Account
	t      testing.TB
	parent string // stack id

	release detect.Release // of the installation; empty if it has another template than template.yaml
}

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// in returns the environment for a subtest.
func (w *environment) in(t testing.TB) *environment {
	return &environment{Account: w.Account.For(t), t: t, parent: w.parent, release: w.release}
}

func newEnvironment(t testing.TB) *environment {
	t.Helper()
	return &environment{Account: fakeawstest.Start(t, fakeawstest.Options{}).In(account, region), t: t}
}

// install launches a parent stack and lets the provisioner create its permission
// stacks with every asset and option.
func install(t testing.TB) *environment {
	t.Helper()
	w := newEnvironment(t)
	parent := w.Launch(fakeawstest.Launch{
		Name: parentName, Template: []byte(parentTemplate), Parameters: map[string]string{"ExternalId": secret},
	})
	w.parent = parent.StackID
	p := &provisioner.Provisioner{
		Client: launching{w.CloudFormation}, StackRoleARN: parent.Outputs["RoleArn"],
		Sleep: func(ctx context.Context, _ time.Duration) error { // until the engine rests
			for _, part := range []string{"access", "inventory"} {
				if _, _, err := w.Stacks.Wait(ctx, account, region, w.stackName(installation.Part(part))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	_, err := p.Handle(t.Context(), slog.New(slog.DiscardHandler), cfn.Event{
		RequestType: cfn.RequestCreate, RequestID: "r", StackID: w.parent, LogicalResourceID: "PermissionStack",
		ResourceProperties: map[string]any{
			"Profile":                    "clumio",
			"Assets":                     []any{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"},
			"Operations":                 []any{"backup", "restore"},
			"SupportRole":                "true",
			"AWSBackupInventory":         "true",
			"ControlPlaneRoleArn":        "arn:aws:iam::111122223333:role/ControlPlane",
			"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support",
			"DataPlaneAccountId":         "444455556666",
			"ExternalId":                 secret,
			"ConnectionId":               "main",
			"Path":                       "/permstack/",
			"Tags":                       "team=storage",
			"CatalogVersion":             "1",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// keptExternalID are the parameters of an update of the access stack that keeps its external id.
var keptExternalID = []types.Parameter{
	{ParameterKey: aws.String("ExternalId"), UsePreviousValue: aws.Bool(true)},
}

// stackName returns the name of a permission stack.
func (w *environment) stackName(part installation.Part) string {
	w.t.Helper()
	if w.parent == "" {
		w.parent = *w.Stack(parentName).Describe().StackId
	}
	return must(installation.ParseParent(w.parent)).StackName(part)
}

func (w *environment) accessStack() string { return w.stackName(installation.Access) }

func (w *environment) inventoryStack() string { return w.stackName(installation.Inventory) }

// launching is CloudFormation while it waits for the custom resource of a parent.
type launching struct{ *cloudformation.Client }

func (launching) DescribeStackResource(
	context.Context,
	*cloudformation.DescribeStackResourceInput,
	...func(*cloudformation.Options),
) (*cloudformation.DescribeStackResourceOutput, error) {
	return &cloudformation.DescribeStackResourceOutput{
		StackResourceDetail: &types.StackResourceDetail{ResourceStatus: types.ResourceStatusCreateInProgress},
	}, nil
}

// create creates a stack, waits until it is complete and returns its id.
func (w *environment) create(name, template string) string {
	w.t.Helper()
	return w.Launch(fakeawstest.Launch{Name: name, Template: []byte(template)}).StackID
}

func (w *environment) clients() detect.Clients {
	return detect.NewClients(w.Config(account, region))
}

func (w *environment) options() detect.Options {
	c := simclock.New(time.Now())
	return detect.Options{Parent: parentName, AnyStack: true, Release: w.release, Now: c.Now, Sleep: c.Sleep}
}

func (w *environment) check() finding.Report {
	w.t.Helper()
	report, err := detect.Check(w.t.Context(), w.clients(), w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	w.checkReport(report)
	return report
}

// checkReport checks what holds for every report.
func (w *environment) checkReport(report finding.Report) {
	w.t.Helper()
	data, err := json.Marshal(report)
	if err != nil {
		w.t.Fatal(err)
	}
	if strings.Contains(string(data), secret) {
		w.t.Errorf("the report contains the external id: %s", data)
	}
	if strings.Contains(string(data), `\u0000`) {
		w.t.Errorf("the report holds a NUL: %s", data)
	}
	seen := map[string]bool{}
	for _, f := range report.Findings {
		switch {
		case f.ID == "" || f.Hash == "" || f.Stack == "" || wording.Finding(f).Advice == "" ||
			f.Kind == "" || f.Direction == "" || f.PhysicalID == "" || f.Type == "":
			w.t.Errorf("finding lacks something: %+v", f)
		case seen[f.ID]:
			w.t.Errorf("finding twice: %+v", f)
		case len(f.SeenBy) == 0 || !slices.IsSorted(f.SeenBy) || len(slices.Compact(slices.Clone(f.SeenBy))) != len(f.SeenBy):
			w.t.Errorf("finding seen by %q", f.SeenBy)
		}
		seen[f.ID] = true
	}
}

// joinSources returns "cloudformation+live".
func joinSources(sources []finding.Source) string {
	var out []string
	for _, s := range sources {
		out = append(out, string(s))
	}
	return strings.Join(out, "+")
}

// inWords returns findings as notifications word them.
func inWords(findings ...finding.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		text := wording.Finding(f)
		fmt.Fprintf(&b, "%s\n  expected %s\n  actual %s\n  %s\n  %s\n", summary(f), text.Expected, text.Actual,
			strings.Join(text.Details, "\n  "), text.Advice)
	}
	return b.String()
}

// summary returns a finding in one line, which tests compare.
func summary(f finding.Finding) string {
	s := f.LogicalID + " " + string(f.Kind)
	if f.Subject != "" {
		s += " [" + f.Subject + "]"
	}
	return s + " " + string(f.Direction) + " " + joinSources(f.SeenBy)
}

func summaries(report finding.Report) []string {
	var out []string
	for _, f := range report.Findings {
		out = append(out, summary(f))
	}
	return out
}

// must returns the value of a call of a test's setup. It panics if the call failed.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// intercept lets f return errors for calls, by their names.
func (w *environment) intercept(f func(name string) error) {
	w.SetIntercept(func(c *protocol.Call) error { return f(c.Service + ":" + c.Action) })
}
