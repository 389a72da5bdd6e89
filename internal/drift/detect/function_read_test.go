package detect

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// unitLambda returns a function with a trigger of each kind, each on a page of its own.
type unitLambda struct {
	Lambda
	err         map[string]error
	concurrency *types.Concurrency
}

func (c *unitLambda) GetFunction(
	context.Context, *lambda.GetFunctionInput, ...func(*lambda.Options),
) (*lambda.GetFunctionOutput, error) {
	return &lambda.GetFunctionOutput{
		Configuration: &types.FunctionConfiguration{}, Concurrency: c.concurrency,
	}, c.err["GetFunction"]
}

func (c *unitLambda) GetFunctionEventInvokeConfig(
	context.Context, *lambda.GetFunctionEventInvokeConfigInput, ...func(*lambda.Options),
) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	return &lambda.GetFunctionEventInvokeConfigOutput{DestinationConfig: &types.DestinationConfig{}},
		c.err["GetFunctionEventInvokeConfig"]
}

func (c *unitLambda) GetFunctionCodeSigningConfig(
	context.Context, *lambda.GetFunctionCodeSigningConfigInput, ...func(*lambda.Options),
) (*lambda.GetFunctionCodeSigningConfigOutput, error) {
	return &lambda.GetFunctionCodeSigningConfigOutput{CodeSigningConfigArn: aws.String("csc")},
		c.err["GetFunctionCodeSigningConfig"]
}

func (c *unitLambda) GetPolicy(
	context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options),
) (*lambda.GetPolicyOutput, error) {
	return &lambda.GetPolicyOutput{Policy: aws.String("{}")}, c.err["GetPolicy"]
}

func (c *unitLambda) ListFunctionUrlConfigs(
	_ context.Context, in *lambda.ListFunctionUrlConfigsInput, _ ...func(*lambda.Options),
) (*lambda.ListFunctionUrlConfigsOutput, error) {
	page, marker := unitPage([]types.FunctionUrlConfig{
		{FunctionUrl: aws.String("u1"), AuthType: "NONE"}, {FunctionUrl: aws.String("u2"), AuthType: "AWS_IAM"},
	}, in.Marker, 1)
	return &lambda.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: page, NextMarker: marker},
		c.err["ListFunctionUrlConfigs"]
}

func (c *unitLambda) ListEventSourceMappings(
	_ context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options),
) (*lambda.ListEventSourceMappingsOutput, error) {
	page, marker := unitPage([]types.EventSourceMappingConfiguration{
		{EventSourceArn: aws.String("q1"), UUID: aws.String("i1")}, {EventSourceArn: aws.String("q2")},
	}, in.Marker, 1)
	return &lambda.ListEventSourceMappingsOutput{EventSourceMappings: page, NextMarker: marker},
		c.err["ListEventSourceMappings"]
}

func (c *unitLambda) ListVersionsByFunction(
	_ context.Context, in *lambda.ListVersionsByFunctionInput, _ ...func(*lambda.Options),
) (*lambda.ListVersionsByFunctionOutput, error) {
	page, marker := unitPage([]types.FunctionConfiguration{
		{Version: aws.String("$LATEST")}, {Version: aws.String("1")},
	}, in.Marker, 1)
	return &lambda.ListVersionsByFunctionOutput{Versions: page, NextMarker: marker}, c.err["ListVersionsByFunction"]
}

func (c *unitLambda) ListAliases(
	_ context.Context, in *lambda.ListAliasesInput, _ ...func(*lambda.Options),
) (*lambda.ListAliasesOutput, error) {
	page, marker := unitPage([]types.AliasConfiguration{{Name: aws.String("a1")}, {Name: aws.String("a2")}}, in.Marker, 1)
	return &lambda.ListAliasesOutput{Aliases: page, NextMarker: marker}, c.err["ListAliases"]
}

