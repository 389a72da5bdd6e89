package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/notify/finding"
)

// TestReadErrorDraft checks what a finding states of a call that failed.
func TestReadErrorDraft(t *testing.T) {
	for _, tc := range []struct {
		name                string
		err                 error
		subject, permission string
		reason              finding.Reason
	}{
		{"denied", errDenied, "iam:GetRole", "iam:GetRole", finding.AccessDenied},
		{"throttled", apiError("SNS", "ListTopics", "Throttling", "Rate exceeded"), "sns:ListTopics", "", finding.Throttled},
		{"failed", apiError("EventBridge", "DescribeRule", "InternalException", "x"), "events:DescribeRule", "",
			finding.ReadFailed},
		{"service with a space", apiError("Secrets Manager", "GetSecretValue", "InternalFailure", "x"),
			"secretsmanager:GetSecretValue", "", finding.ReadFailed},
		{"not a call", errBroken, "unknown", "", finding.ReadFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var d draft
			d.readError(finding.TargetPolicy, "p", tc.err)
			if d.Subject != tc.subject || d.Permission != tc.permission || d.Reason != tc.reason ||
				!slices.Equal(d.values, []string{"policy", "p", tc.permission}) || len(d.ReadErrors) != 1 {
				t.Errorf("got %+v with %q", d.Finding, d.values)
			}
		})
	}
}

// TestSetEffect checks that access which is the same is no gain.
func TestSetEffect(t *testing.T) {
	var d draft
	d.setEffect(effect{direction: finding.GrantsMore, changes: []string{"c"}, omitted: 3})
	if d.Direction != finding.GrantsMore || d.Reason != "" || d.ChangesOmitted != 3 || !slices.Equal(d.Changes,
		[]string{"c"}) {
		t.Errorf("got %+v", d.Finding)
	}
	d.setEffect(effect{direction: finding.GrantsMore, same: true})
	if d.Direction != finding.Changed || d.Reason != finding.EffectiveAccessSame {
		t.Errorf("got %+v", d.Finding)
	}
}

// secretDraft has a secret in every field that may hold one.
func secretDraft(secret string) draft {
	v := finding.Value{Text: secret, Document: &finding.Document{Statements: []finding.Statement{{
		Actions: []string{secret}, NotActions: []string{secret}, Resources: []string{secret}, NotResources: []string{secret},
		Principals: []string{secret}, NotPrincipals: []string{secret},
	}}}}
	return draft{Finding: finding.Finding{
		Stack: "s", LogicalID: "L", Kind: finding.TrustChanged, Direction: finding.GrantsMore, Subject: secret,
		Expected: v, Actual: v, Changes: []string{secret}, SeenBy: []finding.Source{finding.Live, finding.CloudFormation},
		Differences: []finding.Difference{{Path: secret, Expected: secret, Actual: secret}},
		ReadErrors:  []finding.ReadError{{Name: secret, Message: secret}},
	}}
}

// TestMasking checks that no field of a finding shows a secret, and that the hash is not that of the secret.
func TestMasking(t *testing.T) {
	given := secretDraft("an-id-" + unknown)
	f := given.complete([]string{"an-id"})
	text := fmt.Sprintf("%+v %+v %+v", f, *f.Expected.Document, *f.Actual.Document)
	if strings.Contains(text, "an-id") || strings.Contains(text, unknown) || strings.Count(text, "****-?") != 21 {
		t.Errorf("got %d masked values in %s", strings.Count(text, "****-?"), text)
	}
	if given.Changes[0] != "an-id-"+unknown || given.Expected.Document.Statements[0].Actions[0] != "an-id-"+unknown {
		t.Error("the draft was modified")
	}
	if !slices.IsSorted(f.SeenBy) || len(f.ID) != 16 || len(f.Hash) != 16 {
		t.Errorf("got %q, %s, %s", f.SeenBy, f.ID, f.Hash)
	}
	if other := secretDraft("another").complete([]string{"another"}); other.Hash == f.Hash {
		t.Error("another value has the same hash")
	}
	if same := secretDraft("other-id-" + unknown).complete([]string{"other-id"}); same.Hash != f.Hash || same.ID == f.ID {
		t.Errorf("the hash depends on the secret: %s, %s", same.Hash, f.Hash)
	}
	if got := maskValue(finding.Text("an-id"), strings.ToUpper); got.Text != "AN-ID" || got.Document != nil {
		t.Errorf("got %+v", got)
	}
}

// TestHash checks what a finding's hash covers: its values and direction, or the values of the draft if it has some.
func TestHash(t *testing.T) {
	base := func() draft {
		return draft{Finding: finding.Finding{Direction: finding.Changed, Expected: finding.Text("e"),
			Actual: finding.Text("a")}}
	}
	hash := func(change func(*draft)) string {
		d := base()
		change(&d)
		return d.complete(nil).Hash
	}
	plain := hash(func(*draft) {})
	for name, change := range map[string]func(*draft){
		"expected":    func(d *draft) { d.Expected.Text = "x" },
		"actual":      func(d *draft) { d.Actual.Text = "x" },
		"changes":     func(d *draft) { d.Changes = []string{"x"} },
		"differences": func(d *draft) { d.Differences = []finding.Difference{{Path: "x"}} },
		"roles":       func(d *draft) { d.Roles = []string{"x"} },
		"read errors": func(d *draft) { d.ReadErrors = []finding.ReadError{{Name: "x"}} },
		"direction":   func(d *draft) { d.Direction = finding.GrantsMore },
		"values":      func(d *draft) { d.values = []string{} },
	} {
		t.Run(name, func(t *testing.T) {
			if hash(change) == plain {
				t.Error("the hash is the same")
			}
		})
	}
	own := func(actual string) string {
		return hash(func(d *draft) { d.values, d.Actual.Text = []string{"v"}, actual })
	}
	if own("a") != own("b") {
		t.Error("the values of the draft do not replace the others")
	}
}

// TestCompleteAll checks the order of findings, and that several with one id become one.
func TestCompleteAll(t *testing.T) {
	d := func(stack, logicalID string, kind finding.Kind, subject string, source finding.Source, failed ...string) draft {
		out := draft{Finding: finding.Finding{
			Stack: stack, LogicalID: logicalID, Kind: kind, Subject: subject, SeenBy: []finding.Source{source},
		}}
		for _, name := range failed {
			out.ReadErrors = append(out.ReadErrors, finding.ReadError{Name: name})
		}
		return out
	}
	got := completeAll([]draft{
		d("b", "A", "x", "", finding.Live), d("a", "B", "x", "", finding.Live), d("a", "A", "y", "", finding.Live),
		d("a", "A", "x", "2", finding.Live, "secret", "p"),
		d("a", "A", "x", "1", finding.Live),
		d("a", "A", "x", "2", finding.CloudFormation, "p", "longer-secret", "q"),
		d("a", "A", "x", "2", finding.Live, "secret"),
	}, []string{"secret", "longer-secret"})
	var lines []string
	for _, f := range got {
		line := fmt.Sprint(f.Stack, f.LogicalID, f.Kind, f.Subject, f.SeenBy)
		for _, e := range f.ReadErrors {
			line += " " + e.Name
		}
		lines = append(lines, line)
	}
	want := []string{
		"aAx1[live]", "aAx2[cloudformation live] **** p q", "aAy[live]", "aBx[live]", "bAx[live]",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
	if got := completeAll(nil, nil); got == nil || len(got) != 0 {
		t.Errorf("got %#v, want an empty list", got)
	}
}
