package fakeaws

import (
	"slices"
	"sync"
	"time"

	"permstack/internal/fakeaws/iam"
)

// SetIAMDelay makes IAM eventually consistent for permissions: the policies of a
// role take effect this long after a session of the role first made a call with
// them; until then the policies that were in effect before decide, and for a new
// role none. 0, the default, ends that. The role's trust and boundary take effect
// at once.
func (c *Cloud) SetIAMDelay(d time.Duration) {
	c.iamDelay.mu.Lock()
	defer c.iamDelay.mu.Unlock()
	c.iamDelay.delay, c.iamDelay.roles, c.iamDelay.fromCreation = d, map[string]*delayedRole{}, false
}

// UsualIAMDelay is how long new permissions usually take to have an effect. AWS
// documents no bound (IAM user guide, "Changes that I make are not always
// immediately visible"); public reports speak of a few seconds, rarely of a minute.
const UsualIAMDelay = 10 * time.Second

// SetIAMPropagation is SetIAMDelay, but the policies of a new role take effect this
// long after its creation. A role that CloudFormation has created is in effect when
// its handler ends, if that takes longer.
func (c *Cloud) SetIAMPropagation(d time.Duration) {
	c.SetIAMDelay(d)
	c.iamDelay.mu.Lock()
	defer c.iamDelay.mu.Unlock()
	c.iamDelay.fromCreation = true
}

// iamDelay holds the policies of roles that are in effect.
type iamDelay struct {
	mu    sync.Mutex
	delay time.Duration
	roles map[string]*delayedRole // by the role's unique id

	fromCreation bool
}

type delayedRole struct {
	inEffect, pending []string
	since             time.Time // when pending was first used
}

// policies returns the documents that decide about a call of a role's session.
func (d *iamDelay) policies(role iam.Role, now time.Time) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.delay == 0 {
		return role.Policies
	}
	current := slices.Sorted(slices.Values(role.Policies)) // IAM lists them in any order
	r := d.roles[role.ID]
	if r == nil {
		r = &delayedRole{pending: current, since: now}
		if d.fromCreation {
			r.since = role.Created
		}
		d.roles[role.ID] = r
	}
	if !slices.Equal(r.pending, current) {
		r.pending, r.since = current, now
	}
	if now.Sub(r.since) >= d.delay {
		r.inEffect = r.pending
	}
	return r.inEffect
}
