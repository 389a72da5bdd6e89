package provisioner

import (
	"errors"
	"fmt"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
	"permstack/internal/policies/flows"
)

// checkScope returns an error if the scope is too long for the permission stacks, or if an operation that the choice
// promises cannot work with it. Flows of profiles that are not built in are checked by the command line alone: the
// functions' packages do not have them.
func (o *operation) checkScope(p properties.Properties) error {
	sel := p.Selection()
	if sel.Scope.IsZero() {
		return nil
	}
	env := p.Environment(o.parent)
	if err := permissionstack.CheckScope(sel, env); err != nil {
		return fmt.Errorf("%w. Nothing was changed", err)
	}
	profile, _ := policies.ProfileAt(sel.Profile, sel.CatalogVersion)
	if err := flows.CheckScope(profile, flows.Get(sel.Profile), sel, env); err != nil {
		return fmt.Errorf("%w. Nothing was changed", err)
	}
	return nil
}

// tooLong returns an error of synthesis with how many values of the scope would fit, if its cause is the length of the
// scope.
func tooLong(err error, p properties.Properties, parent installation.Parent) error {
	var limit *policies.LimitError
	if !errors.As(err, &limit) || p.Scope.IsZero() {
		return err
	}
	if long := permissionstack.CheckScope(p.Selection(), p.Environment(parent)); long != nil {
		return fmt.Errorf("%w. Nothing was changed", long)
	}
	return err
}
