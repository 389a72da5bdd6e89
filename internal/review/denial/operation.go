package denial

import (
	"cmp"
	"encoding/json"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/reference"
)

// services maps the names of services in errors of the AWS SDK for Go to prefixes of actions, if they differ in more
// than case and blanks.
var services = map[string]string{
	"eventbridge": "events", "cloudwatchlogs": "logs", "efs": "elasticfilesystem", "configservice": "config",
	"elasticloadbalancingv2": "elasticloadbalancing", "costexplorer": "ce",
}

// operationServices are the services in which the operation of an error of the AWS CLI is searched, in this order; the
// error does not name the service.
var operationServices = []string{
	"s3", "ec2", "rds", "dynamodb", "kms", "iam", "sts", "ssm", "sns", "sqs", "events", "glue", "s3tables", "backup",
	"elasticfilesystem", "fsx", "redshift", "cloudformation",
}

// operationAction returns the action of the API operation that an error names, or "" if it names none.
func operationAction(text string) string {
	if m := sdkPattern.FindStringSubmatch(text); m != nil {
		service := strings.ToLower(strings.ReplaceAll(m[1], " ", ""))
		return action(cmp.Or(services[service], service), m[2])
	}
	m := cliPattern.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	for _, s := range operationServices {
		if a := action(s, m[2]); a != "" {
			return a
		}
	}
	return ""
}

// action returns the action of an operation, or "" if AWS has none of that name.
func action(service, operation string) string {
	if mapped := reference.ActionOfOperation(service + ":" + operation); mapped != "" {
		return mapped
	}
	a, ok := reference.Find(service + ":" + operation)
	if !ok {
		return ""
	}
	return a.Name
}

// parseJSON parses a CloudTrail event ("CloudTrail record contents", CloudTrail User Guide), the result of
// DecodeAuthorizationMessage, or the decoded message in it.
func parseJSON(data []byte) (Message, bool) {
	if event := deniedEvent(data); event != nil {
		data = event
	}
	var in struct {
		// CloudTrail
		ErrorCode, ErrorMessage, EventSource, EventName string
		UserIdentity                                    struct{ ARN string }
		Resources                                       []struct{ ARN string }
		RequestParameters                               json.RawMessage
		// STS
		DecodedMessage string
		decoded
	}
	if json.Unmarshal(data, &in) != nil {
		return Message{}, false
	}
	switch {
	case in.DecodedMessage != "":
		return parseJSON([]byte(in.DecodedMessage))
	case in.Context.Action != "":
		return in.message(), true
	case in.ErrorCode == "":
		return Message{}, false
	}
	m, err := parseText(strings.Join(strings.Fields(in.ErrorCode+": "+in.ErrorMessage), " "))
	if err != nil {
		return Message{}, false
	}
	if m.Principal == "" {
		m.Principal = in.UserIdentity.ARN
	}
	if m.Action == "" {
		service, _, _ := strings.Cut(in.EventSource, ".")
		m.Action, m.Inferred = action(cmp.Or(services[service], service), in.EventName), true
	}
	if m.Resource == "" && len(in.Resources) > 0 {
		m.Resource = in.Resources[0].ARN
	}
	var object struct{ BucketName, Key string }
	if m.Resource == "" && json.Unmarshal(in.RequestParameters, &object) == nil && object.BucketName != "" {
		m.Resource = strings.TrimSuffix("arn:aws:s3:::"+object.BucketName+"/"+object.Key, "/")
	}
	return m, true
}

// deniedEvent returns the first event that was refused in what contains CloudTrail events: a log file (Records), the
// output of "aws cloudtrail lookup-events" (Events), an event of EventBridge (detail), a list of events. It returns nil
// for anything else.
func deniedEvent(data []byte) []byte {
	var in struct {
		Records []json.RawMessage
		Events  []struct{ CloudTrailEvent string }
		Detail  json.RawMessage
	}
	list := []json.RawMessage{}
	if json.Unmarshal(data, &list) != nil {
		if json.Unmarshal(data, &in) != nil {
			return nil
		}
		list = in.Records
		for _, e := range in.Events {
			list = append(list, json.RawMessage(e.CloudTrailEvent))
		}
		if in.Detail != nil {
			list = append(list, in.Detail)
		}
	}
	for _, event := range list {
		var e struct{ ErrorCode string }
		if json.Unmarshal(event, &e) == nil && isDenied(strings.ToLower(e.ErrorCode)) {
			return event
		}
	}
	return nil
}

// decoded is a decoded authorization message ("DecodeAuthorizationMessage", STS API Reference, and the example of
// "aws sts decode-authorization-message").
type decoded struct {
	ExplicitDeny      bool
	MatchedStatements struct {
		Items []struct{ StatementID string }
	}
	Context struct {
		Principal  struct{ ID, ARN string }
		Action     string // without the service in some messages
		Resource   string
		Conditions struct {
			Items []struct {
				Key    string
				Values struct{ Items []struct{ Value string } }
			}
		}
	}
}

// serviceInARN returns the service of an ARN, or "".
func serviceInARN(arn string) string {
	a, _ := iampolicy.ParseARN(arn)
	return a.Service
}

func (d decoded) message() Message {
	m := Message{
		Principal: d.Context.Principal.ARN, Action: d.Context.Action, Resource: d.Context.Resource,
		Explicit: d.ExplicitDeny, Context: map[string][]string{},
	}
	for _, s := range d.MatchedStatements.Items {
		if s.StatementID != "" {
			m.Statements = append(m.Statements, s.StatementID)
		}
	}
	if !strings.Contains(m.Action, ":") {
		m.Action = cmp.Or(serviceInARN(m.Resource), "ec2") + ":" + m.Action
	}
	m.Action = canonicalAction(m.Action)
	for _, c := range d.Context.Conditions.Items {
		key := c.Key
		if !strings.Contains(key, ":") { // keys of the service, such as "Region" and "ID", have no prefix in EC2's messages
			service, _, _ := strings.Cut(m.Action, ":")
			key = service + ":" + key
		}
		values := []string{}
		for _, v := range c.Values.Items {
			values = append(values, v.Value)
		}
		m.Context[key] = values
	}
	return m
}
