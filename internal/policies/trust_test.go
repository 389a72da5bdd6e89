package policies_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

func findRole(t *testing.T, set policies.Set, entity string) policies.Role {
	t.Helper()
	i := slices.IndexFunc(set.Roles, func(r policies.Role) bool { return r.Entity == entity })
	if i < 0 {
		t.Fatalf("no role %s", entity)
	}
	return set.Roles[i]
}

// TestTrust checks that only the control-plane role with the external ID may assume the roles, and
// services only for this account if they state the account.
func TestTrust(t *testing.T) {
	for _, region := range regions[:4] {
		env := environment(region)
		set := synthesize(t, everything(), env)
		ec2 := "ec2.amazonaws.com"
		if env.Partition == "aws-cn" {
			ec2 += ".cn"
		}
		want := map[string]string{
			"ClumioIAMRole":                           `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyTheControlPlaneRole","Effect":"Allow","Principal":{"AWS":"` + env.ControlPlaneRoleARN + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"external-id-1"}}}]}`,
			"ClumioSupportRole":                       `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyTheSupportRole","Effect":"Allow","Principal":{"AWS":"` + env.SupportControlPlaneRoleARN + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"external-id-1"}}}]}`,
			"ClumioEC2MSSQLSSMInstanceRoleV2":         `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyEC2","Effect":"Allow","Principal":{"Service":"` + ec2 + `"},"Action":"sts:AssumeRole"}]}`,
			"ClumioSSMNotificationRole":               `{"Version":"2012-10-17","Statement":[{"Sid":"OnlySystemsManager","Effect":"Allow","Principal":{"Service":"ssm.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}}}]}`,
			"ClumioS3ContinuousBackupEventBridgeRole": `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyEventBridge","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}}]}`,
		}
		if len(set.Roles) != len(want) {
			t.Errorf("%d roles, want %d", len(set.Roles), len(want))
		}
		for entity, trust := range want {
			if have := text(t, findRole(t, set, entity).Trust); have != trust {
				t.Errorf("%s: trust of %s:\n%s\nwant\n%s", region, entity, have, trust)
			}
		}
	}
}

// TestTopicPolicy checks that this account and EventBridge may publish, that the
// control plane may subscribe, and that nobody else is allowed anything.
func TestTopicPolicy(t *testing.T) {
	topic := synthesize(t, everything(), environment("eu-central-1")).Topics[0]
	for _, s := range topic.Policy.Statement {
		if !slices.Equal(s.Resource, iampolicy.Values{"arn:aws:sns:eu-central-1:111111111111:" + topic.Name}) {
			t.Errorf("%s: resource %v", s.Sid, s.Resource)
		}
		aws, service := strings.Join(s.Principal.ByType["AWS"], ","), strings.Join(s.Principal.ByType["Service"], ",")
		switch action := strings.Join(s.Action, ","); {
		case s.Principal.Everyone || strings.Contains(aws, "*"):
			t.Errorf("%s: lets everyone in", s.Sid)
		case action == "SNS:Publish" && service == "events.amazonaws.com":
			if len(s.Condition) > 0 {
				t.Errorf("%s: got condition %v, which EventBridge does not meet, want none", s.Sid, s.Condition)
			}
		case action == "SNS:Publish" && aws == "arn:aws:iam::111111111111:root":
		case action != "SNS:Publish" && aws == "arn:aws:iam::222222222222:root":
		default:
			t.Errorf("%s: %s for %s%s", s.Sid, action, aws, service)
		}
	}
}

// TestChoices checks that only what is chosen is granted.
func TestChoices(t *testing.T) {
	env := environment("eu-central-1")
	entities := func(sel policies.Selection) (out []string) {
		set := synthesize(t, sel, env)
		for _, r := range set.Roles {
			out = append(out, r.Entity)
			for _, p := range slices.Concat(r.Inline, r.Managed) {
				if p.Entity != policies.GuardPolicy { // TestGuard
					out = append(out, p.Entity)
				}
			}
		}
		for _, r := range set.Rules {
			out = append(out, r.Entity)
		}
		return out
	}
	for name, c := range map[string]struct {
		sel  policies.Selection
		want string
	}{
		"rds backup": {
			policies.Selection{Profile: "clumio", Assets: assets[2:3], Operations: operations[:1]},
			"ClumioIAMRole ClumioInventoryPolicy ClumioKMSPolicy ClumioDriftDetectPolicy ClumioBaseManagedPolicy ClumioRdsBackupPolicy ClumioRDSApiRule ClumioRDSEventRule ClumioRDSTagRule",
		},
		"s3 restore": {
			policies.Selection{Profile: "clumio", Assets: assets[4:5], Operations: operations[1:], Options: options[1:2]},
			"ClumioIAMRole ClumioInventoryPolicy ClumioKMSPolicy ClumioBaseValidationPolicy ClumioDriftDetectPolicy ClumioBaseManagedPolicy ClumioS3RestorePolicy ClumioS3ApiRule ClumioS3AWSBackupRule",
		},
		"sql server": {
			policies.Selection{Profile: "clumio", Assets: assets[1:2]},
			"ClumioIAMRole ClumioKMSPolicy ClumioBaseValidationPolicy ClumioDriftDetectPolicy ClumioBaseManagedPolicy ClumioEC2MSSQLBackupRestorePolicy ClumioEC2MSSQLSSMInstanceRoleV2 ClumioEC2MSSQLSSMInstancePolicy ClumioSSMNotificationRole ClumioSSMNotificationPolicy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if have := strings.Join(entities(c.sel), " "); have != c.want {
				t.Errorf("%s:\n%s\nwant\n%s", name, have, c.want)
			}
		})
	}
}

