package stacksets

import (
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/fakeaws/protocol"
)

// place is an account, and the organizational unit by which it was chosen.
type place struct{ account, unit string }

// chosen is where an operation takes place.
type chosen struct {
	accounts []place
	units    []string
	regions  []string
	filter   string // AccountFilterType
	listed   []string
}

// readTargets reads Accounts, DeploymentTargets and Regions.
func (s *Service) readTargets(call *protocol.Call, set *stackSet) (chosen, error) {
	const targets = "DeploymentTargets."
	out := chosen{
		units: call.List(targets + "OrganizationalUnitIds"), regions: call.List("Regions"),
		filter: call.Str(targets + "AccountFilterType"), listed: call.List(targets + "Accounts"),
	}
	if call.Has(targets + "AccountsUrl") {
		return out, protocol.NotImplemented("AccountsUrl of %s", call.Action)
	}
	if len(out.regions) == 0 {
		return out, invalid("At least one Region must be specified")
	}
	for _, name := range out.regions {
		if _, known := region.Lookup(name); !known {
			return out, invalid("Region %s is not supported", name)
		}
	}
	listed := append(call.List("Accounts"), out.listed...)
	for _, account := range listed {
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			return out, invalid("Account %s is not a valid account id", account)
		}
	}
	if !set.serviceManaged {
		if len(out.units) > 0 || len(listed) == 0 {
			return out, invalid("Accounts must be specified for stack sets with SELF_MANAGED permissions, and no " +
				"OrganizationalUnitIds")
		}
		for _, account := range listed {
			out.accounts = append(out.accounts, place{account: account})
		}
		return out, nil
	}
	if len(out.units) == 0 || len(call.List("Accounts")) > 0 {
		return out, invalid("OrganizationalUnitIds must be specified in DeploymentTargets for stack sets with " +
			"SERVICE_MANAGED permissions, and no Accounts outside of it")
	}
	return out, s.resolveUnits(set, &out)
}

// resolveUnits finds the accounts of organizational units, in the order in which
// they joined. The management account is never among them (CloudFormation User
// Guide, "Create StackSets with service-managed permissions", considerations).
func (s *Service) resolveUnits(set *stackSet, out *chosen) error {
	seen := map[string]bool{set.account: true}
	for _, unit := range out.units {
		members, ok := s.d.Organizations.Members(set.account, unit)
		if !ok {
			return invalid("Organizational unit %s does not exist", unit)
		}
		for _, account := range members {
			inList := slices.Contains(out.listed, account)
			if seen[account] || out.filter == "INTERSECTION" && !inList || out.filter == "DIFFERENCE" && inList {
				continue
			}
			seen[account] = true
			out.accounts = append(out.accounts, place{account, unit})
		}
	}
	switch out.filter {
	case "", "NONE":
		if len(out.listed) > 0 {
			return invalid("AccountFilterType must be INTERSECTION, DIFFERENCE or UNION if Accounts are specified")
		}
	case "INTERSECTION", "DIFFERENCE":
	case "UNION":
		for _, account := range out.listed {
			if !seen[account] {
				out.accounts = append(out.accounts, place{account: account})
			}
		}
	default:
		return protocol.Violation("ValidationError", "accountFilterType", out.filter,
			"Member must satisfy enum value set: [NONE, INTERSECTION, DIFFERENCE, UNION]")
	}
	return nil
}

// has reports whether an instance was chosen for deletion. With service-managed
// permissions it is chosen by the unit under which it was created, so that an
// account that has left the unit is reached too.
func (c chosen) has(in *instance, serviceManaged bool) bool {
	if !slices.Contains(c.regions, in.region) {
		return false
	}
	if slices.ContainsFunc(c.accounts, func(p place) bool { return p.account == in.account }) {
		return true
	}
	return serviceManaged && (c.filter == "" || c.filter == "NONE") && slices.Contains(c.units, in.unit)
}

// addTargets adds organizational units to those of automatic deployment, which
// does not consider AccountFilterType ("Enable or disable automatic deployments",
// considerations).
func (set *stackSet) addTargets(c chosen) {
	for _, unit := range c.units {
		i := slices.IndexFunc(set.targets, func(t *target) bool { return t.unit == unit })
		if i < 0 {
			set.targets = append(set.targets, &target{unit: unit, regions: slices.Clone(c.regions)})
			continue
		}
		set.targets[i].regions = append(set.targets[i].regions, missing(c.regions, set.targets[i].regions)...)
	}
}

// removeTargets removes Regions of organizational units, unless only some of
// their accounts are meant.
func (set *stackSet) removeTargets(c chosen) {
	if c.filter != "" && c.filter != "NONE" {
		return
	}
	for _, t := range set.targets {
		if slices.Contains(c.units, t.unit) {
			t.regions = missing(t.regions, c.regions)
		}
	}
	set.targets = slices.DeleteFunc(set.targets, func(t *target) bool { return len(t.regions) == 0 })
}
