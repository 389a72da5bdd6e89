package timing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack/restorewindow"
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

// TestRestoreWindow opens, extends, tampers with, outlives, reopens and closes a window.
func TestRestoreWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newWindowScenario(t, nil)
		s.requireRestore(false)

		end := s.open(4 * time.Hour)
		text := end.UTC().Format(time.RFC3339)
		s.requireRestore(true)
		s.requireMessages("restores allowed until " + text + " (grants-more)")
		s.requireDrift()
		s.checkDrift()
		s.requireMessages()

		// An update of another parameter keeps the window.
		if err := s.change(map[string]string{"LogRetentionDays": "30"}); err != nil {
			t.Fatal(err)
		}
		s.complete("UPDATE_COMPLETE")
		s.requireRestore(true)
		if w := s.window(); !w.Until.Equal(end) {
			t.Errorf("after another update: got end %v, want %v", w.Until, end)
		}

		s.tamper(text)

		// It ends by itself, is announced once, and is not drift.
		time.Sleep(time.Until(end) - time.Second)
		s.requireRestore(true)
		time.Sleep(time.Second)
		s.requireRestore(false)
		s.requireDrift()
		s.checkDrift()
		s.requireMessages("restore window ended (grants-less)")
		s.checkDrift()
		s.requireMessages()
		if err := s.change(map[string]string{"LogRetentionDays": "60"}); err != nil {
			t.Fatal(err)
		}
		s.complete("UPDATE_COMPLETE")
		s.requireRestore(false)
		s.requireMessages()

		// It can be opened again, shortened, and closed.
		end = s.open(3 * time.Hour)
		s.requireRestore(true)
		s.requireMessages("restores allowed until " + end.UTC().Format(time.RFC3339) + " (grants-more)")
		end = s.open(time.Hour)
		s.requireMessages("restores allowed until " + end.UTC().Format(time.RFC3339) + " (grants-less)")
		if err := s.window().Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.requireRestore(false)
		s.requireMessages("restore window closed (grants-less)")
		s.requireDrift()
		time.Sleep(2 * time.Hour)
		s.checkDrift()
		s.requireMessages()

		// Closing again changes nothing.
		w := s.window()
		if !w.Until.IsZero() {
			t.Errorf("got end %v after the window was closed", w.Until)
		}
		if err := w.Close(t.Context()); err != nil {
			t.Errorf("close twice: %v", err)
		}
		s.requireMessages()
	})
}

// tamper removes and extends the end of the window in IAM, and restores it.
func (s *windowScenario) tamper(end string) {
	s.t.Helper()
	arn, original := s.policyWithWindow()
	before, err := s.live.DefaultVersion(s.t.Context(), arn)
	if err != nil {
		s.t.Fatal(err)
	}
	document := s.parse(original)
	for i := range document.Statement {
		delete(document.Statement[i].Condition, "DateLessThan")
		if len(document.Statement[i].Condition) == 0 {
			document.Statement[i].Condition = nil
		}
	}
	removed, err := json.Marshal(document)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, text := range map[string]string{
		"removed": string(removed), "extended": strings.ReplaceAll(original, end, "2099-01-01T00:00:00Z"),
	} {
		if text == original {
			s.t.Fatalf("the end %s is not in the policy: %s", end, original)
		}
		created, err := s.iam.CreatePolicyVersion(s.t.Context(), &iam.CreatePolicyVersionInput{
			PolicyArn: &arn, PolicyDocument: &text, SetAsDefault: true,
		})
		if err != nil {
			s.t.Fatal(err)
		}
		report, err := detect.Check(s.t.Context(), detect.NewClients(s.cloud.Config(accountID, region)),
			detect.Options{Parent: parentName})
		if err != nil {
			s.t.Fatal(err)
		}
		if !slices.ContainsFunc(report.Findings, func(f finding.Finding) bool {
			return f.PhysicalID == arn && f.Direction == finding.GrantsMore
		}) {
			s.t.Errorf("end %s in IAM: got findings %+v, want one that grants more", name, report.Findings)
		}
		for _, err := range []error{
			second(s.iam.SetDefaultPolicyVersion(s.t.Context(), &iam.SetDefaultPolicyVersionInput{
				PolicyArn: &arn, VersionId: &before.Version,
			})),
			second(s.iam.DeletePolicyVersion(s.t.Context(), &iam.DeletePolicyVersionInput{
				PolicyArn: &arn, VersionId: created.PolicyVersion.VersionId,
			})),
		} {
			if err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.requireDrift()
}

func second[T any](_ T, err error) error { return err }

// TestRestoreWindowRefusals checks windows that are refused before anything is changed.
func TestRestoreWindowRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newWindowScenario(t, map[string]string{"MaxRestoreHours": "8"})
		w := s.window()
		refused := func(name string, err error, want string) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want %q", name, err, want)
			}
			s.requireRestore(false)
		}
		refused("past", w.Open(t.Context(), w.Now.Add(-time.Hour)), "Nothing was changed")
		refused("too long", w.Open(t.Context(), w.Now.Add(9*time.Hour)), "allows at most 8 hours from now")

		// The provisioner refuses it, too, and the stack is rolled back.
		long := time.Now().Add(9 * time.Hour).UTC().Format(time.RFC3339)
		if err := s.change(map[string]string{"RestoreUntil": long}); err != nil {
			t.Fatal(err)
		}
		s.complete("UPDATE_ROLLBACK_COMPLETE")
		refused("too long, by the provisioner", fmt.Errorf("%s", s.failures(parentName)), "more than 8 hours from now")

		// An offset, and another form, are refused by the template.
		for _, value := range []string{"2026-11-27T18:00:00+02:00", "2026-11-27 18:00", "4h"} {
			refused(value, s.change(map[string]string{"RestoreUntil": value}), "must be a time in UTC")
		}

		// A window in the past allows nothing.
		past := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		if err := s.change(map[string]string{"RestoreUntil": past}); err != nil {
			t.Fatal(err)
		}
		s.complete("UPDATE_COMPLETE")
		s.requireRestore(false)
		s.requireMessages("restore window in the past (grants-more)")

		// Of two people the second one is refused while the first one's update runs.
		first, other := s.window(), s.window()
		done := make(chan error)
		go func() { done <- first.Open(t.Context(), first.Now.Add(2*time.Hour)) }()
		time.Sleep(10 * time.Second)
		err := other.Open(t.Context(), other.Now.Add(3*time.Hour))
		if err == nil || !strings.Contains(err.Error(), "is being changed") {
			t.Errorf("second person: got error %v", err)
		}
		if err := s.window().Open(t.Context(), other.Now.Add(3*time.Hour)); err == nil ||
			!strings.Contains(err.Error(), "is being changed (UPDATE_IN_PROGRESS)") {
			t.Errorf("second person, who reads the stack meanwhile: got error %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("first person: %v", err)
		}
		s.requireRestore(true)
		if got, want := s.window().Until, first.Now.Add(2*time.Hour).Truncate(time.Second); !got.Equal(want) {
			t.Errorf("got end %v, want the first person's %v", got, want)
		}
	})
}

// TestRestoreWindowOfPermanentRestores checks that a window is not opened for a choice that allows restores anyway:
// closing it would make them permanent again.
func TestRestoreWindowOfPermanentRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newWindowScenario(t, map[string]string{"Operations": "backup,restore"})
		s.requireRestore(true)
		w := s.window()
		if err := w.Open(t.Context(), w.Now.Add(time.Hour)); err == nil ||
			!strings.Contains(err.Error(), "allows restores without an end") {
			t.Errorf("got error %v", err)
		}
	})
}
