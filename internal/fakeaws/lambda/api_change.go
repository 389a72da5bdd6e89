package lambda

import (
	"maps"
	"path"
	"slices"
	"strconv"

	"permstack/internal/fakeaws/protocol"
)

// keptSettings are members of a function's configuration that have no effect here and
// are returned as they were set.
var keptSettings = []string{
	"DeadLetterConfig", "EphemeralStorage", "FileSystemConfigs", "ImageConfig", "KMSKeyArn", "LoggingConfig", "SnapStart",
	"TracingConfig", "VpcConfig",
}

// putConfiguration changes what the request has (API reference,
// UpdateFunctionConfiguration).
func (r *Registry) putConfiguration(call *protocol.Call, name string) (any, error) {
	var in map[string]any
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	texts := map[string]*string{
		"Role": &f.Role, "Handler": &f.Handler, "Runtime": &f.Runtime, "Description": &f.Description,
	}
	for member, field := range texts {
		if s, ok := in[member].(string); ok {
			*field = s
		}
	}
	for member, field := range map[string]*int{"Timeout": &f.Timeout, "MemorySize": &f.MemoryMB} {
		if n, ok := in[member].(float64); ok {
			*field = int(n)
		}
	}
	if environment, ok := in["Environment"].(map[string]any); ok {
		f.Environment = map[string]string{}
		variables, _ := environment["Variables"].(map[string]any)
		for k, v := range variables {
			f.Environment[k], _ = v.(string)
		}
	}
	f.Settings = maps.Clone(f.Settings)
	if f.Settings == nil {
		f.Settings = map[string]any{}
	}
	for _, member := range keptSettings {
		if v, ok := in[member]; ok {
			f.Settings[member] = v
		}
	}
	if layers, ok := in["Layers"].([]any); ok {
		var list []any
		for _, arn := range layers {
			list = append(list, map[string]any{"Arn": arn, "CodeSize": 1})
		}
		f.Settings["Layers"] = list
	}
	changed, err := r.replace(*f, false)
	if err != nil {
		return nil, err
	}
	return changed.configuration(), nil
}

// putCode replaces the function's package.
func (r *Registry) putCode(call *protocol.Call, name string) (any, error) {
	var in struct {
		ZipFile                          []byte
		S3Bucket, S3Key, S3ObjectVersion string
		Architectures                    []string
	}
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	f.Code = Code{S3Bucket: in.S3Bucket, S3Key: in.S3Key, S3ObjectVersion: in.S3ObjectVersion, Zip: in.ZipFile}
	if in.Architectures != nil {
		f.Architectures = in.Architectures
	}
	changed, err := r.replace(*f, true)
	if err != nil {
		return nil, err
	}
	return changed.configuration(), nil
}

func (r *Registry) getPolicy(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	policy := f.Policy()
	if policy == "" {
		return nil, protocol.Errorf("ResourceNotFoundException", "The resource you requested does not exist.").
			WithStatus(404)
	}
	return map[string]any{"Policy": policy, "RevisionId": "1"}, nil
}

