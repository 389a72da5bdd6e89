package wording

// topicDetails explains what an attribute of a topic means, by property.
var topicDetails = map[string]string{
	"FilterPolicy":   "The subscriber receives only the messages that the filter lets through.",
	"KmsMasterKeyId": "EventBridge and CloudWatch publish only if the policy of the key allows it.",
}

// functionDetails explains what a setting of a function means, by property.
var functionDetails = map[string]string{
	"CodeSigningConfigArn":         "Without the template's, Lambda deploys code that its publishers did not sign.",
	"DestinationConfig":            "What the function returns, or the event that failed, is sent there.",
	"Environment":                  "The variables decide whom the function notifies and which code it loads.",
	"Layers":                       "A layer adds code that runs with the function's permissions.",
	"ReservedConcurrentExecutions": "With 0 the function does not run at all.",
	"Role":                         "The function has the permissions of this role.",
	"VpcConfig":                    "In a VPC the function may not reach AWS's APIs.",
}
