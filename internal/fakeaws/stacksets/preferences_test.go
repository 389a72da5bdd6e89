package stacksets

import (
	"slices"
	"testing"
)

// TestPreferences checks the numbers of accounts, with AWS's rounding.
func TestPreferences(t *testing.T) {
	number := func(n int) *int { return &n }
	for name, tc := range map[string]struct {
		p                              preferences
		accounts, failed               int
		wantTolerance, wantConcurrency int
	}{
		"defaults": {preferences{}, 30, 0, 0, 1},
		"percentages round down": {preferences{
			FailureTolerancePercentage: number(10), MaxConcurrentPercentage: number(25),
			ConcurrencyMode: "SOFT_FAILURE_TOLERANCE",
		}, 39, 0, 3, 9},
		"at least one at a time": {preferences{MaxConcurrentPercentage: number(1)}, 30, 0, 0, 1},
		"strict: one more than may fail": {preferences{
			FailureToleranceCount: number(3), MaxConcurrentCount: number(10),
		}, 30, 0, 3, 4},
		"strict: less after failures": {preferences{
			FailureToleranceCount: number(3), MaxConcurrentCount: number(10),
		}, 30, 2, 3, 2},
		"soft: regardless of failures": {preferences{
			FailureToleranceCount: number(3), MaxConcurrentCount: number(10), ConcurrencyMode: "SOFT_FAILURE_TOLERANCE",
		}, 30, 2, 3, 10},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.p.tolerance(tc.accounts); got != tc.wantTolerance {
				t.Errorf("tolerance: got %d, want %d", got, tc.wantTolerance)
			}
			if got := tc.p.concurrency(tc.accounts, tc.failed); got != tc.wantConcurrency {
				t.Errorf("concurrency: got %d, want %d", got, tc.wantConcurrency)
			}
		})
	}
	order := preferences{RegionOrder: []string{"b", "x"}}.order([]string{"a", "b", "c"})
	if want := []string{"b", "a", "c"}; !slices.Equal(order, want) {
		t.Errorf("order: got %v, want %v", order, want)
	}
}

// TestStackName requires names that CloudFormation accepts.
func TestStackName(t *testing.T) {
	long := slices.Repeat([]byte("a"), 128)
	for _, set := range []string{"s", string(long)} {
		if name := stackName(set); len(name) > maxStackName || name[:9] != "StackSet-" {
			t.Errorf("got %q with %d characters", name, len(name))
		}
	}
}
