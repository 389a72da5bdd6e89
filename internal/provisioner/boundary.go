package provisioner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
	"permstack/internal/policies/flows"
)

// boundaryOutput is the response's attribute with what a customer's permissions boundary allows beyond the granted
// access.
const boundaryOutput = "BoundaryAllowsMore"

// checkBoundary checks a permissions boundary that the customer set for the vendor's roles, and returns what it allows
// beyond the granted access; "" if the parent stack created the boundary.
//
// A boundary that denies a call of a promised flow is an error, unless the permission stacks have the requested
// templates already: the rollback of a failed update has to succeed whatever the boundary allows now.
func (o *operation) checkBoundary(
	ctx context.Context, set policies.Set, stacks []permissionstack.Stack,
) (string, error) {
	p, err := properties.Decode(o.event.ResourceProperties)
	if err != nil {
		return "", err
	}
	arn := p.PermissionsBoundaryARN
	if arn == "" || o.Roles == nil || o.isOwnBoundary(arn, set) {
		return "", nil
	}
	document, err := o.readBoundary(ctx, arn)
	if err == nil {
		err = o.boundaryFailure(arn, document, set, p)
	}
	if err != nil {
		deployed, stateErr := o.isDeployed(ctx, stacks)
		if stateErr != nil || !deployed {
			return "", errors.Join(err, stateErr)
		}
		o.log.Warn(logBoundary, "boundary", arn, "error", err)
		return "not checked: " + awserr.Message(err), nil
	}
	text := beyondText(flows.Beyond(document, set))
	o.log.Info(logBoundaryChecked, "boundary", arn, "beyond", text)
	return text, nil
}

// isOwnBoundary reports whether the parent stack created the boundary, below the path of the installer's roles.
func (o *operation) isOwnBoundary(arn string, set policies.Set) bool {
	_, path, _ := strings.Cut(arn, ":policy")
	return len(set.Roles) > 0 && strings.HasPrefix(path, set.Roles[0].Path+"installer/")
}

func (o *operation) readBoundary(ctx context.Context, arn string) (iampolicy.Document, error) {
	policy, err := o.Roles.ReadPolicy(ctx, arn)
	switch {
	case awserr.IsNotFound(err):
		return iampolicy.Document{}, fmt.Errorf("property PermissionsBoundaryArn: the policy %s does not exist: "+
			"create it, or leave the parameter empty, so that this stack creates the boundary", arn)
	case awserr.IsDenied(err):
		return iampolicy.Document{}, fmt.Errorf("property PermissionsBoundaryArn: the policy %s cannot be read to check "+
			"that it allows what the choice promises: %s: allow the role of the function iam:GetPolicy and "+
			"iam:GetPolicyVersion, also in InstallerPermissionsBoundaryArn and service control policies", arn,
			awserr.Message(err))
	case err != nil:
		return iampolicy.Document{}, fmt.Errorf("property PermissionsBoundaryArn: %w", err)
	}
	return policy.Document, nil
}

// mostFailures is how many actions that a boundary denies are named: a response has at most 4 KB.
const mostFailures = 5

// boundaryFailure returns an error that names calls of promised flows that a boundary denies, or nil.
func (o *operation) boundaryFailure(
	arn string, boundary iampolicy.Document, set policies.Set, p properties.Properties,
) error {
	profile, ok := policies.ProfileAt(set.Profile, set.CatalogVersion)
	if !ok {
		return nil
	}
	sel, env := p.Selection(), p.Environment(o.parent)
	sel.CatalogVersion = set.CatalogVersion
	failures := flows.CheckBoundary(set, flows.Promised(profile, flows.Get(set.Profile), sel, env), env, boundary)
	var names []string
	for _, f := range failures {
		if text := f.Action + " (" + f.Flow + ")"; !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("property PermissionsBoundaryArn: the policy %s does not allow what the choice promises: %s: "+
		"allow it in the policy, choose less, or leave the parameter empty, so that this stack creates the boundary",
		arn, listFailures(names))
}

func listFailures(names []string) string {
	if len(names) <= mostFailures {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(names[:mostFailures], ", "), len(names)-mostFailures)
}

// isDeployed reports whether all permission stacks have the requested templates.
func (o *operation) isDeployed(ctx context.Context, requested []permissionstack.Stack) (bool, error) {
	for _, s := range requested {
		stack, err := o.describe(ctx, o.parent.StackName(s.Part))
		if err != nil || stack == nil {
			return false, err
		}
		if same, err := o.templateMatches(ctx, stack, s.Template); err != nil || !same {
			return false, err
		}
	}
	return len(requested) > 0, nil
}

// beyondText describes actions that a boundary allows beyond the granted access: their number, and first those that
// lead to other principals.
func beyondText(beyond []string) string {
	if len(beyond) == 0 {
		return "nothing"
	}
	var names []string
	for _, pattern := range []string{"iam:*", "sts:AssumeRole*", "lambda:*", "kms:*", "*"} {
		for _, name := range beyond {
			if len(names) < mostFailures && actions.Match(pattern, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return fmt.Sprintf("%d actions that the backup service is not granted, such as %s", len(beyond),
		strings.Join(names, ", "))
}
