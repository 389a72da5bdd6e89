package permissionstack

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/awslabs/goformation/v7/cloudformation/events"
	"github.com/awslabs/goformation/v7/cloudformation/iam"
	"github.com/awslabs/goformation/v7/cloudformation/sns"
	"github.com/awslabs/goformation/v7/cloudformation/tags"

	"permstack/internal/policies"
)

// writer collects resources and outputs, and keeps the first error.
type writer struct {
	form
	resources []entry
	outputs   []entry
	ids       map[string]string // logical id → physical name
	err       error
}

// add appends a resource. Its logical id is the vendor's entity, so it is the same
// in every run and for every selection.
func (w *writer) add(id, name string, r resource) {
	if other, taken := w.ids[id]; taken {
		w.fail(fmt.Errorf("logical id %s is needed for %q and for %q", id, other, name))
		return
	}
	w.ids[id] = name
	r.compact = w.compact
	w.resources = append(w.resources, entry{id, r})
}

func (w *writer) output(name string, value any) {
	w.outputs = append(w.outputs, entry{name, output{value}})
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// roles writes each role after the policies that it refers to.
//
// Outputs: RoleArn is the profile's first role, the one that the vendor
// assumes; SupportRoleArn the one for the vendor's support; every other role
// has its entity's name.
func (w *writer) roles(roles []policies.Role) {
	shared := map[string]string{} // managed policy's name → logical id
	for i, r := range roles {
		id := logicalID(r.Entity)
		arns := []any{}
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
			profile := &iam.InstanceProfile{InstanceProfileName: &r.InstanceProfile, Path: optional(r.Path)}
			w.add(id+"InstanceProfile", r.InstanceProfile, resource{
				typed: profile, properties: map[string]any{"Roles": []any{ref(id)}},
			})
		}
		switch {
		case i == 0:
			w.output("RoleArn", getAtt(id, "Arn"))
		case IsSupportRole(r):
			w.output("SupportRoleArn", getAtt(id, "Arn"))
		default:
			w.output(id+"Arn", getAtt(id, "Arn"))
		}
	}
}

// IsSupportRole reports whether a role is the one for the vendor's support.
func IsSupportRole(r policies.Role) bool { return strings.HasSuffix(r.Entity, "SupportRole") }

// managedPolicy omits the Description: IAM cannot change it (API Reference,
// CreatePolicy), so a release with another description would need a second policy
// of the same name.
func managedPolicy(p policies.Policy) resource {
	return resource{typed: &iam.ManagedPolicy{
		ManagedPolicyName: &p.Name,
		Path:              optional(p.Path),
		PolicyDocument:    p.Document,
	}}
}

// role declares Policies and ManagedPolicyArns even if they are empty:
// CloudFormation drift detection compares only the properties that a template
// sets, and an addition by hand must be detected.
func (w *writer) role(r policies.Role, managed []any) resource {
	out := &iam.Role{
		RoleName:                 &r.Name,
		Path:                     optional(r.Path),
		Description:              optional(r.Description),
		AssumeRolePolicyDocument: r.Trust,
		PermissionsBoundary:      optional(r.PermissionsBoundary),
		Tags:                     w.tags(r.Tags),
	}
	for _, p := range r.Inline {
		out.Policies = append(out.Policies, iam.Role_Policy{PolicyName: p.Name, PolicyDocument: p.Document})
	}
	properties := map[string]any{"ManagedPolicyArns": managed}
	if len(out.Policies) == 0 {
		properties["Policies"] = []any{}
	}
	return resource{typed: out, properties: properties}
}

func (w *writer) topics(topics []policies.Topic) {
	for i, t := range topics {
		id := logicalID(t.Entity)
		w.add(id, t.Name, resource{typed: w.topic(t)})
		policy := &sns.TopicInlinePolicy{PolicyDocument: ownPolicy{t.Policy, t.Name, id}}
		w.add(id+"Policy", t.Name, resource{typed: policy, properties: map[string]any{"TopicArn": ref(id)}})
		if i == 0 {
			w.output("EventTopicArn", ref(id))
		} else {
			w.output(id+"Arn", ref(id))
		}
	}
}

func (w *writer) topic(t policies.Topic) *sns.Topic {
	out := &sns.Topic{TopicName: &t.Name, Tags: w.tags(t.Tags)}
	if t.KeyARN != "" {
		out.KmsMasterKeyId = &t.KeyARN
	}
	return out
}

// rules writes the event rules, without their reasons: fourteen descriptions are a
// kilobyte of MaxBody. A set has no tags for its rules: they get the customer's
// tags from the topics that they send to.
func (w *writer) rules(rules []policies.Rule, topics []policies.Topic) {
	topicTags := map[string][]policies.Tag{}
	for _, t := range topics {
		topicTags[t.Entity] = t.Tags
	}
	for _, r := range rules {
		rule := &events.Rule{Name: &r.Name, EventPattern: r.Pattern, State: new("ENABLED")}
		properties := map[string]any{}
		var targets []map[string]any
		for _, t := range r.Targets {
			topic := logicalID(t.TopicEntity)
			if _, known := w.ids[topic]; !known {
				w.fail(fmt.Errorf("rule %s sends to topic %s, which the set does not have", r.Name, t.TopicEntity))
			}
			targets = append(targets, map[string]any{"Id": t.ID, "Arn": ref(topic)})
		}
		if len(targets) > 0 {
			properties["Targets"] = targets
			if list := w.tags(topicTags[r.Targets[0].TopicEntity]); len(list) > 0 {
				properties["Tags"] = list
			}
		}
		w.add(logicalID(r.Entity), r.Name, resource{typed: rule, properties: properties})
	}
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

// logicalID returns the letters and digits of an entity, which is all that a logical
// id may contain.
func logicalID(entity string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, entity)
}

// optional returns nil for an empty string, so that the property is omitted.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
