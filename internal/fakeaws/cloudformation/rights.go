package cloudformation

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
)

// handlerRights describe how the embedded handlers of a type use the permissions
// that AWS's schema lists (schemas.json). The schema lists every action that a
// handler may call; many are called only with a certain property, which no
// document states for each. An action is one of three:
//
//   - the handler calls the embedded service, which checks the permission with
//     the resource and the condition keys of the call (schema.Permissions);
//   - it is in Unused;
//   - all others are checked with requireRights, so that an action that a newer
//     schema adds is required at once.
type handlerRights struct {
	// ARN returns the ARN of the resource with a physical id.
	ARN func(r *request, id string) string
	// For are the actions that are called only if one of these properties is set or,
	// in an update, changes.
	For map[string][]string
	// Access are the actions on other resources than the type's own.
	Access map[string]func(*request) []protocol.Access
	// Unused are the actions that these handlers never require, with the case in
	// which AWS's handlers call them. A service with ":*" means all of its actions, and
	// "*" for all that are not called.
	Unused map[string]string
}

// anyResource are the actions of schemas.json that IAM authorizes on "*" only
// ("Resource types" is empty in the Service Authorization Reference).
var anyResource = []string{
	"kms:CreateKey", "kms:ListAliases", "logs:DeleteIndexPolicy", "logs:DescribeIndexPolicies",
	"logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutIndexPolicy",
}

// unused returns why a type's handlers never require an action, or "".
func (h handlerRights) unused(action string) string {
	service, _, _ := strings.Cut(action, ":")
	for _, key := range []string{action, service + ":*", "*"} {
		if reason := h.Unused[key]; reason != "" {
			return reason
		}
	}
	return ""
}

// checkedRights returns the actions of a handler that no call of it checks.
func checkedRights(typ, handler string) []string {
	s := findProvider(typ).schema()
	var out []string
	for _, action := range published(typ).Handlers[handler] {
		if !slices.Contains(s.Permissions.forHandler(handler), action) && s.Rights.unused(action) == "" {
			out = append(out, action)
		}
	}
	return out
}

