package faultinjection

import (
	"encoding/json"
	"fmt"
	"sync"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

const (
	controlPlane = "arn:aws:iam::111122223333:role/BackupControlPlane"
	supportPlane = "arn:aws:iam::111122223333:role/BackupSupport"
	dataPlane    = "444455556666"
	connection   = "main"
)

// choice is what a customer selects.
type choice struct {
	name    string
	assets  []schema.Asset
	support bool
}

// Updates go from oldChoice to newChoice: it removes an asset with its policies and
// rules, adds another one and a role, and changes what both have in common.
var (
	oldChoice = choice{name: "before", assets: []schema.Asset{"ec2-mssql", "s3"}}
	newChoice = choice{name: "after", assets: []schema.Asset{"ec2", "dynamodb"}, support: true}
)

// properties returns the custom resource's properties as CloudFormation passes
// them.
func (c choice) properties() map[string]any {
	support := ""
	if c.support {
		support = supportPlane
	}
	return map[string]any{
		"ServiceToken":   provisionerARN,
		"ServiceTimeout": "960", "Profile": profile, "Assets": c.assets, "Operations": []string{"backup", "restore"},
		"SupportRole": fmt.Sprint(c.support), "AWSBackupInventory": "false", "ControlPlaneRoleArn": controlPlane,
		"SupportControlPlaneRoleArn": support, "DataPlaneAccountId": dataPlane,
		"ExternalId": secret, "ConnectionId": connection,
		"Path": policies.DefaultPath, "PermissionsBoundaryArn": ceilingARN, "Tags": "team=storage", "CatalogVersion": "",
	}
}

// set returns the permission set of the choice.
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
	chosen, err := properties.Decode(raw)
	if err != nil {
		return policies.Set{}, err
	}
	return policies.Synthesize(chosen.Selection(), chosen.Environment(firstParent))
}

// cache keeps results that thousands of cases share.
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

// cachedSynthesize is policies.Synthesize, which is pure, with a cache.
func cachedSynthesize(s policies.Selection, e policies.Environment) (policies.Set, error) {
	key, err := json.Marshal([]any{s, e})
	if err != nil {
		return policies.Set{}, err
	}
	return synthesizedSets.get(string(key), func() (policies.Set, error) { return policies.Synthesize(s, e) })
}

// expectedSnapshot returns what the account has when the choice is deployed.
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
		role := livestate.Role{
			RoleSettings: livestate.RoleSettings{Boundary: r.PermissionsBoundary}, TrustPolicy: r.Trust,
		}
		for _, p := range r.Managed {
			role.Attached = append(role.Attached, livestate.AttachedPolicy{Name: p.Name})
			out["policy "+p.Path+p.Name] = documentText(p.Document)
		}
		for _, p := range r.Inline {
			role.Inline = append(role.Inline, livestate.InlinePolicy{Name: p.Name, Document: p.Document})
		}
		out["role "+r.Path+r.Name] = roleText(role)
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
