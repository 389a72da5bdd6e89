package detect

import (
	"testing"

	"permstack/internal/notify/finding"
)

// TestRoleEffect checks when the access of a role as a whole is known: only if each of its policies could be read and
// parsed.
func TestRoleEffect(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(m *model, r *resource, live *liveRole)
		known  bool
		gain   bool
	}{
		{"as declared", nil, true, false},
		{"more", func(_ *model, _ *resource, live *liveRole) { live.inline["x"] = allowing("iam:*") }, true, true},
		{"more by a managed policy", func(m *model, _ *resource, _ *liveRole) {
			m.find(typeManagedPolicy, declaredPolicy).live = &livePolicy{document: allowing("iam:*")}
		}, true, true},
		{"more by a foreign policy", func(_ *model, _ *resource, live *liveRole) {
			live.attached = append(live.attached, foreignPolicy)
			live.documents[foreignPolicy] = allowing("iam:*")
		}, true, true},
		{"foreign policy that was not read", func(_ *model, _ *resource, live *liveRole) {
			live.attached = append(live.attached, foreignPolicy)
		}, false, false},
		{"managed policy that was not read", func(m *model, _ *resource, _ *liveRole) {
			m.find(typeManagedPolicy, declaredPolicy).live = nil
		}, false, false},
		{"managed policy that no event named", func(m *model, _ *resource, _ *liveRole) {
			r := m.find(typeManagedPolicy, declaredPolicy)
			r.live, r.outOfScope = nil, true
		}, true, false},
		{"invalid policy", func(_ *model, _ *resource, live *liveRole) { live.inline["x"] = "{" }, false, false},
		{"policy that was not read", func(_ *model, _ *resource, live *liveRole) { live.inline["x"] = "" }, false, false},
		{"policies that were not read", func(_ *model, _ *resource, live *liveRole) {
			live.errs.add(errDenied, "x", "Policies")
		}, false, false},
		{"attachments that were not read", func(_ *model, _ *resource, live *liveRole) {
			live.errs.add(errDenied, "", "ManagedPolicyArns")
		}, false, false},
		{"tags that were not read", func(_ *model, _ *resource, live *liveRole) {
			live.errs.add(errDenied, "", "Tags")
		}, true, false},
		{"deleted role", func(_ *model, _ *resource, live *liveRole) { live.missing = true }, false, false},
		{"role that was not read", func(_ *model, r *resource, _ *liveRole) { r.live = nil }, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, r, live := roleModel()
			if tc.change != nil {
				tc.change(m, r, live)
			}
			e, known := m.roleEffect(r)
			if known != tc.known || e.gain != tc.gain {
				t.Errorf("known %v, gain %v", known, e.gain)
			}
		})
	}
}

// TestSetDirectionByRole checks that what one policy of a role lost and another one gained is no change of access, but
// that any gain or loss of one of several roles is.
func TestSetDirectionByRole(t *testing.T) {
	const more, less = finding.GrantsMore, finding.GrantsLess
	for _, tc := range []struct {
		name      string
		first     map[string]string // further inline policies of the first role
		second    map[string]string
		removed   bool // the first role has no inline policies
		direction finding.Direction
		roles     int
		want      finding.Direction
	}{
		{"gain", map[string]string{"x": allowing("iam:*")}, nil, false, more, 1, more},
		{"no gain", nil, nil, false, more, 1, finding.Changed},
		{"gain of the second role", nil, map[string]string{"x": allowing("iam:*")}, false, more, 2, more},
		{"gain of the first role", map[string]string{"x": allowing("iam:*")}, nil, false, more, 2, more},
		{"gain of a role that it does not concern", nil, map[string]string{"x": allowing("iam:*")}, false, more, 1,
			finding.Changed},
		{"loss", nil, nil, true, less, 1, less},
		{"loss of the first role", nil, nil, true, less, 2, less},
		{"no loss", nil, nil, false, less, 1, finding.Changed},
		{"no loss, but a gain", map[string]string{"x": allowing("iam:*")}, nil, false, less, 1, finding.Changed},
		{"no gain, but a loss", nil, nil, true, more, 1, finding.Changed},
		{"not known", map[string]string{"x": "{"}, nil, false, more, 1, more},
		{"not known of the second role", nil, map[string]string{"x": "{"}, false, more, 2, more},
		{"not known of the first of two roles", map[string]string{"x": "{"}, nil, false, more, 2, more},
		{"no roles", nil, nil, false, more, 0, more},
		{"no direction", nil, nil, false, finding.Monitoring, 1, finding.Monitoring},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, first, live := roleModel()
			second := unitStack("access").add(typeRole, "Second", "second", `{}`)
			m.roles[second] = m.expectedRole(second)
			if tc.removed {
				live.inline = map[string]string{}
			}
			for name, text := range tc.first {
				live.inline[name] = text
			}
			second.live = &liveRole{inline: tc.second}
			d := draft{Finding: finding.Finding{Direction: tc.direction}, roles: []*resource{first, second}[:tc.roles]}
			untouched := draft{Finding: finding.Finding{Direction: more}}
			all := map[*resource][]draft{first: {untouched, d, d}}
			m.setDirectionByRole(all)
			for i, got := range all[first][1:] {
				if got.Direction != tc.want || (got.Reason == finding.EffectiveAccessSame) != (tc.want == finding.Changed) {
					t.Errorf("finding %d: got %s, %q, want %s", i, got.Direction, got.Reason, tc.want)
				}
			}
			if all[first][0].Direction != more {
				t.Error("a finding that concerns no role was changed")
			}
		})
	}
}
