package cloudformation

import (
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// stackSetTarget is one property StackInstancesGroup.
type stackSetTarget struct {
	DeploymentTargets  *types.DeploymentTargets
	Regions            []string
	ParameterOverrides []types.Parameter
}

// stackSetTargets reads StackInstancesGroup.
func stackSetTargets(p props) []stackSetTarget {
	var out []stackSetTarget
	for _, group := range p.objects("StackInstancesGroup") {
		targets := group.object("DeploymentTargets")
		out = append(out, stackSetTarget{
			DeploymentTargets: &types.DeploymentTargets{
				AccountFilterType: types.AccountFilterType(targets.str("AccountFilterType")), Accounts: targets.list("Accounts"),
				OrganizationalUnitIds: targets.list("OrganizationalUnitIds"),
			},
			Regions: group.list("Regions"), ParameterOverrides: stackSetParameters(group, "ParameterOverrides"),
		})
	}
	return out
}

func stackSetParameters(p props, name string) []types.Parameter {
	var out []types.Parameter
	for _, one := range p.objects(name) {
		out = append(out, types.Parameter{
			ParameterKey: optional(one, "ParameterKey"), ParameterValue: aws.String(one.str("ParameterValue")),
		})
	}
	return out
}

// reconcileInstances creates the instances that only the new targets have, and
// deletes those that only the old ones have. Targets with other overrides are
// deployed again.
func (r *stackSetRequest) reconcileInstances() error {
	wanted := singleTargets(stackSetTargets(r.props))
	var possible, certain []stackSetTarget
	for i, v := range r.versions() {
		have := singleTargets(stackSetTargets(v))
		possible = append(possible, have...)
		if i == 0 {
			certain = have
		}
		certain = slices.DeleteFunc(certain, func(t stackSetTarget) bool { return !t.in(have, t.equal) })
	}
	var removed, added []stackSetTarget
	for _, t := range possible {
		if !t.in(wanted, t.samePlace) && !t.in(removed, t.samePlace) {
			removed = append(removed, t)
		}
	}
	for _, t := range wanted {
		if !t.in(certain, t.equal) {
			added = append(added, t)
		}
	}
	if err := r.deleteInstances(removed); err != nil {
		return err
	}
	return r.createInstances(added)
}

func (t stackSetTarget) in(list []stackSetTarget, same func(stackSetTarget) bool) bool {
	return slices.ContainsFunc(list, same)
}

func (t stackSetTarget) equal(other stackSetTarget) bool { return reflect.DeepEqual(t, other) }

// samePlace reports whether the targets differ in overrides only.
func (t stackSetTarget) samePlace(other stackSetTarget) bool {
	other.ParameterOverrides = t.ParameterOverrides
	return reflect.DeepEqual(t, other)
}

// singleTargets splits targets into those of one unit or account and one Region.
// Targets with an AccountFilterType keep their lists.
func singleTargets(targets []stackSetTarget) []stackSetTarget {
	var out []stackSetTarget
	for _, t := range targets {
		var places []*types.DeploymentTargets
		d := t.DeploymentTargets
		switch {
		case d.AccountFilterType != "" && d.AccountFilterType != types.AccountFilterTypeNone:
			places = append(places, d)
		default:
			for _, unit := range d.OrganizationalUnitIds {
				places = append(places, &types.DeploymentTargets{OrganizationalUnitIds: []string{unit}})
			}
			for _, account := range d.Accounts {
				places = append(places, &types.DeploymentTargets{Accounts: []string{account}})
			}
		}
		for _, p := range places {
			for _, region := range t.Regions {
				out = append(out, stackSetTarget{p, []string{region}, t.ParameterOverrides})
			}
		}
	}
	return out
}
