package denial_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/denial"
)

// fixture is testdata/messages.yaml.
type fixture struct {
	Sources  map[string]string
	Messages []message
}

type message struct {
	Name, Source, Text, Choice string
	By                         denial.PolicyType
	Explicit                   bool
	Action, Resource, Policy   string
	Reason                     denial.Reason
	Promise                    denial.Promise // "" is not compared
	Says                       []string
}

func readFixture(t *testing.T) fixture {
	t.Helper()
	data, err := os.ReadFile("testdata/messages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	if err := yaml.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestMessages parses every documented form of AWS's messages and explains it.
func TestMessages(t *testing.T) {
	f := readFixture(t)
	if len(f.Messages) < 30 {
		t.Errorf("got %d messages, want 30 or more", len(f.Messages))
	}
	for _, m := range f.Messages {
		t.Run(m.Name, func(t *testing.T) {
			if f.Sources[m.Source] == "" {
				t.Errorf("source %q is not described", m.Source)
			}
			got, err := denial.Parse(m.Text)
			if err != nil {
				t.Fatal(err)
			}
			if got.By != m.By || got.Explicit != m.Explicit || got.Action != m.Action || got.Resource != m.Resource ||
				got.PolicyARN != m.Policy {
				t.Errorf("got %+v", got)
			}
			d := diagnose(t, got, m.Choice)
			if d.Reason != m.Reason {
				t.Errorf("got reason %s (%s), want %s", d.Reason, d.Text, m.Reason)
			}
			if m.Promise != "" && d.Promise != m.Promise {
				t.Errorf("got promise %s, want %s (flows %v)", d.Promise, m.Promise, d.Flows)
			}
			if d.Text == "" || len(d.Remedies) == 0 {
				t.Errorf("got no text or no remedy: %+v", d)
			}
			all := strings.Join(append(append([]string{d.Text}, d.Remedies...), d.Notes...), "\n")
			for _, want := range m.Says {
				if !strings.Contains(all, want) {
					t.Errorf("the answer does not say %q:\n%s", want, all)
				}
			}
		})
	}
}

func diagnose(t *testing.T, m denial.Message, text string) denial.Diagnosis {
	t.Helper()
	in, ok := input(t, m, text)
	if !ok {
		return denial.Outside(m, policies.Environment{})
	}
	d, err := denial.Diagnose(in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// input returns the input for a choice, and false if the principal is no role of a backup service.
func input(t *testing.T, m denial.Message, text string) (denial.Input, bool) {
	t.Helper()
	sel, err := choice.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	in := denial.Input{Message: m, Selection: sel, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	if m.Expired {
		return in, false
	}
	ok := true
	if m.Principal == "" {
		in.Profile, _ = policies.Profile(sel.Profile)
		in.Role, _ = denial.RoleOfProfile(in.Profile, "")
		in.Environment = policies.Environment{Account: "123456789012", Region: "us-east-1", ConnectionID: "prod"}
	} else {
		in.Profile, in.Role, in.Environment, ok = denial.Identify(denial.ParseCaller(m.Principal), policies.Environment{})
	}
	if !ok {
		return in, false
	}
	in.Environment.Partition, in.Environment.StackNames = "aws", []string{"backup"}
	in.Environment = choice.Example(sel, in.Environment)
	if in.Set, err = policies.Synthesize(sel, in.Environment); err != nil {
		t.Fatal(err)
	}
	return in, true
}

func TestNotARefusal(t *testing.T) {
	for _, text := range []string{
		"", "hello", "[]", `{"Records": [{"eventName": "ListKeys"}]}`,
		"An error occurred (DryRunOperation) when calling the CreateSnapshot operation: Request would have succeeded, but " +
			"DryRun flag is set.",
		"Error: 404 Not Found", `{"a": 1}`, "{", "Throttling: Rate exceeded", "The volume does not exist",
	} {
		t.Run(text, func(t *testing.T) {
			if m, err := denial.Parse(text); !errors.Is(err, denial.ErrNotDenied) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

func TestEncodedMessage(t *testing.T) {
	blob := strings.Repeat("uzhQeqw3RXzAVbBps8w4Hrv_J05s-yv", 6)
	for _, text := range []string{
		blob, "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized " +
			"to perform this operation. Encoded authorization failure message: " + blob,
	} {
		m, err := denial.Parse(text)
		if err != nil || m.Encoded != blob || m.Action != "" {
			t.Errorf("got %+v, %v", m, err)
		}
	}
}

// TestExpiredGrant checks a statement that applies until a time.
func TestExpiredGrant(t *testing.T) {
	m, err := denial.Parse("User: arn:aws:sts::123456789012:assumed-role/ClumioIAMRole-us-east-1-prod/s is not authorized " +
		"to perform: ec2:DescribeVolumes because no identity-based policy allows the ec2:DescribeVolumes action")
	if err != nil {
		t.Fatal(err)
	}
	in, _ := input(t, m, "clumio:ec2")
	for _, role := range in.Set.Roles {
		for _, p := range slices.Concat(role.Managed, role.Inline) {
			for i, s := range p.Document.Statement {
				if s.Effect == "Allow" {
					p.Document.Statement[i].Condition = iampolicy.Conditions{
						"DateLessThan": {"aws:CurrentTime": {"2026-10-01T00:00:00Z"}},
					}
				}
			}
		}
	}
	// The promised flows are refused, too, which is no defect of permstack.
	d, err := denial.Diagnose(in)
	if err != nil || d.Reason != denial.GrantExpired {
		t.Errorf("got %s: %s, %v", d.Reason, d.Text, err)
	}
}
