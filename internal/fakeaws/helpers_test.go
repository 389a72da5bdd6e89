package fakeaws_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"permstack/internal/fakeaws"
)

const (
	account = "111122223333"
	region  = "eu-west-1"

	trustEC2  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustSelf = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
	readAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
)

// clients are the SDK clients of one account and Region, with one attempt each.
type clients struct {
	iam    *iam.Client
	sts    *sts.Client
	sns    *sns.Client
	events *eventbridge.Client
	ssm    *ssm.Client
}

func newClients(cfg aws.Config) clients {
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return clients{iam.NewFromConfig(cfg), sts.NewFromConfig(cfg), sns.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), ssm.NewFromConfig(cfg)}
}

func newCloud(t testing.TB) (*fakeaws.Cloud, clients) {
	t.Helper()
	c := fakeaws.New(fakeaws.Options{})
	return c, newClients(c.Config(account, region))
}

// must gives a call's answer, and ends the test where there is none.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantError checks the code of an API error, and that its message holds a part.
func wantError(t testing.TB, err error, code, part string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("error %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), part) {
		t.Errorf("error %s: %s\nwant %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, part)
	}
}

func makeRole(t testing.TB, c clients, name string) {
	t.Helper()
	must[*iam.CreateRoleOutput](t)(c.iam.CreateRole(context.Background(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trustSelf)}))
}

func makePolicy(t testing.TB, c clients, name, document string) string {
	t.Helper()
	out := must[*iam.CreatePolicyOutput](t)(c.iam.CreatePolicy(context.Background(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document}))
	return *out.Policy.Arn
}
