package permissionstack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/awslabs/goformation/v7/cloudformation/events"
	"github.com/awslabs/goformation/v7/cloudformation/iam"
	"github.com/awslabs/goformation/v7/cloudformation/sns"
	"github.com/awslabs/goformation/v7/cloudformation/tags"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// writer collects resources and outputs; the first error stays.
type writer struct {
	tagged    bool
	resources []entry
	outputs   []entry
	ids       map[string]string // logical id → physical name
	err       error
}

// add takes a resource under its logical id. The id is the vendor's entity, so
// it is the same in every run and for every selection.
func (w *writer) add(id, name string, resource any) {
	if other, taken := w.ids[id]; taken {
		w.fail(fmt.Errorf("logical id %s is needed for %q and for %q", id, other, name))
		return
	}
	w.ids[id] = name
	w.resources = append(w.resources, entry{id, resource})
}

// output has no description: its name says it all, and every byte counts
// against MaxBody.
func (w *writer) output(name, value string) {
	w.outputs = append(w.outputs, entry{name, output{value}})
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// roles writes each role behind the policies that it refers to.
//
// Outputs: RoleArn is the profile's first role, the one that the vendor
// assumes; SupportRoleArn the one for the vendor's support; every other role
// has its entity's name.
func (w *writer) roles(roles []policies.Role) {
	shared := map[string]string{} // managed policy's name → logical id
	for i, r := range roles {
		id := logicalID(r.Entity)
		var arns []string
		part := map[string]int{}
		for _, p := range r.Managed {
			part[p.Entity]++
			policy, known := shared[p.Name]
			if !known {
				policy = logicalID(p.Entity)
				if n := part[p.Entity]; n > 1 {
					policy += "Part" + strconv.Itoa(n)
				}
				shared[p.Name] = policy
				w.add(policy, p.Name, managedPolicy(p))
			}
			arns = append(arns, ref(policy))
		}
		w.add(id, r.Name, w.role(r, arns))
		if r.InstanceProfile != "" {
			w.add(id+"InstanceProfile", r.InstanceProfile, &iam.InstanceProfile{
				InstanceProfileName: &r.InstanceProfile,
				Path:                optional(r.Path),
				Roles:               []string{ref(id)},
			})
		}
		switch {
		case i == 0:
			w.output("RoleArn", getAtt(id, "Arn"))
		case IsSupport(r):
			w.output("SupportRoleArn", getAtt(id, "Arn"))
		default:
			w.output(id+"Arn", getAtt(id, "Arn"))
		}
	}
}

// IsSupport tells whether a role is the one for the vendor's support.
func IsSupport(r policies.Role) bool { return strings.HasSuffix(r.Entity, "SupportRole") }

// managedPolicy leaves the Description out: IAM cannot change it afterwards, so
// a release that words it anew would need a second policy of the same name.
func managedPolicy(p policies.Policy) any {
	return &iam.ManagedPolicy{
		ManagedPolicyName: &p.Name,
		Path:              optional(p.Path),
		PolicyDocument:    p.Document,
	}
}

// role declares Policies and ManagedPolicyArns even where they are empty: drift
// compares only what a template sets, and an addition by hand must show.
func (w *writer) role(r policies.Role, managed []string) any {
	out := &iam.Role{
		RoleName:                 &r.Name,
		Path:                     optional(r.Path),
		Description:              optional(r.Description),
		AssumeRolePolicyDocument: r.Trust,
		ManagedPolicyArns:        managed,
		PermissionsBoundary:      optional(r.PermissionsBoundary),
		Tags:                     w.tags(r.Tags),
	}
	for _, p := range r.Inline {
		out.Policies = append(out.Policies, iam.Role_Policy{PolicyName: p.Name, PolicyDocument: p.Document})
	}
	more := map[string]any{}
	if len(out.ManagedPolicyArns) == 0 {
		more["ManagedPolicyArns"] = []string{}
	}
	if len(out.Policies) == 0 {
		more["Policies"] = []string{}
	}
	return extended{out, more}
}

func (w *writer) topics(topics []policies.Topic) {
	for i, t := range topics {
		id := logicalID(t.Entity)
		w.add(id, t.Name, &sns.Topic{TopicName: &t.Name, Tags: w.tags(t.Tags)})
		w.add(id+"Policy", t.Name, &sns.TopicInlinePolicy{TopicArn: ref(id), PolicyDocument: ownResource(t.Policy, t.Name, ref(id))})
		if i == 0 {
			w.output("EventTopicArn", ref(id))
		} else {
			w.output(id+"Arn", ref(id))
		}
	}
}

// ownResource names the topic in its own policy by reference, which is shorter
// than its ARN.
func ownResource(d iampolicy.Document, name, reference string) iampolicy.Document {
	d.Statement = slices.Clone(d.Statement)
	for i := range d.Statement {
		resources := slices.Clone(d.Statement[i].Resource)
		for j, r := range resources {
			if strings.HasSuffix(r, ":"+name) {
				resources[j] = reference
			}
		}
		d.Statement[i].Resource = resources
	}
	return d
}

// rules writes the event rules. Their reasons stay out: fourteen descriptions
// are a kilobyte of what CloudFormation takes. A set gives no tags to its rules: they get the
// customer's tags from the topics that they feed. (goformation's Rule is older
// than its Tags.)
func (w *writer) rules(rules []policies.Rule, topics []policies.Topic) {
	tagsOf := map[string][]policies.Tag{}
	for _, t := range topics {
		tagsOf[t.Entity] = t.Tags
	}
	for _, r := range rules {
		out := &events.Rule{
			Name:         &r.Name,
			EventPattern: r.Pattern,
			State:        new("ENABLED"),
		}
		for _, t := range r.Targets {
			topic := logicalID(t.TopicEntity)
			if _, known := w.ids[topic]; !known {
				w.fail(fmt.Errorf("rule %s sends to topic %s, which the set does not have", r.Name, t.TopicEntity))
			}
			out.Targets = append(out.Targets, events.Rule_Target{Id: t.ID, Arn: ref(topic)})
		}
		more := map[string]any{}
		if len(r.Targets) > 0 {
			if list := w.tags(tagsOf[r.Targets[0].TopicEntity]); len(list) > 0 {
				more["Tags"] = list
			}
		}
		w.add(logicalID(r.Entity), r.Name, extended{out, more})
	}
}

// extended is a resource with properties that its goformation type lacks, or
// that goformation leaves out when they are empty.
type extended struct {
	resource json.Marshaler
	more     map[string]any
}

// MarshalJSON writes the resource with all its properties, sorted by name.
func (e extended) MarshalJSON() ([]byte, error) {
	data, err := e.resource.MarshalJSON()
	if err != nil || len(e.more) == 0 {
		return data, err
	}
	var out struct {
		Type       string
		Properties map[string]json.RawMessage // raw: documents keep their order
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	for name, value := range e.more {
		if out.Properties[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

func (w *writer) tags(list []policies.Tag) []tags.Tag {
	if !w.tagged {
		return nil
	}
	var out []tags.Tag
	for _, t := range list {
		out = append(out, tags.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// logicalID keeps what a logical id may hold: letters and digits.
func logicalID(entity string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, entity)
}

// optional is nil for an empty string: the property is then left out.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
