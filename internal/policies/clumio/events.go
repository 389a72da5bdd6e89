package clumio

import "permstack/internal/policies/schema"

// controlPlaneRoot lets the principals of the control plane account act as
// their own policies say.
const controlPlaneRoot = "arn:${Partition}:iam::${ControlPlaneAccount}:root"

// eventPub is the topic through which Clumio learns of inventory changes.
var eventPub = schema.Topic{
	Entity:       "ClumioEventPub",
	Why:          "tells Clumio of changes in the customer's inventory; the event rules send to it",
	PolicyEntity: "ClumioEventPubPolicy",
	Statements: []schema.TopicStatement{
		{
			Sid:     "PublishFromAccount",
			Why:     "any resource of the customer's account may publish",
			Actions: []string{"SNS:Publish"},
			AWS:     "arn:${Partition}:iam::${Account}:root",
		},
		{
			Sid:     "SubscribeFromControlPlane",
			Why:     "only Clumio's control plane may subscribe, and list the subscriptions",
			Actions: []string{"SNS:Subscribe", "SNS:ListSubscriptionsByTopic"},
			AWS:     controlPlaneRoot,
		},
		{
			Sid:     "PublishFromRules",
			Why:     "EventBridge rules of the customer's account may publish",
			Actions: []string{"SNS:Publish"},
			Service: "events.amazonaws.com",
			When:    fromAccount,
		},
	},
}

// apiCalls matches successful API calls that CloudTrail reports.
func apiCalls(source string, names ...string) map[string]any {
	return map[string]any{
		"source":      values(source),
		"detail-type": values("AWS API Call via CloudTrail"),
		"detail": map[string]any{
			"eventName": values(names...),
			"errorCode": []any{map[string]any{"exists": false}},
		},
	}
}

// serviceEvents matches a service's own events, with a field of their detail
// bounded to values where a field is given.
func serviceEvents(source string, detailTypes []string, field string, allowed ...string) map[string]any {
	pattern := map[string]any{"source": values(source), "detail-type": values(detailTypes...)}
	if field != "" {
		pattern["detail"] = map[string]any{field: values(allowed...)}
	}
	return pattern
}

// tagRule matches changes of tags on an asset's resources.
func tagRule(entity string, asset schema.Asset, services ...string) schema.Rule {
	return schema.Rule{
		Entity: entity,
		Why:    "tags that change, as policies may choose by tag",
		Asset:  asset,
		Topic:  eventPub.Entity,
		Pattern: map[string]any{
			"source": values("aws.tag"),
			"detail": map[string]any{"service": values(services...)},
		},
	}
}

// awsBackupRule matches recovery points of AWS Backup for an asset.
func awsBackupRule(entity string, asset schema.Asset, types ...string) schema.Rule {
	return schema.Rule{
		Entity: entity,
		Why:    "recovery points that AWS Backup makes, expires or deletes",
		Asset:  asset,
		Option: awsBackup,
		Topic:  eventPub.Entity,
		Pattern: map[string]any{
			"source":      values("aws.backup"),
			"detail-type": values("Recovery Point State Change"),
			"detail": map[string]any{
				"resourceType": values(types...),
				"status":       values("COMPLETED", "AVAILABLE", "PARTIAL", "EXPIRED", "DELETED"),
			},
		},
	}
}

// values makes a pattern's list, in the types that JSON has.
func values(list ...string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
