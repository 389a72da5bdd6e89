package notify

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/provisioner"
)

// Announcer sends what the provisioner changed in the granted access.
type Announcer struct {
	Sender Sender
	Now    func() time.Time // nil is the real clock
}

// announceTimeout bounds the call: CloudFormation waits for the answer.
const announceTimeout = 20 * time.Second

// Announce is provisioning.Announcer's.
func (a *Announcer) Announce(ctx context.Context, p provisioner.Announcement) error {
	place := Place{StackID: p.Parent.ID, Stack: p.Parent.Name, Account: p.Parent.Account, Region: p.Parent.Region}
	access := Access{GrantedHash: p.GrantedHash, Changes: Difference(p.Before, p.After)}
	if p.Before != nil {
		place.Profile, access.CatalogVersion = p.Before.Profile, p.Before.CatalogVersion
	}
	if p.After != nil {
		place.Profile, access.CatalogVersion = p.After.Profile, p.After.CatalogVersion
	}
	status := Altered
	switch p.Event {
	case cfn.RequestCreate:
		status = Granted
	case cfn.RequestDelete:
		status = Removed
	}
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	ctx, cancel := context.WithTimeout(ctx, announceTimeout)
	defer cancel()
	_, err := a.Sender.Send(ctx, AccessMessage(place, status, access, now()))
	return err
}
