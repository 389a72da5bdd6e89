package policyjson

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

func set() policies.Set {
	doc := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
		Sid: "S", Effect: "Allow", Action: iampolicy.Values{"s3:GetObject"},
		Resource: iampolicy.Values{"arn:aws:s3:::a<b&c/*"},
	}}}
	return policies.Set{
		CatalogVersion: "1", Profile: "vendor",
		Roles: []policies.Role{{
			Entity: "Role", Name: "Role-x", Path: "/p/", Trust: doc,
			Managed: []policies.Policy{{Entity: "P", Name: "P-x", Document: doc}, {Entity: "P", Name: "P-2-x", Document: doc}},
		}},
		Topics: []policies.Topic{{Entity: "Topic", Name: "Topic-x", Policy: doc}},
		Rules: []policies.Rule{{
			Name: "Rule-x", Asset: "s3", Pattern: map[string]any{"source": []string{"aws.s3"}},
			Targets: []policies.Target{{ID: "t", TopicEntity: "Topic"}},
		}},
	}
}

// TestShape checks the JSON that tools rely on: every list is present, also empty
// ones, and the parts of a split policy have its entity.
func TestShape(t *testing.T) {
	d, err := FromSet(set(), Place{Partition: "aws", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	role := got["roles"].([]any)[0].(map[string]any)
	for _, key := range []string{"entity", "name", "path", "trust", "managedPolicies", "inlinePolicies"} {
		if role[key] == nil {
			t.Errorf("a role has no %s", key)
		}
	}
	for _, p := range role["managedPolicies"].([]any) {
		if p.(map[string]any)["entity"] != "P" {
			t.Errorf("a part of a split policy has the entity %v", p)
		}
	}
	if want := "arn:aws:sns:us-east-1:${AWS::AccountId}:Topic-x"; d.Rules[0].Targets[0] != want {
		t.Errorf("target %s, want %s", d.Rules[0].Targets[0], want)
	}
	if !strings.Contains(string(text), "a<b&c") {
		t.Error("\"<\" or \"&\" is escaped")
	}
	empty, err := FromSet(policies.Set{}, Place{})
	if err != nil {
		t.Fatal(err)
	}
	if text, err = empty.JSON(); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("an empty set is %s, %v", text, err)
	}
}

func TestTargetOutsideTheSet(t *testing.T) {
	s := set()
	s.Topics = nil
	if _, err := FromSet(s, Place{}); err == nil || !strings.Contains(err.Error(), "Rule-x") {
		t.Errorf("error %v; want it to name the rule", err)
	}
}

// TestReasons checks that every statement of every profile has its reason.
func TestReasons(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			profile, _ := policies.Profile(name)
			sel := choice.Everything(profile)
			set, err := policies.Synthesize(sel, choice.Example(sel, policies.Environment{}))
			if err != nil {
				t.Fatal(err)
			}
			d, err := FromSet(set, Place{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range d.Roles {
				for _, p := range slices.Concat(r.ManagedPolicies, r.InlinePolicies) {
					for _, s := range p.Document.Statement {
						if p.Reasons[s.Sid] == "" {
							t.Errorf("%s of %s has no reason", s.Sid, p.Name)
						}
					}
				}
			}
		})
	}
}
