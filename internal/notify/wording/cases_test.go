package wording_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// TestAcceptance checks the sentence for each state of an acceptance.
func TestAcceptance(t *testing.T) {
	until := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		acceptance finding.Acceptance
		want       string
	}{
		"in force": {finding.Acceptance{State: finding.InForce, By: "me", Until: until, Reason: "guardrail"},
			"Accepted by me until 2027-01-31: guardrail"},
		"by a parameter": {finding.Acceptance{State: finding.InForce, By: "GuardrailAdditions", Reason: "guardrail"},
			"Accepted by the parameter GuardrailAdditions: guardrail."},
		"ended": {finding.Acceptance{State: finding.Ended, By: "me", Until: until},
			"Its acceptance by me ended on 2027-01-31."},
		"outdated": {finding.Acceptance{State: finding.Outdated, By: "me", Until: until},
			"It is not the difference that me accepted until 2027-01-31: its values changed since."},
		"too long": {finding.Acceptance{State: finding.TooLong, By: "me", Until: until},
			"Its acceptance until 2027-01-31 has no effect: it must end within a year."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := wording.Acceptance(tt.acceptance); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			f := finding.Finding{Kind: finding.TrustChanged, Acceptance: &tt.acceptance}
			said := slices.Contains(wording.Finding(f).Details, tt.want)
			if said != (tt.acceptance.State != finding.InForce) {
				t.Errorf("details %q: only an acceptance that has no effect belongs there", wording.Finding(f).Details)
			}
		})
	}
}

// TestAdviceByCase checks the advice that depends on more than the kind.
func TestAdviceByCase(t *testing.T) {
	of := func(kind finding.Kind, subject, property string, d finding.Direction) string {
		return wording.Finding(finding.Finding{Kind: kind, Subject: subject, Property: property, Direction: d,
			PhysicalID: "rule"}).Advice
	}
	const enable, remove = "Enable it: aws events enable-rule --name rule", "aws events remove-targets --rule rule --ids x"
	for _, tt := range []struct {
		name, advice, part string
		want               bool
	}{
		{"external id", of(finding.ChoiceChanged, finding.ExternalIDChoice, "", ""), "external ID", true},
		{"another choice", of(finding.ChoiceChanged, "Assets", "", ""), "external ID", false},
		{"parent's template", of(finding.TemplateChanged, "parent", "", ""), "launch template", true},
		{"another template", of(finding.TemplateChanged, "", "", ""), "launch template", false},
		{"rule disabled", of(finding.RuleChanged, "", "State", finding.GrantsLess), enable, true},
		{"rule enabled", of(finding.RuleChanged, "", "State", finding.GrantsMore), enable, false},
		{"pattern narrowed", of(finding.RuleChanged, "", "EventPattern", finding.GrantsLess), enable, false},
		{"target added", of(finding.RuleChanged, finding.TargetSubject("x"), "Targets", finding.GrantsMore), remove, true},
		{"target removed", of(finding.RuleChanged, finding.TargetSubject("x"), "Targets", finding.GrantsLess), remove, false},
		{"pattern widened", of(finding.RuleChanged, finding.TargetSubject("x"), "EventPattern", finding.GrantsMore), remove,
			false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Contains(tt.advice, tt.part); got != tt.want || tt.advice == "" {
				t.Errorf("advice %q has %q: %v, want %v", tt.advice, tt.part, got, tt.want)
			}
		})
	}
}

