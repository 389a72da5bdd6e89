package lambda

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// operation is one call of the REST API.
type operation struct {
	name   string
	method string
	path   *regexp.Regexp // its first group is the function's name or ARN
	status int
	handle func(*Registry, *protocol.Call, string) (any, error)
	// onAny is true of actions without resource-level permissions (Service
	// Authorization Reference, AWS Lambda).
	onAny bool
}

// signingConfigPath is that of calls for a code signing configuration; its group is the ARN.
var signingConfigPath = regexp.MustCompile("^/2020-04-22/code-signing-configs/([^/]+)$")

func functionPath(version, rest string) *regexp.Regexp {
	return regexp.MustCompile("^/" + version + "/functions/([^/]+)" + rest + "/?$")
}

// tagsPath is that of calls for tags; its group is the ARN of a function.
var tagsPath = regexp.MustCompile("^/2017-03-31/tags/(.+)$")

// operations are the calls that the embedded Lambda has, Invoke excepted (Lambda API
// reference, "Request Syntax" of each).
var operations = []operation{
	{"GetFunction", "GET", functionPath("2015-03-31", ""), 200, (*Registry).getFunction, false},
	{
		"GetFunctionConfiguration", "GET", functionPath("2015-03-31", "/configuration"),
		200, (*Registry).getConfiguration, false,
	},
	{
		"UpdateFunctionConfiguration", "PUT", functionPath("2015-03-31", "/configuration"),
		200, (*Registry).putConfiguration, false,
	},
	{
		"ListFunctions", "GET", regexp.MustCompile("^/2015-03-31/functions()/?$"), 200, (*Registry).listFunctions, true,
	},
	{"DeleteFunction", "DELETE", functionPath("2015-03-31", ""), 204, (*Registry).deleteFunction, false},
	{"UpdateFunctionCode", "PUT", functionPath("2015-03-31", "/code"), 200, (*Registry).putCode, false},
	{"GetPolicy", "GET", functionPath("2015-03-31", "/policy"), 200, (*Registry).getPolicy, false},
	{"AddPermission", "POST", functionPath("2015-03-31", "/policy"), 201, (*Registry).addPermission, false},
	{
		"RemovePermission", "DELETE", regexp.MustCompile("^/2015-03-31/functions/([^/]+)/policy/[^/]+$"), 204,
		(*Registry).removePermission, false,
	},
	{
		"PublishVersion", "POST", functionPath("2015-03-31", "/versions"),
		201, (*Registry).publishVersion, false,
	},
	{
		"ListVersionsByFunction", "GET", functionPath("2015-03-31", "/versions"),
		200, (*Registry).listVersions, false,
	},
	{"CreateAlias", "POST", functionPath("2015-03-31", "/aliases"), 201, (*Registry).createAlias, false},
	{"ListAliases", "GET", functionPath("2015-03-31", "/aliases"), 200, (*Registry).listAliases, false},
	{
		"DeleteAlias", "DELETE", regexp.MustCompile("^/2015-03-31/functions/([^/]+)/aliases/[^/]+$"), 204,
		(*Registry).deleteAlias, false,
	},
	{
		"PutFunctionConcurrency", "PUT", functionPath("2017-10-31", "/concurrency"),
		200, (*Registry).putConcurrency, false,
	},
	{
		"DeleteFunctionConcurrency", "DELETE", functionPath("2017-10-31", "/concurrency"),
		204, (*Registry).deleteConcurrency, false,
	},
	{
		"CreateFunctionUrlConfig", "POST", functionPath("2021-10-31", "/url"),
		201, (*Registry).createURL, false,
	},
	{
		"DeleteFunctionUrlConfig", "DELETE", functionPath("2021-10-31", "/url"),
		204, (*Registry).deleteURL, false,
	},
	{"ListFunctionUrlConfigs", "GET", functionPath("2021-10-31", "/urls"), 200, (*Registry).listURLs, false},
	{
		"GetFunctionEventInvokeConfig", "GET", functionPath("2019-09-25", "/event-invoke-config"),
		200, (*Registry).getInvokeConfig, false,
	},
	{
		"PutFunctionEventInvokeConfig", "PUT", functionPath("2019-09-25", "/event-invoke-config"),
		200, (*Registry).putInvokeConfig, false,
	},
	{
		"UpdateFunctionEventInvokeConfig", "POST", functionPath("2019-09-25", "/event-invoke-config"),
		200, (*Registry).updateInvokeConfig, false,
	},
	{
		"DeleteFunctionEventInvokeConfig", "DELETE", functionPath("2019-09-25", "/event-invoke-config"),
		204, (*Registry).deleteInvokeConfig, false,
	},
	{
		"CreateCodeSigningConfig", "POST", regexp.MustCompile("^/2020-04-22/code-signing-configs()/?$"), 201,
		(*Registry).createSigningConfig, true,
	},
	{"GetCodeSigningConfig", "GET", signingConfigPath, 200, (*Registry).getSigningConfig, false},
	{"DeleteCodeSigningConfig", "DELETE", signingConfigPath, 204, (*Registry).deleteSigningConfig, false},
	{
		"GetFunctionCodeSigningConfig", "GET", functionPath("2020-06-30", "/code-signing-config"),
		200, (*Registry).getFunctionSigningConfig, false,
	},
	{
		"PutFunctionCodeSigningConfig", "PUT", functionPath("2020-06-30", "/code-signing-config"),
		200, (*Registry).putFunctionSigningConfig, false,
	},
	{
		"DeleteFunctionCodeSigningConfig", "DELETE", functionPath("2020-06-30", "/code-signing-config"),
		204, (*Registry).deleteFunctionSigningConfig, false,
	},
	{"ListTags", "GET", tagsPath, 200, (*Registry).listTags, false},
	{"TagResource", "POST", tagsPath, 204, (*Registry).tagResource, false},
	{"UntagResource", "DELETE", tagsPath, 204, (*Registry).untagResource, false},
	{
		"CreateEventSourceMapping", "POST", regexp.MustCompile("^/2015-03-31/event-source-mappings()/?$"), 202,
		(*Registry).createMapping, true,
	},
	{
		"DeleteEventSourceMapping", "DELETE", regexp.MustCompile("^/2015-03-31/event-source-mappings/([^/]+)$"), 202,
		(*Registry).deleteMapping, true,
	},
	{
		"ListEventSourceMappings", "GET", regexp.MustCompile("^/2015-03-31/event-source-mappings()/?$"), 200,
		(*Registry).listMappings, true,
	},
}

