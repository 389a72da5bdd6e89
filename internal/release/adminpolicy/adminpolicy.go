// Package adminpolicy generates the IAM policies of those who deploy the templates: an
// administrator who launches the stack, one of StackSets, and a pipeline that updates
// the stack. The actions are those of CloudFormation's handlers for the resources in
// the templates (actions.json); the resources are the names that the templates have.
package adminpolicy

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
)

//go:generate go run ../../../tools/genadminpolicy actions.json ../../../docs/admin-policies.md

//go:embed actions.json
var actionsJSON []byte

// Actions are what the handlers of the templates' resources require.
type Actions struct {
	Stack    []string `json:"stack"`    // of launch-stack.yaml
	StackSet []string `json:"stackSet"` // of stackset.yaml
	// OnAnyResource are actions that IAM authorizes on "*" only.
	OnAnyResource []string `json:"onAnyResource"`
}

// ParseActions parses actions.json.
func ParseActions(data []byte) (Actions, error) {
	var a Actions
	err := json.Unmarshal(data, &a)
	return a, err
}

// Default returns the actions of this release.
func Default() Actions {
	a, err := ParseActions(actionsJSON)
	if err != nil {
		panic("actions.json, which is embedded, is invalid: " + err.Error())
	}
	return a
}

// Who deploys.
const (
	Launch    = "launch"
	StackSets = "stacksets"
	Pipeline  = "pipeline"
)

// Roles returns for whom there is a policy.
func Roles() []string { return []string{Launch, StackSets, Pipeline} }

// Scope is where somebody deploys.
type Scope struct {
	Account      string // 12 digits
	Region       string
	StackName    string // at most maxStackName characters
	BucketPrefix string // of the release's buckets; the Region follows it
	Path         string // the parameter RolePath
}

