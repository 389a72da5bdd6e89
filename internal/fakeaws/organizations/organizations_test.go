package organizations_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
	fakeorganizations "permstack/internal/fakeaws/organizations"
)

const region = "us-east-1"

func client(c *fakeaws.Cloud, account string) *organizations.Client {
	cfg := c.Config(account, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return organizations.NewFromConfig(cfg)
}

// TestLifecycle creates an organization, a unit and an account, moves and closes
// the account, and reads them.
func TestLifecycle(t *testing.T) {
	ctx := t.Context()
	c := fakeaws.New(fakeaws.Options{})
	var changes []fakeorganizations.Change
	c.Organizations().OnChange(func(change fakeorganizations.Change) { changes = append(changes, change) })
	o := client(c, apitest.Account)
	_, err := o.DescribeOrganization(ctx, nil)
	apitest.WantError(t, err, "AWSOrganizationsNotInUseException", "not a member")
	made := apitest.Must[*organizations.CreateOrganizationOutput](t)(o.CreateOrganization(ctx, nil))
	_, err = o.CreateOrganization(ctx, nil)
	apitest.WantError(t, err, "AlreadyInOrganizationException", "already")
	if id := *made.Organization.Id; c.Organizations().ID(apitest.Account) != id {
		t.Errorf("got id %s, want %s", c.Organizations().ID(apitest.Account), id)
	}
	root := *apitest.Must[*organizations.ListRootsOutput](t)(o.ListRoots(ctx, nil)).Roots[0].Id
	unit := apitest.Must[*organizations.CreateOrganizationalUnitOutput](t)(o.CreateOrganizationalUnit(ctx,
		&organizations.CreateOrganizationalUnitInput{ParentId: &root, Name: aws.String("production")})).OrganizationalUnit
	_, err = o.CreateOrganizationalUnit(ctx,
		&organizations.CreateOrganizationalUnitInput{ParentId: &root, Name: aws.String("production")})
	apitest.WantError(t, err, "DuplicateOrganizationalUnitException", "same name")

	created := apitest.Must[*organizations.CreateAccountOutput](t)(o.CreateAccount(ctx, &organizations.CreateAccountInput{
		AccountName: aws.String("shop"), Email: aws.String("shop@example.com"),
	})).CreateAccountStatus
	account := *created.AccountId
	status := apitest.Must[*organizations.DescribeCreateAccountStatusOutput](t)(o.DescribeCreateAccountStatus(ctx,
		&organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: created.Id}))
	if status.CreateAccountStatus.State != types.CreateAccountStateSucceeded {
		t.Errorf("got state %s, want SUCCEEDED", status.CreateAccountStatus.State)
	}
	// The management account administers the new account by its role.
	role := "arn:aws:iam::" + account + ":role/OrganizationAccountAccessRole"
	apitest.Succeed(t)(sts.NewFromConfig(c.Config(apitest.Account, region)).AssumeRole(ctx,
		&sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("admin")}))

	move := &organizations.MoveAccountInput{AccountId: &account, SourceParentId: &root, DestinationParentId: unit.Id}
	apitest.Succeed(t)(o.MoveAccount(ctx, move))
	_, err = o.MoveAccount(ctx, move)
	apitest.WantError(t, err, "SourceParentNotFoundException", "source")
	parents := apitest.Must[*organizations.ListParentsOutput](t)(o.ListParents(ctx,
		&organizations.ListParentsInput{ChildId: &account}))
	if *parents.Parents[0].Id != *unit.Id || parents.Parents[0].Type != types.ParentTypeOrganizationalUnit {
		t.Errorf("got parents %v, want %s", parents.Parents, *unit.Id)
	}
	children := apitest.Must[*organizations.ListChildrenOutput](t)(o.ListChildren(ctx,
		&organizations.ListChildrenInput{ParentId: unit.Id, ChildType: types.ChildTypeAccount}))
	if len(children.Children) != 1 || *children.Children[0].Id != account {
		t.Errorf("got children %v, want %s", children.Children, account)
	}
	_, err = o.DeleteOrganizationalUnit(ctx, &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: unit.Id})
	apitest.WantError(t, err, "OrganizationalUnitNotEmptyException", "not empty")

	apitest.Succeed(t)(o.CloseAccount(ctx, &organizations.CloseAccountInput{AccountId: &account}))
	_, err = o.CloseAccount(ctx, &organizations.CloseAccountInput{AccountId: &account})
	apitest.WantError(t, err, "AccountAlreadyClosedException", "closed")
	described := apitest.Must[*organizations.DescribeAccountOutput](t)(o.DescribeAccount(ctx,
		&organizations.DescribeAccountInput{AccountId: &account}))
	if described.Account.Status != types.AccountStatusSuspended || !c.Organizations().IsSuspended(account) {
		t.Errorf("got status %s, want SUSPENDED", described.Account.Status)
	}
	_, err = o.DeleteOrganization(ctx, nil)
	apitest.WantError(t, err, "OrganizationNotEmptyException", "member accounts")
	apitest.Succeed(t)(o.RemoveAccountFromOrganization(ctx,
		&organizations.RemoveAccountFromOrganizationInput{AccountId: &account}))
	want := []string{
		fmt.Sprint([]string(nil), []string{root}), fmt.Sprint([]string{root}, []string{root, *unit.Id}),
		fmt.Sprint([]string{root, *unit.Id}, []string(nil)),
	}
	var got []string
	for _, change := range changes {
		got = append(got, fmt.Sprint(change.Before, change.After))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got changes %v, want %v", got, want)
	}
}

