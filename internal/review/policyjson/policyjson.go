// Package policyjson writes a policies.Set as JSON for reviewers and tools: every
// policy as it is in IAM, without CloudFormation.
package policyjson

import (
	"bytes"
	"encoding/json"
	"fmt"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// Document is a set of permissions.
type Document struct {
	CatalogVersion string  `json:"catalogVersion"`
	Profile        string  `json:"profile"`
	Roles          []Role  `json:"roles"`
	Topics         []Topic `json:"topics"`
	Rules          []Rule  `json:"rules"`
	// Scope is what the access is narrowed to, as KIND:VALUE, and NotNarrowed the access that
	// this does not limit.
	Scope       []string      `json:"scope,omitempty"`
	NotNarrowed []NotNarrowed `json:"notNarrowed,omitempty"`
}

// NotNarrowed is access that a kind of scope does not limit.
type NotNarrowed struct {
	Kind    string   `json:"kind"`
	Why     string   `json:"why"`
	Actions []string `json:"actions"`
}

// Role is an IAM role.
type Role struct {
	Entity          string             `json:"entity"` // the vendor's name, without suffix
	Name            string             `json:"name"`
	Path            string             `json:"path"`
	Why             string             `json:"why"` // why the vendor has the role
	Trust           iampolicy.Document `json:"trust"`
	ManagedPolicies []Policy           `json:"managedPolicies"`
	InlinePolicies  []Policy           `json:"inlinePolicies"`
}

// Policy is a managed or inline policy. The parts of a split policy share
// their entity.
type Policy struct {
	Entity   string             `json:"entity"`
	Name     string             `json:"name"`
	Document iampolicy.Document `json:"document"`
	// Reasons are why the statements are needed, by their Sids. The document itself has no place for them.
	Reasons map[string]string `json:"reasons"`
}

// Topic is an SNS topic with its access policy.
type Topic struct {
	Entity string             `json:"entity"`
	Name   string             `json:"name"`
	Policy iampolicy.Document `json:"policy"`
	// KMSKey is the ARN of the customer's key that encrypts it, if one was chosen.
	KMSKey string `json:"kmsKey,omitempty"`
}

// Rule is an EventBridge rule. Targets are ARNs.
type Rule struct {
	Name    string         `json:"name"`
	Asset   string         `json:"asset"` // empty if the rule is for several
	Pattern map[string]any `json:"pattern"`
	Targets []string       `json:"targets"`
}

// Place is the partition, Region and account of a set. Empty fields become
// CloudFormation's pseudo parameters, as in the set itself.
type Place struct {
	Partition, Region, Account string
}

// NewPlace returns the place of an environment.
func NewPlace(env policies.Environment) Place {
	place := Place{Partition: env.Partition, Region: env.Region, Account: env.Account}
	if place.Partition == "" && place.Region != "" {
		place.Partition = policies.Partition(place.Region)
	}
	return place
}

// FromSet returns the document of a set that was synthesized for a place.
func FromSet(set policies.Set, place Place) (Document, error) {
	d := Document{
		CatalogVersion: set.CatalogVersion, Profile: set.Profile,
		Roles: []Role{}, Topics: []Topic{}, Rules: []Rule{}, Scope: set.Scope.Entries(),
	}
	for _, n := range set.NotNarrowed {
		d.NotNarrowed = append(d.NotNarrowed, NotNarrowed{string(n.Kind), n.Why, n.Actions})
	}
	for _, r := range set.Roles {
		d.Roles = append(d.Roles, Role{
			Entity: r.Entity, Name: r.Name, Path: r.Path, Why: r.Description, Trust: r.Trust,
			ManagedPolicies: newPolicies(r.Managed), InlinePolicies: newPolicies(r.Inline),
		})
	}
	arns := map[string]string{} // of topics, by entity
	for _, t := range set.Topics {
		d.Topics = append(d.Topics, Topic{Entity: t.Entity, Name: t.Name, Policy: t.Policy, KMSKey: t.KeyARN})
		arns[t.Entity] = place.topicARN(t.Name)
	}
	for _, r := range set.Rules {
		rule := Rule{Name: r.Name, Asset: string(r.Asset), Pattern: r.Pattern, Targets: []string{}}
		for _, t := range r.Targets {
			arn, ok := arns[t.TopicEntity]
			if !ok {
				return Document{}, fmt.Errorf("write rule %s: its target topic %s is not in the set", r.Name, t.TopicEntity)
			}
			rule.Targets = append(rule.Targets, arn)
		}
		d.Rules = append(d.Rules, rule)
	}
	return d, nil
}

func newPolicies(policies []policies.Policy) []Policy {
	out := []Policy{}
	for _, p := range policies {
		reasons := map[string]string{}
		for _, g := range p.Grants {
			reasons[g.Sid] = g.Why
		}
		out = append(out, Policy{Entity: p.Entity, Name: p.Name, Document: p.Document, Reasons: reasons})
	}
	return out
}

func (p Place) topicARN(name string) string {
	or := func(value, pseudo string) string {
		if value == "" {
			return "${AWS::" + pseudo + "}"
		}
		return value
	}
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s",
		or(p.Partition, "Partition"), or(p.Region, "Region"), or(p.Account, "AccountId"), name)
}

// JSON returns the document as indented JSON, without escapes for "<" and "&".
func (d Document) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("write policies of profile %s: %w", d.Profile, err)
	}
	return b.Bytes(), nil
}
