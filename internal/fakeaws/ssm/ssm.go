// Package ssm is the parameter store of the embedded AWS (Systems Manager):
// standard parameters with versions and tags. A SecureString is stored without
// encryption.
//
// There are no advanced parameters, policies, labels or public parameters. The history
// has the values and writers of the last 100 versions.
package ssm

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

const (
	maxValue = 4096 // bytes of a standard parameter
	maxName  = 2048 // characters of a name, at most 15 levels
)

// Service is the parameter store of all accounts and Regions of one Cloud.
type Service struct {
	clock func() time.Time

	mu     sync.Mutex
	stores map[location]map[string]*parameter
}

// historyEntry is one version of a parameter, as GetParameterHistory returns it.
type historyEntry struct {
	Name, Type, Value string
	Version           int
	LastModifiedUser  string
	LastModifiedDate  protocol.Time
}

// maxHistory is the number of versions that are kept (Systems Manager quotas).
const maxHistory = 100

type location struct{ account, region string }

type parameter struct {
	name, kind, value, dataType, description string
	pattern, user, arn                       string
	version                                  int
	history                                  []historyEntry
	modified                                 time.Time
	tags                                     []protocol.Tag
}

// New returns an empty parameter store.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, stores: map[location]map[string]*parameter{}}
}

func (s *Service) store(call *protocol.Call) map[string]*parameter {
	p := location{call.Account, call.Region}
	if s.stores[p] == nil {
		s.stores[p] = map[string]*parameter{}
	}
	return s.stores[p]
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "ssm", Protocol: protocol.JSON, Version: "2014-11-06", TargetPrefix: "AmazonSSM",
		Source: "internal/fakeaws/ssm/ssm.go",
		Actions: map[string]protocol.Action{
			"PutParameter":        protocol.LockedJSON(&s.mu, s.putParameter, s.on(request.name)),
			"GetParameter":        protocol.LockedJSON(&s.mu, s.getParameter, s.on(request.name)),
			"GetParameterHistory": protocol.LockedJSON(&s.mu, s.getParameterHistory, s.on(request.name)),
			"GetParameters":       protocol.LockedJSON(&s.mu, s.getParameters, s.on(request.names)),
			"DeleteParameter":     protocol.LockedJSON(&s.mu, s.deleteParameter, s.on(request.name)),
			"DescribeParameters": protocol.LockedJSON(&s.mu, s.describeParameters,
				protocol.OnAnyResource("ssm:DescribeParameters")),
			"AddTagsToResource":      protocol.LockedJSON(&s.mu, s.addTagsToResource, s.on(request.resourceID)),
			"RemoveTagsFromResource": protocol.LockedJSON(&s.mu, s.removeTagsFromResource, s.on(request.resourceID)),
			"ListTagsForResource":    protocol.LockedJSON(&s.mu, s.listTagsForResource, s.on(request.resourceID)),
		},
	}
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxName || !namePattern.MatchString(name):
		return protocol.Errorf("ValidationException",
			"Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can "+
				"consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of "+
				"letters, numbers and the following 3 symbols .-_")
	case strings.Contains(name, "/") && name[0] != '/':
		return protocol.Errorf("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > 15:
		return protocol.Errorf("HierarchyLevelLimitExceededException", "Hierarchies can have at most 15 levels: %s",
			name)
	}
	first := strings.ToLower(strings.TrimPrefix(name, "/"))
	if strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm") {
		return protocol.Errorf("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	}
	return nil
}

func parameterARN(call *protocol.Call, name string) string {
	return call.ARN("ssm", call.Region, call.Account, "parameter/"+strings.TrimPrefix(name, "/"))
}

func notFound(name string) *protocol.Error {
	return protocol.Errorf("ParameterNotFound", "Parameter %s not found.", name)
}

