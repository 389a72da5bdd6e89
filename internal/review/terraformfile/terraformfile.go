// Package terraformfile writes a policies.Set as Terraform configuration in JSON syntax
// (.tf.json) for the provider hashicorp/aws. It is pure: the same set has the same bytes.
//
// Policy documents are local values, which stay readable in a review and in a plan; each
// policy is jsonencode of one. In JSON syntax every string is a template (Terraform
// language, "JSON Configuration Syntax"), so that IAM's policy variables are escaped.
package terraformfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// FileName is the name of the file in the documentation. Terraform reads every file of a
// directory whose name ends in .tf.json.
const FileName = "permissions.tf.json"

// externalIDVariable is the input variable in place of the external ID, which is a secret.
const externalIDVariable = "external_id"

// object is a JSON object. encoding/json sorts its keys.
type object = map[string]any

// Write returns the configuration of a set. Without account, Region or partition it reads
// them from the provider.
func Write(set policies.Set) ([]byte, error) {
	w := writer{locals: object{}, resources: map[string]object{}, outputs: object{}, data: object{}}
	set = set.WithoutUnnamedStack()
	for _, r := range set.Roles {
		w.role(r)
	}
	for _, t := range set.Topics {
		w.topic(t)
	}
	for _, r := range set.Rules {
		w.rule(r, set.Topics)
	}
	if w.err != nil {
		return nil, fmt.Errorf("write Terraform configuration of profile %s: %w", set.Profile, w.err)
	}
	root := object{
		"//": fmt.Sprintf("permstack: access of profile %s, catalogue %s. The reason of every statement is in "+
			"the comment of its policy.", set.Profile, set.CatalogVersion),
		"terraform": object{
			"required_version": ">= 1.3.0",
			// The attribute region of the data source aws_region is new in 6.0.
			"required_providers": object{"aws": object{"source": "hashicorp/aws", "version": ">= 6.0.0"}},
		},
		"locals": w.locals, "resource": w.resources, "output": w.outputs,
	}
	if len(w.data) > 0 {
		root["data"] = w.data
	}
	if w.hasExternalID {
		root["variable"] = object{externalIDVariable: object{
			"type": "string", "sensitive": true,
			"description": "External ID that the vendor sends when it assumes the role. It is a secret: set it with " +
				"TF_VAR_external_id or from a secret store.",
		}}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write Terraform configuration of profile %s: %w", set.Profile, err)
	}
	return b.Bytes(), nil
}

