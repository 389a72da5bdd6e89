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

// provider makes resources of one type.
type provider interface {
	schema() schema
	// create makes the resource. Where it fails half-way it gives the physical
	// id with the error, and the resource is deleted in the rollback.
	create(*request) (outcome, error)
	// update changes the resource from old to props in place.
	update(*request) (outcome, error)
	// delete removes it; what is not there is removed.
	delete(*request) error
	// read gives the live values of the properties, errNotFound where the
	// resource is gone, errNoDrift where the type has no drift detection.
	read(*request) (map[string]any, error)
}

// schema says which properties a type has and what a change of them means.
type schema struct {
	Any        bool // every property is allowed
	Properties []string
	Required   []string
	Replace    []string // a change of these makes a new resource
	Name       string   // the property that names the resource; it is among Replace
	NameLength int      // longest name that is generated
	IAM        bool     // needs a capability
	Tags       bool     // takes the stack's tags
	// Permissions are the IAM actions that each handler requires.
	Permissions handlerPermissions
}

var (
	errNotFound = errors.New("the resource does not exist")
	errNoDrift  = errors.New("the type does not support drift detection")
)

// outcome is a resource as it is after a create or an update.
type outcome struct {
	id     string
	attrs  map[string]any
	noEcho bool
}

// request is one piece of work on a resource.
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
}

// name gives the property that names the resource, or a generated name.
func (r *request) name(s schema) string {
	if n := r.props.str(s.Name); n != "" {
		return n
	}
	return generateName(r.stack.name, r.logicalID, s.NameLength)
}

// arn makes an ARN in the stack's partition.
func (r *request) arn(service, region, resource string) string {
	return strings.Join([]string{"arn", protocol.Partition(r.stack.region), service, region, r.stack.account, resource}, ":")
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

// tagChange gives what to add and which keys to remove.
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
			if !slices.ContainsFunc(want, func(w protocol.Tag) bool { return w.Key == t.Key }) && !slices.Contains(remove, t.Key) {
				remove = append(remove, t.Key)
			}
		}
	}
	return add, remove
}

// versions are what the resource may be now: what was last declared, and where
// that failed half-way, what was declared before.
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

// changed says whether a property may differ from what it is to be.
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

// check holds evaluated properties against the schema.
func (s schema) check(p map[string]any) error {
	for _, name := range sortedKeys(p) {
		if !s.Any && !slices.Contains(s.Properties, name) {
			return fmt.Errorf("Encountered unsupported property %s", name)
		}
	}
	for _, name := range s.Required {
		if _, ok := p[name]; !ok {
			return fmt.Errorf("Properties validation failed: #: required key [%s] not found", name)
		}
	}
	return nil
}

// replaces gives the properties whose change makes a new resource.
func (s schema) replaces(old, now map[string]any) []string {
	var out []string
	for _, n := range s.Replace {
		if !reflect.DeepEqual(normal(old[n]), normal(now[n])) {
			out = append(out, n)
		}
	}
	return out
}

// findProvider finds the provider of a type, nil for types that there are none of.
func findProvider(typ string) provider {
	if strings.HasPrefix(typ, "Custom::") {
		return custom{}
	}
	return providers[typ]
}

var providers = map[string]provider{
	"AWS::IAM::Role":                      iamRole{},
	"AWS::IAM::ManagedPolicy":             iamManagedPolicy{},
	"AWS::IAM::RolePolicy":                iamRolePolicy{},
	"AWS::IAM::Policy":                    iamPolicy{},
	"AWS::IAM::InstanceProfile":           iamInstanceProfile{},
	"AWS::SNS::Topic":                     snsTopic{},
	"AWS::SNS::TopicInlinePolicy":         snsInlinePolicy{},
	"AWS::SNS::TopicPolicy":               snsTopicPolicy{},
	"AWS::SNS::Subscription":              snsSubscription{},
	"AWS::Events::Rule":                   eventsRule{},
	"AWS::Lambda::Function":               lambdaFunction{},
	"AWS::Lambda::Permission":             lambdaPermission{},
	"AWS::Lambda::EventInvokeConfig":      lambdaInvokeConfig{},
	"AWS::SSM::Parameter":                 ssmParameter{},
	"AWS::Logs::LogGroup":                 logGroup,
	"AWS::KMS::Alias":                     kmsAlias,
	"AWS::KMS::Key":                       kmsKey,
	"AWS::S3::Bucket":                     s3Bucket{},
	"AWS::S3::BucketPolicy":               s3BucketPolicy{},
	"AWS::SQS::Queue":                     sqsQueue,
	"AWS::SQS::QueuePolicy":               sqsQueuePolicy,
	"AWS::CloudWatch::Alarm":              cloudwatchAlarm,
	"AWS::Scheduler::Schedule":            schedulerSchedule,
	"AWS::CloudFormation::CustomResource": custom{},
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
