package cloudformation

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// unsupportedParameters are the parameters of CreateStack, UpdateStack and
// CreateChangeSet that would change the result and are not implemented.
var unsupportedParameters = []string{
	"StackPolicyURL", "StackPolicyDuringUpdateURL",
	"ResourcesToImport.member.1.LogicalResourceId",
}

// readSettings reads what a create or an update requests. s is the deployed
// stack, for "use previous"; it is an empty stack for a create.
func (e *Engine) readSettings(call *protocol.Call, s *stack, create bool) (*settings, error) {
	for _, name := range unsupportedParameters {
		if call.Has(name) {
			return nil, protocol.NotImplemented("%s of %s", name, call.Action)
		}
	}
	set := &settings{
		capabilities: call.List("Capabilities"), notifications: call.List("NotificationARNs"),
		roleARN: call.Str("RoleARN"), token: call.Str("ClientRequestToken"), parameterValues: map[string]string{},
	}
	if set.resourceTypes = call.List("ResourceTypes"); len(set.resourceTypes) > 0 && len(set.capabilities) > 0 {
		// The API reference, CreateStack: Capabilities, has the rule and no text of the error.
		return nil, invalid("Only one of Capabilities and ResourceTypes can be specified")
	}
	var err error
	if set.timeout, err = call.Int("TimeoutInMinutes", 0); err != nil {
		return nil, err
	}
	if set.onFailure, err = onFailure(call); err != nil {
		return nil, err
	}
	if set.stackPolicy, err = readStackPolicy(call, "StackPolicyBody"); err != nil {
		return nil, err
	}
	if set.stackPolicy == "" {
		set.stackPolicy = s.stackPolicy
	}
	if set.updatePolicy, err = readStackPolicy(call, "StackPolicyDuringUpdateBody"); err != nil {
		return nil, err
	}
	if set.tags, err = readTags(call, s, create); err != nil {
		return nil, err
	}
	if set.roleARN == "" {
		set.roleARN = s.roleARN
	}
	if !create && !hasList(call, "NotificationARNs") {
		set.notifications = s.notifications
	}
	set.rollback = s.rollback
	if hasList(call, "RollbackConfiguration.RollbackTriggers") {
		set.rollback = nil
		for _, trigger := range call.Structs("RollbackConfiguration.RollbackTriggers") {
			set.rollback = append(set.rollback, rollbackTrigger{trigger.Get("Arn"), trigger.Get("Type")})
		}
	}
	if set.body, err = e.readBody(call, s, create); err != nil {
		return nil, err
	}
	if set.template, err = parse(set.body); err != nil {
		return nil, err
	}
	if err := readParameters(call, s, set, create); err != nil {
		return nil, err
	}
	return set, nil
}

func onFailure(call *protocol.Call) (string, error) {
	if call.Has("OnFailure") && call.Has("DisableRollback") {
		return "", invalid("You can't specify both OnFailure and DisableRollback for the same stack.")
	}
	disable, err := call.Bool("DisableRollback", false)
	if err != nil {
		return "", err
	}
	mode := "ROLLBACK"
	if disable {
		mode = "DO_NOTHING"
	}
	for _, name := range []string{"OnFailure", "OnStackFailure"} {
		if v := call.Str(name); v != "" {
			mode = v
		}
	}
	if !slices.Contains([]string{"ROLLBACK", "DELETE", "DO_NOTHING"}, mode) {
		return "", invalid(
			"1 validation error detected: Value '%s' at 'onFailure' failed to satisfy constraint: Member must "+
				"satisfy enum value set: [ROLLBACK, DELETE, DO_NOTHING]", mode)
	}
	return mode, nil
}

func hasList(call *protocol.Call, prefix string) bool {
	for key := range call.Form {
		if key == prefix || strings.HasPrefix(key, prefix+".") {
			return true
		}
	}
	return false
}