// InvocationPath reports whether a path is that of Invoke.
func InvocationPath(path string) bool {
	return strings.HasPrefix(path, Prefix) && strings.HasSuffix(path, "/invocations")
}

// Definition returns the service for the server to register, without Invoke: see
// Handler.
func (r *Registry) Definition() protocol.Service {
	actions := map[string]protocol.Action{}
	for _, o := range operations {
		actions[o.name] = protocol.NewAction(func(_ context.Context, call *protocol.Call) (any, error) {
			name := ""
			if groups := o.path.FindStringSubmatch(call.HTTP.URL.Path); groups != nil {
				name = groups[1]
			}
			result, err := o.handle(r, call, name)
			if err != nil {
				return nil, err
			}
			out := &protocol.Response{Status: o.status, Header: http.Header{"Content-Type": {"application/json"}}}
			if result != nil {
				out.Body, err = json.Marshal(result)
			}
			return out, err
		}, r.permissions(o))
	}
	return protocol.Service{
		Name: "lambda", Protocol: protocol.RESTJSON, Version: "2015-03-31", Actions: actions, Route: route,
		Source: "internal/fakeaws/lambda/api.go", MaxBody: 70 << 20, // a zip of 50 MB in base64
	}
}

func route(q *http.Request) string {
	for _, o := range operations {
		if o.method == q.Method && o.path.MatchString(q.URL.Path) {
			return o.name
		}
	}
	return q.Method + " " + q.URL.Path
}

