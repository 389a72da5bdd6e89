package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/notify/finding"
)

const functionARN = "arn:aws:lambda:us-east-1:123456789012:function:function"

// functionStack is a parent with a function, and the function as Lambda has it when it is as declared.
func functionStack() (*stack, *resource, *liveFunction) {
	s := unitStack("backup")
	r := s.add("AWS::Lambda::Function", "Function", "function", `{"Code":{"S3Key":"functions/monitor.zip"},"Role":"role",
		"Handler":"bootstrap","Runtime":"provided.al2023","Timeout":60,"MemorySize":256,"Layers":["l1","l2"],
		"ReservedConcurrentExecutions":1,"KmsKeyArn":"key","VpcConfig":"s1","DeadLetterConfig":"q","FileSystemConfigs":["f"],
		"CodeSigningConfigArn":"csc","LoggingConfig":{"LogFormat":"JSON","LogGroup":"log"},
		"Environment":{"Variables":{"A":"a","EMPTY":""}}}`)
	s.add("AWS::Lambda::Permission", "Rule", "p", `{"FunctionName":"function","Action":"lambda:InvokeFunction",
		"Principal":"events.amazonaws.com","SourceArn":"rule","SourceAccount":"123456789012"}`)
	s.add("AWS::Lambda::EventInvokeConfig", "Invoke", "i", `{"FunctionName":"`+functionARN+`",
		"DestinationConfig":{"OnFailure":{"Destination":"failures"}}}`)
	return s, r, &liveFunction{
		reserved: aws.Int32(1), signing: "csc",
		policy: `{"Statement":[{"Sid":"x","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},` +
			`"Action":"lambda:InvokeFunction","Resource":"` + functionARN + `","Condition":{"ArnLike":` +
			`{"AWS:SourceArn":"rule"},"StringEquals":{"AWS:SourceAccount":"123456789012"}}}]}`,
		destinations: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("failures")}},
		config: &types.FunctionConfiguration{
			CodeSha256: aws.String("q80="), Role: aws.String("role"), Handler: aws.String("bootstrap"),
			Runtime: "provided.al2023", Timeout: aws.Int32(60), MemorySize: aws.Int32(256), KMSKeyArn: aws.String("key"),
			Layers:            []types.Layer{{Arn: aws.String("l1")}, {Arn: aws.String("l2")}},
			VpcConfig:         &types.VpcConfigResponse{SubnetIds: []string{"s1"}},
			DeadLetterConfig:  &types.DeadLetterConfig{TargetArn: aws.String("q")},
			FileSystemConfigs: []types.FileSystemConfig{{Arn: aws.String("f")}},
			LoggingConfig: &types.LoggingConfig{LogFormat: "JSON", LogGroup: aws.String("log"),
				ApplicationLogLevel: "INFO", SystemLogLevel: "INFO"},
			Environment: &types.EnvironmentResponse{Variables: map[string]string{"A": "a"}},
		},
	}
}

