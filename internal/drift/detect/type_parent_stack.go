package detect

// Resource types of the parent stack that only CloudFormation's drift detection
// checks.

var lambdaEventInvokeConfig = &resourceType{
	name:        "AWS::Lambda::EventInvokeConfig",
	readHandler: []string{"lambda:GetFunctionEventInvokeConfig"},
}

var lambdaPermission = &resourceType{
	name:        "AWS::Lambda::Permission",
	readHandler: []string{"lambda:GetPolicy"},
}

var logGroup = &resourceType{
	name:        "AWS::Logs::LogGroup",
	readHandler: []string{"logs:DescribeLogGroups", "logs:ListTagsForResource", "logs:GetDataProtectionPolicy"},
	attributes:  map[string]attribute{"Arn": arnAttribute("logs", "log-group:", ":*")},
}

var cloudWatchAlarm = &resourceType{
	name:        "AWS::CloudWatch::Alarm",
	readHandler: []string{"cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"},
	attributes:  map[string]attribute{"Arn": arnAttribute("cloudwatch", "alarm:", "")},
}

var schedule = &resourceType{
	name:        "AWS::Scheduler::Schedule",
	readHandler: []string{"scheduler:GetSchedule"},
}

var snsSubscription = &resourceType{
	name:        "AWS::SNS::Subscription",
	readHandler: []string{"sns:GetSubscriptionAttributes"},
}