// permissions returns the permission of an operation, on the function that the path
// names, with its tags.
func (r *Registry) permissions(o operation) protocol.Permissions {
	action := "lambda:" + o.name
	if o.onAny {
		return protocol.OnAnyResource(action)
	}
	return func(call *protocol.Call) []protocol.Access {
		name := "sample"
		if groups := o.path.FindStringSubmatch(call.HTTP.URL.Path); groups != nil {
			name = groups[1]
		}
		if o.path == signingConfigPath {
			return []protocol.Access{{Action: action, Resource: name}}
		}
		arn := Resolve(call.Account, call.Region, name)
		var tags []protocol.Tag
		if f, err := r.Get(arn); err == nil {
			for key, value := range f.Tags {
				tags = append(tags, protocol.Tag{Key: key, Value: value})
			}
		}
		out := []protocol.Access{{Action: action, Resource: arn, Context: protocol.TagContext(nil, nil, tags)}}
		if o.name == "PutFunctionCodeSigningConfig" {
			var in struct{ CodeSigningConfigArn string }
			if call.Decode(&in) == nil {
				config := SigningConfigAccess(action, in.CodeSigningConfigArn)
				maps.Copy(out[0].Context, config.Context)
				out = append(out, config)
			}
		}
		return out
	}
}

// CodeSHA256 returns the hash of the function's package, in base64 as Lambda returns
// it. Without a package it is a hash of where the code is.
func (f *Function) CodeSHA256() string {
	data := f.Code.Zip
	if data == nil {
		data = []byte(strings.Join([]string{f.Code.Path, f.Code.S3Bucket, f.Code.S3Key, f.Code.ZipFile}, "\x00"))
	}
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// configuration returns FunctionConfiguration of the API.
func (f *Function) configuration() map[string]any {
	out := map[string]any{
		"FunctionName": f.Name, "FunctionArn": f.ARN(), "Role": f.Role, "Handler": f.Handler, "Runtime": f.Runtime,
		"Timeout": f.Timeout, "MemorySize": f.MemoryMB, "Description": f.Description, "Version": "$LATEST",
		"State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip", "CodeSha256": f.CodeSHA256(),
		"LastModified":  f.LastModified.UTC().Format("2006-01-02T15:04:05.000+0000"),
		"Environment":   map[string]any{"Variables": f.Environment},
		"Architectures": f.Architectures,
	}
	for name, value := range f.Settings {
		out[name] = value
	}
	return out
}

func (r *Registry) get(call *protocol.Call, name string) (*Function, error) {
	return r.Get(Resolve(call.Account, call.Region, name))
}

func (r *Registry) getFunction(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"Configuration": f.configuration(), "Tags": f.Tags, "Code": map[string]any{"RepositoryType": "S3"},
	}
	if f.Reserved != nil {
		out["Concurrency"] = map[string]any{"ReservedConcurrentExecutions": *f.Reserved}
	}
	return out, nil
}

func (r *Registry) getConfiguration(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	return f.configuration(), nil
}

// listFunctions returns the functions of the account in the Region, by name.
func (r *Registry) listFunctions(call *protocol.Call, _ string) (any, error) {
	query := call.HTTP.URL.Query()
	size, err := strconv.Atoi(cmp.Or(query.Get("MaxItems"), "50"))
	if err != nil || size < 1 {
		return nil, protocol.Errorf("InvalidParameterValueException", "MaxItems is not valid: %s", query.Get("MaxItems")).
			WithStatus(http.StatusBadRequest)
	}
	list := []map[string]any{}
	r.mu.Lock()
	for _, e := range r.functions {
		e.mu.Lock()
		if e.f.Account == call.Account && e.f.Region == call.Region {
			list = append(list, e.f.clone().configuration())
		}
		e.mu.Unlock()
	}
	r.mu.Unlock()
	slices.SortFunc(list, func(a, b map[string]any) int {
		return strings.Compare(a["FunctionName"].(string), b["FunctionName"].(string))
	})
	page, next, ok := protocol.Page(list, query.Get("Marker"), size)
	if !ok {
		return nil, protocol.Errorf("InvalidParameterValueException", "The marker is not valid").
			WithStatus(http.StatusBadRequest)
	}
	out := map[string]any{"Functions": page}
	if next != "" {
		out["NextMarker"] = next
	}
	return out, nil
}
