package cloudformation

import (
	"errors"
	"slices"

	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
)

var errNoLambda = errors.New("permstack local was started without functions")

// lambdaFunction is a function of the embedded registry.
type lambdaFunction struct{}

func (lambdaFunction) schema() schema {
	return schema{
		Properties: []string{
			"Architectures", "Code", "CodeSigningConfigArn", "DeadLetterConfig", "Description", "Environment",
			"EphemeralStorage", "FunctionName", "Handler", "KmsKeyArn", "LoggingConfig", "MemorySize", "PackageType",
			"ReservedConcurrentExecutions", "Role", "Runtime", "Tags", "Timeout", "TracingConfig",
		},
		Name: "FunctionName", NameLength: 64, Tags: true,
		Rights: handlerRights{
			ARN: lambdaARN,
			For: map[string][]string{
				"lambda:TagResource": {"Tags"}, "lambda:UntagResource": {"Tags"},
				"lambda:PutFunctionConcurrency":    {"ReservedConcurrentExecutions"},
				"lambda:DeleteFunctionConcurrency": {"ReservedConcurrentExecutions"},
				"lambda:UpdateFunctionCode":        {"Architectures", "Code"},
				"s3:GetObject":                     {"Code"}, "s3:GetObjectVersion": {"Code"}, "iam:PassRole": {"Role"},
				"lambda:GetCodeSigningConfig":            {"CodeSigningConfigArn"},
				"lambda:PutFunctionCodeSigningConfig":    {"CodeSigningConfigArn"},
				"lambda:DeleteFunctionCodeSigningConfig": {"CodeSigningConfigArn"},
			},
			Access: map[string]func(*request) []protocol.Access{
				"iam:PassRole": passRole("lambda.amazonaws.com", "Role"),
				"s3:GetObject": func(r *request) []protocol.Access { return readCode(r, "s3:GetObject", false) },
				"s3:GetObjectVersion": func(r *request) []protocol.Access {
					return readCode(r, "s3:GetObjectVersion", true)
				},
				"lambda:GetCodeSigningConfig": func(r *request) []protocol.Access {
					return signingConfig(r, "lambda:GetCodeSigningConfig")
				},
				"lambda:PutFunctionCodeSigningConfig": func(r *request) []protocol.Access {
					return append(signingConfig(r, "lambda:PutFunctionCodeSigningConfig"),
						ofFunction(r, "lambda:PutFunctionCodeSigningConfig", true)...)
				},
				"lambda:DeleteFunctionCodeSigningConfig": func(r *request) []protocol.Access {
					return ofFunction(r, "lambda:DeleteFunctionCodeSigningConfig", false)
				},
			},
			Unused: map[string]string{
				"ec2:*": "VpcConfig is set, which is refused", "kms:*": "KmsKeyArn is set, whose key encrypts nothing here",
				"elasticfilesystem:*":               "FileSystemConfigs is set, which is refused",
				"s3files:*":                         "FileSystemConfigs is set, which is refused",
				"lambda:GetLayerVersion":            "Layers is set, which is refused",
				"lambda:PutRuntimeManagementConfig": "RuntimeManagementConfig is set, which is refused",
				"lambda:PutFunctionRecursionConfig": "RecursiveLoop is set, which is refused",
				"lambda:GetFunctionScalingConfig":   "CapacityProviderConfig is set (assumed), which is refused",
				"lambda:PutFunctionScalingConfig":   "CapacityProviderConfig is set, which is refused",
				"lambda:PassCapacityProvider":       "CapacityProviderConfig is set, which is refused",
				"lambda:AssociateRuntimeAlias":      "Runtime is an alias, which is refused",
				"lambda:PublishVersion":             "PublishToLatestPublished is set, which is refused",
			},
		},
	}
}

// signingConfig returns the permission of an action on the function's code signing configuration, if it has one.
func signingConfig(r *request, action string) []protocol.Access {
	arn := r.props.str("CodeSigningConfigArn")
	if arn == "" {
		return nil
	}
	return []protocol.Access{lambda.SigningConfigAccess(action, arn)}
}

// ofFunction returns the permission of an action on the function that sets its code signing configuration, or removes
// it.
func ofFunction(r *request, action string, set bool) []protocol.Access {
	if r.props.has("CodeSigningConfigArn") != set {
		return nil
	}
	access := protocol.Access{Action: action, Resource: lambdaARN(r, r.id), Context: r.tagContext(updateHandler)}
	if set {
		access.Context["lambda:CodeSigningConfigArn"] = []string{r.props.str("CodeSigningConfigArn")}
	}
	return []protocol.Access{access}
}