func (r *Registry) addPermission(call *protocol.Call, name string) (any, error) {
	var in struct {
		StatementID                                        string `json:"StatementId"`
		Action, Principal, SourceAccount, EventSourceToken string
		SourceARN                                          string `json:"SourceArn"`
		PrincipalOrgID                                     string
	}
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	arn := Resolve(call.Account, call.Region, name)
	err := r.Change(arn, func(f *Function) error {
		same := func(p Permission) bool { return p.StatementID == in.StatementID }
		if slices.ContainsFunc(f.Permissions, same) {
			return protocol.Errorf("ResourceConflictException", "The statement id (%s) provided already exists.",
				in.StatementID).WithStatus(409)
		}
		f.Permissions = append(f.Permissions, Permission{
			StatementID: in.StatementID, Action: in.Action, Principal: in.Principal, SourceARN: in.SourceARN,
			SourceAccount: in.SourceAccount, EventSourceToken: in.EventSourceToken, PrincipalOrgID: in.PrincipalOrgID,
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"Statement": `{"Sid":` + strconv.Quote(in.StatementID) + `}`}, nil
}

func (r *Registry) removePermission(call *protocol.Call, name string) (any, error) {
	id := path.Base(call.HTTP.URL.Path)
	return nil, r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		before := len(f.Permissions)
		f.Permissions = slices.DeleteFunc(f.Permissions, func(p Permission) bool { return p.StatementID == id })
		if len(f.Permissions) == before {
			return protocol.Errorf("ResourceNotFoundException", "Statement %s is not found in resource policy.", id).
				WithStatus(404)
		}
		return nil
	})
}

func (r *Registry) putConcurrency(call *protocol.Call, name string) (any, error) {
	var in struct{ ReservedConcurrentExecutions int }
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	arn := Resolve(call.Account, call.Region, name)
	err := r.Change(arn, func(f *Function) error { f.Reserved = &in.ReservedConcurrentExecutions; return nil })
	return map[string]any{"ReservedConcurrentExecutions": in.ReservedConcurrentExecutions}, err
}

func (r *Registry) deleteConcurrency(call *protocol.Call, name string) (any, error) {
	arn := Resolve(call.Account, call.Region, name)
	return nil, r.Change(arn, func(f *Function) error { f.Reserved = nil; return nil })
}

// invokeConfig returns the configuration of asynchronous invocations.
func (f *Function) invokeConfig() map[string]any {
	out := map[string]any{"FunctionArn": f.ARN() + ":$LATEST", "DestinationConfig": map[string]any{
		"OnSuccess": map[string]any{}, "OnFailure": map[string]any{},
	}}
	if f.AsyncRetries != nil {
		out["MaximumRetryAttempts"] = *f.AsyncRetries
	}
	if f.AsyncMaxAge != 0 {
		out["MaximumEventAgeInSeconds"] = f.AsyncMaxAge
	}
	if f.AsyncDestinations != nil {
		out["DestinationConfig"] = f.AsyncDestinations
	}
	return out
}

func (r *Registry) getInvokeConfig(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	if f.AsyncRetries == nil && f.AsyncMaxAge == 0 && f.AsyncDestinations == nil {
		return nil, protocol.Errorf("ResourceNotFoundException", "The function %s doesn't have an EventInvokeConfig",
			f.ARN()).WithStatus(404)
	}
	return f.invokeConfig(), nil
}

func (r *Registry) putInvokeConfig(call *protocol.Call, name string) (any, error) {
	var in struct {
		MaximumRetryAttempts     *int
		MaximumEventAgeInSeconds int
		DestinationConfig        map[string]any
	}
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	arn := Resolve(call.Account, call.Region, name)
	err := r.Change(arn, func(f *Function) error {
		f.AsyncRetries, f.AsyncMaxAge, f.AsyncDestinations = in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds,
			in.DestinationConfig
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.getInvokeConfig(call, name)
}

// updateInvokeConfig changes what the request has, and keeps the rest.
func (r *Registry) updateInvokeConfig(call *protocol.Call, name string) (any, error) {
	var in struct {
		MaximumRetryAttempts, MaximumEventAgeInSeconds *int
		DestinationConfig                              map[string]any
	}
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	if _, err := r.getInvokeConfig(call, name); err != nil {
		return nil, err
	}
	err := r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		if in.MaximumRetryAttempts != nil {
			f.AsyncRetries = in.MaximumRetryAttempts
		}
		if in.MaximumEventAgeInSeconds != nil {
			f.AsyncMaxAge = *in.MaximumEventAgeInSeconds
		}
		if in.DestinationConfig != nil {
			f.AsyncDestinations = in.DestinationConfig
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.getInvokeConfig(call, name)
}

func (r *Registry) deleteInvokeConfig(call *protocol.Call, name string) (any, error) {
	if _, err := r.getInvokeConfig(call, name); err != nil {
		return nil, err
	}
	return nil, r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		f.AsyncRetries, f.AsyncMaxAge, f.AsyncDestinations = nil, 0, nil
		return nil
	})
}

func (r *Registry) deleteFunction(call *protocol.Call, name string) (any, error) {
	if version := call.HTTP.URL.Query().Get("Qualifier"); version != "" {
		return nil, r.deleteVersion(call, name, version)
	}
	return nil, r.Delete(Resolve(call.Account, call.Region, name))
}

func (r *Registry) listTags(call *protocol.Call, arn string) (any, error) {
	f, err := r.get(call, arn)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Tags": f.Tags}, nil
}

func (r *Registry) tagResource(call *protocol.Call, arn string) (any, error) {
	var in struct{ Tags map[string]string }
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	return nil, r.Change(Resolve(call.Account, call.Region, arn), func(f *Function) error {
		tags := maps.Clone(f.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.Tags)
		f.Tags = tags
		return nil
	})
}

func (r *Registry) untagResource(call *protocol.Call, arn string) (any, error) {
	keys := call.HTTP.URL.Query()["tagKeys"]
	return nil, r.Change(Resolve(call.Account, call.Region, arn), func(f *Function) error {
		f.Tags = maps.Clone(f.Tags)
		maps.DeleteFunc(f.Tags, func(key, _ string) bool { return slices.Contains(keys, key) })
		return nil
	})
}
