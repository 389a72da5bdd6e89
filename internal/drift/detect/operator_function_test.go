package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/notify/finding"
)

// unitFunctions records what is written to functions.
type unitFunctions struct {
	err    map[string]error
	policy string
	calls  []string
	config *lambda.UpdateFunctionConfigurationInput
	invoke *lambda.PutFunctionEventInvokeConfigInput
	added  *lambda.AddPermissionInput
}

func (c *unitFunctions) do(call string, values ...*string) error {
	for _, v := range values {
		call += " " + aws.ToString(v)
	}
	c.calls = append(c.calls, call)
	name, _, _ := strings.Cut(call, " ")
	return c.err[name]
}

func (c *unitFunctions) GetFunction(
	context.Context, *lambda.GetFunctionInput, ...func(*lambda.Options),
) (*lambda.GetFunctionOutput, error) {
	status := types.LastUpdateStatusSuccessful
	if c.do("wait") != nil {
		status = types.LastUpdateStatusFailed
	}
	return &lambda.GetFunctionOutput{Configuration: &types.FunctionConfiguration{LastUpdateStatus: status}}, nil
}

func (c *unitFunctions) GetPolicy(
	context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options),
) (*lambda.GetPolicyOutput, error) {
	return &lambda.GetPolicyOutput{Policy: &c.policy}, c.err["GetPolicy"]
}

func (c *unitFunctions) UpdateFunctionCode(
	_ context.Context, in *lambda.UpdateFunctionCodeInput, _ ...func(*lambda.Options),
) (*lambda.UpdateFunctionCodeOutput, error) {
	return nil, c.do("code", in.FunctionName, in.S3Bucket, in.S3Key, in.S3ObjectVersion)
}

func (c *unitFunctions) UpdateFunctionConfiguration(
	_ context.Context, in *lambda.UpdateFunctionConfigurationInput, _ ...func(*lambda.Options),
) (*lambda.UpdateFunctionConfigurationOutput, error) {
	c.config = in
	return nil, c.do("config", in.FunctionName)
}

func (c *unitFunctions) PutFunctionConcurrency(
	_ context.Context, in *lambda.PutFunctionConcurrencyInput, _ ...func(*lambda.Options),
) (*lambda.PutFunctionConcurrencyOutput, error) {
	return nil, c.do(fmt.Sprint("concurrency ", *in.ReservedConcurrentExecutions))
}

func (c *unitFunctions) DeleteFunctionConcurrency(
	context.Context, *lambda.DeleteFunctionConcurrencyInput, ...func(*lambda.Options),
) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	return nil, c.do("no-concurrency")
}

func (c *unitFunctions) PutFunctionCodeSigningConfig(
	_ context.Context, in *lambda.PutFunctionCodeSigningConfigInput, _ ...func(*lambda.Options),
) (*lambda.PutFunctionCodeSigningConfigOutput, error) {
	return nil, c.do("signing", in.CodeSigningConfigArn)
}

func (c *unitFunctions) PutFunctionEventInvokeConfig(
	_ context.Context, in *lambda.PutFunctionEventInvokeConfigInput, _ ...func(*lambda.Options),
) (*lambda.PutFunctionEventInvokeConfigOutput, error) {
	c.invoke = in
	return nil, c.do("invoke")
}

func (c *unitFunctions) DeleteFunctionEventInvokeConfig(
	context.Context, *lambda.DeleteFunctionEventInvokeConfigInput, ...func(*lambda.Options),
) (*lambda.DeleteFunctionEventInvokeConfigOutput, error) {
	return nil, c.do("no-invoke")
}

func (c *unitFunctions) AddPermission(
	_ context.Context, in *lambda.AddPermissionInput, _ ...func(*lambda.Options),
) (*lambda.AddPermissionOutput, error) {
	c.added = in
	return nil, c.do("add", in.StatementId)
}

func (c *unitFunctions) RemovePermission(
	_ context.Context, in *lambda.RemovePermissionInput, _ ...func(*lambda.Options),
) (*lambda.RemovePermissionOutput, error) {
	return nil, c.do("remove", in.StatementId)
}

// functionReverter is a revert of the function of functionStack, with other properties if they are given.
func functionReverter(api *unitFunctions, properties string) (*reverter, *resource) {
	s, r, _ := functionStack()
	if properties != "" {
		r.props = jsonObject(properties)
	}
	return unitReverter(Clients{Operator: &Operator{Lambda: api, SQS: &unitQueues{}}}, s), r
}

