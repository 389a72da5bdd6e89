package policies_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/policies/narrowings"
)

// vendorModule is what a vendor's own machine-readable permissions grant.
type vendorModule struct {
	Roles map[string]map[string]struct {
		Kind       string
		Statements []iampolicy.Statement
	}
}

var readModule = sync.OnceValues(func() (vendorModule, error) {
	var m vendorModule
	data, err := os.ReadFile("testdata/clumio-module.json")
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
})

// readNarrowings returns the recorded differences of a profile.
func readNarrowings(t *testing.T, profile string) []narrowings.Narrowing {
	t.Helper()
	d, err := narrowings.Read(profile)
	if err != nil {
		t.Fatal(err)
	}
	return d.Narrowings
}

// TestNarrowings compares every action of the newest release, in every role, with
// the vendor's module. Each difference must be recorded with a reason in
// narrowings.yaml, and each record must be a difference.
func TestNarrowings(t *testing.T) {
	module, err := readModule()
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]narrowings.Narrowing{}
	for _, n := range readNarrowings(t, "clumio") {
		if strings.TrimSpace(n.Why) == "" {
			t.Errorf("%s %v: no reason", n.Role, n.Actions)
		}
		for _, a := range n.Actions {
			if _, twice := recorded[n.Role+" "+a]; twice {
				t.Errorf("%s %s is recorded twice", n.Role, a)
			}
			recorded[n.Role+" "+a] = n
		}
	}
	theirs, ours := vendorGrants(module), ourGrants(t)
	for _, role := range slices.Sorted(maps.Keys(union(theirs, ours))) {
		for _, action := range slices.Sorted(maps.Keys(union(theirs[role], ours[role]))) {
			key := role + " " + action
			have, difference := recorded[key], difference(theirs[role][action], ours[role][action])
			delete(recorded, key)
			switch {
			case have.We == difference:
			case have.We == "":
				t.Errorf("%s: we %s. Make the statement the same as the vendor's, or add to internal/policies/profiles/clumio/"+
					"narrowings.yaml: {role: %s, actions: [%s], we: %s, why: REASON}", key, difference, role, action, difference)
			case difference == "":
				t.Errorf("%s: narrowings.yaml says that we %s; we grant the same: remove the action from that entry of "+
					"internal/policies/profiles/clumio/narrowings.yaml", key, have.We)
			default:
				t.Errorf("%s: narrowings.yaml says that we %s; we %s: give it an entry with `we: %s` in "+
					"internal/policies/profiles/clumio/narrowings.yaml", key, have.We, difference, difference)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(recorded)) {
		t.Errorf("%s: neither we nor the vendor grants it: remove the action from "+
			"internal/policies/profiles/clumio/narrowings.yaml", key)
	}
}

func union[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]V{}
	}
	maps.Copy(out, b)
	return out
}

// difference describes what we grant of an action, compared with the vendor.
func difference(theirs, ours []iampolicy.Statement) string {
	switch {
	case len(ours) == 0:
		return "grant less"
	case len(theirs) == 0:
		return "grant more"
	}
	document := func(list []iampolicy.Statement) []iampolicy.Document {
		return []iampolicy.Document{{Version: iampolicy.Version, Statement: list}}
	}
	switch compare.Compare(document(theirs), document(ours)).Direction {
	case compare.Same:
		return ""
	case compare.GrantsMore:
		return "grant more"
	case compare.GrantsLess:
		return "grant less"
	}
	return "grant another scope"
}

// grants are a role's Allow statements, by action and reduced to it.
type grants map[string]map[string][]iampolicy.Statement

func (g grants) add(role string, s iampolicy.Statement, action string) {
	if g[role] == nil {
		g[role] = map[string][]iampolicy.Statement{}
	}
	g[role][action] = append(g[role][action], iampolicy.Statement{
		Effect: s.Effect, Action: iampolicy.Values{action}, Resource: s.Resource, Condition: s.Condition,
	})
}

// keyActions are the actions of the module's wildcards.
var keyActions = map[string][]string{
	"kms:ReEncrypt*": {"kms:ReEncryptFrom", "kms:ReEncryptTo"},
	"kms:GenerateDataKey*": {
		"kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext",
		"kms:GenerateDataKeyWithoutPlaintext",
	},
}

// vendorGrants are the module's grants with the accounts and names that
// environment uses, so that only what differs in scope differs.
func vendorGrants(m vendorModule) grants {
	const suffix = "-" + here + "-prod"
	names := strings.NewReplacer(
		"${Partition}", "aws", "${RegionShort}", here, "${Region}", here, "${Account}", account,
		"${DataPlaneAccount}", dataPlane, "${ControlPlaneAccount}", control, "${Token}", "prod",
		"clumio/ClumioSSMNotifRole-", "permstack/ClumioSSMNotificationRole-",
		"clumio/ClumioS3EbRole-", "permstack/ClumioS3ContinuousBackupEventBridgeRole-",
		"clumio/ClumioIAMRole-", "permstack/ClumioIAMRole-",
		"clumio/ClumioIAMPermissionsBoundary-", "permstack/"+here+"/prod/ClumioIAMPermissionsBoundaryPolicy-",
		"ClumioInventoryTopic_${Token}", "ClumioEventPub"+suffix,
	)
	out := grants{}
	for role, list := range m.Roles {
		for _, p := range list {
			if p.Kind != "inline" && p.Kind != "managed" {
				continue
			}
			for _, s := range p.Statements {
				data, err := json.Marshal(s)
				if err != nil {
					panic(fmt.Sprintf("write a statement that was read: %v", err))
				}
				var here iampolicy.Statement
				if err := json.Unmarshal([]byte(names.Replace(string(data))), &here); err != nil {
					panic(fmt.Sprintf("read a statement that was written: %v", err))
				}
				for _, a := range here.Action {
					for _, action := range orSelf(keyActions[a], a) {
						out.add(role, here, action)
					}
				}
			}
		}
	}
	return out
}

// ourGrants are the grants of everything.
func ourGrants(t *testing.T) grants {
	t.Helper()
	out := grants{}
	for _, r := range synthesize(t, everything(), environment(here)).Roles {
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			if p.Entity == "ClumioIAMPermissionsBoundaryPolicy" {
				continue
			}
			for _, s := range p.Document.Statement {
				for _, a := range s.Action {
					out.add(r.Entity, s, a)
				}
			}
		}
	}
	return out
}
