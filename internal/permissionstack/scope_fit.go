package permissionstack

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"permstack/internal/policies"
	"permstack/internal/policies/scope"
)

// ScopeTooLongError is returned for a scope whose list does not fit into the policies of a role or the template of the
// permission stack.
type ScopeTooLongError struct {
	ScopeFit            // of the longest list
	Others   []ScopeFit // of the lists that must be shortened, too
	Err      error
}

// ScopeFit is how many values of a list of a scope fit.
type ScopeFit struct {
	Kind scope.Kind
	Have int // values of the kind
	Fit  int // how many of them, the first ones, would fit with the rest of the choice
}

func (e *ScopeTooLongError) Error() string {
	have, fit := fmt.Sprintf("%d %s", e.Have, e.Kind.Plural()), strconv.Itoa(e.Fit)
	if len(e.Others) > 0 {
		fit += " " + e.Kind.Plural()
	}
	for _, o := range e.Others {
		have += fmt.Sprintf(" and %d %s", o.Have, o.Kind.Plural())
		fit += fmt.Sprintf(" and %d %s", o.Fit, o.Kind.Plural())
	}
	return fmt.Sprintf("the scope is too long: %s, of which %s fit into the policies of this choice. Write * for names that "+
		"begin alike, narrow by a tag, choose fewer assets or operations, or use several installations (%v)",
		have, fit, e.Err)
}

func (e *ScopeTooLongError) Unwrap() error { return e.Err }

// CheckScope returns a *ScopeTooLongError if the scope of a selection is too long, and another error if its permissions
// cannot be written for another reason. Nothing is checked without a scope.
func CheckScope(sel policies.Selection, env policies.Environment) error {
	if sel.Scope.IsZero() {
		return nil
	}
	err := fits(sel, env)
	var input *policies.InputError
	if err == nil || errors.As(err, &input) {
		return err
	}
	longest := slices.MaxFunc(scope.Kinds, func(a, b scope.Kind) int {
		return len(sel.Scope.Get(a)) - len(sel.Scope.Get(b))
	})
	values := sel.Scope.Normal().Get(longest)
	if len(values) < 2 {
		return err
	}
	n := largest(len(values), func(n int) bool {
		part := sel
		part.Scope = sel.Scope.Normal().With(longest, values[:n])
		return fits(part, env) == nil
	})
	if n > 0 {
		return &ScopeTooLongError{ScopeFit: ScopeFit{longest, len(values), n}, Err: err}
	}
	return shortened(sel, env, longest, err)
}

// shortened returns a *ScopeTooLongError for a scope of which several lists are too long: with the same share of each.
// It returns err if one value of each does not fit either.
func shortened(sel policies.Selection, env policies.Environment, longest scope.Kind, err error) error {
	all := sel.Scope.Normal()
	parts := func(n int) (scope.Scope, []ScopeFit) { // n of the longest list
		part, list := all, []ScopeFit{}
		for _, k := range scope.Kinds {
			values := all.Get(k)
			if len(values) < 2 || k == scope.Region || k == scope.Tag { // fewer tags are another scope, not a shorter one
				continue
			}
			fit := ScopeFit{k, len(values), max(1, len(values)*n/len(all.Get(longest)))}
			part = part.With(k, values[:fit.Fit])
			if k == longest {
				list = slices.Insert(list, 0, fit)
			} else {
				list = append(list, fit)
			}
		}
		return part, list
	}
	n := largest(len(all.Get(longest)), func(n int) bool {
		part := sel
		part.Scope, _ = parts(n)
		return fits(part, env) == nil
	})
	_, list := parts(n)
	if n == 0 || len(list) == 0 || list[0].Kind != longest {
		return err
	}
	return &ScopeTooLongError{ScopeFit: list[0], Others: list[1:], Err: err}
}

// largest returns the largest number below high for which a condition is true, that of all numbers below it, or 0.
func largest(high int, is func(int) bool) int {
	low := 0
	for high-low > 1 {
		if middle := (low + high) / 2; is(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// fits returns an error if the permission stacks of a selection cannot be written.
func fits(sel policies.Selection, env policies.Environment) error {
	set, err := policies.Synthesize(sel, env)
	if err == nil {
		_, err = Stacks(set)
	}
	return err
}