// TestRestoreFunctionCode checks that the package that the template names is deployed.
func TestRestoreFunctionCode(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		err        map[string]error
		want       finding.Outcome
		calls      string
	}{
		{"package", `{"S3Bucket":"b","S3Key":"k"}`, nil, finding.SettingRestored, "code function b k ,wait"},
		{"version", `{"S3Bucket":"b","S3Key":"k","S3ObjectVersion":"v"}`, nil, finding.SettingRestored,
			"code function b k v,wait"},
		{"no bucket", `{"S3Key":"k"}`, nil, finding.ValueUnknown, ""},
		{"no key", `{"S3Bucket":"b"}`, nil, finding.ValueUnknown, ""},
		{"bucket that is not known", `{"S3Bucket":"\u0000unknown","S3Key":"k"}`, nil, finding.ValueUnknown, ""},
		{"key that is not known", `{"S3Bucket":"b","S3Key":"\u0000unknown"}`, nil, finding.ValueUnknown, ""},
		{"denied", `{"S3Bucket":"b","S3Key":"k"}`, map[string]error{"code": errDenied}, finding.CallFailed,
			"code function b k "},
		{"not complete", `{"S3Bucket":"b","S3Key":"k"}`, map[string]error{"wait": errDenied}, finding.CallFailed,
			"code function b k ,wait"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitFunctions{err: tc.err}
			v, r := functionReverter(api, `{"Code":`+tc.code+`}`)
			o := restoreFunctionCode(t.Context(), v, r, finding.Finding{})
			if o.result != tc.want || strings.Join(api.calls, ",") != tc.calls {
				t.Errorf("got %s, %v after %q", o.result, o.err, api.calls)
			}
		})
	}
}

// TestRestoreFunctionSetting checks by which call each setting is restored.
func TestRestoreFunctionSetting(t *testing.T) {
	for _, tc := range []struct {
		name, properties, property string
		err                        map[string]error
		want                       finding.Outcome
		calls                      string
	}{
		{"concurrency", "", "ReservedConcurrentExecutions", nil, finding.SettingRestored, "concurrency 1"},
		{"no concurrency", `{}`, "ReservedConcurrentExecutions", nil, finding.SettingRestored, "no-concurrency"},
		{"concurrency denied", "", "ReservedConcurrentExecutions", map[string]error{"concurrency": errDenied},
			finding.CallFailed, "concurrency 1"},
		{"code signing", "", codeSigning, nil, finding.SettingRestored, "signing csc"},
		{"destinations", "", "DestinationConfig", nil, finding.SettingRestored, "invoke"},
		{"configuration of events", "", "EventInvokeConfig", nil, finding.SettingRestored, "invoke"},
		{"timeout", "", "Timeout", nil, finding.SettingRestored, "config function,wait"},
		{"timeout denied", "", "Timeout", map[string]error{"config": errDenied}, finding.CallFailed, "config function"},
		{"timeout, not complete", "", "Timeout", map[string]error{"wait": errDenied}, finding.CallFailed,
			"config function,wait"},
		{"timeout, beside a value that is not known", `{"Role":"\u0000unknown"}`, "Timeout", nil, finding.ValueUnknown, ""},
		{"timeout, beside code that is not known", `{"Code":"\u0000unknown"}`, "Timeout", nil, finding.SettingRestored,
			"config function,wait"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitFunctions{err: tc.err}
			v, r := functionReverter(api, tc.properties)
			o := restoreFunctionSetting(t.Context(), v, r, finding.Finding{Property: tc.property})
			if o.result != tc.want || strings.Join(api.calls, ",") != tc.calls {
				t.Errorf("got %s, %v after %q", o.result, o.err, api.calls)
			}
		})
	}
}

