package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/protocol"
)

// provider provides the resources of one type.
type provider interface {
	schema() schema
	// create creates the resource. If it fails half-way, it returns the physical id
	// with the error, and the rollback deletes the resource.
	create(*request) (outcome, error)
	// update changes the resource from old to props in place.
	update(*request) (outcome, error)
	// delete deletes the resource. A resource that does not exist is not an error.
	delete(*request) error
	// read returns the live values of the properties, errNotFound if the resource
	// does not exist, or errNoDrift if the type has no drift detection.
	read(*request) (map[string]any, error)
}

// schema describes a type: its properties and the effect of changing them.
type schema struct {
	Any        bool // every property is allowed
	Properties []string
	// Required are properties that the service's API requires although AWS's schema
	// does not.
	Required []string
	// Replace are properties whose change replaces the resource although AWS's schema
	// does not list them as create-only.
	Replace    []string
	Name       string // the property that names the resource; it is create-only
	NameLength int    // limit of generated names, in characters
	IAM        bool   // needs a capability
	Tags       bool   // receives the stack's tags
	// Permissions are the IAM actions that each handler requires by calling the
	// embedded services.
	Permissions handlerPermissions
	Rights      handlerRights // the others
}

var (
	errNotFound = errors.New("the resource does not exist")
	errNoDrift  = errors.New("the type does not support drift detection")
)

// outcome is the state of a resource after a create or an update.
type outcome struct {
	id     string
	attrs  map[string]any
	noEcho bool
}

// request is one invocation of a handler.
type request struct {
	ctx       context.Context
	engine    *Engine
	cfg       aws.Config
	stack     *stack
	logicalID string
	typ       string
	id        string // empty on create
	props     props
	old       props
	attempts  []version // see resource
	stackTags []protocol.Tag
	oldTags   []protocol.Tag
	token     string // unique to this attempt
	began     time.Time
	responses *responseWatch
	unlocked  func(func()) // calls a function that blocks

	rightsChecked bool
}

// name returns the property that names the resource, or a generated name.
func (r *request) name(s schema) string {
	if n := r.props.str(s.Name); n != "" {
		return n
	}
	return generateName(r.stack.name, r.logicalID, s.NameLength)
}

// arn returns an ARN in the stack's partition.
func (r *request) arn(service, region, resource string) string {
	return strings.Join(
		[]string{"arn", protocol.Partition(r.stack.region), service, region, r.stack.account, resource}, ":")
}

// tags merges the resource's own tags over the stack's, sorted by key.
func (r *request) tags() []protocol.Tag      { return r.merged(r.props, r.stackTags) }
func (r *request) oldTagSet() []protocol.Tag { return r.merged(r.old, r.oldTags) }

