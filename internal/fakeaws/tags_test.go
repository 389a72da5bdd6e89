package fakeaws_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/fakeaws/apitest"
)

// TestTagging adds two tags to each kind of resource, removes one, and reads the
// rest.
func TestTagging(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "r")
	policy := apitest.CreatePolicy(t, n, "p", apitest.ReadAll)
	name := aws.String("r")
	apitest.Succeed(t)(n.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name}))
	topic := apitest.Must[*sns.CreateTopicOutput](t)(
		n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: name}),
	).TopicArn
	rule := apitest.Must[*eventbridge.PutRuleOutput](t)(
		n.Events.PutRule(ctx, &eventbridge.PutRuleInput{Name: name, ScheduleExpression: aws.String("rate(6 hours)")}),
	).RuleArn
	apitest.Succeed(t)(
		n.SSM.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Value: name, Type: ssmtypes.ParameterTypeString}),
	)

	a, b, off := aws.String("a"), aws.String("b"), []string{"a"}
	iamTags := []types.Tag{{Key: a, Value: a}, {Key: b, Value: b}}
	snsTags := []snstypes.Tag{{Key: a, Value: a}, {Key: b, Value: b}}
	ruleTags := []ebtypes.Tag{{Key: a, Value: a}, {Key: b, Value: b}}
	ssmTags := []ssmtypes.Tag{{Key: a, Value: a}, {Key: b, Value: b}}
	parameter := ssmtypes.ResourceTypeForTaggingParameter

	left := map[string][]string{}
	succeed := func(kind string, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}

	succeed("policy", second(n.IAM.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &policy, Tags: iamTags})),
		second(n.IAM.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &policy, TagKeys: off})))
	for _, tag := range apitest.Must[*iam.ListPolicyTagsOutput](t)(n.IAM.ListPolicyTags(ctx,
		&iam.ListPolicyTagsInput{PolicyArn: &policy})).Tags {
		left["policy"] = append(left["policy"], *tag.Key)
	}
	succeed("profile",
		second(n.IAM.TagInstanceProfile(ctx,
			&iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: iamTags})),
		second(n.IAM.UntagInstanceProfile(ctx,
			&iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: off})))
	for _, tag := range apitest.Must[*iam.ListInstanceProfileTagsOutput](t)(n.IAM.ListInstanceProfileTags(ctx,
		&iam.ListInstanceProfileTagsInput{InstanceProfileName: name})).Tags {
		left["profile"] = append(left["profile"], *tag.Key)
	}
	succeed("topic", second(n.SNS.TagResource(ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: snsTags})),
		second(n.SNS.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: topic, TagKeys: off})))
	for _, tag := range apitest.Must[*sns.ListTagsForResourceOutput](t)(n.SNS.ListTagsForResource(ctx,
		&sns.ListTagsForResourceInput{ResourceArn: topic})).Tags {
		left["topic"] = append(left["topic"], *tag.Key)
	}
	succeed("rule",
		second(n.Events.TagResource(ctx, &eventbridge.TagResourceInput{ResourceARN: rule, Tags: ruleTags})),
		second(n.Events.UntagResource(ctx, &eventbridge.UntagResourceInput{ResourceARN: rule, TagKeys: off})))
	for _, tag := range apitest.Must[*eventbridge.ListTagsForResourceOutput](t)(n.Events.ListTagsForResource(ctx,
		&eventbridge.ListTagsForResourceInput{ResourceARN: rule})).Tags {
		left["rule"] = append(left["rule"], *tag.Key)
	}
	succeed("parameter",
		second(n.SSM.AddTagsToResource(ctx,
			&ssm.AddTagsToResourceInput{ResourceType: parameter, ResourceId: name, Tags: ssmTags})),
		second(n.SSM.RemoveTagsFromResource(ctx,
			&ssm.RemoveTagsFromResourceInput{ResourceType: parameter, ResourceId: name, TagKeys: off})))
	for _, tag := range apitest.Must[*ssm.ListTagsForResourceOutput](t)(n.SSM.ListTagsForResource(ctx,
		&ssm.ListTagsForResourceInput{ResourceType: parameter, ResourceId: name})).TagList {
		left["parameter"] = append(left["parameter"], *tag.Key)
	}
	for _, kind := range []string{"policy", "profile", "topic", "rule", "parameter"} {
		if got := left[kind]; len(got) != 1 || got[0] != "b" {
			t.Errorf("%s has the tags %v, want b", kind, got)
		}
	}
}

func second[T any](_ T, err error) error { return err }
