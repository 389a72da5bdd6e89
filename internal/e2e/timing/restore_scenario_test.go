package timing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/notify"
	"permstack/internal/review/restorewindow"
)

// windowScenario is an installation for backups alone on a simulated clock.
type windowScenario struct {
	*account
	t    *testing.T
	iam  *iam.Client
	live *livestate.Reader
	read int // messages that were returned
}

func newWindowScenario(t *testing.T, parameters map[string]string) *windowScenario {
	a := newAccount(t)
	cfg := a.cloud.Config(accountID, region)
	s := &windowScenario{account: a, t: t, iam: iam.NewFromConfig(cfg), live: livestate.NewReader(cfg)}
	s.create(parentName, permstack.Template, clumio(map[string]string{
		"ProtectRDS": "yes", "Operations": "backup",
	}, parameters))
	s.messages()
	return s
}

func (s *windowScenario) window() *restorewindow.Window {
	s.t.Helper()
	w, err := restorewindow.Read(s.t.Context(), s.cfn, parentName)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// open opens a window for a duration from now and returns its end.
func (s *windowScenario) open(d time.Duration) time.Time {
	s.t.Helper()
	w := s.window()
	end := w.Now.Add(d).Truncate(time.Second)
	if err := w.Open(s.t.Context(), end); err != nil {
		s.t.Fatal(err)
	}
	return end
}

// change begins an update of some parameters, with the previous values of the others.
func (s *windowScenario) change(values map[string]string) error {
	out, err := s.cfn.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(parentName)})
	if err != nil {
		s.t.Fatal(err)
	}
	in := &cloudformation.UpdateStackInput{
		StackName: aws.String(parentName), UsePreviousTemplate: aws.Bool(true), Capabilities: capabilities,
	}
	for _, p := range out.Stacks[0].Parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if v, ok := values[*p.ParameterKey]; ok {
			next = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &v}
		}
		in.Parameters = append(in.Parameters, next)
	}
	_, err = s.cfn.UpdateStack(s.t.Context(), in)
	return err
}

// complete waits for the stack and requires a status.
func (s *windowScenario) complete(want string) {
	s.t.Helper()
	status, reason, err := s.stacks.Wait(s.t.Context(), accountID, region, parentName)
	if err != nil || status != want {
		s.t.Fatalf("got status %s (%s), %v, want %s\n%s", status, reason, err, want, s.failures(parentName))
	}
}

// role returns the name of the vendor's role.
func (s *windowScenario) role() string {
	s.t.Helper()
	roles, err := s.live.Roles(s.t.Context(), "/permstack/")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range roles {
		if strings.HasPrefix(r.Name, "ClumioIAMRole") {
			return r.Name
		}
	}
	s.t.Fatal("the vendor's role does not exist")
	return ""
}

// policyWithWindow returns the ARN and the document of a managed policy of the role that
// allows restores.
func (s *windowScenario) policyWithWindow() (arn, text string) {
	s.t.Helper()
	attached, err := s.live.AttachedPolicies(s.t.Context(), s.role())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range attached {
		v, err := s.live.DefaultVersion(s.t.Context(), p.ARN)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(v.Text, "rds:RestoreDBInstanceFromDBSnapshot") {
			return p.ARN, v.Text
		}
	}
	return "", ""
}

// mayRestore evaluates the deployed policies of the role, with its permissions boundary,
// as IAM does for a request of any session of the role now.
func (s *windowScenario) mayRestore() bool {
	s.t.Helper()
	role, err := s.live.RoleSettings(s.t.Context(), s.role())
	if err != nil {
		s.t.Fatal(err)
	}
	boundary, err := s.live.DefaultVersion(s.t.Context(), role.Boundary)
	if err != nil {
		s.t.Fatal(err)
	}
	limit := s.parse(boundary.Text)
	var docs []iampolicy.Document
	if _, text := s.policyWithWindow(); text != "" {
		docs = append(docs, s.parse(text))
	}
	return eval.Role(docs, &limit, eval.Request{
		Action: "rds:RestoreDBInstanceFromDBSnapshot", Resource: "arn:aws:rds:" + region + ":" + accountID + ":db:restored",
		Context: map[string][]string{"aws:CurrentTime": {time.Now().UTC().Format(time.RFC3339)}},
	}).Decision == eval.Allow
}

func (s *windowScenario) parse(text string) iampolicy.Document {
	s.t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *windowScenario) requireRestore(want bool) {
	s.t.Helper()
	if got := s.mayRestore(); got != want {
		s.t.Errorf("at %s: restore allowed: %v, want %v", time.Now().UTC().Format(time.RFC3339), got, want)
	}
}

// messages returns what was published since the last call.
func (s *windowScenario) messages() []notify.Message {
	s.t.Helper()
	out, err := s.cfn.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(parentName)})
	if err != nil {
		s.t.Fatal(err)
	}
	topic := ""
	for _, o := range out.Stacks[0].Outputs {
		if *o.OutputKey == "AlertTopicArn" {
			topic = *o.OutputValue
		}
	}
	all := s.cloud.SNS().Messages(topic)
	var list []notify.Message
	for _, m := range all[s.read:] {
		var byProtocol map[string]string
		if err := json.Unmarshal([]byte(m.Body), &byProtocol); err != nil {
			s.t.Fatal(err)
		}
		var message notify.Message
		if err := json.Unmarshal([]byte(byProtocol["default"]), &message); err != nil {
			s.t.Fatal(err)
		}
		list = append(list, message)
	}
	s.read = len(all)
	return list
}

// requireMessages requires messages with exactly these subjects and directions.
func (s *windowScenario) requireMessages(want ...string) {
	s.t.Helper()
	var got []string
	for _, m := range s.messages() {
		subject, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "permstack: "), " - ")
		got = append(got, subject+" ("+string(m.Direction)+")")
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("got messages %q, want %q", got, want)
	}
}

// checkDrift runs the drift function.
func (s *windowScenario) checkDrift() {
	s.t.Helper()
	out, err := s.cfn.DescribeStackResource(s.t.Context(), &cloudformation.DescribeStackResourceInput{
		StackName: aws.String(parentName), LogicalResourceId: aws.String("Drift"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	arn := lambda.Resolve(accountID, region, *out.StackResourceDetail.PhysicalResourceId)
	result, err := s.functions.Invoke(s.t.Context(), arn, []byte(`{"source":"aws.events"}`))
	if err != nil || result.FunctionError != "" {
		s.t.Fatalf("drift check: %v, %s %s", err, result.FunctionError, result.Payload)
	}
}

// requireDrift checks the stack and requires these findings, as kind and direction.
func (s *windowScenario) requireDrift(want ...string) {
	s.t.Helper()
	report, err := detect.Check(s.t.Context(), detect.NewClients(s.cloud.Config(accountID, region)),
		detect.Options{Parent: parentName})
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, f := range report.Findings {
		got = append(got, fmt.Sprintf("%s %s", f.Type, f.Direction))
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		s.t.Errorf("got findings %q, want %q", got, want)
	}
}