// TestValuesByCase checks expected and actual values that depend on more than the kind.
func TestValuesByCase(t *testing.T) {
	document := finding.Value{Document: &finding.Document{Statements: []finding.Statement{
		{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}}}}}
	difference := finding.Difference{Path: "/Timeout", Expected: "30"}
	for _, tt := range []struct {
		name             string
		finding          finding.Finding
		expected, actual string
	}{
		{"added role with its trust", finding.Finding{Kind: finding.RoleAdded, Type: "AWS::IAM::Role", Subject: "r",
			Actual: document}, "no such role", "role r: Allow * on *"},
		{"added role", finding.Finding{Kind: finding.RoleAdded, Type: "AWS::IAM::Role", Subject: "r"},
			"no such role", "role r"},
		{"key", finding.Finding{Kind: finding.PropertyChanged, Property: "AlertKeyArn", RemovalID: "k",
			Expected: finding.Text("Enabled"), Actual: finding.Text("Disabled")}, "key k: Enabled", "key: Disabled"},
		{"property", finding.Finding{Kind: finding.PropertyChanged, Property: "Timeout",
			Expected: finding.Text("30"), Actual: finding.Text("40")}, "30", "40"},
		{"one difference", finding.Finding{Kind: finding.PropertyChanged, Differences: []finding.Difference{difference}},
			"30", "nothing"},
		{"two differences", finding.Finding{Kind: finding.PropertyChanged,
			Differences: []finding.Difference{difference, difference}}, "as in the template", "2 differences"},
		{"as long as allowed", finding.Finding{Kind: finding.PropertyChanged,
			Expected: finding.Text(strings.Repeat("é", 240)), Actual: finding.Text(strings.Repeat("é", 241))},
			strings.Repeat("é", 240), strings.Repeat("é", 239) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := wording.Finding(tt.finding); got.Expected != tt.expected || got.Actual != tt.actual {
				t.Errorf("got %q and %q, want %q and %q", got.Expected, got.Actual, tt.expected, tt.actual)
			}
		})
	}
}

// TestDetailsByCase checks sentences that belong to some findings of a kind only.
func TestDetailsByCase(t *testing.T) {
	const parent, unknown = "The parent stack has another template than the release", "Not known: policy p."
	errors := []finding.ReadError{{Target: finding.TargetPolicy, Name: "p", Message: "AccessDenied: no"}}
	for _, tt := range []struct {
		name    string
		finding finding.Finding
		part    string
		want    bool
	}{
		{"parent's template", finding.Finding{Kind: finding.TemplateChanged, Subject: "parent"}, parent, true},
		{"another template", finding.Finding{Kind: finding.TemplateChanged}, parent, false},
		{"what was not read", finding.Finding{Kind: finding.NotReadable, ReadErrors: errors}, unknown, true},
		{"an invalid template", finding.Finding{Kind: finding.NotReadable, Reason: finding.TemplateInvalid,
			ReadErrors: errors}, unknown, false},
		{"what is of another kind", finding.Finding{Kind: finding.TrustChanged, ReadErrors: errors}, unknown, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			details := strings.Join(wording.Finding(tt.finding).Details, "\n")
			if got := strings.Contains(details, tt.part); got != tt.want {
				t.Errorf("details have %q: %v, want %v:\n%s", tt.part, got, tt.want, details)
			}
		})
	}
}

func TestCallsAndTitles(t *testing.T) {
	call := finding.Call{Principal: "me", Action: "iam:PutRolePolicy", Time: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)}
	const text = "me called iam:PutRolePolicy, 27 Nov 2026 08:00:00 UTC"
	if got := wording.Call(call); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	call.Source = "192.0.2.1"
	if got := wording.Call(call); got != text+", from 192.0.2.1" {
		t.Errorf("got %q, want the address at its end", got)
	}
	title := wording.Title(finding.TagsChanged, ": ", "")
	if got := wording.Title(finding.TagsChanged, ": ", "team"); title == "" || got != title+": team" {
		t.Errorf("titles %q and %q, want the second with the subject", title, got)
	}
	for logicalID, want := range map[string]string{"": "stack: ", "Role": "Role: "} {
		r := finding.Reversal{Finding: finding.Finding{Stack: "stack", LogicalID: logicalID}, Outcome: finding.Restored}
		if got := wording.Reversal(r); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want it to begin with %q", got, want)
		}
	}
}
