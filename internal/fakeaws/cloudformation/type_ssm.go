package cloudformation

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

type ssmParameter struct{}

func (ssmParameter) schema() schema {
	return schema{
		Properties: []string{
			"AllowedPattern",
			"DataType",
			"Description",
			"Name",
			"Policies",
			"Tags",
			"Tier",
			"Type",
			"Value",
		},
		Name: "Name", NameLength: 512,
		Permissions: handlerPermissions{
			Create: []string{"ssm:PutParameter", "ssm:AddTagsToResource"},
			Read:   []string{"ssm:GetParameters"},
			Update: []string{"ssm:PutParameter"},
			Delete: []string{"ssm:DeleteParameter"},
		},
		Rights: handlerRights{
			ARN: func(r *request, id string) string {
				return r.arn("ssm", r.stack.region, "parameter/"+strings.TrimPrefix(id, "/"))
			},
			For: map[string][]string{
				"ssm:AddTagsToResource": {"Tags"}, "ssm:RemoveTagsFromResource": {"Tags"},
			},
		},
	}
}

func (p ssmParameter) create(r *request) (outcome, error) {
	return p.put(r, r.name(p.schema()), false)
}

func (p ssmParameter) update(r *request) (outcome, error) { return p.put(r, r.id, true) }

func (ssmParameter) put(r *request, name string, overwrite bool) (outcome, error) {
	kind := r.props.str("Type")
	if kind == "SecureString" {
		return outcome{}, errors.New("Properties validation failed: #/Type: SecureString is not a valid enum value")
	}
	in := &ssm.PutParameterInput{
		Name: &name, Type: ssmtypes.ParameterType(kind), Value: aws.String(r.props.str("Value")),
		Description:    optional(r.props, "Description"),
		AllowedPattern: optional(r.props, "AllowedPattern"),
		DataType:       optional(r.props, "DataType"), Overwrite: &overwrite,
		Tier: ssmtypes.ParameterTier(r.props.str("Tier")), Policies: optional(r.props, "Policies"),
	}
	if !overwrite {
		for _, t := range r.props.tags("Tags") {
			in.Tags = append(in.Tags, ssmtypes.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
		}
	}
	if _, err := ssm.NewFromConfig(r.cfg).PutParameter(r.ctx, in); err != nil {
		return outcome{}, err
	}
	return outcome{id: name, attrs: map[string]any{"Type": kind, "Value": r.props.str("Value")}}, nil
}

func (ssmParameter) delete(r *request) error {
	_, err := ssm.NewFromConfig(r.cfg).DeleteParameter(r.ctx, &ssm.DeleteParameterInput{Name: &r.id})
	return err
}

func (ssmParameter) read(r *request) (map[string]any, error) {
	got, err := ssm.NewFromConfig(r.cfg).GetParameters(r.ctx, &ssm.GetParametersInput{Names: []string{r.id}})
	if err != nil {
		return nil, err
	}
	if len(got.Parameters) == 0 {
		return nil, errNotFound
	}
	parameter := got.Parameters[0]
	out := map[string]any{}
	for k, v := range r.props {
		out[k] = v
	}
	out["Name"], out["Type"], out["Value"] = *parameter.Name, string(parameter.Type), *parameter.Value
	return out, nil
}