// TestInventoryEvents compares the rules with the table of events: for each asset the sources, and every event name.
func TestInventoryEvents(t *testing.T) {
	want := map[string]string{
		"ec2": "aws.backup:EBS,EC2 aws.ec2:AssociateIamInstanceProfile,AttachVolume,CopyImage,CreateImage,DeleteImage,DeregisterImage,DetachVolume,DisassociateIamInstanceProfile,RegisterImage,ReplaceIamInstanceProfileAssociation " +
			"aws.ec2:CreateRule,DeleteRule,DeleteSnapshot,LockSnapshot,UnlockSnapshot,UpdateRule " +
			"aws.ec2:coolOffPeriodExpiry,copySnapshot,createSnapshot,createSnapshots,createVolume,deleteVolume,lockDurationExpiry,modifyVolume,shareSnapshot aws.ec2:running,stopped,terminated aws.tag:ebs,ec2",
		"rds":                  "aws.backup:Aurora,RDS,RDS.Cluster aws.rds: aws.rds:CopyDBClusterSnapshot,CopyDBSnapshot,CreateDBCluster,DeleteDBCluster,DeleteDBClusterSnapshot,DeleteDBSnapshot aws.tag:rds",
		"dynamodb":             "aws.backup:DynamoDB,DynamoDB.FullyManaged aws.dynamodb:CreateBackup,CreateGlobalTable,CreateTable,DeleteBackup,DeleteTable,RestoreTableFromBackup,RestoreTableToPointInTime,UpdateContinuousBackups,UpdateGlobalTable,UpdateGlobalTableSettings,UpdateTable aws.tag:dynamodb",
		"s3":                   "aws.backup:S3 aws.s3:CreateBucket,CreateMultiRegionAccessPoint,DeleteBucket,DeleteBucketEncryption,DeleteBucketLifecycle,DeleteBucketPolicy,DeleteBucketPublicAccessBlock,DeleteBucketReplication,DeleteBucketTagging,DeleteMultiRegionAccessPoint,PutBucketAcl,PutBucketEncryption,PutBucketLifecycle,PutBucketObjectLockConfiguration,PutBucketPolicy,PutBucketPublicAccessBlock,PutBucketReplication,PutBucketTagging,PutBucketVersioning,PutMultiRegionAccessPointPolicy",
		"iceberg-on-glue":      "aws.glue: aws.glue:BatchDeleteTable,CreateDatabase,CreateTable,CreateTableOptimizer,DeleteDatabase,DeleteTable,DeleteTableOptimizer,UpdateDatabase,UpdateTable,UpdateTableOptimizer",
		"iceberg-on-s3-tables": "aws.s3tables:CreateNamespace,CreateTable,CreateTableBucket,DeleteNamespace,DeleteTable,DeleteTableBucket,PutTableBucketMaintenanceConfiguration,PutTableMaintenanceConfiguration,RenameTable,UpdateTableMetadataLocation",
	}
	have := map[string][]string{}
	for _, r := range synthesize(t, everything(), environment("eu-central-1")).Rules {
		detail, _ := r.Pattern["detail"].(map[string]any)
		var names []string
		for _, field := range []string{"eventName", "event", "state", "service", "resourceType"} {
			list, _ := detail[field].([]any)
			for _, v := range list {
				names = append(names, v.(string))
			}
		}
		slices.Sort(names)
		if _, api := detail["eventName"]; api && detail["errorCode"] == nil {
			t.Errorf("rule %s reports calls that failed", r.Name)
		}
		have[string(r.Asset)] = append(have[string(r.Asset)],
			r.Pattern["source"].([]any)[0].(string)+":"+strings.Join(names, ","))
	}
	for asset, list := range have {
		slices.Sort(list)
		if strings.Join(list, " ") != want[asset] {
			t.Errorf("%s:\n%s\nwant\n%s", asset, strings.Join(list, " "), want[asset])
		}
	}
	if len(have) != len(want) {
		t.Errorf("rules for %d assets, want %d", len(have), len(want))
	}
}
