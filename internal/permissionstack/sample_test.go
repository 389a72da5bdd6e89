package permissionstack_test

import (
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

var customer = []policies.Tag{{Key: "Owner", Value: "Backup team"}, {Key: "CostCenter", Value: "0042"}}

func allow(sid, action string, resources ...string) iampolicy.Statement {
	return iampolicy.Statement{Sid: sid, Effect: "Allow", Action: iampolicy.Values{action}, Resource: resources}
}

func doc(statements ...iampolicy.Statement) iampolicy.Document {
	return iampolicy.Document{Version: iampolicy.Version, Statement: statements}
}

func trust(kind, id string) iampolicy.Document {
	return doc(iampolicy.Statement{
		Effect:    "Allow",
		Principal: &iampolicy.Principal{ByType: map[string]iampolicy.Values{kind: {id}}},
		Action:    iampolicy.Values{"sts:AssumeRole"},
	})
}

// sample returns a small set with one of each case: a split policy, a role without
// managed policies, an instance profile, pseudo parameters, policy variables.
func sample() policies.Set {
	const boundary = "arn:aws:iam::123456789012:policy/Boundary"
	variable := allow("Own", "s3:GetObject", "arn:${AWS::Partition}:s3:::b-${AWS::AccountId}/${aws:PrincipalAccount}/*")
	variable.Condition = iampolicy.Conditions{"StringEquals": {"s3:ResourceAccount": {"${aws:PrincipalAccount}"}}}
	policy := func(entity, part string, d iampolicy.Document) policies.Policy {
		return policies.Policy{
			Entity:      entity,
			Name:        entity + part + "-us-east-1-c",
			Path:        "/permstack/",
			Description: "d",
			Document:    d,
		}
	}
	return policies.Set{
		CatalogVersion: "1.0.0",
		Profile:        "clumio",
		Roles: []policies.Role{{
			Entity: "ClumioIAMRole", Name: "ClumioIAMRole-us-east-1-c", Path: "/permstack/",
			Description: "For the vendor & friends",
			Trust:       trust("AWS", "arn:aws:iam::210987654321:role/cp"),
			Managed: []policies.Policy{
				policy("ClumioEC2BackupPolicy", "", doc(allow("A", "ec2:CreateSnapshot", "*"))),
				policy("ClumioEC2BackupPolicy", "-2", doc(allow("B", "ec2:DeleteSnapshot", "*"))),
			},
			Inline: []policies.Policy{
				{Entity: "ClumioKMSPolicy", Name: "ClumioKMSPolicy", Document: doc(variable)},
			},
			PermissionsBoundary: boundary, Tags: customer,
		}, {
			Entity: "ClumioEC2MSSQLSSMInstanceRoleV2", Name: "Ssm-c", Path: "/permstack/", InstanceProfile: "Ssm-c",
			Trust:               trust("Service", "ec2.amazonaws.com"),
			PermissionsBoundary: boundary, Tags: customer,
		}, {
			Entity: "ClumioSupportRole", Name: "Support-c", Path: "/permstack/",
			Trust: trust("AWS", "arn:aws:iam::210987654321:role/support"),
			Inline: []policies.Policy{
				{Entity: "P", Name: "P", Document: doc(allow("A", "ec2:DescribeInstances", "*"))},
			},
			PermissionsBoundary: boundary, Tags: customer,
		}},
		Topics: []policies.Topic{{
			Entity: "ClumioEventPub", Name: "ClumioEventPub-c", Tags: customer,
			Policy: doc(allow("Publish", "sns:Publish", "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:ClumioEventPub-c")),
		}},
		Rules: []policies.Rule{{
			Entity: "ClumioEC2Rule", Name: "ClumioEC2Rule-c", Asset: "ec2",
			Pattern: map[string]any{"source": []any{"aws.ec2"}, "detail": map[string]any{"size": []any{1234567890123}}},
			Targets: []policies.Target{{ID: "topic", TopicEntity: "ClumioEventPub"}},
		}},
	}
}