// TestFunctionComparison checks what is reported of a function. What decides which code runs, and who runs it, grants
// more; the other settings are those of the check.
func TestFunctionComparison(t *testing.T) {
	setting := func(name, direction, expected, actual string) []string {
		return []string{"Function function-changed [" + name + "] " + direction + ": " + expected + " → " + actual}
	}
	for _, tc := range []struct {
		name   string
		change func(m *model, r *resource, live *liveFunction)
		want   []string
	}{
		{"as declared", nil, nil},
		{"deleted", func(_ *model, _ *resource, live *liveFunction) { live.missing = true },
			[]string{"Function resource-deleted grants-less: - → none"}},
		{"code", func(m *model, _ *resource, _ *liveFunction) {
			m.release.Code = map[string]string{"monitor.zip": "abcd"}
		},
			nil},
		{"other code", func(m *model, _ *resource, _ *liveFunction) {
			m.release.Code = map[string]string{"monitor.zip": "beef"}
		}, []string{"Function function-code-changed grants-more: sha256 beef → sha256 abcd"}},
		{"role", func(_ *model, _ *resource, live *liveFunction) { live.config.Role = aws.String("x") },
			setting("Role", "grants-more", "role", "x")},
		{"handler", func(_ *model, _ *resource, live *liveFunction) { live.config.Handler = nil },
			setting("Handler", "grants-more", "bootstrap", "none")},
		{"runtime", func(_ *model, _ *resource, live *liveFunction) { live.config.Runtime = "x" },
			setting("Runtime", "grants-more", "provided.al2023", "x")},
		{"layers", func(_ *model, _ *resource, live *liveFunction) { live.config.Layers = live.config.Layers[:1] },
			setting("Layers", "grants-more", "l1,l2", "l1")},
		{"key", func(_ *model, _ *resource, live *liveFunction) { live.config.KMSKeyArn = aws.String("x") },
			setting("KmsKeyArn", "monitoring", "key", "x")},
		{"timeout", func(_ *model, _ *resource, live *liveFunction) { live.config.Timeout = aws.Int32(1) },
			setting("Timeout", "monitoring", "60", "1")},
		{"timeout that is not declared", func(_ *model, r *resource, live *liveFunction) {
			delete(r.props, "Timeout")
			live.config.Timeout = aws.Int32(3)
		}, nil},
		{"memory that is not declared", func(_ *model, r *resource, live *liveFunction) {
			delete(r.props, "MemorySize")
			live.config.MemorySize = aws.Int32(512)
		}, setting("MemorySize", "monitoring", "128", "512")},
		{"concurrency", func(_ *model, _ *resource, live *liveFunction) { live.reserved = aws.Int32(0) },
			setting("ReservedConcurrentExecutions", "monitoring", "1", "0")},
		{"no concurrency", func(_ *model, _ *resource, live *liveFunction) { live.reserved = nil },
			setting("ReservedConcurrentExecutions", "monitoring", "1", "none")},
		{"subnets", func(_ *model, _ *resource, live *liveFunction) { live.config.VpcConfig.SubnetIds = nil },
			setting("VpcConfig", "monitoring", "s1", "none")},
		{"no VPC", func(_ *model, _ *resource, live *liveFunction) { live.config.VpcConfig = nil }, nil},
		{"dead-letter queue", func(_ *model, _ *resource, live *liveFunction) {
			live.config.DeadLetterConfig.TargetArn = aws.String("x")
		}, setting("DeadLetterConfig", "grants-more", "q", "x")},
		{"no dead-letter queue", func(_ *model, _ *resource, live *liveFunction) { live.config.DeadLetterConfig = nil }, nil},
		{"file system", func(_ *model, _ *resource, live *liveFunction) {
			live.config.FileSystemConfigs[0].Arn = aws.String("x")
		}, setting("FileSystemConfigs", "grants-more", "f", "x")},
		{"setting that is not known", func(_ *model, r *resource, _ *liveFunction) { r.props["Role"] = unknown }, nil},
		{"log format", func(_ *model, _ *resource, live *liveFunction) {
			live.config.LoggingConfig = &types.LoggingConfig{LogFormat: "Text", LogGroup: aws.String("log")}
		}, setting("LoggingConfig", "monitoring", "JSON, log, ApplicationLogLevel INFO, SystemLogLevel INFO", "Text, log")},
		{"log level", func(_ *model, _ *resource, live *liveFunction) {
			live.config.LoggingConfig.ApplicationLogLevel = "ERROR"
		}, setting("LoggingConfig", "monitoring", "JSON, log, ApplicationLogLevel INFO, SystemLogLevel INFO",
			"JSON, log, ApplicationLogLevel ERROR, SystemLogLevel INFO")},
		{"logging that is not known", func(_ *model, r *resource, live *liveFunction) {
			r.props["LoggingConfig"] = map[string]any{"LogGroup": unknown}
			live.config.LoggingConfig.LogFormat = "Text"
		}, nil},
		{"logging that is not declared", func(_ *model, r *resource, _ *liveFunction) { delete(r.props, "LoggingConfig") },
			nil},
		{"logging that Lambda does not return", func(_ *model, _ *resource, live *liveFunction) {
			live.config.LoggingConfig = nil
		}, nil},
		{"variable added", func(_ *model, _ *resource, live *liveFunction) {
			live.config.Environment.Variables["LD_PRELOAD"] = "x"
		}, setting("LD_PRELOAD", "grants-more", "none", "a value")},
		{"variable changed", func(_ *model, _ *resource, live *liveFunction) {
			live.config.Environment.Variables["A"] = "x"
		}, setting("A", "monitoring", "a value", "another value")},
		{"variable removed", func(_ *model, _ *resource, live *liveFunction) { live.config.Environment = nil },
			setting("A", "monitoring", "a value", "none")},
		{"empty variable changed", func(_ *model, _ *resource, live *liveFunction) {
			live.config.Environment.Variables["EMPTY"] = "x"
		}, setting("EMPTY", "monitoring", "a value", "another value")},
		{"variables that are not known", func(_ *model, r *resource, live *liveFunction) {
			r.props["Environment"], live.config.Environment = unknown, nil
		}, nil},
		{"code signing", func(_ *model, _ *resource, live *liveFunction) { live.signing = "" },
			setting("CodeSigningConfigArn", "grants-more", "csc", "none")},
		{"code signing that cannot be read", func(_ *model, _ *resource, live *liveFunction) {
			live.signing = ""
			live.errs.add(errDenied, "", codeSigning)
		}, []string{"Function not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"code signing that is not declared", func(_ *model, r *resource, live *liveFunction) {
			delete(r.props, codeSigning)
			live.signing = "x"
		}, nil},
		{"code signing that is not known", func(_ *model, r *resource, _ *liveFunction) { r.props[codeSigning] = unknown },
			nil},
		{"policy", func(_ *model, _ *resource, live *liveFunction) { live.policy = everyoneTrust },
			[]string{"Function function-policy-changed grants-more: document → document"}},
		{"policy that cannot be read", func(_ *model, _ *resource, live *liveFunction) {
			live.policy = ""
			live.errs.add(errDenied, "", "Policy")
		}, []string{"Function not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"policy that is not known", func(m *model, r *resource, live *liveFunction) {
			r.stack.resources[1].props["SourceArn"], live.policy = unknown, everyoneTrust
		}, nil},
		{"trigger", func(_ *model, _ *resource, live *liveFunction) { live.triggers = []trigger{{"url x", "id"}} },
			[]string{"Function function-trigger-added [url x] grants-more: none → url x"}},
		{"another destination", func(_ *model, _ *resource, live *liveFunction) {
			live.destinations.OnFailure.Destination = aws.String("x")
		}, setting("OnFailure", "grants-more", "failures", "x")},
		{"no destination", func(_ *model, _ *resource, live *liveFunction) {
			live.destinations = &types.DestinationConfig{}
		}, setting("OnFailure", "monitoring", "failures", "none")},
		{"destination of successes", func(_ *model, _ *resource, live *liveFunction) {
			live.destinations.OnSuccess = &types.OnSuccess{Destination: aws.String("x")}
		}, setting("OnSuccess", "grants-more", "none", "x")},
		{"destination that is not known", func(m *model, r *resource, live *liveFunction) {
			r.stack.resources[2].props["DestinationConfig"] = jsonObject(
				`{"OnFailure":{"Destination":"\u0000unknown"}}`)
		}, nil},
		{"destinations that were not read", func(_ *model, _ *resource, live *liveFunction) { live.destinations = nil }, nil},
		{"not readable", func(_ *model, _ *resource, live *liveFunction) {
			live.config = nil
			live.errs.add(errDenied, "", functionProperties...)
		}, []string{"Function not-readable [iam:GetRole] unreadable (access-denied)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, r, live := functionStack()
			m := unitModel(s)
			if tc.change != nil {
				tc.change(m, r, live)
			}
			got := live.compare(m, r)
			checkDrafts(t, got, tc.want...)
			for _, d := range got {
				if d.Kind == finding.FunctionTriggerAdded && d.RemovalID != "id" {
					t.Errorf("got the id %q", d.RemovalID)
				}
				if d.Property == "Environment" && !slices.Equal(d.values, []string{
					digest(variable(live, d.Subject))}) {
					t.Errorf("got the values %q", d.values)
				}
			}
		})
	}
}

