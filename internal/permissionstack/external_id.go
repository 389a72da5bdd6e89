package permissionstack

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// ExternalIDParameter is the parameter of a template that holds the external id. It
// is NoEcho: CloudFormation masks its value in every answer (CloudFormation User
// Guide, "Parameters", NoEcho).
const ExternalIDParameter = "ExternalId"

// externalIDReference represents the external id in a set. The template refers to
// the parameter in its place.
const externalIDReference = "${" + ExternalIDParameter + "}"

// externalIDKey is the condition key that the vendor's AssumeRole call is compared
// with.
const externalIDKey = "sts:ExternalId"

// externalIDDeclaration declares the parameter. The limits are those of the
// ExternalId of AssumeRole (STS API Reference).
const externalIDDeclaration = `{"Type":"String","NoEcho":true,"MinLength":2,"MaxLength":1224}`

// parameterize returns the set with a reference in place of the external id, and the
// id; "" if the set requires none.
func parameterize(set policies.Set) (policies.Set, string, error) {
	p := parameterizer{}
	set.Roles = slices.Clone(set.Roles)
	for i, r := range set.Roles {
		set.Roles[i].Trust = p.document(r.Trust)
		set.Roles[i].Managed, set.Roles[i].Inline = p.policies(r.Managed), p.policies(r.Inline)
	}
	if len(p.ids) > 1 {
		return policies.Set{}, "", errors.New("the set has more than one external id")
	}
	if len(p.ids) == 0 {
		return set, "", nil
	}
	return set, p.ids[0], nil
}

// parameterizer replaces external ids and collects them.
type parameterizer struct{ ids []string }

func (p *parameterizer) policies(all []policies.Policy) []policies.Policy {
	all = slices.Clone(all)
	for i := range all {
		all[i].Document = p.document(all[i].Document)
	}
	return all
}

func (p *parameterizer) document(d iampolicy.Document) iampolicy.Document {
	for i, s := range d.Statement {
		condition, replaced := p.conditions(s.Condition)
		if !replaced {
			continue
		}
		d.Statement = slices.Clone(d.Statement)
		d.Statement[i].Condition = condition
	}
	return d
}

func (p *parameterizer) conditions(c iampolicy.Conditions) (iampolicy.Conditions, bool) {
	out, replaced := maps.Clone(c), false
	for operator, keys := range c {
		for key, values := range keys {
			if !strings.EqualFold(key, externalIDKey) || len(values) == 0 {
				continue
			}
			for _, id := range values {
				if !slices.Contains(p.ids, id) {
					p.ids = append(p.ids, id)
				}
			}
			keys = maps.Clone(keys)
			keys[key], replaced = iampolicy.Values{externalIDReference}, true
			out[operator] = keys
		}
	}
	return out, replaced
}