type writer struct {
	locals, outputs, data object
	resources             map[string]object // by type, then name
	names                 map[string]string // type and name of a resource → its name in AWS
	hasExternalID         bool
	err                   error
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// add adds a resource. name is that in the configuration, physical that in AWS.
func (w *writer) add(kind, name, physical string, attributes object) {
	if w.names == nil {
		w.names = map[string]string{}
	}
	key := kind + "." + name
	if other, taken := w.names[key]; taken && other != physical {
		w.fail(fmt.Errorf("the resource %s is needed for %q and for %q", key, other, physical))
		return
	}
	w.names[key] = physical
	if w.resources[kind] == nil {
		w.resources[kind] = object{}
	}
	w.resources[kind][name] = attributes
}

// role writes a role with its policies, their attachments and its instance profile. A
// managed policy that two roles have is written once.
func (w *writer) role(r policies.Role) {
	id := identifier(r.Entity)
	role := object{
		"name": w.text(r.Name), "path": w.text(r.Path), "assume_role_policy": w.document(id+"_trust", r.Trust),
	}
	setText(role, "description", w.text(r.Description))
	setText(role, "permissions_boundary", w.text(r.PermissionsBoundary))
	w.setTags(role, r.Tags)
	w.add("aws_iam_role", id, r.Name, role)
	w.outputs[id+"Arn"] = object{"value": reference("aws_iam_role", id, "arn")}

	part := map[string]int{}
	for _, p := range r.Managed {
		part[p.Entity]++
		name := identifier(p.Entity)
		if n := part[p.Entity]; n > 1 {
			name += "Part" + strconv.Itoa(n)
		}
		// Without a description: IAM cannot change it (IAM API Reference, CreatePolicy), so that
		// another one would replace the policy.
		policy := object{"name": w.text(p.Name), "path": w.text(p.Path), "policy": w.document(name, p.Document)}
		setReasons(policy, p)
		w.setTags(policy, r.Tags)
		w.add("aws_iam_policy", name, p.Name, policy)
		w.add("aws_iam_role_policy_attachment", id+"_"+name, r.Name+" "+p.Name, object{
			"role": reference("aws_iam_role", id, "name"), "policy_arn": reference("aws_iam_policy", name, "arn"),
		})
	}
	for _, p := range r.Inline {
		name := id + "_" + identifier(p.Name)
		policy := object{
			"name": w.text(p.Name), "role": reference("aws_iam_role", id, "id"),
			"policy": w.document(name, p.Document),
		}
		setReasons(policy, p)
		w.add("aws_iam_role_policy", name, r.Name+" "+p.Name, policy)
	}
	if r.InstanceProfile != "" {
		w.add("aws_iam_instance_profile", id, r.InstanceProfile, object{
			"name": w.text(r.InstanceProfile), "path": w.text(r.Path), "role": reference("aws_iam_role", id, "name"),
		})
	}
}

func (w *writer) topic(t policies.Topic) {
	id := identifier(t.Entity)
	topic := object{"name": w.text(t.Name)}
	setText(topic, "kms_master_key_id", w.text(t.KeyARN))
	w.setTags(topic, t.Tags)
	w.add("aws_sns_topic", id, t.Name, topic)
	w.add("aws_sns_topic_policy", id, t.Name, object{
		"arn": reference("aws_sns_topic", id, "arn"), "policy": w.document(id+"_policy", t.Policy),
	})
	w.outputs[id+"Arn"] = object{"value": reference("aws_sns_topic", id, "arn")}
}

// rule writes an event rule with its targets. It has the tags of the topic that it sends to.
func (w *writer) rule(r policies.Rule, topics []policies.Topic) {
	id := identifier(r.Entity)
	pattern, err := w.value(r.Pattern)
	if err != nil {
		w.fail(err)
		return
	}
	w.locals[id+"_pattern"] = pattern
	rule := object{"name": w.text(r.Name), "event_pattern": encoded(id + "_pattern")}
	setText(rule, "description", w.text(r.Description))
	for _, t := range r.Targets {
		topic := identifier(t.TopicEntity)
		if w.resources["aws_sns_topic"][topic] == nil {
			w.fail(fmt.Errorf("rule %s sends to topic %s, which the set does not have", r.Name, t.TopicEntity))
		}
		w.add("aws_cloudwatch_event_target", id+"_"+identifier(t.ID), r.Name+" "+t.ID, object{
			"rule": reference("aws_cloudwatch_event_rule", id, "name"), "target_id": w.text(t.ID),
			"arn": reference("aws_sns_topic", topic, "arn"),
		})
	}
	for _, t := range topics {
		if len(r.Targets) > 0 && t.Entity == r.Targets[0].TopicEntity {
			w.setTags(rule, t.Tags)
		}
	}
	w.add("aws_cloudwatch_event_rule", id, r.Name, rule)
}

// document adds a policy document as a local value, and returns it as an argument.
func (w *writer) document(name string, d iampolicy.Document) string {
	d = withoutStack(w.withoutExternalID(d))
	value, err := w.value(d)
	if err != nil {
		w.fail(err)
	}
	w.locals[name] = value
	return encoded(name)
}

func (w *writer) setTags(resource object, tags []policies.Tag) {
	out := object{}
	for _, t := range tags {
		out[w.text(t.Key)] = w.text(t.Value)
	}
	if len(out) > 0 {
		resource["tags"] = out
	}
}

// setReasons adds a comment with the reason of every statement by its Sid. Terraform ignores
// the property "//" of a block.
func setReasons(resource object, p policies.Policy) {
	reasons := object{}
	for _, g := range p.Grants {
		reasons[g.Sid] = g.Why
	}
	resource["//"] = reasons
}

func setText(resource object, name, value string) {
	if value != "" {
		resource[name] = value
	}
}

func reference(kind, name, attribute string) string {
	return "${" + kind + "." + name + "." + attribute + "}"
}

// encoded returns a local value as JSON text.
func encoded(local string) string { return "${jsonencode(local." + local + ")}" }

// identifier returns a name as an identifier of Terraform: its letters, digits and underscores.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		case r == '$', r == '{', r == '}', r == ':':
			return -1
		}
		return '_'
	}, name)
}
