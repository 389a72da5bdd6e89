package permissionstack

import (
	"errors"
	"fmt"
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/scope"
)

// ScopeTooLongError is returned for a scope whose list does not fit into the policies of a role or the template of the
// permission stack.
type ScopeTooLongError struct {
	Kind scope.Kind
	Have int // values of the kind
	Fit  int // how many of them, the first ones, would fit with the rest of the choice
	Err  error
}

func (e *ScopeTooLongError) Error() string {
	return fmt.Sprintf("the scope is too long: %d %s, of which %d fit into the policies of this choice. Write * for names that "+
		"begin alike, narrow by a tag, choose fewer assets or operations, or use several installations (%v)",
		e.Have, e.Kind.Plural(), e.Fit, e.Err)
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
	low, high := 0, len(values) // low fit, high do not
	for high-low > 1 {
		middle := (low + high) / 2
		part := sel
		part.Scope = sel.Scope.Normal().With(longest, values[:middle])
		if fits(part, env) == nil {
			low = middle
		} else {
			high = middle
		}
	}
	if low == 0 { // the choice does not fit with one value either
		return err
	}
	return &ScopeTooLongError{Kind: longest, Have: len(values), Fit: low, Err: err}
}

// fits returns an error if the permission stacks of a selection cannot be written.
func fits(sel policies.Selection, env policies.Environment) error {
	set, err := policies.Synthesize(sel, env)
	if err == nil {
		_, err = Stacks(set)
	}
	return err
}
