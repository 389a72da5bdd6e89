package faultinjection

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/provisioner"
)

const (
	controlPlane = "arn:aws:iam::111122223333:role/BackupControlPlane"
	supportPlane = "arn:aws:iam::111122223333:role/BackupSupport"
	dataPlane    = "444455556666"
	connection   = "main"
)

// choice is what a customer asks for.
type choice struct {
	name    string
	assets  []schema.Asset
	support bool
}

// The two choices between which updates go: the second drops an asset with its
// policies and rules, adds another and a role, and changes what both have.
var (
	oldChoice = choice{name: "before", assets: []schema.Asset{"ec2-mssql", "s3"}}
	newChoice = choice{name: "after", assets: []schema.Asset{"ec2", "dynamodb"}, support: true}
)

// properties are the custom resource's, as CloudFormation hands them over.
func (c choice) properties() map[string]any {
	support := ""
	if c.support {
		support = supportPlane
	}
	return map[string]any{
		"ServiceToken":   "arn:aws:lambda:" + region + ":" + account + ":function:" + parentName + "-Provisioner-1A2B3C",
		"ServiceTimeout": "960", "Profile": "clumio", "Assets": c.assets, "Operations": []string{"backup", "restore"},
		"SupportRole": fmt.Sprint(c.support), "AWSBackupInventory": "false", "ControlPlaneRoleArn": controlPlane,
		"SupportControlPlaneRoleArn": support, "DataPlaneAccountId": dataPlane, "ExternalId": secret, "ConnectionId": connection,
		"Path": policies.DefaultPath, "PermissionsBoundaryArn": "", "Tags": "team=storage", "CatalogVersion": "",
	}
}

// set is what the catalogue says of the choice.
func (c choice) set() (policies.Set, error) {
	s, err := choiceSets.get(c.name, c.synthesize)
	return s, err
}

func (c choice) synthesize() (policies.Set, error) {
	data, err := json.Marshal(c.properties())
	if err != nil {
		return policies.Set{}, err
	}
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		return policies.Set{}, err
	}
	properties, err := provisioner.DecodeProperties(raw)
	if err != nil {
		return policies.Set{}, err
	}
	parent, err := installation.ParseParent(parentID(1))
	if err != nil {
		return policies.Set{}, err
	}
	return policies.Synthesize(properties.Selection(), properties.Environment(parent))
}

// cache remembers what thousands of lives would work out again.
type cache[T any] struct {
	mu     sync.Mutex
	values map[string]T
}

func (m *cache[T]) get(key string, make func() (T, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.values[key]; ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	if m.values == nil {
		m.values = map[string]T{}
	}
	m.values[key] = v
	return v, nil
}

var (
	choiceSets        cache[policies.Set]
	expectedSnapshots cache[snapshot]
	synthesizedSets   cache[policies.Set]
)

// cachedSynthesize is policies.Synthesize, which is pure, with a memory.
func cachedSynthesize(s policies.Selection, e policies.Environment) (policies.Set, error) {
	key, err := json.Marshal([]any{s, e})
	if err != nil {
		return policies.Set{}, err
	}
	return synthesizedSets.get(string(key), func() (policies.Set, error) { return policies.Synthesize(s, e) })
}

// snapshot is what an account holds: a name for people, and all that matters of
// the thing as text.
type snapshot map[string]string

// expectedSnapshot is what the account holds when the choice is deployed.
func (c choice) expectedSnapshot() (snapshot, error) {
	return expectedSnapshots.get(c.name, c.computeSnapshot)
}

func (c choice) computeSnapshot() (snapshot, error) {
	set, err := c.set()
	if err != nil {
		return nil, err
	}
	out := snapshot{}
	for _, r := range set.Roles {
		var policies []string
		for _, p := range r.Managed {
			policies = append(policies, "attached "+p.Name)
			out["policy "+p.Path+p.Name] = documentText(p.Document)
		}
		for _, p := range r.Inline {
			policies = append(policies, "inline "+p.Name+" "+documentText(p.Document))
		}
		slices.Sort(policies)
		out["role "+r.Path+r.Name] = fmt.Sprint(
			"trust ",
			documentText(r.Trust),
			" boundary ",
			r.PermissionsBoundary,
			" ",
			policies,
		)
		if r.InstanceProfile != "" {
			out["instance profile "+r.Path+r.InstanceProfile] = r.Name
		}
	}
	topics := map[string]string{}
	for _, t := range set.Topics {
		out["topic "+t.Name] = documentText(t.Policy)
		topics[t.Entity] = t.Name
	}
	for _, r := range set.Rules {
		var targets []string
		for _, t := range r.Targets {
			targets = append(targets, t.ID+" arn:aws:sns:"+region+":"+account+":"+topics[t.TopicEntity])
		}
		pattern, err := json.Marshal(r.Pattern)
		if err != nil {
			return nil, err
		}
		out["rule "+r.Name] = fmt.Sprint("ENABLED ", string(pattern), " ", targets)
	}
	return out, nil
}

func documentText(d iampolicy.Document) string {
	data, err := d.JSON()
	if err != nil { // strings and maps of strings always marshal
		panic(err)
	}
	return string(data)
}

// firstDifference shows where two texts part.
func firstDifference(have, should string) string {
	n := 0
	for n < min(len(have), len(should)) && have[n] == should[n] {
		n++
	}
	cut := func(s string) string { return s[max(0, n-60):min(len(s), n+120)] }
	return fmt.Sprintf("…%s… instead of …%s…", cut(have), cut(should))
}

// diff words the first few differences between what is there and what should be.
func (h snapshot) diff(want snapshot) []string {
	var out []string
	for name, have := range h {
		switch should, ok := want[name]; {
		case !ok:
			out = append(out, name+" should not be there")
		case have != should:
			out = append(out, name+" is not as it should be: "+firstDifference(have, should))
		}
	}
	for name := range want {
		if _, ok := h[name]; !ok {
			out = append(out, name+" is missing")
		}
	}
	slices.Sort(out)
	return out
}
