// Package apitest is the fixture of the tests of the embedded AWS's services: a
// cloud, its SDK clients, and checks of AWS's errors. Tests of a whole
// installation use package fakeawstest.
package apitest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"permstack/internal/fakeaws"
)

// Account and Region are those of NewCloud's clients.
const (
	Account = "111122223333"
	Region  = "eu-west-1"
)

// Policies for roles: trust policies for EC2 and for the account itself, and an
// identity policy that reads EC2.
const (
	TrustEC2 = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	TrustSelf = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},` +
		`"Action":"sts:AssumeRole"}]}`
	ReadAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
)

// Clients are the SDK clients of one account and Region, with one attempt each.
type Clients struct {
	IAM    *iam.Client
	STS    *sts.Client
	SNS    *sns.Client
	Events *eventbridge.Client
	SSM    *ssm.Client
	SQS    *sqs.Client
}

// NewClients returns the clients of a configuration. They make one attempt, so
// that a test sees the first error.
func NewClients(cfg aws.Config) Clients {
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return Clients{
		iam.NewFromConfig(cfg),
		sts.NewFromConfig(cfg),
		sns.NewFromConfig(cfg),
		eventbridge.NewFromConfig(cfg),
		ssm.NewFromConfig(cfg),
		sqs.NewFromConfig(cfg),
	}
}

// NewCloud returns an embedded AWS and the clients of its owner.
func NewCloud(t testing.TB) (*fakeaws.Cloud, Clients) {
	t.Helper()
	c := fakeaws.New(fakeaws.Options{})
	return c, NewClients(c.Config(Account, Region))
}

// Must returns a function that returns a call's result and ends the test if the
// call fails: Must[*iam.GetRoleOutput](t)(client.GetRole(…)).
func Must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Succeed returns a function that ends the test if a call fails:
// Succeed(t)(client.DeleteRole(…)).
func Succeed(t testing.TB) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// WantError checks that err is an API error with this code, and that its message
// contains part.
func WantError(t testing.TB, err error, code, part string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("got error %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), part) {
		t.Errorf("got error %s: %s\nwant %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, part)
	}
}

// CreateRole creates a role that the account itself may assume.
func CreateRole(t testing.TB, c Clients, name string) {
	t.Helper()
	Must[*iam.CreateRoleOutput](t)(c.IAM.CreateRole(context.Background(),
		&iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(TrustSelf)}))
}

// CreatePolicy creates a managed policy and returns its ARN.
func CreatePolicy(t testing.TB, c Clients, name, document string) string {
	t.Helper()
	out := Must[*iam.CreatePolicyOutput](t)(c.IAM.CreatePolicy(context.Background(),
		&iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document}))
	return *out.Policy.Arn
}

// AsRole creates a role with one inline policy and returns the clients of its
// session.
func AsRole(t *testing.T, c *fakeaws.Cloud, owner Clients, name, statements string) Clients {
	t.Helper()
	CreateRole(t, owner, name)
	doc := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	Must[*iam.PutRolePolicyOutput](t)(owner.IAM.PutRolePolicy(context.Background(),
		&iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("own"), PolicyDocument: &doc}))
	return NewClients(c.ConfigAs(Account, Region, "arn:aws:iam::111122223333:role/"+name))
}
