package detect

import (
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// effectivePolicies returns all identity policies that a role has. It reports false
// if one of them could not be read or parsed.
func (live *liveRole) effectivePolicies(m *model) ([]iampolicy.Document, bool) {
	if live.errs.affect("Policies") || live.errs.affect("ManagedPolicyArns") {
		return nil, false
	}
	var all []document
	for _, name := range sorted(live.inline) {
		all = append(all, parseDocument(live.inline[name]))
	}
	for _, arn := range live.attached {
		text := live.documents[arn]
		if r := m.find(typeManagedPolicy, arn); r != nil {
			if policy, ok := r.live.(*livePolicy); ok {
				text = policy.document
			} else if r.outOfScope { // no event named it
				text = m.policies[arn].text
			}
		}
		all = append(all, parseDocument(text))
	}
	for _, d := range all {
		if d.err != nil || d.text == "" {
			return nil, false
		}
	}
	return parsed(all...), true
}

// roleEffect returns how the access of a role changed as a whole. It reports false
// if that is not known.
func (m *model) roleEffect(role *resource) (effect, bool) {
	live, ok := role.live.(*liveRole)
	if !ok || live.missing {
		return effect{}, false
	}
	actual, ok := live.effectivePolicies(m)
	if !ok {
		return effect{}, false
	}
	return compareDocuments(m.account, m.effectivePolicies(m.roles[role], ""), actual), true
}

// setDirectionByRole decides the direction of differences of policies on their roles as
// a whole: what one policy lost and another one of the same roles gained is no
// change of access.
func (m *model) setDirectionByRole(byResource map[*resource][]draft) {
	effects := map[*resource]effect{}
	for _, drafts := range byResource {
		for i := range drafts {
			d := &drafts[i]
			if len(d.roles) == 0 || d.Direction != finding.GrantsMore && d.Direction != finding.GrantsLess {
				continue
			}
			gain, loss, known := false, false, true
			for _, role := range d.roles {
				e, ok := effects[role]
				if !ok {
					if e, known = m.roleEffect(role); !known {
						break
					}
					effects[role] = e
				}
				gain, loss = gain || e.gain, loss || e.loss
			}
			if known && (d.Direction == finding.GrantsMore && !gain || d.Direction == finding.GrantsLess && !loss) {
				d.Direction, d.Reason = finding.Changed, finding.EffectiveAccessSame
			}
		}
	}
}