// TestRestoreConfiguration checks that every setting is written as declared, or as Lambda's default.
func TestRestoreConfiguration(t *testing.T) {
	describe := func(in *lambda.UpdateFunctionConfigurationInput) string {
		out := fmt.Sprint(*in.Timeout, " ", *in.MemorySize, " ", *in.Role, " ", *in.KMSKeyArn, " ", aws.ToString(in.Handler),
			" ", in.Runtime, " ", in.Layers, in.VpcConfig.SubnetIds, in.VpcConfig.SecurityGroupIds,
			*in.DeadLetterConfig.TargetArn, " ", in.Environment.Variables)
		for _, f := range in.FileSystemConfigs {
			out += " " + *f.Arn + "@" + *f.LocalMountPath
		}
		if l := in.LoggingConfig; l != nil {
			out += fmt.Sprint(" ", l.LogFormat, " ", aws.ToString(l.LogGroup), l.LogGroup == nil, " ", l.ApplicationLogLevel,
				" ",
				l.SystemLogLevel)
		}
		return out
	}
	for _, tc := range []struct{ name, properties, want string }{
		{"nothing", `{}`, "3 128     [] [] [] map[]"},
		{"everything", `{"Timeout":60,"MemorySize":"256","Role":"r","KmsKeyArn":"k","Handler":"h","Runtime":"rt",
			"Layers":["l"],"VpcConfig":{"SubnetIds":["s"],"SecurityGroupIds":["g"]},"DeadLetterConfig":{"TargetArn":"q"},
			"Environment":{"Variables":{"A":1}},"FileSystemConfigs":[{"Arn":"f","LocalMountPath":"/m"}],
			"LoggingConfig":{"LogFormat":"JSON","LogGroup":"g","ApplicationLogLevel":"INFO","SystemLogLevel":"WARN"}}`,
			"60 256 r k h rt [l] [s] [g]q map[A:1] f@/m JSON gfalse INFO WARN"},
		{"logging without a group", `{"LoggingConfig":{"LogFormat":"Text"}}`, "3 128     [] [] [] map[] Text true  "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitFunctions{}
			v, r := functionReverter(api, tc.properties)
			if o := v.restoreConfiguration(t.Context(), r); o.result != finding.SettingRestored {
				t.Fatal(o.err)
			}
			if api.config.Handler != nil && *api.config.Handler == "" {
				t.Error("an empty handler is written")
			}
			if got := describe(api.config); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// TestRestoreInvokeConfig checks that the declared configuration of asynchronous invocations is written, or none.
func TestRestoreInvokeConfig(t *testing.T) {
	for _, tc := range []struct {
		name, typ, properties string
		ofOther               bool // stack
		want                  string
	}{
		{"by name", "AWS::Lambda::EventInvokeConfig", `{"FunctionName":"function","MaximumRetryAttempts":0,
			"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnFailure":{"Destination":"f"},"OnSuccess":{"Destination":"s"}}}`,
			false, "0 60 f s"},
		{"by ARN", "AWS::Lambda::EventInvokeConfig", `{"FunctionName":"` + functionARN + `"}`, false, "nil nil nil nil"},
		{"of another function", "AWS::Lambda::EventInvokeConfig", `{"FunctionName":"other"}`, false, "deleted"},
		{"of another type", "AWS::Lambda::Permission", `{"FunctionName":"function"}`, false, "deleted"},
		{"of another stack", "AWS::Lambda::EventInvokeConfig", `{"FunctionName":"function"}`, true, "deleted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, other := unitStack("backup"), unitStack("other")
			r := s.add("AWS::Lambda::Function", "Function", "function", `{}`)
			to := s
			if tc.ofOther {
				to = other
			}
			to.add(tc.typ, "Invoke", "i", tc.properties)
			api := &unitFunctions{}
			v := unitReverter(Clients{Operator: &Operator{Lambda: api}}, s, other)
			if err := v.restoreInvokeConfig(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			got := "deleted"
			if in := api.invoke; in != nil {
				number := func(n *int32) string {
					if n == nil {
						return "nil"
					}
					return fmt.Sprint(*n)
				}
				got = number(in.MaximumRetryAttempts) + " " + number(in.MaximumEventAgeInSeconds)
				failure, success := "nil", "nil"
				if d := in.DestinationConfig.OnFailure; d != nil {
					failure = *d.Destination
				}
				if d := in.DestinationConfig.OnSuccess; d != nil {
					success = *d.Destination
				}
				got += " " + failure + " " + success
			}
			if got != tc.want || len(api.calls) != 1 {
				t.Errorf("got %s after %q", got, api.calls)
			}
		})
	}
}

// TestRestoreFunctionPolicy checks which statements are removed and which permissions are added.
func TestRestoreFunctionPolicy(t *testing.T) {
	statement := func(sid, principal string) string {
		return `{"Sid":"` + sid + `","Effect":"Allow","Principal":{"Service":"` + principal +
			`.amazonaws.com"},"Action":"a",` +
			`"Resource":"` + functionARN + `"}`
	}
	missing := apiError("Lambda", "x", "ResourceNotFoundException", "no")
	for _, tc := range []struct {
		name       string
		statements []string
		err        map[string]error
		want       finding.Outcome
		calls      []string
	}{
		{"as declared", []string{statement("x", "events"), statement("y", "sns")}, nil, finding.SettingRestored, nil},
		{"added", []string{statement("x", "events"), statement("theirs", "s3"), statement("y", "sns")}, nil,
			finding.SettingRestored, []string{"remove theirs"}},
		{"twice", []string{statement("x", "events"), statement("again", "events"), statement("y", "sns")}, nil,
			finding.SettingRestored, []string{"remove again"}},
		{"first missing", []string{statement("y", "sns")}, nil, finding.SettingRestored, []string{"add id1"}},
		{"second missing", []string{statement("x", "events")}, nil, finding.SettingRestored, []string{"add id2"}},
		{"no policy", nil, map[string]error{"GetPolicy": missing}, finding.SettingRestored, []string{"add id1", "add id2"}},
		{"denied", nil, map[string]error{"GetPolicy": errDenied}, finding.CallFailed, nil},
		{"removed meanwhile", []string{statement("theirs", "s3"), statement("x", "events"), statement("y", "sns")},
			map[string]error{"remove": missing}, finding.SettingRestored, []string{"remove theirs"}},
		{"not removed", []string{statement("theirs", "s3")}, map[string]error{"remove": errDenied}, finding.CallFailed,
			[]string{"remove theirs"}},
		{"not added", nil, map[string]error{"add": errDenied}, finding.CallFailed, []string{"add id1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, other := unitStack("backup"), unitStack("other")
			r := s.add("AWS::Lambda::Function", "Function", "function", `{}`)
			permission := func(function, principal string) string {
				return `{"FunctionName":"` + function + `","Action":"a","Principal":"` + principal + `.amazonaws.com"}`
			}
			s.add("AWS::Lambda::EventInvokeConfig", "Invoke", "i", permission("function", "x"))
			s.add("AWS::Lambda::Permission", "P1", "function|id1", permission("function", "events"))
			s.add("AWS::Lambda::Permission", "P2", "function|id2", permission("function", "sns"))
			s.add("AWS::Lambda::Permission", "P3", "function|id3", permission("other", "sns"))
			other.add("AWS::Lambda::Permission", "P4", "function|id4", permission("function", "x"))
			api := &unitFunctions{err: tc.err, policy: `{"Statement":[` + strings.Join(tc.statements, ",") + `]}`}
			v := unitReverter(Clients{Operator: &Operator{Lambda: api}}, s, other)
			o := restoreFunctionPolicy(t.Context(), v, r, finding.Finding{})
			if o.result != tc.want || !slices.Equal(api.calls, tc.calls) {
				t.Errorf("got %s, %v after %q", o.result, o.err, api.calls)
			}
			if in := api.added; in != nil && (*in.Action != "a" || in.SourceArn != nil || *in.FunctionName != "function") {
				t.Errorf("added %+v", in)
			}
		})
	}
	for _, tc := range []struct {
		name     string
		document string
		err      error
		want     finding.Outcome
		written  int
	}{
		{"queue", everyoneTrust, nil, finding.SettingRestored, 1}, {"queue denied", everyoneTrust, errDenied,
			finding.CallFailed, 1}, {"queue, not known", unknown, nil, finding.ValueUnknown, 0},
		{"queue, invalid", "{", nil, finding.ValueUnknown, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			r := s.add("AWS::SQS::Queue", "Queue", "q", `{}`)
			s.add("AWS::SQS::QueuePolicy", "Policy", "p", `{"Queues":["q"]}`).props["PolicyDocument"] = tc.document
			api := &unitQueues{err: tc.err}
			v := unitReverter(Clients{Operator: &Operator{SQS: api}}, s)
			o := restoreQueuePolicy(t.Context(), v, r, finding.Finding{})
			if o.result != tc.want || len(api.written) != tc.written || tc.written > 0 && api.written[0] != "q "+tc.document {
				t.Errorf("got %s, %v after %q", o.result, o.err, api.written)
			}
		})
	}
}