// maxStackName is the longest name of a stack with which the generated names of its
// roles, <stack>-ProvisionerRole-<12 characters> of at most 64, begin with it.
const maxStackName = 64 - len("-ProvisionerRole-") - 12

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	stackPattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)
	prefixPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,46}$`)
	pathPattern    = regexp.MustCompile(`^/([A-Za-z0-9+=,.@_-]+/)*$`)
)

func (s Scope) check() error {
	_, known := region.Lookup(s.Region)
	switch {
	case !accountPattern.MatchString(s.Account):
		return fmt.Errorf("account %q: want 12 digits", s.Account)
	case !known:
		return fmt.Errorf("unknown Region %q", s.Region)
	case !stackPattern.MatchString(s.StackName) || len(s.StackName) > maxStackName:
		return fmt.Errorf("stack name %q: want a letter, then letters, digits and hyphens, at most %d characters: "+
			"the names of the roles must begin with it", s.StackName, maxStackName)
	case !prefixPattern.MatchString(s.BucketPrefix):
		return fmt.Errorf("bucket prefix %q: want 2 to 47 lower-case letters, digits and hyphens", s.BucketPrefix)
	case !pathPattern.MatchString(s.Path):
		return fmt.Errorf("path %q: want a path such as /permstack/", s.Path)
	}
	return nil
}

// Document is a policy.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is one statement.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]string `json:",omitempty"`
}

// Policy returns the policy of one who deploys in a scope.
func Policy(who string, a Actions, s Scope) (Document, error) {
	if err := s.check(); err != nil {
		return Document{}, err
	}
	d := Document{Version: "2012-10-17"}
	switch who {
	case Launch:
		d.add("Stack", s.stack(), append(slices.Clone(readStack), "cloudformation:CreateStack", "cloudformation:UpdateStack",
			"cloudformation:DeleteStack", "cloudformation:TagResource", "cloudformation:UntagResource"))
		d.addHandlers(a.Stack, a.OnAnyResource, s)
	case Pipeline: // as `aws cloudformation deploy` works, by change sets
		d.add("Stack", s.stack(), append(slices.Clone(readStack), "cloudformation:CreateChangeSet",
			"cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
			"cloudformation:DeleteStack", "cloudformation:TagResource", "cloudformation:UntagResource"))
		d.addHandlers(a.Stack, a.OnAnyResource, s)
	case StackSets:
		d.add("Stack", s.stack(), append(slices.Clone(readStack), "cloudformation:CreateStack", "cloudformation:UpdateStack",
			"cloudformation:DeleteStack", "cloudformation:TagResource", "cloudformation:UntagResource"))
		d.add("StackSets", []string{
			s.arn("cloudformation", "stackset/"+s.StackName+":*"),
			// CreateStackInstances is also authorized on the target and on the types of the template (Service
			// Authorization Reference, AWS CloudFormation). The types are AWS's.
			s.arn("cloudformation", "stackset-target/"+s.StackName+":*"),
			strings.Join([]string{"arn", s.partition(), "cloudformation", s.Region, "", "type/resource/*"}, ":"),
		}, slices.DeleteFunc(slices.Clone(a.StackSet), func(action string) bool {
			return action == createStackSet || slices.Contains(readTemplate, action)
		}))
		// IAM authorizes it on * only: the stack set does not exist yet.
		d.add("CreateStackSet", []string{"*"}, []string{createStackSet})
		d.add("ReadRelease", s.release(), []string{"s3:GetObject"})
	default:
		return Document{}, fmt.Errorf("no policy for %q: choose one of %s", who, strings.Join(Roles(), ", "))
	}
	d.add("ReadTemplate", []string{"*"}, readTemplate) // of a template that is not of a stack yet
	return d, nil
}

var readStack = []string{
	"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:DescribeEvents",
	"cloudformation:DescribeStackResources", "cloudformation:GetTemplate",
}

var readTemplate = []string{"cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"}

const createStackSet = "cloudformation:CreateStackSet"

// passRole is in a statement of its own, with a condition.
const passRole = "iam:PassRole"

// invoke is called with the rights of whoever deploys: CloudFormation invokes the
// function of a custom resource with the stack's credentials.
const invoke = "lambda:InvokeFunction"

// codeSigning are called on the code signing configuration of CodeSigningConfigArn, the second one also on the function
// (Service Authorization Reference, AWS Lambda).
var codeSigning = []string{"lambda:GetCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig"}

// addHandlers adds the actions of handlers, a statement for each service.
func (d *Document) addHandlers(actions, onAny []string, s Scope) {
	byService := map[string][]string{}
	for _, a := range actions {
		service, _, _ := strings.Cut(a, ":")
		switch {
		case a == passRole, a == invoke:
		case a == codeSigning[0]:
		case slices.Contains(onAny, a):
			byService["*"] = append(byService["*"], a)
		default:
			byService[service] = append(byService[service], a)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(byService)) {
		resources, known := s.resources()[service]
		if !known {
			panic("no resources of service " + service) // TestPolicies generates every policy
		}
		d.add(resources.sid, resources.arns, byService[service])
	}
	if slices.Contains(actions, codeSigning[0]) {
		d.add("CodeSigning", []string{s.arn("lambda", "code-signing-config:*")}, codeSigning)
	}
	d.add("PassFunctionRoles", s.roles(), []string{passRole})
	d.Statement[len(d.Statement)-1].Condition = map[string]map[string]string{
		"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"},
	}
	d.add("InvokeCustomResource", []string{s.arn("lambda", "function:"+s.StackName+"-Provisioner-*")}, []string{invoke})
}

func (d *Document) add(sid string, resources, actions []string) {
	actions = slices.Clone(actions)
	slices.Sort(actions)
	d.Statement = append(d.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources})
}

// service is the statement of a service's actions.
type service struct {
	sid  string
	arns []string
}

// resources returns the names that template.yaml's resources have. CloudFormation
// begins generated names with the stack's.
func (s Scope) resources() map[string]service {
	return map[string]service{
		"*":   {"ReadLists", []string{"*"}}, // IAM authorizes these on * only
		"iam": {"Roles", append(s.roles(), s.policies()...)},
		"lambda": {"Functions", []string{
			s.arn("lambda", "function:"+s.StackName+"-*"), s.arn("lambda", "function:permstack-drift-*"),
		}},
		"logs":       {"LogGroup", []string{s.arn("logs", "log-group:"+s.StackName+"-*")}},
		"sns":        {"AlertTopic", []string{s.arn("sns", "permstack-alerts-*")}},
		"sqs":        {"FailedRuns", []string{s.arn("sqs", s.StackName+"-*")}},
		"events":     {"DriftRule", []string{s.arn("events", "rule/permstack-*")}},
		"cloudwatch": {"Alarms", []string{s.arn("cloudwatch", "alarm:"+s.StackName+"-*")}},
		"ssm":        {"DriftState", []string{s.arn("ssm", "parameter/permstack-state-*")}},
		"s3":         {"ReadRelease", s.release()},
	}
}

func (s Scope) partition() string {
	p, _ := region.Lookup(s.Region)
	return p.ID
}

func (s Scope) arn(service, resource string) string {
	return strings.Join([]string{"arn", s.partition(), service, s.Region, s.Account, resource}, ":")
}

func (s Scope) stack() []string { return []string{s.arn("cloudformation", "stack/"+s.StackName+"/*")} }

func (s Scope) roles() []string {
	name := strings.Join([]string{"arn", s.partition(), "iam", "", s.Account,
		"role" + s.Path + s.Region + "/*/installer/"}, ":")
	return []string{name + s.StackName + "-*"}
}

// policies returns the permissions boundary that the stack creates, by the same path and the beginning of its name.
func (s Scope) policies() []string {
	var out []string
	for _, role := range s.roles() {
		out = append(out, strings.Replace(role, ":role/", ":policy/", 1))
	}
	return out
}

func (s Scope) release() []string {
	return []string{"arn:" + s.partition() + ":s3:::" + s.BucketPrefix + "-" + s.Region + "/*"}
}

// JSON returns the policy with indentation.
func (d Document) JSON() ([]byte, error) {
	out, err := json.MarshalIndent(d, "", "  ")
	return append(out, '\n'), err
}
