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
	c.iamDelay.delay, c.iamDelay.roles = d, map[string]*delayedRole{}
}

// iamDelay holds the policies of roles that are in effect.
type iamDelay struct {
	mu    sync.Mutex
	delay time.Duration
	roles map[string]*delayedRole // by the role's unique id
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
