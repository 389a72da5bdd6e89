package provisioner

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
	"permstack/internal/policies/flows"
)

// checkScope returns an error if the scope is too long for the permission stacks, or if an operation that the choice
// promises cannot work with it.
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
	if !errors.As(err, &limit) {
		return err
	}
	if long := permissionstack.CheckScope(p.Selection(), p.Environment(parent)); long != nil {
		return fmt.Errorf("%w. Nothing was changed", long)
	}
	return err
}

// deployTransition deploys the permissions of both scopes before an update to another scope, if access moves from
// policy to policy with it. CloudFormation replaces policies one by one: without this step, a table that is in both
// scopes could be in neither for some seconds.
func (o *operation) deployTransition(ctx context.Context, set policies.Set) error {
	if o.event.RequestType != cfn.RequestUpdate {
		return nil
	}
	old, before, err := o.synthesize(o.event.OldResourceProperties)
	if err != nil || before.Scope.Equal(set.Scope) || o.checkScope(old) != nil {
		return nil // nothing of it was deployed
	}
	ways, needed := policies.Transition(before, set)
	for _, way := range ways {
		var steps [][]permissionstack.Stack
		for _, step := range way {
			if stacks, err := permissionstack.Stacks(step); err == nil {
				steps = append(steps, stacks)
			}
		}
		if len(steps) < len(way) {
			continue // too large for a template
		}
		o.log.Info(logTransition, "updates", len(steps))
		for _, stacks := range steps {
			if _, err := o.reconcileAll(ctx, stacks); err != nil {
				return err
			}
		}
		return nil
	}
	if needed {
		o.log.Warn(logNoTransition)
	}
	return nil
}
