package policies_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"permstack/internal/policies"
)

// The page's names that are wrong, and what they are right. An empty name is
// left out: AWS retired the service.
var corrections = map[string]string{
	"ec2:DescribeFastSnapshotRestore":                "ec2:DescribeFastSnapshotRestores",
	"sm:DescribeDocumentParameters":                  "ssm:DescribeDocumentParameters",
	"elastic-inference:DescribeAcceleratorOfferings": "",
	"elastic-inference:DescribeAccelerators":         "",
}

// additions are actions beyond the permissions document: policy → action. The statement's note says why.
var additions = map[string][]string{}

// TestCatalogMatchesPermissionsDocument compares the profile, policy by policy, with the actions of the vendor's
// permissions document.
func TestCatalogMatchesPermissionsDocument(t *testing.T) {
	var page map[string]map[string]struct {
		Kind    string
		Actions []string
	}
	readJSON(t, "clumio-page.json", &page)
	want := map[string][]string{} // "entity policy kind" → actions
	for entity, list := range page {
		for policy, p := range list {
			key := entity + " " + policy + " " + p.Kind
			for _, a := range p.Actions {
				if right, wrong := corrections[a]; wrong {
					a = right
				}
				if a != "" {
					want[key] = append(want[key], a)
				}
			}
			want[key] = append(want[key], additions[policy]...)
		}
	}

	have := map[string][]string{}
	p, _ := policies.Profile("clumio")
	for _, r := range p.Roles {
		for range r.Trust {
			have[r.Entity+" TrustPolicy trust"] = append(have[r.Entity+" TrustPolicy trust"], "sts:AssumeRole")
		}
		for _, policy := range r.Policies {
			key := r.Entity + " " + policy.Entity + " " + string(policy.Kind)
			for _, s := range policy.Statements {
				have[key] = append(have[key], s.Actions...)
			}
		}
	}
	for _, topic := range p.Topics {
		key := topic.Entity + " " + topic.PolicyEntity + " topic"
		for _, s := range topic.Statements {
			have[key] = append(have[key], s.Actions...)
		}
	}

	for _, key := range slices.Sorted(maps.Keys(want)) {
		if missing := minus(want[key], have[key]); len(missing) > 0 {
			t.Errorf("%s: the page grants %v, the catalogue does not", key, missing)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if extra := minus(have[key], want[key]); len(extra) > 0 {
			t.Errorf("%s: the catalogue grants %v, the page does not", key, extra)
		}
	}
}

func minus(a, b []string) []string {
	a = slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	slices.Sort(a)
	return slices.Compact(a)
}

// readPermissionsDocument returns the actions of the permissions document: "role policy" → actions.
func readPermissionsDocument() (map[string][]string, error) {
	var page map[string]map[string]struct{ Actions []string }
	data, err := os.ReadFile("testdata/clumio-page.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for role, list := range page {
		for policy, p := range list {
			key := role + " " + policy
			for _, a := range p.Actions {
				if right, wrong := corrections[a]; wrong {
					a = right
				}
				if a != "" {
					out[key] = append(out[key], a)
				}
			}
			out[key] = append(out[key], additions[policy]...)
		}
	}
	return out, nil
}
