package timing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/drift/detect"
	"permstack/internal/notify/finding"
)

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
