package sts_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
	fakests "permstack/internal/fakeaws/sts"
)

func TestAssumeRole(t *testing.T) {
	ctx := context.Background()
	c, owner := apitest.NewCloud(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},` +
		`"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}},{"Effect":"Allow",` +
		`"Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole",` +
		`"Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"111122223333"}}}]}`
	arn := *apitest.Must[*iam.CreateRoleOutput](t)(owner.IAM.CreateRole(ctx,
		&iam.CreateRoleInput{RoleName: aws.String("backup"), Path: aws.String("/p/"),
			AssumeRolePolicyDocument: &trust})).Role.Arn
	vendor := apitest.NewClients(c.Config("444455556666", apitest.Region))
	assume := func(n apitest.Clients, arn, external string) (*sts.AssumeRoleOutput, error) {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("run")}
		if external != "" {
			in.ExternalId = &external
		}
		return n.STS.AssumeRole(ctx, in)
	}
	_, err := assume(vendor, arn, "")
	apitest.WantError(t, err, "AccessDenied",
		"User: arn:aws:iam::444455556666:root is not authorized to perform: sts:AssumeRole on resource: "+arn)
	_, err = assume(vendor, arn, "wrong")
	apitest.WantError(t, err, "AccessDenied", "")
	_, err = assume(owner, arn, "secret")
	apitest.WantError(t, err, "AccessDenied", "")
	_, err = assume(vendor, "arn:aws:iam::111122223333:role/none", "secret")
	apitest.WantError(t, err, "AccessDenied", "")
	out := apitest.Must[*sts.AssumeRoleOutput](t)(assume(vendor, arn, "secret"))
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/backup/run" {
		t.Errorf("assumed: %s", *out.AssumedRoleUser.Arn)
	}
	session := apitest.NewClients(c.ConfigWith(apitest.Region, aws.Credentials{
		AccessKeyID:     *out.Credentials.AccessKeyId,
		SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken:    *out.Credentials.SessionToken,
	}))
	if id := apitest.Must[*sts.GetCallerIdentityOutput](t)(session.STS.GetCallerIdentity(ctx,
		nil)); *id.Account != apitest.Account ||
		*id.Arn != *out.AssumedRoleUser.Arn {
		t.Errorf("identity: %+v", id)
	}
	_, err = session.IAM.ListRoles(ctx, nil)
	apitest.WantError(t, err, "AccessDenied", "iam:ListRoles")

	// A role that is named by its apitest.Account also needs to be allowed by its own policies.
	apitest.CreateRole(t, owner, "open")
	vendorRole := apitest.AsRole(t, c, owner, "caller", `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`)
	_, err = assume(vendorRole, "arn:aws:iam::111122223333:role/open", "")
	apitest.WantError(t, err, "AccessDenied", "because no identity-based policy allows the sts:AssumeRole action")

	if err := c.AssumableBy(apitest.Account, arn, "cloudformation.amazonaws.com", nil); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{arn, "arn:aws:iam::111122223333:role/none"} {
		t.Run(bad, func(t *testing.T) {
			if err := c.AssumableBy(apitest.Account, bad, "lambda.amazonaws.com", nil); err == nil {
				t.Errorf("lambda may assume %s", bad)
			}
		})
	}
}

func TestSessionsEnd(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	c := fakeaws.New(fakeaws.Options{Clock: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	n := apitest.NewClients(c.Config(apitest.Account, apitest.Region))
	apitest.CreateRole(t, n, "short")
	credentials := c.SessionCredentials(apitest.Account, "arn:aws:iam::111122223333:role/short", "s")
	as := apitest.NewClients(c.ConfigWith(apitest.Region, credentials))
	got := apitest.Must[*sts.GetCallerIdentityOutput](t)(as.STS.GetCallerIdentity(ctx, nil))
	if *got.Arn != "arn:aws:sts::111122223333:assumed-role/short/s" || !strings.HasPrefix(*got.UserId, "AROA") {
		t.Errorf("identity %s %s", *got.Arn, *got.UserId)
	}
	wrong := credentials
	wrong.SessionToken = "other"
	_, err := apitest.NewClients(c.ConfigWith(apitest.Region, wrong)).STS.GetCallerIdentity(ctx, nil)
	apitest.WantError(t, err, "InvalidClientTokenId", "invalid")
	mu.Lock()
	now = now.Add(13 * time.Hour)
	mu.Unlock()
	_, err = apitest.NewClients(c.ConfigWith(apitest.Region, wrongExpiry(credentials))).STS.GetCallerIdentity(ctx,
		nil)
	apitest.WantError(t, err, "ExpiredToken", "expired")
}

// wrongExpiry makes the SDK believe that the credentials are still good.
func wrongExpiry(c aws.Credentials) aws.Credentials { c.CanExpire = false; return c }

// TestDecodeAuthorizationMessage checks that only the account of a message decodes it, and nothing else is decoded.
func TestDecodeAuthorizationMessage(t *testing.T) {
	c, owner := apitest.NewCloud(t)
	encoded, err := c.EncodeRefusal(apitest.Account, fakests.Refusal{
		Principal: "arn:aws:sts::" + apitest.Account + ":assumed-role/r/s", Action: "ec2:RunInstances", Resource: "*",
	})
	if err != nil {
		t.Fatal(err)
	}
	out := apitest.Must[*sts.DecodeAuthorizationMessageOutput](t)(owner.STS.DecodeAuthorizationMessage(t.Context(),
		&sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded}))
	if !strings.Contains(*out.DecodedMessage, `"action":"ec2:RunInstances"`) {
		t.Errorf("got %s", *out.DecodedMessage)
	}
	other := apitest.NewClients(c.Config("444455556666", apitest.Region))
	for name, decode := range map[string]func() error{
		"another account": func() error {
			_, err := other.STS.DecodeAuthorizationMessage(t.Context(),
				&sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
			return err
		},
		"no message": func() error {
			_, err := owner.STS.DecodeAuthorizationMessage(t.Context(),
				&sts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String("hello")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			apitest.WantError(t, decode(), "InvalidAuthorizationMessageException", "")
		})
	}
}