func readTags(call *protocol.Call, s *stack, create bool) ([]protocol.Tag, error) {
	if !create && !hasList(call, "Tags") {
		return s.tags, nil
	}
	tags := call.Tags("Tags")
	if len(tags) > 50 {
		return nil, invalid(
			"1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have " +
				"length less than or equal to 50")
	}
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("Tag keys cannot start with aws: %s", t.Key)
		}
	}
	sort.Slice(tags, func(i, j int) bool { return tags[i].Key < tags[j].Key })
	return tags, nil
}

// readBody returns the template, from S3 if a TemplateURL is given.
func (e *Engine) readBody(call *protocol.Call, s *stack, create bool) (string, error) {
	previous, err := call.Bool("UsePreviousTemplate", false)
	if err != nil {
		return "", err
	}
	body, from := call.Str("TemplateBody"), call.Str("TemplateURL")
	given := 0
	for _, yes := range []bool{previous, body != "", from != ""} {
		if yes {
			given++
		}
	}
	switch {
	case given == 0 && call.Has("TemplateBody"):
		return "", invalid(
			"1 validation error detected: Value '' at 'templateBody' failed to satisfy constraint: Member must " +
				"have length greater than or equal to 1")
	case given != 1:
		return "", invalid("Either Template URL or Template Body must be specified.")
	case previous && (create || s.body == ""):
		return "", invalid("Template error: there is no previous template")
	case previous:
		return s.body, nil
	case from != "":
		return e.fetch(call, from)
	case len(body) > cfntemplate.MaxBody:
		return "", invalid(
			"1 validation error detected: Value '%s' at 'templateBody' failed to satisfy constraint: Member "+
				"must have length less than or equal to %d", shorten(body, 80), cfntemplate.MaxBody)
	}
	return body, nil
}

// maxFetched is the largest template that CloudFormation takes from S3.
const maxFetched = 1 << 20

// fetch reads a template from S3, as the caller.
func (e *Engine) fetch(call *protocol.Call, url string) (string, error) {
	if e.d.Fetch == nil {
		return "", protocol.NotImplemented("S3 here, so that it cannot read TemplateURL %s", url)
	}
	body, err := e.d.Fetch(call, url)
	if err != nil {
		var refused *protocol.Error
		if errors.As(err, &refused) {
			return "", invalid("S3 error: %s", refused.Message)
		}
		return "", invalid("TemplateURL must be a supported URL: %v", err)
	}
	if len(body) > maxFetched {
		return "", invalid("Template may not exceed %d bytes in size.", maxFetched)
	}
	return string(body), nil
}

func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// recent are the last templates that were parsed, by their text: a call reads the template that the call before it
// validated, and a stack that is updated has it already. Nothing modifies a template.
var recent struct {
	sync.Mutex
	templates map[string]*cfntemplate.Template
}

const maxRecent = 32

func parse(body string) (*cfntemplate.Template, error) {
	recent.Lock()
	t := recent.templates[body]
	recent.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := cfntemplate.Parse([]byte(body))
	if err != nil {
		return nil, invalid("%v", err)
	}
	recent.Lock()
	defer recent.Unlock()
	if recent.templates == nil || len(recent.templates) >= maxRecent {
		recent.templates = map[string]*cfntemplate.Template{}
	}
	recent.templates[body] = t
	return t, nil
}

func readParameters(call *protocol.Call, s *stack, set *settings, create bool) error {
	for _, p := range call.Structs("Parameters") {
		key := p.Get("ParameterKey")
		if _, twice := set.parameterValues[key]; twice {
			return invalid("Parameters: [%s] specified more than once", key)
		}
		if previous(p) {
			if create || s.bound == nil || set.template.Parameter(key) == nil || s.template.Parameter(key) == nil {
				return invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a "+
					"parameter key not in the previous template", key)
			}
			set.parameterValues[key] = s.bound.Parameters[key]
			continue
		}
		set.parameterValues[key] = p.Get("ParameterValue")
	}
	return nil
}

func previous(p url.Values) bool {
	b, _ := strconv.ParseBool(p.Get("UsePreviousValue"))
	return b
}

