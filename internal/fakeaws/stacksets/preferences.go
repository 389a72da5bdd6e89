package stacksets

import (
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// preferences are the StackSetOperationPreferences of an operation.
type preferences struct {
	RegionConcurrencyType      string   `xml:"RegionConcurrencyType,omitempty"`
	RegionOrder                []string `xml:"RegionOrder>member"`
	FailureToleranceCount      *int     `xml:"FailureToleranceCount,omitempty"`
	FailureTolerancePercentage *int     `xml:"FailureTolerancePercentage,omitempty"`
	MaxConcurrentCount         *int     `xml:"MaxConcurrentCount,omitempty"`
	MaxConcurrentPercentage    *int     `xml:"MaxConcurrentPercentage,omitempty"`
	ConcurrencyMode            string   `xml:"ConcurrencyMode,omitempty"`
}

func readPreferences(call *protocol.Call) (preferences, error) {
	const prefix = "OperationPreferences."
	p := preferences{
		RegionConcurrencyType: call.Str(prefix + "RegionConcurrencyType"), RegionOrder: call.List(prefix + "RegionOrder"),
		ConcurrencyMode: call.Str(prefix + "ConcurrencyMode"),
	}
	for _, number := range []struct {
		name      string
		to        **int
		low, high int
	}{
		{"FailureToleranceCount", &p.FailureToleranceCount, 0, 1 << 30},
		{"FailureTolerancePercentage", &p.FailureTolerancePercentage, 0, 100},
		{"MaxConcurrentCount", &p.MaxConcurrentCount, 1, 1 << 30},
		{"MaxConcurrentPercentage", &p.MaxConcurrentPercentage, 1, 100},
	} {
		if !call.Has(prefix + number.name) {
			continue
		}
		n, err := call.Int(prefix+number.name, 0)
		if err != nil {
			return p, err
		}
		if n < number.low || n > number.high {
			return p, invalid("1 validation error detected: Value '%d' at 'operationPreferences.%s' is out of range", n,
				number.name)
		}
		*number.to = &n
	}
	switch {
	case p.FailureToleranceCount != nil && p.FailureTolerancePercentage != nil:
		return p, invalid("FailureToleranceCount and FailureTolerancePercentage cannot be specified together")
	case p.MaxConcurrentCount != nil && p.MaxConcurrentPercentage != nil:
		return p, invalid("MaxConcurrentCount and MaxConcurrentPercentage cannot be specified together")
	case !slices.Contains([]string{"", "SEQUENTIAL", "PARALLEL"}, p.RegionConcurrencyType):
		return p, protocol.Violation("ValidationError", "operationPreferences.regionConcurrencyType",
			p.RegionConcurrencyType, "Member must satisfy enum value set: [SEQUENTIAL, PARALLEL]")
	case !slices.Contains([]string{"", "STRICT_FAILURE_TOLERANCE", "SOFT_FAILURE_TOLERANCE"}, p.ConcurrencyMode):
		return p, protocol.Violation("ValidationError", "operationPreferences.concurrencyMode", p.ConcurrencyMode,
			"Member must satisfy enum value set: [STRICT_FAILURE_TOLERANCE, SOFT_FAILURE_TOLERANCE]")
	}
	return p, nil
}

// tolerance returns how many of a Region's accounts may fail. A percentage is
// rounded down (API reference, FailureTolerancePercentage).
func (p preferences) tolerance(accounts int) int {
	switch {
	case p.FailureToleranceCount != nil:
		return *p.FailureToleranceCount
	case p.FailureTolerancePercentage != nil:
		return accounts * *p.FailureTolerancePercentage / 100
	}
	return 0
}

// concurrency returns how many accounts of a Region are worked on at a time
// after a number of failures. A percentage is rounded down, and to 1 if that is 0
// (API reference, MaxConcurrentPercentage). With strict failure tolerance it is at
// most one more than may still fail, so that no more fail than may and one
// (ConcurrencyMode).
func (p preferences) concurrency(accounts, failed int) int {
	most := 1
	switch {
	case p.MaxConcurrentCount != nil:
		most = *p.MaxConcurrentCount
	case p.MaxConcurrentPercentage != nil:
		most = max(1, accounts**p.MaxConcurrentPercentage/100)
	}
	if p.ConcurrencyMode != "SOFT_FAILURE_TOLERANCE" {
		most = max(1, min(most, p.tolerance(accounts)+1-failed))
	}
	return most
}

// order returns Regions in the order of RegionOrder, those that it does not name
// last.
func (p preferences) order(regions []string) []string {
	var out []string
	for _, r := range append(slices.Clone(p.RegionOrder), regions...) {
		if slices.Contains(regions, r) && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
