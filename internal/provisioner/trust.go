package provisioner

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
)

// grantTrust updates the access stack to its final template, in which the vendor can
// assume the roles. Both stacks are complete, and CloudFormation must still wait for
// the event: it does not if another resource of the parent has failed.
func (o *operation) grantTrust(ctx context.Context, template permissionstack.Template) (*types.Stack, error) {
	if o.StackID != "" {
		if err := o.checkEventStatus(ctx); err != nil {
			return nil, fmt.Errorf("set the trust policies of the roles: %w", err)
		}
	}
	o.log.Info(logTrusting, "permissionStack", o.parent.StackName(installation.Access))
	return o.reconcile(ctx, o.parent.StackName(installation.Access), template, false)
}

// withoutTrust returns the template in which nobody can assume a role who cannot in
// the deployed one, and records whether that differs from the template.
func (o *operation) withoutTrust(
	template permissionstack.Template,
	deployed []byte,
) (permissionstack.Template, error) {
	held, differs, err := permissionstack.HoldTrust(deployed, template)
	if err != nil {
		return template, err
	}
	if !differs {
		if len(deployed) == 0 || !o.externalIDChanges() {
			return template, nil
		}
		held = template.WithPreviousExternalID()
	}
	o.trustHeld = true
	return held, nil
}

// isWithoutTrust reports whether a stack that does not have the template was created
// and only lacks the trust policies, and records that.
func (o *operation) isWithoutTrust(
	ctx context.Context,
	stack *types.Stack,
	template permissionstack.Template,
) (bool, error) {
	held, _, err := permissionstack.HoldTrust(nil, template)
	if err != nil {
		return false, err
	}
	same, err := o.templateMatches(ctx, stack, held)
	o.trustHeld = o.trustHeld || same
	return same, err
}
