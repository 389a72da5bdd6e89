package detect

const (
	typeRole              = "AWS::IAM::Role"
	typeManagedPolicy     = "AWS::IAM::ManagedPolicy"
	typeInstanceProfile   = "AWS::IAM::InstanceProfile"
	typeRolePolicy        = "AWS::IAM::RolePolicy"
	typePolicy            = "AWS::IAM::Policy"
	typeTopic             = "AWS::SNS::Topic"
	typeTopicInlinePolicy = "AWS::SNS::TopicInlinePolicy"
	typeTopicPolicy       = "AWS::SNS::TopicPolicy"
	typeRule              = "AWS::Events::Rule"
)

// Detectable lists the resource types whose drift CloudFormation is asked for,
// with the permissions that its read handler uses, as the caller.
// DetectStackResourceDrift knows more types; these are the ones that our stacks can hold.
//
// Source: "handlers.read.permissions" of each type's schema in the CloudFormation
// registry (aws cloudformation describe-type); a type has drift detection where
// its schema has a read handler ("Resource type support for imports and drift
// detection", CloudFormation User Guide). AWS::Events::Rule lists none there; its
// reads are those that the properties need.
//
// AWS::IAM::Policy, AWS::SNS::TopicPolicy, AWS::SQS::QueuePolicy and custom
// resources have no read handler. AWS::SSM::Parameter has one and is left out:
// the state that an alarm keeps in a parameter is meant to change.
var Detectable = map[string][]string{
	typeRole:              {"iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"},
	typeRolePolicy:        {"iam:GetRolePolicy"},
	typeManagedPolicy:     {"iam:GetPolicy", "iam:ListEntitiesForPolicy", "iam:GetPolicyVersion"},
	typeInstanceProfile:   {"iam:GetInstanceProfile"},
	typeTopicInlinePolicy: {"sns:GetTopicAttributes"},
	typeTopic:             {"sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:ListSubscriptionsByTopic", "sns:GetDataProtectionPolicy"},
	typeRule:              {"events:DescribeRule", "events:ListTargetsByRule", "events:ListTagsForResource"},

	"AWS::Lambda::Function":          {"lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig"},
	"AWS::Lambda::EventInvokeConfig": {"lambda:GetFunctionEventInvokeConfig"},
	"AWS::Lambda::Permission":        {"lambda:GetPolicy"},
	"AWS::Logs::LogGroup":            {"logs:DescribeLogGroups", "logs:ListTagsForResource", "logs:GetDataProtectionPolicy"},
	"AWS::SNS::Subscription":         {"sns:GetSubscriptionAttributes"},
	"AWS::SQS::Queue":                {"sqs:GetQueueAttributes", "sqs:ListQueueTags"},
	"AWS::CloudWatch::Alarm":         {"cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"},
	"AWS::Scheduler::Schedule":       {"scheduler:GetSchedule"},
}

// weight orders resources: what grants access is looked at first.
var weight = map[string]int{
	typeRole: 1, typeManagedPolicy: 2, typeRolePolicy: 2, typeInstanceProfile: 3, typeTopicInlinePolicy: 4, typeTopicPolicy: 4, typeTopic: 5, typeRule: 6,
}

// covered lists the properties that the live eye compares by meaning. What
// CloudFormation says of them counts only where the live eye saw the difference
// too, or could not look.
var covered = map[string][]string{
	typeRole:              {"AssumeRolePolicyDocument", "ManagedPolicyArns", "MaxSessionDuration", "Path", "PermissionsBoundary", "Policies", "Tags"},
	typeManagedPolicy:     {"PolicyDocument", "Roles"},
	typeRolePolicy:        {"PolicyDocument"},
	typeInstanceProfile:   {"Roles"},
	typeTopic:             {"Tags"},
	typeTopicInlinePolicy: {"PolicyDocument"},
	typeTopicPolicy:       {"PolicyDocument"},
	typeRule:              {"EventPattern", "RoleArn", "ScheduleExpression", "State", "Tags", "Targets"},
}

// grants tells whether the loss of a resource takes access away.
func grants(typ string) bool { return weight[typ] > 0 }
