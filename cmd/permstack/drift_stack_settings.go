package main

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/notify/finding"
)

// stackSettings sets the settings of an update that no template contains, in the form in which a message states them:
// "none", or "role ARN", "topic ARN" and "alarm ARN" separated by commas. Topics and alarms that are not in the text
// are removed; CloudFormation keeps the role if the text has none (API reference, UpdateStack).
func stackSettings(text string, in *cloudformation.UpdateStackInput) error {
	in.NotificationARNs = []string{}
	in.RollbackConfiguration = &types.RollbackConfiguration{RollbackTriggers: []types.RollbackTrigger{}}
	if text == finding.NoSetting {
		return nil
	}
	for setting := range strings.SplitSeq(text, ",") {
		kind, arn, _ := strings.Cut(setting, " ")
		if !strings.HasPrefix(arn, "arn:") {
			return usagef("--stack-settings %q: want none, or entries such as 'topic ARN' separated by commas", text)
		}
		switch kind {
		case "role":
			in.RoleARN = &arn
		case "topic":
			in.NotificationARNs = append(in.NotificationARNs, arn)
		case "alarm":
			in.RollbackConfiguration.RollbackTriggers = append(in.RollbackConfiguration.RollbackTriggers,
				types.RollbackTrigger{Arn: &arn, Type: aws.String("AWS::CloudWatch::Alarm")})
		default:
			return usagef("--stack-settings %q: %q is none of role, topic and alarm", text, kind)
		}
	}
	return nil
}
