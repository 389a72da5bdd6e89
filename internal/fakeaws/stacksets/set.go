package stacksets

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/fakeaws/protocol"
)

// The names of the roles of self-managed permissions if a stack set names none
// (CloudFormation User Guide, "Grant self-managed permissions").
const (
	adminRole     = "AWSCloudFormationStackSetAdministrationRole"
	executionRole = "AWSCloudFormationStackSetExecutionRole"
)

var setName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// parameter is a parameter of a stack set or an override of an instance.
type parameter struct {
	Key   string `xml:"ParameterKey"`
	Value string `xml:"ParameterValue"`
}

func value(list []parameter, key string) (string, bool) {
	for _, p := range list {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

func (s *Service) createStackSet(ctx context.Context, call *protocol.Call) (any, error) {
	name := call.Str("StackSetName")
	if !setName.MatchString(name) {
		return nil, protocol.Violation("ValidationError", "stackSetName", name,
			"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]* and have at most 128 characters")
	}
	at, err := s.owner(call)
	if err != nil {
		return nil, err
	}
	set := &stackSet{location: at, name: name, id: name + ":" + protocol.NewUUID(), status: "ACTIVE"}
	if set.definition, err = s.readDefinition(ctx, call, at, definition{}, true); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(at, name) != nil {
		return nil, protocol.Errorf("NameAlreadyExistsException", "StackSet already exists").WithStatus(409)
	}
	s.sets[at] = append(s.sets[at], set)
	return &struct {
		ID string `xml:"StackSetId"`
	}{set.id}, nil
}

func (s *Service) updateStackSet(ctx context.Context, call *protocol.Call) (any, error) {
	s.mu.Lock()
	set, err := s.findSet(call)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	old := set.definition
	s.mu.Unlock()
	updated, err := s.readDefinition(ctx, call, set.location, old, false)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	op, err := s.newOperation(call, set, "UPDATE")
	if err != nil {
		return nil, err
	}
	chosen := set.instances
	if len(call.List("Regions")) > 0 || len(call.List("Accounts")) > 0 {
		if chosen, err = s.existing(call, set); err != nil {
			return nil, err
		}
	}
	set.definition = updated
	for _, in := range set.instances {
		in.status = "OUTDATED" // also those that the operation does not update
	}
	op.add(chosen)
	return s.begin(set, op), nil
}

// readDefinition reads what CreateStackSet or UpdateStackSet set. What an update
// does not contain is taken from old.
func (s *Service) readDefinition(
	ctx context.Context, call *protocol.Call, at location, old definition, create bool,
) (definition, error) {
	d := old
	for _, name := range []string{"StackId", "AutoDeployment.DependsOn.member.1"} {
		if call.Has(name) {
			return d, protocol.NotImplemented("%s of %s", name, call.Action)
		}
	}
	if call.Has("Description") {
		d.description = call.Str("Description")
	}
	d.capabilities = call.List("Capabilities")
	if create || hasList(call, "Tags") {
		d.tags = call.Tags("Tags")
	}
	for name, to := range map[string]*string{
		"AdministrationRoleARN": &d.adminRole, "ExecutionRoleName": &d.executionRole,
	} {
		if call.Has(name) {
			*to = call.Str(name)
		}
	}
	if err := d.readModel(call, create); err != nil {
		return d, err
	}
	if d.serviceManaged {
		if err := s.checkServiceManaged(at); err != nil {
			return d, err
		}
	} else if call.Str("CallAs") == "DELEGATED_ADMIN" {
		return d, invalid("CallAs DELEGATED_ADMIN is valid only for stack sets with SERVICE_MANAGED permissions")
	}
	if err := s.readBody(call, &d, create); err != nil {
		return d, err
	}
	return d, s.readParameters(ctx, call, at, old, &d)
}

// readModel reads the permission model, automatic deployment and managed
// execution.
func (d *definition) readModel(call *protocol.Call, create bool) error {
	switch model := call.Str("PermissionModel"); {
	case model == "SERVICE_MANAGED" && create:
		d.serviceManaged = true
	case model == "" || model == "SELF_MANAGED" && create:
	case model != "SELF_MANAGED" && model != "SERVICE_MANAGED":
		return protocol.Violation("ValidationError", "permissionModel", model,
			"Member must satisfy enum value set: [SERVICE_MANAGED, SELF_MANAGED]")
	case (model == "SERVICE_MANAGED") != d.serviceManaged:
		return invalid("permstack local does not change the PermissionModel of a stack set")
	}
	automatic := hasList(call, "AutoDeployment")
	if automatic && !d.serviceManaged {
		return invalid("AutoDeployment can be specified only for stack sets with SERVICE_MANAGED permissions")
	}
	if create && d.serviceManaged && !automatic {
		return invalid("AutoDeployment must be specified for stack sets with SERVICE_MANAGED permissions")
	}
	if d.serviceManaged && (d.adminRole != "" || d.executionRole != "") {
		return invalid("AdministrationRoleARN and ExecutionRoleName can be specified only for stack sets with " +
			"SELF_MANAGED permissions")
	}
	if automatic {
		var err error
		if d.automatic, err = call.Bool("AutoDeployment.Enabled", false); err != nil {
			return err
		}
		if d.retains, err = call.Bool("AutoDeployment.RetainStacksOnAccountRemoval", false); err != nil {
			return err
		}
		if !d.automatic && call.Has("AutoDeployment.RetainStacksOnAccountRemoval") {
			return invalid("RetainStacksOnAccountRemoval can be specified only if AutoDeployment is enabled")
		}
	}
	var err error
	d.queues, err = call.Bool("ManagedExecution.Active", d.queues)
	return err
}

// readBody reads the template.
func (s *Service) readBody(call *protocol.Call, d *definition, create bool) error {
	previous, err := call.Bool("UsePreviousTemplate", false)
	if err != nil {
		return err
	}
	given := 0
	for _, yes := range []bool{previous && !create, call.Has("TemplateBody"), call.Has("TemplateURL")} {
		if yes {
			given++
		}
	}
	if given != 1 {
		return invalid("Either Template URL or Template Body must be specified.")
	}
	switch {
	case call.Has("TemplateBody"):
		d.body = call.Str("TemplateBody")
		if len(d.body) > maxInline {
			return invalid("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member "+
				"must have length less than or equal to %d", maxInline)
		}
	case call.Has("TemplateURL"):
		body, err := s.d.Fetch(call, call.Str("TemplateURL"))
		if err != nil {
			return invalid("S3 error: %v", err)
		}
		d.body = string(body)
	}
	return nil
}

// maxInline is the largest TemplateBody in bytes.
const maxInline = 51_200

// readParameters reads the parameters and validates them and the capabilities
// with the template.
func (s *Service) readParameters(
	ctx context.Context, call *protocol.Call, at location, old definition, d *definition,
) error {
	s.mu.Lock()
	url := s.templateURL(d.body)
	s.mu.Unlock()
	client := cfn.NewFromConfig(s.d.ConfigFor(at.account, at.region, ""))
	template, err := client.GetTemplateSummary(ctx, &cfn.GetTemplateSummaryInput{TemplateURL: &url})
	if err != nil {
		return invalid("%s", apiMessage(err))
	}
	if len(template.DeclaredTransforms) > 0 && d.serviceManaged {
		return invalid("Stack sets with SERVICE_MANAGED permissions do not support templates with transforms")
	}
	for _, c := range template.Capabilities {
		if !slices.Contains(d.capabilities, string(c)) && !slices.Contains(d.capabilities, "CAPABILITY_NAMED_IAM") {
			return protocol.Errorf("InsufficientCapabilitiesException", "Requires capabilities : [%s]", c)
		}
	}
	if d.parameters, err = readOverrides(call, "Parameters", old.parameters); err != nil {
		return err
	}
	var known, without []string
	d.hidden = nil
	for _, p := range template.Parameters {
		known = append(known, *p.ParameterKey)
		if _, given := value(d.parameters, *p.ParameterKey); !given && p.DefaultValue == nil {
			without = append(without, *p.ParameterKey)
		}
		if aws.ToBool(p.NoEcho) {
			d.hidden = append(d.hidden, *p.ParameterKey)
		}
	}
	var given []string
	for _, p := range d.parameters {
		given = append(given, p.Key)
	}
	if unknown := missing(given, known); len(unknown) > 0 {
		return invalid("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	if len(without) > 0 {
		return invalid("Parameters: [%s] must have values", strings.Join(without, ", "))
	}
	return nil
}

// readOverrides reads parameters; those with UsePreviousValue have their old
// values.
func readOverrides(call *protocol.Call, list string, old []parameter) ([]parameter, error) {
	var out []parameter
	for _, p := range call.Structs(list) {
		key := p.Get("ParameterKey")
		if _, twice := value(out, key); twice {
			return nil, invalid("Parameters: [%s] specified more than once", key)
		}
		text := p.Get("ParameterValue")
		if p.Get("UsePreviousValue") == "true" {
			var ok bool
			if text, ok = value(old, key); !ok {
				return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a "+
					"parameter key not in the previous template", key)
			}
		}
		out = append(out, parameter{key, text})
	}
	return out, nil
}

func hasList(call *protocol.Call, prefix string) bool {
	for key := range call.Form {
		if key == prefix || strings.HasPrefix(key, prefix+".") {
			return true
		}
	}
	return false
}

func (s *Service) deleteStackSet(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if protocol.HasCode(err, "StackSetNotFoundException") {
		return nil, nil // DeleteStackSet has no such error (API reference, Errors)
	}
	if err != nil {
		return nil, err
	}
	if len(set.instances) > 0 {
		return nil, protocol.Errorf("StackSetNotEmptyException", "StackSet is not empty").WithStatus(409)
	}
	if set.running {
		return nil, operationInProgress(set)
	}
	set.status = "DELETED"
	return nil, nil
}