func (p lambdaFunction) function(r *request, name string) (lambda.Function, error) {
	f := lambda.Function{
		Account: r.stack.account, Region: r.stack.region, Name: name, Role: r.props.str("Role"),
		Handler:     r.props.str("Handler"),
		Runtime:     r.props.str("Runtime"),
		Description: r.props.str("Description"), Architectures: r.props.list("Architectures"),
		CodeSigning: r.props.str("CodeSigningConfigArn"),
		PackageType: r.props.str("PackageType"), Environment: map[string]string{}, Tags: map[string]string{},
	}
	if path, ok := r.props["Code"].(string); ok {
		f.Code.Path = path
	} else {
		c := r.props.object("Code")
		f.Code = lambda.Code{S3Bucket: c.str("S3Bucket"), S3Key: c.str("S3Key"), S3ObjectVersion: c.str("S3ObjectVersion"),
			ZipFile: c.str("ZipFile")}
	}
	vars := r.props.object("Environment").object("Variables")
	for k := range vars {
		f.Environment[k] = vars.str(k)
	}
	for _, t := range r.tags() {
		f.Tags[t.Key] = t.Value
	}
	// CloudFormation's own tags (user guide, "Resource tags"), which nobody else can set.
	f.Tags["aws:cloudformation:stack-id"], f.Tags["aws:cloudformation:stack-name"] = r.stack.id, r.stack.name
	f.Tags["aws:cloudformation:logical-id"] = r.logicalID
	if logging := r.props.object("LoggingConfig"); len(logging) > 0 {
		f.Settings = map[string]any{"LoggingConfig": map[string]any(logging)}
	}
	var err error
	if f.Timeout, err = r.props.int("Timeout"); err != nil {
		return f, err
	}
	if f.MemoryMB, err = r.props.int("MemorySize"); err != nil {
		return f, err
	}
	if r.props.has("ReservedConcurrentExecutions") {
		n, err := r.props.int("ReservedConcurrentExecutions")
		if err != nil {
			return f, err
		}
		f.Reserved = &n
	}
	return f, nil
}

func (p lambdaFunction) create(r *request) (outcome, error) {
	name := r.name(p.schema())
	if err := r.requireRights(createHandler, name); err != nil {
		return outcome{}, err
	}
	return p.put(r, name, (*lambda.Registry).Create)
}

func (p lambdaFunction) update(r *request) (outcome, error) {
	return p.put(r, r.id, (*lambda.Registry).Update)
}

func (p lambdaFunction) put(
	r *request,
	name string,
	do func(*lambda.Registry, lambda.Function) (*lambda.Function, error),
) (outcome, error) {
	if r.engine.d.Lambda == nil {
		return outcome{}, errNoLambda
	}
	f, err := p.function(r, name)
	if err != nil {
		return outcome{}, err
	}
	made, err := do(r.engine.d.Lambda, f)
	if err != nil {
		return outcome{}, err
	}
	return outcome{id: name, attrs: map[string]any{"Arn": made.ARN()}}, nil
}

func (lambdaFunction) delete(r *request) error {
	if r.engine.d.Lambda == nil {
		return nil
	}
	return r.engine.d.Lambda.Delete(lambda.Resolve(r.stack.account, r.stack.region, r.id))
}

func (lambdaFunction) read(r *request) (map[string]any, error) {
	if r.engine.d.Lambda == nil {
		return nil, errNotFound
	}
	f, err := r.engine.d.Lambda.Get(lambda.Resolve(r.stack.account, r.stack.region, r.id))
	if err != nil {
		return nil, notFound(err)
	}
	vars := map[string]any{}
	for k, v := range f.Environment {
		vars[k] = v
	}
	out := map[string]any{
		"FunctionName": f.Name, "Role": f.Role, "Handler": f.Handler, "Runtime": f.Runtime, "Description": f.Description,
		"Timeout":    int64(f.Timeout),
		"MemorySize": int64(f.MemoryMB), "Environment": map[string]any{"Variables": vars},
		"Architectures": normal(f.Architectures),
	}
	for _, n := range []string{"DeadLetterConfig", "EphemeralStorage", "KmsKeyArn", "LoggingConfig", "PackageType",
		"TracingConfig", "Tags", "Code"} {
		if r.props.has(n) {
			out[n] = r.props[n] // kept as declared, or not readable on AWS either
		}
	}
	if logging, ok := f.Settings["LoggingConfig"]; ok {
		out["LoggingConfig"] = logging
	}
	if f.CodeSigning != "" {
		out["CodeSigningConfigArn"] = f.CodeSigning
	}
	if f.Reserved != nil {
		out["ReservedConcurrentExecutions"] = int64(*f.Reserved)
	}
	return out, nil
}

// lambdaPermission is one statement of a function's policy.
type lambdaPermission struct{}

func (lambdaPermission) schema() schema {
	all := []string{
		"Action",
		"EventSourceToken",
		"FunctionName",
		"FunctionUrlAuthType",
		"Principal",
		"PrincipalOrgID",
		"SourceAccount",
		"SourceArn",
	}
	return schema{
		Properties: all,
		Rights:     handlerRights{ARN: lambdaARN},
	}
}