// requireRights returns an error unless the principal of the operation has the
// rights of a handler that no call checks. id is the physical id of the resource,
// which a create handler knows before it returns.
func (r *request) requireRights(handler, id string) error {
	if r.engine.d.Authorize == nil || r.rightsChecked {
		return nil
	}
	r.rightsChecked = true
	rights := findProvider(r.typ).schema().Rights
	for _, action := range checkedRights(r.typ, handler) {
		if properties := rights.For[action]; properties != nil && !r.concerns(handler, properties) {
			continue
		}
		access := []protocol.Access{{Action: action, Resource: "*"}}
		switch {
		case rights.Access[action] != nil:
			access = rights.Access[action](r)
		case !slices.Contains(anyResource, action):
			access[0].Resource = rights.ARN(r, id)
			access[0].Context = r.tagContext(handler)
		}
		for _, a := range access {
			if err := r.engine.d.Authorize(r.ctx, r.cfg, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// concerns reports whether a request sets, or in an update changes, one of the
// properties. "Tags" includes the tags of the stack.
func (r *request) concerns(handler string, properties []string) bool {
	for _, name := range properties {
		switch {
		case handler == updateHandler && name == "Tags":
			if add, remove := r.tagChange(); len(add)+len(remove) > 0 {
				return true
			}
		case handler == updateHandler:
			if r.changed(name) {
				return true
			}
		case r.props.has(name) || name == "Tags" && len(r.stackTags) > 0:
			return true
		}
	}
	return false
}

// tagContext returns the condition keys of a resource's tags, those that
// CloudFormation adds included.
func (r *request) tagContext(handler string) map[string][]string {
	tags, logicalID := r.tags(), r.logicalID
	if !findProvider(r.typ).schema().Tags {
		f := r.function()
		if f == nil {
			return nil
		}
		tags, logicalID = r.merged(f.props, f.tags), f.logicalID
	}
	var requested []protocol.Tag
	if logicalID == r.logicalID && (handler == createHandler || handler == updateHandler) {
		requested = tags
	}
	resource := append(slices.Clone(tags), protocol.Tag{Key: "aws:cloudformation:stack-id", Value: r.stack.id},
		protocol.Tag{Key: "aws:cloudformation:stack-name", Value: r.stack.name},
		protocol.Tag{Key: "aws:cloudformation:logical-id", Value: logicalID})
	return protocol.TagContext(requested, nil, resource)
}

// function returns the function of the same stack that the resource is a setting
// of, or nil.
func (r *request) function() *resource {
	name := r.props.str("FunctionName")
	if name == "" {
		return nil
	}
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	for _, other := range r.stack.resources {
		if other.typ == "AWS::Lambda::Function" && other.id == name[strings.LastIndexByte(name, ':')+1:] {
			return other.clone()
		}
	}
	return nil
}

// create, update, delete and read call a type's handler with the rights that it
// requires.

func (r *request) create() (outcome, error) {
	out, err := findProvider(r.typ).create(r)
	if err != nil {
		return out, err
	}
	return out, r.requireRights(createHandler, out.id)
}

func (r *request) update() (outcome, error) {
	if err := r.requireRights(updateHandler, r.id); err != nil {
		return outcome{}, err
	}
	return findProvider(r.typ).update(r)
}

func (r *request) delete() error {
	if err := r.requireRights(deleteHandler, r.id); err != nil {
		return err
	}
	return findProvider(r.typ).delete(r)
}

func (r *request) read() (map[string]any, error) {
	if err := r.requireRights(readHandler, r.id); err != nil {
		return nil, err
	}
	return findProvider(r.typ).read(r)
}

// physicalID is the ARN of a resource whose physical id it is.
func physicalID(_ *request, id string) string { return id }

// iamARN returns the ARN of a named IAM resource with a path.
func iamARN(kind, pathProperty string) func(*request, string) string {
	return func(r *request, id string) string {
		return r.arn("iam", "", kind+cmp.Or(r.props.str(pathProperty), "/")+id)
	}
}

// iamRoleARN returns the ARN of the role of an inline policy. Its path is read
// from IAM, as IAM itself does.
func iamRoleARN(r *request, _ string) string {
	name := r.props.str("RoleName")
	if name == "" && len(r.props.list("Roles")) > 0 {
		name = r.props.list("Roles")[0]
	}
	got, err := iam.NewFromConfig(r.unrestricted()).GetRole(r.ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return r.arn("iam", "", "role/"+name)
	}
	return aws.ToString(got.Role.Arn)
}

// lambdaARN returns the ARN of a function, which a permission names as a property.
func lambdaARN(r *request, id string) string {
	return lambda.Resolve(r.stack.account, r.stack.region, cmp.Or(r.props.str("FunctionName"), id))
}

// passRole returns the permission to pass the role in a property to a service.
func passRole(service, property string) func(*request) []protocol.Access {
	return func(r *request) []protocol.Access {
		return []protocol.Access{protocol.PassRole(r.props.str(property), service)}
	}
}

// readCode returns the permission to read a function's code from S3, of an object
// or of a version of it.
func readCode(r *request, action string, version bool) []protocol.Access {
	code := r.props.object("Code")
	if code.str("S3Bucket") == "" || code.has("S3ObjectVersion") != version {
		return nil
	}
	return []protocol.Access{
		{Action: action, Resource: r.globalARN("s3", code.str("S3Bucket")+"/"+code.str("S3Key"))},
	}
}

// unrestricted returns the configuration of the account's owner, for what
// CloudFormation reads of its own accord.
func (r *request) unrestricted() aws.Config {
	return r.engine.d.ConfigFor(r.stack.account, r.stack.region, "")
}
