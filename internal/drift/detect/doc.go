// Package detect compares what a parent stack and its permission stacks deployed
// with what exists, returns each difference with its direction, and reverts
// differences.
//
// What is expected of the permission stacks is synthesized from the parent's custom
// resource, see expected.go; the parent stack, and a stack that was deployed by hand,
// are compared with their own templates. There are two sources: CloudFormation's
// drift detection, and a live comparison with IAM, SNS and EventBridge. Everything that is
// specific to a resource type is in its file type_<name>.go. The findings are
// data; package wording contains their texts.
//
// # Calls
//
// The account costs 1 ListStacks for every 100 stacks and 1 ListRoles for every 100
// roles under the installation's path, and 1 GetRole for each role that no stack of
// this installation has. A stack costs 1 DescribeStacks, 1 GetTemplate and 1 ListStackResources for
// every 100 resources; one more DescribeStacks if it has findings, so that an
// update in the meantime is not taken for drift. Each resource costs:
//
//	AWS::IAM::Role               4 + 1 for each inline policy of the role
//	                             (GetRole, ListRolePolicies, GetRolePolicy …,
//	                             ListAttachedRolePolicies, detection)
//	AWS::IAM::ManagedPolicy      4 (GetPolicy, GetPolicyVersion, ListEntitiesForPolicy,
//	                             detection)
//	AWS::IAM::InstanceProfile    2 (GetInstanceProfile, detection)
//	AWS::SNS::Topic              4 (GetTopicAttributes, ListTagsForResource,
//	                             ListSubscriptionsByTopic, detection)
//	AWS::SNS::TopicInlinePolicy  1 (detection; it shares its topic's attributes)
//	AWS::Events::Rule            4 (DescribeRule, ListTargetsByRule,
//	                             ListTagsForResource, detection)
//	other supported types        1 (detection)
//
// and 2 for each policy that was attached or set as boundary and is in no
// template. Nothing is read twice. ListPolicies would save the GetPolicy calls,
// but can only be allowed for all policies of the account;
// GetAccountAuthorizationDetails would be one call for everything but reads the
// whole account: neither is used.
//
// # What is not a finding
//
// A difference of form in a document; a tag that others added (AWS's drift-aware
// change sets do not remove them either); aws:* tags that do not exist, which only
// AWS can change and which IAM's resources do not get everywhere. The description
// of a role is compared by CloudFormation alone.
package detect
