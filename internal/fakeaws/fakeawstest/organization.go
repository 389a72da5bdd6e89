package fakeawstest

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// Organization is an organization, with the clients of its management account.
// StackSets has trusted access to it.
type Organization struct {
	*Account
	OrganizationID string
	Root           string // id of the root
	Organizations  *organizations.Client
}

// NewOrganization creates the organization of a management account.
func (a *AWS) NewOrganization(management, region string) *Organization {
	a.t.Helper()
	o := &Organization{Account: a.In(management, region)}
	o.Organizations = organizations.NewFromConfig(a.Config(management, region))
	ctx := a.t.Context()
	made, err := o.Organizations.CreateOrganization(ctx, &organizations.CreateOrganizationInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	roots, err := o.Organizations.ListRoots(ctx, &organizations.ListRootsInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	_, err = o.CloudFormation.ActivateOrganizationsAccess(ctx, &cloudformation.ActivateOrganizationsAccessInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	o.OrganizationID, o.Root = *made.Organization.Id, *roots.Roots[0].Id
	return o
}

// CreateUnit creates an organizational unit and returns its id.
func (o *Organization) CreateUnit(parent, name string) string {
	o.t.Helper()
	out, err := o.Organizations.CreateOrganizationalUnit(o.t.Context(), &organizations.CreateOrganizationalUnitInput{
		ParentId: &parent, Name: &name,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return *out.OrganizationalUnit.Id
}

// Join invites an account, accepts the invitation, and moves the account to a
// unit.
func (o *Organization) Join(account, unit string) {
	o.t.Helper()
	ctx := o.t.Context()
	invited, err := o.Organizations.InviteAccountToOrganization(ctx, &organizations.InviteAccountToOrganizationInput{
		Target: &orgtypes.HandshakeParty{Id: &account, Type: orgtypes.HandshakePartyTypeAccount},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	member := organizations.NewFromConfig(o.Config(account, o.Region))
	_, err = member.AcceptHandshake(ctx, &organizations.AcceptHandshakeInput{HandshakeId: invited.Handshake.Id})
	if err != nil {
		o.t.Fatal(err)
	}
	if unit != o.Root {
		o.Move(account, o.Root, unit)
	}
}

// Move moves an account from one root or unit to another.
func (o *Organization) Move(account, from, to string) {
	o.t.Helper()
	_, err := o.Organizations.MoveAccount(o.t.Context(), &organizations.MoveAccountInput{
		AccountId: &account, SourceParentId: &from, DestinationParentId: &to,
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// Operation is an operation on a stack set that has ended.
type Operation struct {
	types.StackSetOperation
	Results []types.StackSetOperationResultSummary
}

// Count returns the number of results with a status.
func (o Operation) Count(status types.StackSetOperationResultStatus) int {
	n := 0
	for _, r := range o.Results {
		if r.Status == status {
			n++
		}
	}
	return n
}

// WaitOperation waits until an operation on a stack set has ended.
func (a *Account) WaitOperation(set string, id *string) Operation {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), stackTimeout)
	defer cancel()
	for {
		out, err := a.CloudFormation.DescribeStackSetOperation(ctx, &cloudformation.DescribeStackSetOperationInput{
			StackSetName: &set, OperationId: id,
		})
		if err != nil {
			a.t.Fatal(err)
		}
		if out.StackSetOperation.EndTimestamp == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		done := Operation{StackSetOperation: *out.StackSetOperation}
		pages := cloudformation.NewListStackSetOperationResultsPaginator(a.CloudFormation,
			&cloudformation.ListStackSetOperationResultsInput{StackSetName: &set, OperationId: id})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				a.t.Fatal(err)
			}
			done.Results = append(done.Results, page.Summaries...)
		}
		return done
	}
}

// StackSetInstances waits until no operation on a stack set is in progress, and
// returns the instances as "account Region: status", with the detailed status of
// those that are not CURRENT.
func (a *Account) StackSetInstances(set string) map[string]string {
	a.t.Helper()
	operations, err := a.CloudFormation.ListStackSetOperations(a.t.Context(),
		&cloudformation.ListStackSetOperationsInput{StackSetName: &set})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, op := range operations.Summaries {
		a.WaitOperation(set, op.OperationId)
	}
	out := map[string]string{}
	pages := cloudformation.NewListStackInstancesPaginator(a.CloudFormation,
		&cloudformation.ListStackInstancesInput{StackSetName: &set})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		for _, in := range page.Summaries {
			status := string(in.Status)
			if in.Status != types.StackInstanceStatusCurrent {
				status += " " + string(in.StackInstanceStatus.DetailedStatus)
			}
			out[fmt.Sprintf("%s %s", aws.ToString(in.Account), aws.ToString(in.Region))] = status
		}
	}
	return out
}
