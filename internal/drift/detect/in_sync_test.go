package detect_test

import "testing"

func TestInSync(t *testing.T) {
	w := install(t)
	w.ResetCalls()
	report := w.check()
	for _, f := range report.Findings {
		t.Errorf("unexpected finding: %s", inWords(f))
	}
	if len(report.Stacks) != 3 || report.Checked < 30 || report.NotReached != nil || report.Profile != "clumio" ||
		report.Account != account ||
		report.Region != region {
		t.Errorf("report %+v", report)
	}
	calls := map[string]int{}
	for _, c := range w.Calls() {
		calls[c.Name()]++
	}
	t.Logf("%d resources, calls %v, took %s", report.Checked, calls, report.Took)
}