func (s *Service) putParameter(call *protocol.Call, in struct {
	Name, Value, Type, Description, AllowedPattern, DataType, Tier string
	Overwrite                                                      bool
	Tags                                                           []protocol.Tag
}) (any, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	have := s.store(call)[in.Name]
	if have != nil && !in.Overwrite {
		return nil, protocol.Errorf("ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	if in.Type == "" && have != nil {
		in.Type = have.kind
	}
	if in.DataType == "" {
		in.DataType = "text"
	}
	switch {
	case in.Tier != "" && in.Tier != "Standard":
		return nil, protocol.NotImplemented("parameters of the tier %s, only of Standard", in.Tier)
	case in.Value == "":
		return nil, protocol.Errorf("ValidationException",
			"1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have "+
				"length greater than or equal to 1.")
	case len(in.Value) > maxValue:
		return nil, protocol.Errorf("ValidationException",
			"Standard tier parameters support a maximum parameter value of %d characters. To create a larger "+
				"parameter value, upgrade the parameter to use the advanced-parameter tier.", maxValue)
	case in.Type == "":
		return nil, protocol.Errorf("ValidationException",
			"A parameter type is required when you create a parameter.")
	case !slices.Contains([]string{"String", "StringList", "SecureString"}, in.Type):
		return nil, protocol.Errorf("ValidationException",
			"1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must "+
				"satisfy enum value set: [SecureString, StringList, String]", in.Type)
	case have != nil && in.Overwrite && len(in.Tags) > 0:
		return nil, protocol.Errorf("ValidationException",
			"Invalid request: tags and overwrite can't be used together. To create a parameter with tags, "+
				"please remove overwrite flag. To update tags for an existing parameter, please use "+
				"AddTagsToResource or RemoveTagsFromResource.")
	}
	if in.AllowedPattern != "" {
		re, err := regexp.Compile(in.AllowedPattern)
		if err != nil {
			return nil, protocol.Errorf("InvalidAllowedPatternException",
				"The allowed pattern is not a regular expression: %v", err)
		}
		if !re.MatchString(in.Value) {
			return nil, protocol.Errorf("ParameterPatternMismatchException",
				"Parameter value, cannot be validated against allowedPattern: %s", in.AllowedPattern)
		}
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	p := &parameter{name: in.Name, arn: parameterARN(call, in.Name), tags: tags}
	if have != nil {
		*p = *have
	}
	p.kind, p.value, p.dataType, p.pattern = in.Type, in.Value, in.DataType, in.AllowedPattern
	p.user, p.modified, p.version = call.Caller.ARN, s.clock(), p.version+1
	if in.Description != "" {
		p.description = in.Description
	}
	p.history = append(slices.Clone(p.history), historyEntry{
		p.name, p.kind, p.value, p.version, p.user, protocol.Time(p.modified),
	})
	p.history = p.history[max(0, len(p.history)-maxHistory):]
	s.store(call)[in.Name] = p
	return map[string]any{"Version": p.version, "Tier": "Standard"}, nil
}

type parameterResult struct {
	Name             string
	Type             string
	Value            string
	Version          int
	LastModifiedDate protocol.Time
	ARN              string
	DataType         string
	Selector         string `json:",omitempty"`
}

// get returns a parameter by name or ARN, with or without a :version suffix.
// Only the latest version is kept.
func (s *Service) get(call *protocol.Call, name string) (parameterResult, error) {
	plain, selector := name, ""
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":parameter", 2)
		if len(parts) != 2 {
			return parameterResult{}, notFound(name)
		}
		plain = parts[1]
		if s.store(call)[plain] == nil && strings.Count(plain, "/") == 1 {
			plain = plain[1:]
		}
	}
	plain, version, hasVersion := strings.Cut(plain, ":")
	p := s.store(call)[plain]
	if p == nil {
		return parameterResult{}, notFound(name)
	}
	if hasVersion {
		if n, err := strconv.Atoi(version); err != nil || n != p.version {
			return parameterResult{}, protocol.Errorf("ParameterVersionNotFound",
				"Systems Manager could not find version %s of %s.", version, plain)
		}
		selector = ":" + version
	}
	return parameterResult{
		p.name,
		p.kind,
		p.value,
		p.version,
		protocol.Time(p.modified),
		p.arn,
		p.dataType,
		selector,
	}, nil
}