func (p lambdaPermission) create(r *request) (outcome, error) {
	if r.engine.d.Lambda == nil {
		return outcome{}, errNoLambda
	}
	if err := r.requireRights(createHandler, ""); err != nil {
		return outcome{}, err
	}
	id := generateName(r.stack.name, r.logicalID, 100)
	err := r.engine.d.Lambda.Change(p.function(r), func(f *lambda.Function) error {
		f.Permissions = append(f.Permissions, lambda.Permission{
			StatementID: id, Action: r.props.str("Action"), Principal: r.props.str("Principal"),
			SourceARN:        r.props.str("SourceArn"),
			SourceAccount:    r.props.str("SourceAccount"),
			EventSourceToken: r.props.str("EventSourceToken"), PrincipalOrgID: r.props.str("PrincipalOrgID"),
		})
		return nil
	})
	return outcome{id: id, attrs: map[string]any{"Id": id}}, err
}

func (lambdaPermission) function(r *request) string {
	return lambda.Resolve(r.stack.account, r.stack.region, r.props.str("FunctionName"))
}

func (lambdaPermission) update(r *request) (outcome, error) { return outcome{id: r.id}, nil }

func (p lambdaPermission) delete(r *request) error {
	if r.engine.d.Lambda == nil {
		return nil
	}
	return r.engine.d.Lambda.Change(p.function(r), func(f *lambda.Function) error {
		f.Permissions = slices.DeleteFunc(f.Permissions,
			func(s lambda.Permission) bool { return s.StatementID == r.id })
		return nil
	})
}

func (p lambdaPermission) read(r *request) (map[string]any, error) {
	if r.engine.d.Lambda == nil {
		return nil, errNotFound
	}
	f, err := r.engine.d.Lambda.Get(p.function(r))
	if err != nil {
		return nil, notFound(err)
	}
	i := slices.IndexFunc(f.Permissions, func(s lambda.Permission) bool { return s.StatementID == r.id })
	if i < 0 {
		return nil, errNotFound
	}
	s := f.Permissions[i]
	return map[string]any{
		"FunctionName": r.props["FunctionName"], "Action": s.Action, "Principal": s.Principal, "SourceArn": s.SourceARN,
		"SourceAccount": s.SourceAccount, "EventSourceToken": s.EventSourceToken, "PrincipalOrgID": s.PrincipalOrgID,
	}, nil
}

// lambdaInvokeConfig sets how often an asynchronous invocation is tried again.
type lambdaInvokeConfig struct{}

func (lambdaInvokeConfig) schema() schema {
	return schema{
		Properties: []string{
			"DestinationConfig",
			"FunctionName",
			"MaximumEventAgeInSeconds",
			"MaximumRetryAttempts",
			"Qualifier",
		},
		Rights: handlerRights{ARN: lambdaARN},
	}
}

func (p lambdaInvokeConfig) create(r *request) (outcome, error) {
	if err := r.requireRights(createHandler, ""); err != nil {
		return outcome{}, err
	}
	return outcome{id: r.props.str("FunctionName") + "|" + r.props.str("Qualifier")}, p.set(r)
}

func (p lambdaInvokeConfig) update(r *request) (outcome, error) { return outcome{id: r.id}, p.set(r) }

func (lambdaInvokeConfig) set(r *request) error {
	if r.engine.d.Lambda == nil {
		return errNoLambda
	}
	retries, err := r.props.int("MaximumRetryAttempts")
	if err != nil {
		return err
	}
	if retries < 0 || retries > 2 {
		return errors.New("Properties validation failed: #/MaximumRetryAttempts: the value must be from 0 to 2")
	}
	age, err := r.props.int("MaximumEventAgeInSeconds")
	if err != nil {
		return err
	}
	return r.engine.d.Lambda.Change(lambdaPermission{}.function(r), func(f *lambda.Function) error {
		f.AsyncRetries, f.AsyncMaxAge, f.AsyncDestinations = nil, age, nil
		if r.props.has("DestinationConfig") {
			f.AsyncDestinations = r.props.object("DestinationConfig")
		}
		if r.props.has("MaximumRetryAttempts") {
			f.AsyncRetries = &retries
		}
		return nil
	})
}

func (lambdaInvokeConfig) delete(r *request) error {
	if r.engine.d.Lambda == nil {
		return nil
	}
	return r.engine.d.Lambda.Change(lambdaPermission{}.function(r), func(f *lambda.Function) error {
		f.AsyncRetries, f.AsyncMaxAge, f.AsyncDestinations = nil, 0, nil
		return nil
	})
}

func (lambdaInvokeConfig) read(r *request) (map[string]any, error) {
	if r.engine.d.Lambda == nil {
		return nil, errNotFound
	}
	f, err := r.engine.d.Lambda.Get(lambdaPermission{}.function(r))
	if err != nil {
		return nil, notFound(err)
	}
	out := map[string]any{}
	for k, v := range r.props {
		out[k] = v
	}
	if f.AsyncRetries == nil && f.AsyncMaxAge == 0 && f.AsyncDestinations == nil {
		return nil, errNotFound
	}
	for _, name := range []string{"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"} {
		delete(out, name)
	}
	if f.AsyncMaxAge != 0 {
		out["MaximumEventAgeInSeconds"] = int64(f.AsyncMaxAge)
	}
	if f.AsyncDestinations != nil {
		out["DestinationConfig"] = f.AsyncDestinations
	}
	if f.AsyncRetries != nil {
		out["MaximumRetryAttempts"] = int64(*f.AsyncRetries)
	}
	return out, nil
}