// variable returns the value of an environment variable of a function.
func variable(live *liveFunction, name string) string {
	if live.config.Environment == nil {
		return ""
	}
	return live.config.Environment.Variables[name]
}

// TestExpectedCode checks which hash a function's package should have: that of the release, or that in the name of the
// package that the stack deployed.
func TestExpectedCode(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	for _, tc := range []struct {
		name, key, deployed string
		release             map[string]string
		want                string
	}{
		{"of the release", "functions/monitor.zip", "", map[string]string{"monitor.zip": "abcd"}, "abcd"},
		{"in the name", "monitor-" + hash + ".zip", "", nil, hash},
		{"in the deployed name", "monitor.zip", "monitor-" + hash + ".zip", nil, hash},
		{"of another release", "functions/other.zip", "", map[string]string{"monitor.zip": "abcd"}, ""},
		{"not a hash", "monitor-" + hash + "0.zip", "", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			r := s.add("AWS::Lambda::Function", "Function", "f", `{"Code":{"S3Key":"`+tc.key+`"}}`)
			m := unitModel(s)
			m.release.Code = tc.release
			if tc.deployed != "" {
				old := unitStack("backup")
				old.add("AWS::Lambda::Function", "Other", "f", `{"Code":{"S3Key":"other.zip"}}`)
				old.add("AWS::Lambda::Function", "Function", "f", `{"Code":{"S3Key":"`+tc.deployed+`"}}`)
				old.add("AWS::Lambda::Function", "Last", "f", `{"Code":{"S3Key":"other.zip"}}`)
				s.deployed = old.resources
			}
			if got := m.expectedCode(r); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	for sum, want := range map[string]string{"q80=": "abcd", "not base64": "not base64"} {
		if got := functionWithCode(sum).codeHash(); got != want {
			t.Errorf("%s: got %s, want %s", sum, got, want)
		}
	}
}

// TestFunctionPolicy checks the policy that a template's permissions result in.
func TestFunctionPolicy(t *testing.T) {
	for _, tc := range []struct {
		name, permission, want string
		ofOther                bool // the permission is in another stack
	}{
		{"service", `{"FunctionName":"function","Action":"a","Principal":"events.amazonaws.com"}`,
			`[{"Action":"a","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Resource":"` + functionARN + `"}]`,
			false},
		{"service in China", `{"FunctionName":"` + functionARN + `","Action":"a","Principal":"x.amazonaws.com.cn"}`,
			`[{"Action":"a","Effect":"Allow","Principal":{"Service":"x.amazonaws.com.cn"},"Resource":"` + functionARN + `"}]`,
			false},
		{"account", `{"FunctionName":"function","Action":"a","Principal":"1","SourceAccount":"2"}`,
			`[{"Action":"a","Condition":{"StringEquals":{"AWS:SourceAccount":"2"}},"Effect":"Allow","Principal":{"AWS":"1"},` +
				`"Resource":"` + functionARN + `"}]`, false},
		{"source", `{"FunctionName":"function","Action":"a","Principal":"1","SourceArn":"s"}`,
			`[{"Action":"a","Condition":{"ArnLike":{"AWS:SourceArn":"s"}},"Effect":"Allow","Principal":{"AWS":"1"},` +
				`"Resource":"` + functionARN + `"}]`, false},
		{"another function", `{"FunctionName":"other","Action":"a","Principal":"1"}`, "", false},
		{"another stack", `{"FunctionName":"function","Action":"a","Principal":"1"}`, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, other := unitStack("backup"), unitStack("other")
			r := s.add("AWS::Lambda::Function", "Function", "function", `{}`)
			s.add("AWS::Lambda::EventInvokeConfig", "Invoke", "i", tc.permission)
			if tc.ofOther {
				other.add("AWS::Lambda::Permission", "P", "p", tc.permission)
			} else {
				s.add("AWS::Lambda::Permission", "P", "p", tc.permission)
			}
			want := ""
			if tc.want != "" {
				want = `{"Statement":` + tc.want + `,"Version":"2012-10-17"}`
			}
			if got := unitModel(s, other).functionPolicy(r); got.text != want {
				t.Errorf("got  %s\nwant %s", got.text, want)
			}
		})
	}
}

// TestDeclaredDestinations checks which destinations are declared for a function: those of its own configuration.
func TestDeclaredDestinations(t *testing.T) {
	for _, tc := range []struct {
		name, typ, function string
		ofOther             bool // stack
		want                bool
	}{
		{"by name", "AWS::Lambda::EventInvokeConfig", "function", false, true},
		{"by ARN", "AWS::Lambda::EventInvokeConfig", functionARN, false, true},
		{"of another function", "AWS::Lambda::EventInvokeConfig", "other", false, false},
		{"of another stack", "AWS::Lambda::EventInvokeConfig", "function", true, false},
		{"of another type", "AWS::Lambda::Permission", "function", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, other := unitStack("backup"), unitStack("other")
			r := s.add("AWS::Lambda::Function", "Function", "function", `{}`)
			to := s
			if tc.ofOther {
				to = other
			}
			to.add(tc.typ, "Invoke", "i", `{"FunctionName":"`+tc.function+
				`","DestinationConfig":{"OnSuccess":{"Destination":"d"}}}`)
			live := &liveFunction{destinations: &types.DestinationConfig{
				OnSuccess: &types.OnSuccess{Destination: aws.String("d")},
			}}
			want := []string{"Function function-changed [OnSuccess] grants-more: none → d"}
			if tc.want {
				want = nil
			}
			checkDrafts(t, live.compareDestinations(unitModel(s, other), r), want...)
		})
	}
	for property, want := range map[string]bool{"Code": false, "Role": true, codeSigning: true} {
		if got := slices.Contains(lambdaFunction.compared, property); got != want {
			t.Errorf("%s: compared %v, want %v", property, got, want)
		}
	}
}