// TestMembersAreBound requires that a member cannot manage or list the
// organization unless it is a delegated administrator, which may list it.
func TestMembersAreBound(t *testing.T) {
	ctx := t.Context()
	c := fakeaws.New(fakeaws.Options{})
	o, member := client(c, apitest.Account), client(c, "444455556666")
	apitest.Succeed(t)(o.CreateOrganization(ctx, nil))
	invited := apitest.Must[*organizations.InviteAccountToOrganizationOutput](t)(o.InviteAccountToOrganization(ctx,
		&organizations.InviteAccountToOrganizationInput{
			Target: &types.HandshakeParty{Id: aws.String("444455556666"), Type: types.HandshakePartyTypeAccount},
		}))
	accept := &organizations.AcceptHandshakeInput{HandshakeId: invited.Handshake.Id}
	_, err := client(c, "777788889999").AcceptHandshake(ctx, accept)
	apitest.WantError(t, err, "HandshakeNotFoundException", "find")
	apitest.Succeed(t)(member.AcceptHandshake(ctx, accept))
	apitest.Succeed(t)(member.DescribeOrganization(ctx, nil))
	_, err = member.ListAccounts(ctx, nil)
	apitest.WantError(t, err, "AccessDeniedException", "permissions")

	const principal = "member.org.stacksets.cloudformation.amazonaws.com"
	register := &organizations.RegisterDelegatedAdministratorInput{
		AccountId: aws.String("444455556666"), ServicePrincipal: aws.String(principal),
	}
	_, err = o.RegisterDelegatedAdministrator(ctx, register)
	apitest.WantError(t, err, "ConstraintViolationException", "trusted access")
	apitest.Succeed(t)(o.EnableAWSServiceAccess(ctx,
		&organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String(principal)}))
	apitest.Succeed(t)(o.RegisterDelegatedAdministrator(ctx, register))
	_, err = o.RegisterDelegatedAdministrator(ctx, register)
	apitest.WantError(t, err, "AccountAlreadyRegisteredException", "already")
	accounts := apitest.Must[*organizations.ListAccountsOutput](t)(member.ListAccounts(ctx, nil))
	if len(accounts.Accounts) != 2 {
		t.Errorf("got %d accounts, want 2", len(accounts.Accounts))
	}
	_, err = member.CreateAccount(ctx, &organizations.CreateAccountInput{
		AccountName: aws.String("x"), Email: aws.String("x@example.com"),
	})
	apitest.WantError(t, err, "AccessDeniedException", "permissions")
	apitest.Succeed(t)(member.LeaveOrganization(ctx, nil))
	_, err = o.LeaveOrganization(ctx, nil)
	apitest.WantError(t, err, "MasterCannotLeaveOrganizationException", "management account")
}
