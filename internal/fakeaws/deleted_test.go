package fakeaws_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
)

// TestDeletedPrincipal deletes a role that another account's role and topic
// trust, and creates it again: policies then have its former unique id, and the
// new role is not trusted.
func TestDeletedPrincipal(t *testing.T) {
	ctx := t.Context()
	const other = "444455556666"
	cloud := fakeaws.New(fakeaws.Options{})
	n, vendor := apitest.NewClients(cloud.Config(apitest.Account, apitest.Region)),
		apitest.NewClients(cloud.Config(other, apitest.Region))
	const arn = "arn:aws:iam::" + other + ":role/vendor"
	create := &iam.CreateRoleInput{RoleName: aws.String("vendor"), AssumeRolePolicyDocument: aws.String(apitest.TrustEC2)}
	id := *apitest.Must[*iam.CreateRoleOutput](t)(vendor.IAM.CreateRole(ctx, create)).Role.RoleId
	allow := func(action string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + arn +
			`"},"Action":"` + action + `"` + map[string]string{"sns:Publish": `,"Resource":"*"`}[action] + `}]}`)
	}
	apitest.Succeed(t)(n.IAM.CreateRole(ctx,
		&iam.CreateRoleInput{RoleName: aws.String("backup"), AssumeRolePolicyDocument: allow("sts:AssumeRole")}))
	topic := apitest.Must[*sns.CreateTopicOutput](t)(n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{
		Name: aws.String("t"), Attributes: map[string]string{"Policy": *allow("sns:Publish")},
	})).TopicArn

	apitest.Succeed(t)(vendor.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("vendor")}))
	apitest.Succeed(t)(vendor.IAM.CreateRole(ctx, create))
	role := apitest.Must[*iam.GetRoleOutput](t)(n.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("backup")})).Role
	trust, _ := url.QueryUnescape(*role.AssumeRolePolicyDocument)
	policy := apitest.Must[*sns.GetTopicAttributesOutput](t)(
		n.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic})).Attributes["Policy"]
	for name, text := range map[string]string{"trust policy": trust, "topic policy": policy} {
		if !strings.Contains(text, `"`+id+`"`) || strings.Contains(text, arn) {
			t.Errorf("%s: got %s, want the unique id %s", name, text, id)
		}
	}
	as := apitest.NewClients(cloud.ConfigAs(other, apitest.Region, arn))
	_, err := as.STS.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("s1")})
	apitest.WantError(t, err, "AccessDenied", "sts:AssumeRole")
}
