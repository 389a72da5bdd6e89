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

// additions are granted beyond the document, in release 1: policy → actions. The
// note of each statement names the call that fails without it.
var additions = map[string][]string{
	"ClumioEC2RestorePolicy":            {"ec2:DeleteSnapshot", "kms:CreateGrant"},
	"ClumioEC2MSSQLBackupRestorePolicy": {"ec2:DescribeVolumes", "kms:CreateGrant"},
	"ClumioEC2MSSQLSSMInstancePolicy": {
		"ec2:CreateSnapshots", "ec2:DescribeInstanceAttribute", "ec2:DescribeSnapshots",
	},
	"ClumioRdsBackupPolicy": {"kms:CreateGrant"},
	"ClumioS3BackupPolicy":  {"s3:AbortMultipartUpload"},
	"ClumioRdsRestorePolicy": {
		"rds:CopyDBClusterSnapshot", "rds:CopyDBSnapshot", "rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot",
		"rds:DescribeDBSubnetGroups", "rds:ModifyOptionGroup",
	},
	"ClumioDynamoDbRestorePolicy": {
		"application-autoscaling:DeleteScalingPolicy", "application-autoscaling:DeleteScheduledAction",
		"application-autoscaling:DeregisterScalableTarget", "application-autoscaling:DescribeScalableTargets",
		"application-autoscaling:DescribeScalingActivities", "application-autoscaling:DescribeScalingPolicies",
		"application-autoscaling:DescribeScheduledActions", "application-autoscaling:PutScheduledAction",
		"dynamodb:DeleteTableReplica",
		"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource",
		"dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "kms:CreateGrant",
	},
	"ClumioS3RestorePolicy": {
		"s3:AbortMultipartUpload", "s3:GetBucketVersioning", "s3:GetObject", "s3:GetObjectTagging",
		"s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:ListBucket", "s3:ListBucketVersions",
	},
}

// TestCatalogMatchesPermissionsDocument compares release 1 of the profile, policy by policy, with the actions of the
// vendor's permissions document. TestNarrowings compares release 2 with the vendor's module.
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
	p, _ := policies.ProfileAt("clumio", "1")
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
			t.Errorf("%s: the vendor's document grants %v, release 1 of internal/policies/profiles/clumio does not: add them to a "+
				"statement of release 1, or correct a misspelt name in corrections of this file", key, missing)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if extra := minus(have[key], want[key]); len(extra) > 0 {
			t.Errorf("%s: release 1 of internal/policies/profiles/clumio grants %q, the vendor's document does not: limit them "+
				"to later releases (releases: {from: \"2\"}, or actionReleases for single actions), or add them to additions "+
				"of this file", key, extra)
		}
	}
}

func minus(a, b []string) []string {
	a = slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	slices.Sort(a)
	return slices.Compact(a)
}

// notGranted are actions of the module that no release grants; narrowings.yaml says why.
var notGranted = []string{
	"ssm:AddTagsToResource", "ssm:CreateDocument", "ssm:DeleteDocument", "ssm:DescribeDocument",
	"ssm:ListTagsForResource", "ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", "ssm:UpdateDocumentMetadata",
}

// readPermissionsDocument returns the actions of the vendor's permissions document and module, and the additions:
// "role policy" → actions.
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
	module, err := readModule()
	if err != nil {
		return nil, err
	}
	for role, list := range module.Roles {
		for policy, p := range list {
			key := role + " " + policy
			for _, s := range p.Statements {
				for _, a := range s.Action {
					if keyActions[a] == nil && !slices.Contains(notGranted, a) {
						out[key] = append(out[key], a)
					}
				}
			}
		}
	}
	return out, nil
}
