package wording_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// constants returns the values of a type's constants in package finding.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("../finding/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == typeName {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, value)
			}
			return true
		})
	}
	if len(out) == 0 {
		t.Fatalf("package finding has no constants of type %s", typeName)
	}
	return out
}

// role is a finding about a role, without kind.
var role = finding.Finding{
	Stack: "backup-permstack-access", LogicalID: "Role", PhysicalID: "backup-role", Type: "AWS::IAM::Role",
	Subject: "subject", Direction: finding.Changed, SeenBy: []finding.Source{finding.Live},
}

// TestEveryKindHasAdvice checks that every kind has advice. NotReadable gets it from the reason.
func TestEveryKindHasAdvice(t *testing.T) {
	for _, kind := range constants(t, "Kind") {
		t.Run(kind, func(t *testing.T) {
			f := role
			f.Kind = finding.Kind(kind)
			if f.Kind == finding.NotReadable {
				f.Reason = finding.ReadFailed
			}
			if wording.Finding(f).Advice == "" {
				t.Error("it has no advice: add it to advice.go")
			}
		})
	}
}

// TestEveryReasonHasWords checks that every reason is worded, in the details or the advice.
func TestEveryReasonHasWords(t *testing.T) {
	for _, reason := range constants(t, "Reason") {
		t.Run(reason, func(t *testing.T) {
			plain, f := role, role
			plain.Kind, f.Kind, f.Reason = finding.InlinePolicyAdded, finding.InlinePolicyAdded, finding.Reason(reason)
			before, after := wording.Finding(plain), wording.Finding(f)
			if before.Advice == after.Advice && len(after.Details) == len(before.Details) {
				t.Error("a finding reads the same with and without it")
			}
		})
	}
}

// TestEveryOutcomeHasWords checks that every outcome of a revert is worded.
func TestEveryOutcomeHasWords(t *testing.T) {
	seen := map[string]string{}
	for _, outcome := range constants(t, "Outcome") {
		t.Run(outcome, func(t *testing.T) {
			text := wording.Reversal(finding.Reversal{Finding: role, Outcome: finding.Outcome(outcome), Message: "message"})
			if text == "Role: " {
				t.Error("it has no words")
			}
			if other := seen[text]; other != "" {
				t.Errorf("it has the same words as %s: %s", other, text)
			}
			seen[text] = outcome
		})
	}
}

// TestEveryTargetHasWords checks that every target of a read error is worded.
func TestEveryTargetHasWords(t *testing.T) {
	for _, target := range constants(t, "Target") {
		t.Run(target, func(t *testing.T) {
			f := role
			f.Kind, f.Reason = finding.NotReadable, finding.ReadFailed
			f.ReadErrors = []finding.ReadError{{Target: finding.Target(target), Message: "Code: message"}}
			details := wording.Finding(f).Details
			if len(details) != 2 || details[0] == "Not known: ." || details[1] != "Code: message" {
				t.Errorf("details %q", details)
			}
		})
	}
}

