package explain

import (
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Rule is an EventBridge rule, which sends events to the vendor.
type Rule struct {
	Entity  string         `json:"entity"`
	Name    string         `json:"name"`
	Asset   schema.Asset   `json:"asset,omitempty"`
	Why     string         `json:"why"`
	Pattern map[string]any `json:"pattern"`
	Targets []string       `json:"targets"` // the vendor's names of the topics
}

func newRule(r policies.Rule) Rule {
	out := Rule{
		Entity: r.Entity, Name: r.Name, Asset: r.Asset, Why: r.Description, Pattern: r.Pattern, Targets: []string{},
	}
	for _, t := range r.Targets {
		out.Targets = append(out.Targets, t.TopicEntity)
	}
	return out
}

// Rules returns the event rules of a set.
func Rules(set policies.Set) []Rule {
	out := []Rule{}
	for _, r := range set.Rules {
		out = append(out, newRule(r))
	}
	return out
}
