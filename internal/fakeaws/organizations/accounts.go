package organizations

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/protocol"
)

// defaultRole is the role that CreateAccount creates in the new account for the
// management account (API reference, CreateAccount, RoleName).
const defaultRole = "OrganizationAccountAccessRole"

// request is a CreateAccount, which is complete at once.
type request struct {
	id, name, account string
	requested         time.Time
}

func (r *request) view() map[string]any {
	return map[string]any{
		"Id": r.id, "AccountName": r.name, "State": "SUCCEEDED", "AccountId": r.account,
		"RequestedTimestamp": stamp(r.requested), "CompletedTimestamp": stamp(r.requested),
	}
}

func accountNotFound() *protocol.Error {
	return protocol.Errorf("AccountNotFoundException", "You specified an account that doesn't exist.")
}

func (o *organization) accountView(call *protocol.Call, m *member) map[string]any {
	status, state := "ACTIVE", "ACTIVE"
	if m.suspended {
		status, state = "SUSPENDED", "CLOSED"
	}
	return map[string]any{
		"Id": m.id, "Arn": o.arn(call, "account", m.id), "Email": m.email, "Name": m.name, "Status": status, "State": state,
		"JoinedMethod": m.method, "JoinedTimestamp": stamp(m.joined),
	}
}

func (o *organization) accountViews(call *protocol.Call, keep func(*member) bool) []map[string]any {
	var out []map[string]any
	for _, m := range o.members {
		if keep(m) {
			out = append(out, o.accountView(call, m))
		}
	}
	return out
}

// join adds an account to the root.
func (s *Service) join(o *organization, m *member) {
	m.joined, m.parent = s.clock(), o.root
	o.members = append(o.members, m)
	s.memberOf[m.id] = o
	s.changes = append(s.changes, Change{Management: o.management, Account: m.id, After: o.path(o.root)})
}

// leave removes an account.
func (s *Service) leave(o *organization, m *member) {
	o.members = slices.DeleteFunc(o.members, func(other *member) bool { return other == m })
	delete(s.memberOf, m.id)
	delete(o.delegated, m.id)
	delete(o.attached, m.id)
	s.changes = append(s.changes, Change{Management: o.management, Account: m.id, Before: o.path(m.parent)})
}

func (s *Service) createAccount(call *protocol.Call, in struct{ AccountName, Email, RoleName string }) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if in.AccountName == "" || !strings.Contains(in.Email, "@") {
		return nil, invalid("You provided a value for AccountName or Email that is not valid.")
	}
	m := &member{name: in.AccountName, email: in.Email, method: "CREATED"}
	for m.id == "" || s.memberOf[m.id] != nil {
		m.id = random(1, digits[1:]) + random(11, digits)
	}
	if in.RoleName == "" {
		in.RoleName = defaultRole
	}
	if err := s.createAccessRole(call, m.id, in.RoleName); err != nil {
		return nil, err
	}
	s.join(o, m)
	r := &request{id: "car-" + random(32, "0123456789abcdef"), name: m.name, account: m.id, requested: m.joined}
	o.requests = append(o.requests, r)
	return map[string]any{"CreateAccountStatus": r.view()}, nil
}

// createAccessRole creates the role by which the management account administers
// a new account.
func (s *Service) createAccessRole(call *protocol.Call, account, name string) error {
	client := iam.NewFromConfig(s.config(account, call.Region))
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":`+
		`"arn:%s:iam::%s:root"},"Action":"sts:AssumeRole"}]}`, call.Partition, call.Account)
	ctx := context.Background()
	_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		return fmt.Errorf("create role %s in account %s: %w", name, account, err)
	}
	_, err = client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
		RoleName: &name, PolicyArn: aws.String("arn:" + call.Partition + ":iam::aws:policy/AdministratorAccess"),
	})
	if err != nil {
		return fmt.Errorf("attach policy to role %s in account %s: %w", name, account, err)
	}
	return nil
}

func (s *Service) describeCreateAccountStatus(call *protocol.Call, in struct {
	ID string `json:"CreateAccountRequestId"`
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	for _, r := range o.requests {
		if r.id == in.ID {
			return map[string]any{"CreateAccountStatus": r.view()}, nil
		}
	}
	return nil, protocol.Errorf("CreateAccountStatusNotFoundException",
		"We can't find an create account request with the CreateAccountRequestId that you specified.")
}

func (s *Service) listCreateAccountStatus(call *protocol.Call, in struct {
	paging
	States []string
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, r := range o.requests {
		if len(in.States) == 0 || slices.Contains(in.States, "SUCCEEDED") {
			all = append(all, r.view())
		}
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"CreateAccountStatuses": out, "NextToken": next}, err
}

func (s *Service) listAccounts(call *protocol.Call, in paging) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	out, next, err := page(o.accountViews(call, func(*member) bool { return true }), in)
	return map[string]any{"Accounts": out, "NextToken": next}, err
}

type accountID struct{ AccountID string }

func (s *Service) describeAccount(call *protocol.Call, in accountID) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	m := o.account(in.AccountID)
	if m == nil {
		return nil, accountNotFound()
	}
	return map[string]any{"Account": o.accountView(call, m)}, nil
}

// closeAccount suspends an account, which AWS does minutes after the call.
func (s *Service) closeAccount(call *protocol.Call, in accountID) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	m := o.account(in.AccountID)
	switch {
	case m == nil:
		return nil, accountNotFound()
	case m.id == o.management:
		return nil, protocol.Errorf("ConstraintViolationException", "You cannot close the management account of an "+
			"organization with this operation.")
	case m.suspended:
		return nil, protocol.Errorf("AccountAlreadyClosedException", "You attempted to close an account that is already "+
			"closed.")
	}
	m.suspended = true
	return nil, nil
}

func (s *Service) removeAccount(call *protocol.Call, in accountID) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	m := o.account(in.AccountID)
	switch {
	case m == nil:
		return nil, accountNotFound()
	case m.id == o.management:
		return nil, masterCannotLeave()
	}
	s.leave(o, m)
	return nil, nil
}

func (s *Service) leaveOrganization(call *protocol.Call, _ none) (any, error) {
	o, err := s.member(call)
	if err != nil {
		return nil, err
	}
	if o.management == call.Account {
		return nil, masterCannotLeave()
	}
	s.leave(o, o.account(call.Account))
	return nil, nil
}

func masterCannotLeave() *protocol.Error {
	return protocol.Errorf("MasterCannotLeaveOrganizationException",
		"You can't remove a management account from an organization.")
}
