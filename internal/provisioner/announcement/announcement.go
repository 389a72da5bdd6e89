// Package announcement notifies subscribers of what a deployment changed in the
// granted access.
package announcement

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/notify"
	"permstack/internal/policies"
	"permstack/internal/policies/scope"
	"permstack/internal/provisioner"
)

// Announcer publishes announcements of the provisioner; it implements
// provisioner.Announcer.
type Announcer struct {
	Sender notify.Sender
	Now    func() time.Time // nil is time.Now
}

// timeout bounds the call, because CloudFormation waits for the response.
const timeout = 20 * time.Second

// Announce publishes a message about a change of access.
func (a *Announcer) Announce(ctx context.Context, p provisioner.Announcement) error {
	origin := notify.Origin{
		StackID: p.Parent.ID, Stack: p.Parent.Name, Account: p.Parent.Account, Region: p.Parent.Region,
	}
	access := notify.Access{GrantedHash: p.GrantedHash, Changes: Changes(p.Before, p.After)}
	if p.Before != nil {
		origin.Profile, access.CatalogVersion = p.Before.Profile, p.Before.CatalogVersion
		access.RestoreBefore = policies.FormatRestoreUntil(p.Before.RestoreUntil)
		access.ScopeBefore = p.Before.Scope.Entries()
	}
	if p.After != nil {
		origin.Profile, access.CatalogVersion = p.After.Profile, p.After.CatalogVersion
		access.RestoreUntil = policies.FormatRestoreUntil(p.After.RestoreUntil)
		access.Scope, access.NarrowedTo = p.After.Scope.Entries(), p.After.Scope.Summary()
	}
	if p.Before != nil && p.After != nil {
		access.Wider, access.Narrower = scope.Compare(p.Before.Scope, p.After.Scope)
	}
	status := notify.Altered
	switch p.Event {
	case cfn.RequestCreate:
		status = notify.Granted
	case cfn.RequestDelete:
		status = notify.Removed
	}
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := a.Sender.Send(ctx, notify.AccessMessage(origin, status, access, now()))
	return err
}
