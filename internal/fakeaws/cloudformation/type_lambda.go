package cloudformation

import (
	"errors"
	"slices"

	"permstack/internal/fakeaws/lambda"
)

var errNoLambda = errors.New("permstack local was started without functions")

// lambdaFunction is a function of the embedded registry.
type lambdaFunction struct{}

func (lambdaFunction) schema() schema {
	return schema{
		Properties: []string{
			"Architectures", "Code", "DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "FunctionName",
			"Handler", "KmsKeyArn",
			"LoggingConfig", "MemorySize", "PackageType", "ReservedConcurrentExecutions", "Role", "Runtime", "Tags", "Timeout",
			"TracingConfig",
		},
		Required: []string{"Code", "Role"},
		Replace:  []string{"FunctionName", "PackageType"},
		Name:     "FunctionName", NameLength: 64, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{"lambda:CreateFunction", "lambda:TagResource", "iam:PassRole", "s3:GetObject"},
			Read:   []string{"lambda:GetFunction"},
			Update: []string{
				"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:TagResource",
				"lambda:UntagResource", "iam:PassRole", "s3:GetObject",
			},
			Delete: []string{"lambda:DeleteFunction"},
		},
	}
}

func (p lambdaFunction) function(r *request, name string) (lambda.Function, error) {
	f := lambda.Function{
		Account: r.stack.account, Region: r.stack.region, Name: name, Role: r.props.str("Role"),
		Handler:     r.props.str("Handler"),
		Runtime:     r.props.str("Runtime"),
		Description: r.props.str("Description"), Architectures: r.props.list("Architectures"),
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
	return p.put(r, r.name(p.schema()), (*lambda.Registry).Create)
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
		Required:   []string{"Action", "FunctionName", "Principal"},
		Replace:    all,
		Permissions: handlerPermissions{
			Create: []string{"lambda:AddPermission"},
			Read:   []string{"lambda:GetPolicy"},
			Update: []string{"lambda:AddPermission", "lambda:RemovePermission"},
			Delete: []string{"lambda:RemovePermission"},
		},
	}
}

func (p lambdaPermission) create(r *request) (outcome, error) {
	if r.engine.d.Lambda == nil {
		return outcome{}, errNoLambda
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
		Required: []string{"FunctionName", "Qualifier"},
		Replace:  []string{"FunctionName", "Qualifier"},
		Permissions: handlerPermissions{
			Create: []string{"lambda:PutFunctionEventInvokeConfig"},
			Read:   []string{"lambda:GetFunctionEventInvokeConfig"},
			Update: []string{"lambda:UpdateFunctionEventInvokeConfig"},
			Delete: []string{"lambda:DeleteFunctionEventInvokeConfig"},
		},
	}
}

func (p lambdaInvokeConfig) create(r *request) (outcome, error) {
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
		f.AsyncRetries, f.AsyncMaxAge = nil, age
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
		f.AsyncRetries, f.AsyncMaxAge = nil, 0
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
	delete(out, "MaximumRetryAttempts")
	if f.AsyncRetries != nil {
		out["MaximumRetryAttempts"] = int64(*f.AsyncRetries)
	}
	return out, nil
}
