package ssm_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/fakeaws/apitest"
)

func TestParameters(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	put := func(name, value string, overwrite bool) error {
		_, err := n.SSM.PutParameter(ctx, &ssm.PutParameterInput{
			Name:      &name,
			Value:     &value,
			Type:      ssmtypes.ParameterTypeString,
			Overwrite: &overwrite,
		})
		return err
	}
	if err := put("/permstack/state", "1", false); err != nil {
		t.Fatal(err)
	}
	apitest.WantError(t, put("/permstack/state", "2", false), "ParameterAlreadyExists", "already exists")
	if err := put("/permstack/state", strings.Repeat("é", 2048), true); err != nil {
		t.Error(err)
	}
	apitest.WantError(t, put("/permstack/state", strings.Repeat("a", 4097), true), "ValidationException", "4096")
	apitest.WantError(t, put("/aws/state", "a", true), "AccessDeniedException", "reserved parameter name")
	apitest.WantError(t, put("a/b", "a", true), "ValidationException", "fully qualified")
	got := apitest.Must[*ssm.GetParameterOutput](t)(
		n.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/permstack/state")}),
	).Parameter
	if got.Version != 2 || *got.ARN != "arn:aws:ssm:eu-west-1:111122223333:parameter/permstack/state" ||
		got.LastModifiedDate.IsZero() {
		t.Errorf("parameter: %+v", got)
	}
	many := apitest.Must[*ssm.GetParametersOutput](t)(
		n.SSM.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/permstack/state", *got.ARN, "none"}}),
	)
	if len(many.Parameters) != 2 || len(many.InvalidParameters) != 1 {
		t.Errorf("parameters: %+v", many)
	}
	apitest.Succeed(t)(n.SSM.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
		ResourceType: ssmtypes.ResourceTypeForTaggingParameter,
		ResourceId:   aws.String("/permstack/state"),
		Tags:         []ssmtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	}))
	tags := apitest.Must[*ssm.ListTagsForResourceOutput](t)(
		n.SSM.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{
			ResourceType: ssmtypes.ResourceTypeForTaggingParameter,
			ResourceId:   aws.String("/permstack/state"),
		}),
	)
	if len(tags.TagList) != 1 {
		t.Errorf("tags: %+v", tags.TagList)
	}
	described := apitest.Must[*ssm.DescribeParametersOutput](t)(
		n.SSM.DescribeParameters(ctx, &ssm.DescribeParametersInput{
			ParameterFilters: []ssmtypes.ParameterStringFilter{
				{Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{"/permstack/"}},
			},
		}),
	)
	if len(described.Parameters) != 1 {
		t.Errorf("described: %+v", described.Parameters)
	}
	apitest.Succeed(t)(n.SSM.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String("/permstack/state")}))
	_, err := n.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/permstack/state")})
	apitest.WantError(t, err, "ParameterNotFound", "")
}