func (s *Service) getParameter(call *protocol.Call, in struct{ Name string }) (any, error) {
	p, err := s.get(call, in.Name)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Parameter": p}, nil
}

// getParameterHistory returns the versions, the oldest first, 50 a page.
func (s *Service) getParameterHistory(call *protocol.Call, in struct{ Name, NextToken string }) (any, error) {
	p := s.store(call)[in.Name]
	if p == nil {
		return nil, notFound(in.Name)
	}
	page, next, ok := protocol.Page(p.history, in.NextToken, 50)
	if !ok {
		return nil, protocol.Errorf("InvalidNextToken", "The specified token isn't valid.")
	}
	out := map[string]any{"Parameters": page}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

func (s *Service) getParameters(call *protocol.Call, in struct{ Names []string }) (any, error) {
	if n := len(in.Names); n < 1 || n > 10 {
		return nil, protocol.Errorf("ValidationException",
			"1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have "+
				"length between 1 and 10")
	}
	found, missing := []parameterResult{}, []string{}
	for _, name := range in.Names {
		p, err := s.get(call, name)
		if err != nil {
			missing = append(missing, name)
			continue
		}
		found = append(found, p)
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}

func (s *Service) deleteParameter(call *protocol.Call, in struct{ Name string }) (any, error) {
	if s.store(call)[in.Name] == nil {
		return nil, notFound(in.Name)
	}
	delete(s.store(call), in.Name)
	return nil, nil
}

type describeInput struct {
	MaxResults       *int
	NextToken        string
	ParameterFilters []struct {
		Key, Option string
		Values      []string
	}
}

// describeParameters lists parameters. It supports the filters Name and Type,
// with Equals, BeginsWith and Contains.
func (s *Service) describeParameters(call *protocol.Call, in describeInput) (any, error) {
	type metadata struct {
		Name, Type, ARN, DataType, Tier string
		Description, AllowedPattern     string `json:",omitempty"`
		LastModifiedUser                string
		LastModifiedDate                protocol.Time
		Version                         int
	}
	list := []metadata{}
	for _, p := range s.store(call) {
		ok, err := in.matches(p)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, metadata{
				p.name,
				p.kind,
				p.arn,
				p.dataType,
				"Standard",
				p.description,
				p.pattern,
				p.user,
				protocol.Time(p.modified),
				p.version,
			})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	size := 10
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > 50 {
		return nil, protocol.Errorf("ValidationException", "MaxResults must be between 1 and 50, not %d", size)
	}
	page, next, ok := protocol.Page(list, in.NextToken, size)
	if !ok {
		return nil, protocol.Errorf("InvalidNextToken", "The specified token is not valid.")
	}
	out := map[string]any{"Parameters": page}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

func (in describeInput) matches(p *parameter) (bool, error) {
	for _, f := range in.ParameterFilters {
		field := map[string]string{"Name": p.name, "Type": p.kind}[f.Key]
		if field == "" {
			return false, protocol.Errorf("InvalidFilterKey", "permstack local has the filters Name and Type, not %q",
				f.Key)
		}
		compare, ok := map[string]func(a, b string) bool{
			"": func(a, b string) bool { return a == b }, "Equals": func(a, b string) bool { return a == b },
			"BeginsWith": strings.HasPrefix, "Contains": strings.Contains,
		}[f.Option]
		if !ok {
			return false, protocol.Errorf("InvalidFilterOption", "The filter option %q is not valid.", f.Option)
		}
		if !slices.ContainsFunc(f.Values, func(v string) bool { return compare(field, v) }) {
			return false, nil
		}
	}
	return true, nil
}
