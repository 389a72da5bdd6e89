package cloudformation

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// read returns what DescribeStackSet shows. Properties that it does not show are
// returned as declared: those that the type's schema calls write-only, values of
// NoEcho parameters, and the groups of instances as long as each unit and Region
// of them has an instance or is a target.
func (stackSet) read(r *request) (map[string]any, error) {
	q, err := newStackSetRequest(r)
	if err != nil {
		return nil, err
	}
	got, err := q.client.DescribeStackSet(r.ctx, &cfn.DescribeStackSetInput{StackSetName: &r.id, CallAs: q.callAs})
	if err != nil {
		return nil, notFound(err)
	}
	set := got.StackSet
	out := map[string]any{
		"StackSetName": aws.ToString(set.StackSetName), "PermissionModel": string(set.PermissionModel),
		"TemplateBody":     aws.ToString(set.TemplateBody),
		"ManagedExecution": map[string]any{"Active": set.ManagedExecution != nil && aws.ToBool(set.ManagedExecution.Active)},
	}
	capabilities := []any{}
	for _, c := range set.Capabilities {
		capabilities = append(capabilities, string(c))
	}
	out["Capabilities"] = capabilities
	if set.Description != nil {
		out["Description"] = *set.Description
	}
	if a := set.AutoDeployment; a != nil {
		auto := map[string]any{"Enabled": aws.ToBool(a.Enabled)}
		if a.RetainStacksOnAccountRemoval != nil {
			auto["RetainStacksOnAccountRemoval"] = *a.RetainStacksOnAccountRemoval
		}
		out["AutoDeployment"] = auto
	}
	for name, value := range map[string]*string{
		"AdministrationRoleARN": set.AdministrationRoleARN, "ExecutionRoleName": set.ExecutionRoleName,
	} {
		if value != nil {
			out[name] = *value
		}
	}
	out["Parameters"] = q.liveParameters(set.Parameters)
	for _, name := range []string{"CallAs", "OperationPreferences", "StackInstancesGroup", "Tags", "TemplateURL"} {
		if r.props.has(name) {
			out[name] = r.props[name]
		}
	}
	if !deployed(stackSetTargets(r.props), set) {
		delete(out, "StackInstancesGroup")
	}
	return out, nil
}

// liveParameters returns the parameters of a stack set in the declared order.
func (r *stackSetRequest) liveParameters(live []types.Parameter) []any {
	declared := stackSetParameters(r.props, "Parameters")
	position := func(p types.Parameter) int {
		return slices.IndexFunc(declared, func(d types.Parameter) bool { return *d.ParameterKey == *p.ParameterKey })
	}
	slices.SortStableFunc(live, func(a, b types.Parameter) int { return position(a) - position(b) })
	out := []any{}
	for _, p := range live {
		value := aws.ToString(p.ParameterValue)
		if i := position(p); i >= 0 && value == "****" {
			value = aws.ToString(declared[i].ParameterValue)
		}
		out = append(out, map[string]any{"ParameterKey": aws.ToString(p.ParameterKey), "ParameterValue": value})
	}
	return out
}

// deployed reports whether a stack set has the units and Regions of targets.
func deployed(targets []stackSetTarget, set *types.StackSet) bool {
	for _, t := range targets {
		for _, unit := range t.DeploymentTargets.OrganizationalUnitIds {
			if !slices.Contains(set.OrganizationalUnitIds, unit) {
				return false
			}
		}
		for _, region := range t.Regions {
			if !slices.Contains(set.Regions, region) {
				return false
			}
		}
	}
	return true
}