func (r *request) merged(p props, stackTags []protocol.Tag) []protocol.Tag {
	all := map[string]string{}
	for _, t := range stackTags {
		all[t.Key] = t.Value
	}
	for _, t := range p.tags("Tags") {
		all[t.Key] = t.Value
	}
	if r.engine.d.SystemTags {
		all["aws:cloudformation:stack-name"] = r.stack.name
		all["aws:cloudformation:stack-id"] = r.stack.id
		all["aws:cloudformation:logical-id"] = r.logicalID
	}
	out := make([]protocol.Tag, 0, len(all))
	for k, v := range all {
		out = append(out, protocol.Tag{Key: k, Value: v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out
}

// tagChange returns the tags to add and the keys to remove.
func (r *request) tagChange() (add []protocol.Tag, remove []string) {
	possible := [][]protocol.Tag{r.oldTagSet()}
	for _, v := range r.attempts {
		possible = append(possible, r.merged(v.props, v.tags))
	}
	want := r.tags()
	for _, have := range possible {
		for _, t := range want {
			if !slices.Contains(have, t) && !slices.Contains(add, t) {
				add = append(add, t)
			}
		}
		for _, t := range have {
			if !slices.ContainsFunc(want, func(w protocol.Tag) bool { return w.Key == t.Key }) &&
				!slices.Contains(remove, t.Key) {
				remove = append(remove, t.Key)
			}
		}
	}
	return add, remove
}

// versions are the declarations that may be in effect: the last one, and after
// failed updates those before.
func (r *request) versions() []props {
	out := []props{r.old}
	for _, v := range r.attempts {
		out = append(out, v.props)
	}
	return out
}

// reconcileList removes what the resource may hold of a list property and no
// longer declares, and adds what it declares and is not certain to hold. After a
// failed update either the last or an earlier declaration may be in effect. What
// is removed may not exist any more.
func (r *request) reconcileList(property string, add, remove func(string) error) error {
	possible, certain := r.listBounds(property)
	want := r.props.list(property)
	for _, item := range possible {
		if !slices.Contains(want, item) {
			if err := remove(item); err != nil && !isNotFound(err) {
				return err
			}
		}
	}
	for _, item := range want {
		if !slices.Contains(certain, item) {
			if err := add(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// reconcileTags removes and adds tags, as tagChange lists them.
func (r *request) reconcileTags(add func([]protocol.Tag) error, remove func([]string) error) error {
	added, removed := r.tagChange()
	if len(removed) > 0 {
		if err := remove(removed); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		return add(added)
	}
	return nil
}

// listBounds returns the items that a list property of the resource possibly
// has now, and those that it certainly has.
func (r *request) listBounds(name string) (possible, certain []string) {
	for i, v := range r.versions() {
		list := v.list(name)
		if i == 0 {
			certain = list
		}
		certain = slices.DeleteFunc(certain, func(s string) bool { return !slices.Contains(list, s) })
		for _, s := range list {
			if !slices.Contains(possible, s) {
				possible = append(possible, s)
			}
		}
	}
	return possible, certain
}

// changed reports whether one of the properties may differ from its declared
// value.
func (r *request) changed(names ...string) bool {
	for _, v := range r.versions() {
		for _, n := range names {
			if !reflect.DeepEqual(normal(v[n]), normal(r.props[n])) {
				return true
			}
		}
	}
	return false
}

// check returns an error if evaluated properties do not match the schema.
func (s schema) check(typ string, p map[string]any) error {
	for _, name := range sortedKeys(p) {
		if !s.Any && !slices.Contains(s.Properties, name) {
			return fmt.Errorf("Encountered unsupported property %s", name)
		}
	}
	for _, name := range append(slices.Clone(published(typ).Required), s.Required...) {
		if _, ok := p[name]; !ok {
			return fmt.Errorf("Properties validation failed: #: required key [%s] not found", name)
		}
	}
	return nil
}

// replacing returns the properties whose change requires a replacement: the
// create-only ones of AWS's schema and those of which only the user guide states
// it. A create-only part of a property counts as the property.
func (s schema) replacing(typ string) []string {
	if s.Any {
		return s.Replace
	}
	out := slices.Clone(s.Replace)
	for _, pointer := range published(typ).CreateOnly {
		name, _, _ := strings.Cut(pointer, "/")
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// replaces returns the changed properties that require a replacement.
func (s schema) replaces(typ string, old, now map[string]any) []string {
	var out []string
	for _, n := range s.replacing(typ) {
		if !reflect.DeepEqual(normal(old[n]), normal(now[n])) {
			out = append(out, n)
		}
	}
	return out
}

// findProvider returns the provider of a type, or nil if there is none.
func findProvider(typ string) provider {
	if strings.HasPrefix(typ, "Custom::") {
		return custom{}
	}
	return providers[typ]
}

var providers = map[string]provider{
	"AWS::IAM::Role":                           iamRole{},
	"AWS::IAM::ManagedPolicy":                  iamManagedPolicy{},
	"AWS::IAM::RolePolicy":                     iamRolePolicy{},
	"AWS::IAM::Policy":                         iamPolicy{},
	"AWS::IAM::InstanceProfile":                iamInstanceProfile{},
	"AWS::SNS::Topic":                          snsTopic{},
	"AWS::SNS::TopicInlinePolicy":              snsInlinePolicy{},
	"AWS::SNS::TopicPolicy":                    snsTopicPolicy{},
	"AWS::SNS::Subscription":                   snsSubscription{},
	"AWS::Events::Rule":                        eventsRule{},
	"AWS::Lambda::Function":                    lambdaFunction{},
	"AWS::Lambda::Permission":                  lambdaPermission{},
	"AWS::Lambda::EventInvokeConfig":           lambdaInvokeConfig{},
	"AWS::SSM::Parameter":                      ssmParameter{},
	"AWS::Logs::LogGroup":                      logGroup,
	"AWS::KMS::Alias":                          kmsAlias,
	"AWS::KMS::Key":                            kmsKey,
	"AWS::S3::Bucket":                          s3Bucket{},
	"AWS::S3::BucketPolicy":                    s3BucketPolicy{},
	"AWS::SQS::Queue":                          sqsQueue{},
	"AWS::SQS::QueuePolicy":                    sqsQueuePolicy{},
	"AWS::CloudWatch::Alarm":                   cloudwatchAlarm,
	"AWS::Scheduler::Schedule":                 schedulerSchedule,
	"AWS::CloudFormation::CustomResource":      custom{},
	"AWS::CloudFormation::WaitCondition":       waitCondition{},
	"AWS::CloudFormation::WaitConditionHandle": waitHandle{},
	"AWS::CloudFormation::StackSet":            stackSet{},
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