// TestReadFunction checks what is read of a function, and that a call that fails leaves only its own part unknown.
func TestReadFunction(t *testing.T) {
	missing := apiError("Lambda", "x", "ResourceNotFoundException", "no")
	triggers := []string{"url u1 NONE", "url u2 AWS_IAM", "event source q1", "event source q2", "version 1", "alias a1",
		"alias a2"}
	for _, tc := range []struct {
		name     string
		err      map[string]error
		unknown  []string // properties
		triggers []string
		check    func(live *liveFunction) bool
	}{
		{"everything", nil, nil, triggers, func(live *liveFunction) bool {
			return live.config != nil && live.policy == "{}" && live.signing == "csc" && live.destinations != nil &&
				*live.reserved == 2 && live.triggers[2].id == "i1"
		}},
		{"missing", map[string]error{"GetFunction": missing}, nil, nil, func(live *liveFunction) bool {
			return live.missing && live.deleted() && live.policy == ""
		}},
		{"denied", map[string]error{"GetFunction": errDenied}, []string{"Code"}, triggers, func(live *liveFunction) bool {
			return live.config == nil && live.policy == "{}"
		}},
		{"no policy", map[string]error{"GetPolicy": missing}, nil, triggers, func(live *liveFunction) bool {
			return live.policy == ""
		}},
		{"policy denied", map[string]error{"GetPolicy": errDenied}, []string{"Policy"}, triggers, nil},
		{"no destinations", map[string]error{"GetFunctionEventInvokeConfig": missing}, nil, triggers,
			func(live *liveFunction) bool { return live.destinations == nil }},
		{"destinations denied", map[string]error{"GetFunctionEventInvokeConfig": errDenied}, []string{"DestinationConfig"},
			triggers, func(live *liveFunction) bool { return live.destinations == nil }},
		{"no code signing", map[string]error{"GetFunctionCodeSigningConfig": missing}, nil, triggers,
			func(live *liveFunction) bool { return live.signing == "" }},
		{"code signing denied", map[string]error{"GetFunctionCodeSigningConfig": errDenied}, []string{codeSigning}, triggers,
			func(live *liveFunction) bool { return live.signing == "" }},
		{"URLs denied", map[string]error{"ListFunctionUrlConfigs": errDenied}, []string{"Triggers"}, triggers[2:], nil},
		{"event sources denied", map[string]error{"ListEventSourceMappings": errDenied}, []string{"Triggers"},
			slices.Concat(triggers[:2], triggers[4:]), nil},
		{"versions denied", map[string]error{"ListVersionsByFunction": errDenied}, []string{"Triggers"},
			slices.Concat(triggers[:4], triggers[5:]), nil},
		{"aliases denied", map[string]error{"ListAliases": errDenied}, []string{"Triggers"}, triggers[:5], nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, r, _ := functionStack()
			c := unitCheck(nil, nil)
			c.clients.Lambda = &unitLambda{
				err: tc.err, concurrency: &types.Concurrency{ReservedConcurrentExecutions: aws.Int32(2)},
			}
			state, _ := lambdaFunction.read(t.Context(), c.reader, unitModel(s), r)
			live := state.(*liveFunction)
			var properties, names []string
			for _, e := range live.errs {
				properties = append(properties, e.properties[0])
			}
			for _, trigger := range live.triggers {
				names = append(names, trigger.name)
			}
			if !slices.Equal(properties, tc.unknown) || !slices.Equal(names, tc.triggers) || tc.check != nil && !tc.check(live) {
				t.Errorf("got %+v, unknown %q, triggers %q", live, properties, names)
			}
		})
	}
	t.Run("without concurrency and code signing", func(t *testing.T) {
		s, r, _ := functionStack()
		delete(r.props, codeSigning)
		c := unitCheck(nil, nil)
		c.clients.Lambda = &unitLambda{}
		state, _ := lambdaFunction.read(t.Context(), c.reader, unitModel(s), r)
		if live := state.(*liveFunction); live.reserved != nil || live.signing != "" {
			t.Errorf("got %+v", live)
		}
	})
}

// TestResourcesOfOthers checks that functions and queues are read only of the parent stack, with a client.
func TestResourcesOfOthers(t *testing.T) {
	for _, typ := range []*resourceType{lambdaFunction, sqsQueue} {
		for name, change := range map[string]func(c *check, m *model, r *resource){
			"no installation": func(_ *check, m *model, _ *resource) { m.installation = nil },
			"another stack":   func(_ *check, m *model, _ *resource) { m.installation = unitStack("other") },
			"no client": func(c *check, _ *model, _ *resource) {
				c.clients.Lambda, c.clients.SQS = nil, nil
			},
		} {
			t.Run(typ.name+" "+name, func(t *testing.T) {
				s := unitStack("backup")
				r := s.add(typ.name, "R", "r", `{}`)
				c, m := unitCheck(nil, nil), unitModel(s)
				c.clients.Lambda, c.clients.SQS = &unitLambda{}, &unitSQS{}
				change(c, m, r)
				if state, errs := typ.read(t.Context(), c.reader, m, r); state != nil || errs != nil {
					t.Errorf("got %+v, %v", state, errs)
				}
			})
		}
	}
}