func TestFinding(t *testing.T) {
	document := &finding.Document{Statements: []finding.Statement{
		{Effect: "Allow", Actions: []string{"sns:Publish"}, Principals: []string{"*"}, Conditional: true},
		{Effect: "Deny", NotActions: []string{"sns:Subscribe"}, Resources: []string{"*"}, NotPrincipals: []string{"1"}},
	}}
	for name, tc := range map[string]struct {
		edit                     func(*finding.Finding)
		expected, actual, advice string // advice is contained
		details                  []string
	}{
		"tag removed": {func(f *finding.Finding) {
			f.Kind, f.Expected, f.Actual = finding.TagsChanged, finding.Value{}, finding.None
		}, `""`, "no such tag", "Restore the tag", nil},
		"boundary removed": {func(f *finding.Finding) {
			f.Kind, f.Expected, f.Actual = finding.BoundaryChanged, finding.Text("arn"), finding.None
		}, "arn", "no boundary", "PermissionsBoundaryArn", []string{"No boundary limits what the role's policies grant."}},
		"session": {func(f *finding.Finding) {
			f.Kind, f.Expected, f.Actual = finding.SessionChanged, finding.Text("3600"), finding.Text("43200")
		}, "3600 seconds", "43200 seconds", "maximum session duration", nil},
		"topic policy": {func(f *finding.Finding) {
			f.Kind, f.Expected, f.Actual = finding.TopicPolicyChanged, finding.Value{Document: document},
				finding.Value{Document: &finding.Document{Invalid: true}}
			f.Reason = finding.DocumentInvalid
		}, "Allow sns:Publish for everyone under conditions; Deny everything but sns:Subscribe on * for everyone but 1",
			"a document that cannot be parsed", "publish and subscribe",
			[]string{"One of the two documents cannot be parsed, so what it allows is not known."}},
		"policy version": {func(f *finding.Finding) {
			f.Kind, f.Actual = finding.PolicyChanged, finding.Value{Text: "v2", Document: &finding.Document{
				Statements: []finding.Statement{{Effect: "Allow", Actions: []string{"s3:*"}, Resources: []string{"*"}}},
			}}
			f.Changes, f.ChangesOmitted = []string{"grants more: added: Allow s3:*"}, 7
		}, "", "version v2: Allow s3:* on *", "CreatePolicyVersion", []string{"grants more: added: Allow s3:*",
			"and 7 more"}},
		"rule disabled": {func(f *finding.Finding) {
			f.Type, f.Kind, f.Property, f.Direction = "AWS::Events::Rule", finding.RuleChanged, "State", finding.GrantsLess
			f.Expected, f.Actual = finding.Text("ENABLED"), finding.Text("DISABLED")
		}, "ENABLED", "DISABLED", "aws events enable-rule --name backup-role",
			[]string{"The backup service is no longer notified of these changes."}},
		"target added": {func(f *finding.Finding) {
			f.Type, f.Kind, f.Property, f.Direction = "AWS::Events::Rule", finding.RuleChanged, "Targets", finding.GrantsMore
			f.Subject, f.Expected, f.Actual = finding.TargetSubject("x"), finding.None, finding.Text("arn")
		}, "no such target", "arn", "--ids x", []string{"Events of this account are sent to another target."}},
		"stack deleted": {func(f *finding.Finding) {
			f.Type, f.Kind, f.Actual = "AWS::CloudFormation::Stack", finding.ResourceDeleted, finding.None
		}, "permission stack backup-permstack-access", "does not exist", "creates the permission stack again",
			[]string{"Its resources were deleted with it: roles and policies, or the topic and its rules."}},
		"policy deleted": {func(f *finding.Finding) {
			f.Type, f.Kind, f.Roles = "AWS::IAM::ManagedPolicy", finding.ResourceDeleted, []string{"backup-role"}
		}, "managed policy backup-role", "does not exist", "drift-aware change set",
			[]string{"It was attached to role backup-role."}},
		"two properties": {func(f *finding.Finding) {
			f.Kind = finding.PropertyChanged
			f.Differences = []finding.Difference{{Path: "/A", Expected: "1", Actual: "2"}, {Path: "/B", Expected: "3"}}
		}, "as in the template", "2 differences", "drift-aware change set", []string{"/A: 1 → 2", "/B: 3 → nothing"}},
		"denied": {func(f *finding.Finding) {
			f.Kind, f.Reason, f.Permission = finding.NotReadable, finding.AccessDenied, "iam:GetRole"
		}, "", "", "Allow the drift check's role iam:GetRole on backup-role; if it was allowed before", nil},
		"denied to CloudFormation": {func(f *finding.Finding) {
			f.Kind, f.Reason, f.Permission = finding.NotReadable, finding.AccessDenied, "iam:GetRole"
			f.SeenBy = []finding.Source{finding.CloudFormation}
		}, "", "", "CloudFormation reads with its caller's permissions", nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := role
			tc.edit(&f)
			got := wording.Finding(f)
			if got.Expected != tc.expected || got.Actual != tc.actual {
				t.Errorf("expected %q, actual %q; want %q, %q", got.Expected, got.Actual, tc.expected, tc.actual)
			}
			if !strings.Contains(got.Advice, tc.advice) {
				t.Errorf("advice %q does not contain %q", got.Advice, tc.advice)
			}
			if strings.Join(got.Details, "\n") != strings.Join(tc.details, "\n") {
				t.Errorf("details %q, want %q", got.Details, tc.details)
			}
		})
	}
}

// TestLongValues checks that values are cut between characters.
func TestLongValues(t *testing.T) {
	f := role
	f.Kind, f.Actual = finding.RuleChanged, finding.Text(strings.Repeat("é", 1000))
	if got := wording.Finding(f).Actual; got != strings.Repeat("é", 239)+"…" {
		t.Errorf("a long value has %d bytes: %s", len(got), got)
	}
}

func ExampleFinding() {
	text := wording.Finding(finding.Finding{
		Stack: "backup-permstack-access", LogicalID: "Role", PhysicalID: "backup-role", Type: "AWS::IAM::Role",
		Kind: finding.SessionChanged, Property: "MaxSessionDuration", Direction: finding.GrantsMore,
		Expected: finding.Text("3600"), Actual: finding.Text("43200"),
	})
	fmt.Println("expected", text.Expected)
	fmt.Println("found   ", text.Actual)
	fmt.Println(text.Advice)
	// Output:
	// expected 3600 seconds
	// found    43200 seconds
	// Restore the role's maximum session duration: credentials that are stolen remain valid for as long.
}
