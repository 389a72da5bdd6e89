package provisioner

import (
	"context"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

// Announcer tells the customer what an event changed in the granted access. It
// is called once the change is done. Its error does not fail the event: the
// response then says that nothing was announced, and the drift check, which reads
// that in the parent's outputs, announces it.
type Announcer interface {
	Announce(context.Context, Announcement) error
}

// Announcement is a change of what is granted. Before is nil where nothing was
// granted before, After where nothing is any more. On a Delete what was granted
// may be unknown: then both are nil.
type Announcement struct {
	Event         cfn.RequestType
	Parent        installation.Parent
	Before, After *policies.Set
	GrantedHash   string // of After
}

// announce tells what a Create or Update changed, and gives the hash of the
// allowedAccess that is announced now: "" where that failed.
func (o *operation) announce(ctx context.Context, set policies.Set, granted string) string {
	if o.Announcer == nil {
		return ""
	}
	a := Announcement{Event: o.event.RequestType, Parent: o.parent, After: &set, GrantedHash: granted}
	if o.event.RequestType == cfn.RequestUpdate {
		_, before, err := o.synthesize(o.event.OldResourceProperties)
		if err != nil { // a release that this code does not know any more
			o.log.Warn("what was granted before is unknown: the drift check will announce what is granted", "error", err)
			return ""
		}
		if hash, err := permissionstack.GrantedHash(before); err == nil && hash == granted {
			return granted
		}
		a.Before = &before
	}
	if err := o.Announcer.Announce(ctx, a); err != nil {
		o.log.Error("the change of access is not announced: the drift check will try again", "error", err)
		return ""
	}
	o.log.Info("announced the change of access", "grantedHash", granted)
	return granted
}

// announceRemoval tells that everything was taken away. Nobody can try again
// where that fails: the topic goes next.
func (o *operation) announceRemoval(ctx context.Context) {
	if o.Announcer == nil {
		return
	}
	a := Announcement{Event: cfn.RequestDelete, Parent: o.parent}
	if _, before, err := o.synthesize(o.event.ResourceProperties); err == nil {
		a.Before = &before
	}
	if err := o.Announcer.Announce(ctx, a); err != nil {
		o.log.Error("the removal of the access is not announced", "error", err)
	}
}

// cachedSynthesize turns properties of an event into what they grant.
func (o *operation) synthesize(raw map[string]any) (Properties, policies.Set, error) {
	properties, err := DecodeProperties(raw)
	if err != nil {
		return properties, policies.Set{}, err
	}
	synthesize := o.Synthesize
	if synthesize == nil {
		synthesize = policies.Synthesize
	}
	set, err := synthesize(properties.Selection(), properties.Environment(o.parent))
	return properties, set, err
}
