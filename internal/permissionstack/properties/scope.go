package properties

import (
	"errors"

	"permstack/internal/policies/scope"
)

// onlyKind returns a decoder of the values of one kind of scope.
//
// The parameters of a stack have at most 4,096 bytes each (CloudFormation quotas, "Parameter values"), so that OnlyMore
// and OnlyMore2 hold the rest of long lists, as KIND:VALUE.
func onlyKind(kind scope.Kind) func(*Properties, any) error {
	return func(p *Properties, v any) error {
		values, err := stringList(v)
		p.Scope = p.Scope.Merge(scope.Scope{}.With(kind, values))
		return err
	}
}

// onlyMore decodes values of several kinds.
func onlyMore(p *Properties, v any) error {
	entries, err := stringList(v)
	if err != nil {
		return err
	}
	more, err := scope.ParseEntries(entries)
	if err != nil { // it has the entry
		return errors.New("want entries KIND:VALUE, separated by commas, with a kind of " + scope.KindNames())
	}
	p.Scope = p.Scope.Merge(more)
	return nil
}
