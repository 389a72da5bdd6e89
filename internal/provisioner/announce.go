package provisioner

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
)

// Announcer notifies the customer of what an event changed in the granted
// access. It is called once the change is complete. Its error does not fail the
// event: the response then has an empty AnnouncedHash, and the drift check, which
// reads that from the parent's outputs, announces the change.
type Announcer interface {
	Announce(context.Context, Announcement) error
}

// Announcement is a change of the granted access. Before is nil if nothing was
// granted before, After if nothing is granted now. For a Delete the earlier
// access may be unknown: then both are nil.
type Announcement struct {
	Event         cfn.RequestType
	Parent        installation.Parent
	Before, After *policies.Set
	GrantedHash   string // permissionstack.GrantedHash of After
}

// announce notifies of what a Create or Update changed. It returns the hash of
// the access that is announced now, or "" if the notification failed.
func (o *operation) announce(ctx context.Context, set policies.Set, granted string) string {
	if o.Announcer == nil {
		return ""
	}
	a := Announcement{Event: o.event.RequestType, Parent: o.parent, After: &set, GrantedHash: granted}
	if o.event.RequestType == cfn.RequestUpdate {
		old, before, err := o.synthesize(o.event.OldResourceProperties)
		if err == nil { // a rollback: these were refused, and nothing of them was deployed
			err = errors.Join(o.checkRestoreWindow(old), o.checkScope(old))
		}
		if err != nil { // its catalogue version is no longer part of this release
			o.log.Warn(logBeforeUnknown, "error", err)
			return ""
		}
		if hash, err := permissionstack.GrantedHash(before); err == nil && hash == granted && !o.externalIDChanges() {
			return granted
		}
		a.Before = &before
	}
	if err := o.Announcer.Announce(ctx, a); err != nil {
		o.log.Error(logNotAnnounced, "error", err)
		return ""
	}
	o.log.Info(logAnnounced, "grantedHash", granted)
	return granted
}

// announceRemoval notifies that all access was removed. A failure is only
// logged: the parent's deletion continues with the topic, so nothing can retry.
func (o *operation) announceRemoval(ctx context.Context) {
	if o.Announcer == nil {
		return
	}
	a := Announcement{Event: cfn.RequestDelete, Parent: o.parent}
	if _, before, err := o.synthesize(o.event.ResourceProperties); err == nil {
		a.Before = &before
	}
	if err := o.Announcer.Announce(ctx, a); err != nil {
		o.log.Error(logNotAnnouncedRemoval, "error", err)
	}
}

// synthesize decodes the properties of an event and returns the permission set
// that they select.
func (o *operation) synthesize(raw map[string]any) (properties.Properties, policies.Set, error) {
	chosen, err := properties.Decode(raw)
	if err != nil {
		return chosen, policies.Set{}, err
	}
	synthesize := o.Synthesize
	if synthesize == nil {
		synthesize = policies.Synthesize
	}
	sel, env := chosen.Selection(), chosen.Environment(o.parent)
	set, err := synthesize(sel, env)
	return chosen, set, permissionstack.WithFittingAccounts(err, sel, env)
}