// bind evaluates parameters and conditions. Before anything is created, it
// refuses unknown types, circular dependencies and missing capabilities. Hold
// e.mu.
func (e *Engine) bind(s *stack, set *settings) error {
	var err error
	if set.bound, err = set.template.ResolveParameters(e.environment(s, set)); err != nil {
		return invalid("%v", err)
	}
	var unknown []string
	for _, r := range set.bound.Active() {
		if findProvider(r.Type) == nil && !slices.Contains(unknown, r.Type) {
			unknown = append(unknown, r.Type)
		}
		if r.DeletionPolicy == "Snapshot" || r.UpdateReplacePolicy == "Snapshot" {
			return invalid("Template error: resource %s: a Snapshot policy is not supported for type %s",
				r.LogicalID, r.Type)
		}
		if len(strings.TrimPrefix(r.Type, "Custom::")) > 60 && strings.HasPrefix(r.Type, "Custom::") {
			return invalid("Template format error: Custom resource type %s is longer than 60 characters", r.Type)
		}
	}
	if unknown != nil {
		return invalid("Template format error: Unrecognized resource types: [%s]", strings.Join(unknown, ", "))
	}
	if _, err := set.bound.Order(); err != nil {
		return invalid("%v", err)
	}
	for _, r := range set.bound.Active() {
		if len(set.resourceTypes) > 0 && !slices.ContainsFunc(set.resourceTypes, func(pattern string) bool {
			prefix, all := strings.CutSuffix(pattern, "*")
			return pattern == r.Type || all && strings.HasPrefix(r.Type, prefix)
		}) {
			return invalid("Resource type %s is not in ResourceTypes", r.Type)
		}
	}
	needs, _ := capabilities(set.template)
	if needs != "" && !slices.Contains(set.capabilities, needs) &&
		!slices.Contains(set.capabilities, "CAPABILITY_NAMED_IAM") {
		return protocol.Errorf("InsufficientCapabilitiesException", "Requires capabilities : [%s]", needs)
	}
	return nil
}

// checkRole returns an error if CloudFormation cannot assume the stack's role.
func (e *Engine) checkRole(call *protocol.Call, roleARN string) error {
	if roleARN == "" || e.d.Assumable == nil {
		return nil
	}
	resource := call.Str("StackName")
	if !strings.HasPrefix(resource, "arn:") {
		resource = stackARN(call.Account, call.Region, resource, "*")
	}
	keys := map[string][]string{"aws:SourceAccount": {call.Account}, "aws:SourceArn": {resource}}
	if err := e.d.Assumable(call.Account, roleARN, "cloudformation.amazonaws.com", keys); err != nil {
		e.d.Logger.Info("stack role refused", "role", roleARN, "error", err)
		return invalid("Role %s is invalid or cannot be assumed", roleARN)
	}
	return nil
}

// roleConfig returns how CloudFormation calls the services with a stack role, or as
// its caller if roleARN is "".
func (e *Engine) roleConfig(call *protocol.Call, roleARN string) (aws.Config, error) {
	if err := e.checkRole(call, roleARN); err != nil {
		return aws.Config{}, err
	}
	return e.config(call, roleARN), nil
}

// capabilities returns the capability that a template requires, and the
// resources that require it.
func capabilities(t *cfntemplate.Template) (needs, why string) {
	var ids []string
	named := false
	for _, r := range t.Resources {
		p := findProvider(r.Type)
		if p == nil || !p.schema().IAM {
			continue
		}
		ids = append(ids, r.Type)
		if name := p.schema().Name; name != "" && r.Properties()[name] != nil {
			named = true
		}
	}
	if ids == nil {
		return "", ""
	}
	needs = "CAPABILITY_IAM"
	if named {
		needs = "CAPABILITY_NAMED_IAM"
	}
	slices.Sort(ids)
	return needs, fmt.Sprintf("The following resource(s) require capabilities: [%s]",
		strings.Join(slices.Compact(ids), ", "))
}
