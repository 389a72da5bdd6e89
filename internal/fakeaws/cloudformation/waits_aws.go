package cloudformation

import "time"

// AWSWaits returns how long a handler of a type takes on AWS, as far as that is
// known. Every resource has a second before its handler starts.
//
// Sources: timestamps in public logs of "cdk deploy" of 2024 and 2025, whose events
// have one second of resolution, and the delays in the public handlers of
// AWS::Events::Rule (30 s after PutRule, 30 s after PutTargets, both also before a
// deletion ends), AWS::SNS::TopicInlinePolicy (30 s) and AWS::SNS::Topic (45 s to
// delete). AWS documents none of them. The logs have no update of a role, of a
// managed policy or of a topic; the time of the creation is taken for it.
func AWSWaits(typ, handler string) Wait {
	w, known := awsWaits[typ]
	if !known {
		w = handlerWaits{{2, 0}, {2, 0}, {2, 0}}
	}
	i := map[string]int{createHandler: 0, updateHandler: 1, deleteHandler: 2}[handler]
	return Wait{Configure: time.Duration(w[i][0]) * time.Second, Check: time.Duration(w[i][1]) * time.Second}
}

// handlerWaits are the seconds of the create, update and delete handler.
type handlerWaits [3][2]int

var awsWaits = map[string]handlerWaits{
	// Before the first resource and after the last one.
	stackType: {{2, 1}, {2, 2}, {1, 1}},

	"AWS::IAM::Role":            {{18, 0}, {18, 0}, {13, 0}},
	"AWS::IAM::ManagedPolicy":   {{18, 0}, {18, 0}, {13, 0}},
	"AWS::IAM::Policy":          {{18, 0}, {18, 0}, {13, 0}},
	"AWS::IAM::InstanceProfile": {{2, 130}, {2, 0}, {3, 0}},

	"AWS::Events::Rule":           {{52, 9}, {61, 0}, {61, 0}},
	"AWS::SNS::Topic":             {{12, 0}, {12, 0}, {46, 0}},
	"AWS::SNS::TopicInlinePolicy": {{31, 0}, {31, 0}, {31, 0}},

	"AWS::Lambda::Function":  {{3, 6}, {9, 0}, {5, 0}},
	"AWS::Logs::LogGroup":    {{10, 1}, {3, 0}, {2, 0}},
	"AWS::SQS::Queue":        {{2, 29}, {2, 0}, {2, 0}},
	"AWS::CloudWatch::Alarm": {{2, 10}, {2, 0}, {2, 0}},
}
