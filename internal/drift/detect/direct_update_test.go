package detect_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// replaceOnce replaces the first occurrence of a text that must exist.
func replaceOnce(t testing.TB, body, old, replacement string) string {
	t.Helper()
	out := strings.Replace(body, old, replacement, 1)
	if out == body {
		t.Fatalf("there is no %s", old)
	}
	return out
}

// checkAfter checks with the choices of the previous check, and whether that found drift of the access stack.
func (w *environment) checkAfter(previous finding.Report, open bool) finding.Report {
	w.t.Helper()
	o := w.options()
	o.WasOpen = func(stack, logicalID string) bool { return open && stack == w.accessStack() && logicalID == "" }
	o.Previous = func(name string) string {
		for _, c := range previous.Choices {
			if c.Name == name {
				return c.Value
			}
		}
		return ""
	}
	return must(detect.Check(w.t.Context(), w.clients(), o))
}

// TestDirectUpdate updates permission stacks and checks which updates are announced although everything is as expected
// afterwards.
func TestDirectUpdate(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	access, inventory := "access"+finding.DirectUpdateSuffix, "inventory"+finding.DirectUpdateSuffix
	for _, tc := range []struct {
		name string
		do   func(w *environment)
		open bool // the check before found the forged template
		want []string
	}{
		{"forged and restored", func(w *environment) {
			body := w.template(w.accessStack())
			w.updateStack(w.accessStack(), w.forged())
			w.updateStack(w.accessStack(), body)
		}, false, []string{access}},
		{"metadata changed and restored", func(w *environment) {
			body := w.template(w.accessStack())
			forged := replaceOnce(w.t, body, `"Type":"AWS::IAM::ManagedPolicy","Properties":`,
				`"Type":"AWS::IAM::ManagedPolicy","Metadata":{"other":"1"},"Properties":`)
			w.updateStack(w.accessStack(), forged)
			w.updateStack(w.accessStack(), body)
		}, false, nil},
		{"restored after it was found", func(w *environment) {
			body := w.template(w.accessStack())
			w.updateStack(w.accessStack(), w.forged())
			w.updateStack(w.accessStack(), body)
		}, true, nil},
		{"rule forged and restored", func(w *environment) {
			body := w.template(w.inventoryStack())
			w.updateStack(w.inventoryStack(), replaceOnce(w.t, body, `"source":["aws.`, `"source":["aws.iam","aws.`))
			w.updateStack(w.inventoryStack(), body)
		}, false, []string{inventory}},
		{"forged", func(w *environment) { w.updateStack(w.accessStack(), w.forged()) }, false, nil},
		{"parent updated", func(w *environment) { w.updateParent("ResourceTags", "team=archive") }, false, nil},
		{"nothing", func(*environment) {}, false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := installTemplate(t)
			before := w.check()
			tc.do(w)
			after := w.checkAfter(before, tc.open)
			var got []string
			for _, f := range finding.CompareChoices(parentName, w.parent, before.Choices, after.Choices) {
				if f.Subject == access || f.Subject == inventory || f.Subject == finding.ExternalIDChoice {
					got = append(got, f.Subject)
				}
				if f.Direction != finding.GrantsMore && slices.Contains(tc.want, f.Subject) {
					t.Errorf("%s has direction %s, want %s", f.Subject, f.Direction, finding.GrantsMore)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			again := w.checkAfter(after, false)
			for _, f := range finding.CompareChoices(parentName, w.parent, after.Choices, again.Choices) {
				t.Errorf("announced again: %s, %s", f.Subject, f.Actual.Text)
			}
		})
	}
}
