package fakeaws

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/protocol"
)

// dataEvents are the calls that CloudTrail records as data events only, which a
// trail does not do by default ("Logging data events", CloudTrail User Guide).
// Object calls of S3 are among them.
var dataEvents = []string{
	"events:PutEvents", "sns:Publish", "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage",
	"sqs:ChangeMessageVisibility", "sqs:SendMessageBatch", "sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch",
}

// trailNames are the calls that CloudTrail records under another name.
var trailNames = map[string]string{
	"s3:PutPublicAccessBlock": "PutBucketPublicAccessBlock", "s3:DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
	"s3:PutBucketLifecycleConfiguration": "PutBucketLifecycle",
	// Lambda's names have the version of its API (Lambda Developer Guide, "Logging Lambda API calls with CloudTrail").
	"lambda:UpdateFunctionCode": "UpdateFunctionCode20150331v2", "lambda:AddPermission": "AddPermission20150331v2",
	"lambda:UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
	"lambda:RemovePermission":            "RemovePermission20150331v2",
	"lambda:PutFunctionConcurrency":      "PutFunctionConcurrency20171031",
	"lambda:CreateEventSourceMapping":    "CreateEventSourceMapping20150331",
	"lambda:PublishVersion":              "PublishVersion20150331", "lambda:CreateAlias": "CreateAlias20150331",
	"lambda:DeleteFunction": "DeleteFunction20150331",
}

// hidden replaces values that CloudTrail does not record.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// hiddenParameters are the request parameters whose values are not recorded.
var hiddenParameters = []string{"templateBody", "parameterValue"}

// isRecorded reports whether EventBridge gets an event of a call: a trail's
// management events but those of calls that begin with List, Get or Describe
// ("AWS service events delivered via AWS CloudTrail", EventBridge User Guide).
func isRecorded(call *protocol.Call) bool {
	for _, prefix := range []string{"List", "Get", "Describe", "Head"} {
		if strings.HasPrefix(call.Action, prefix) {
			return false
		}
	}
	if call.Service == "s3" && !strings.Contains(call.Action, "Bucket") &&
		!strings.Contains(call.Action, "PublicAccessBlock") {
		return false
	}
	return call.Account != "" && call.Action != "ValidateTemplate" &&
		!slices.Contains(dataEvents, call.Service+":"+call.Action)
}

// homeRegion is the Region of a partition in which the events of global services
// appear.
func homeRegion(partition string) string {
	switch partition {
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-cn":
		return "cn-north-1"
	}
	return "us-east-1"
}

// trail adds the event of a call to the event history, and emits it as CloudTrail does if
// Options.Trail is set. Refused calls are recorded with their error. responseElements is
// always null.
func (c *Cloud) trail(call *protocol.Call, err error) {
	if !isRecorded(call) {
		return
	}
	region := call.Region
	if call.Service == "iam" {
		region = homeRegion(call.Partition)
	}
	name := call.Action
	if n, ok := trailNames[call.Service+":"+name]; ok {
		name = n
	}
	now := c.clock().UTC()
	detail := map[string]any{
		"eventVersion": "1.11", "userIdentity": userIdentity(call), "eventTime": now.Format("2006-01-02T15:04:05Z"),
		"eventSource": call.Service + ".amazonaws.com", "eventName": name, "awsRegion": region,
		"sourceIPAddress": "127.0.0.1", "userAgent": call.HTTP.UserAgent(), "requestParameters": requestParameters(call),
		"responseElements": nil, "requestID": call.RequestID, "eventID": protocol.NewUUID(), "readOnly": false,
		"eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": call.Account,
		"eventCategory": "Management",
	}
	if strings.Contains(call.HTTP.UserAgent(), "cloudformation.amazonaws.com") {
		detail["sourceIPAddress"], detail["userAgent"] = "cloudformation.amazonaws.com", "cloudformation.amazonaws.com"
	}
	if err != nil {
		e := protocol.AsError(err)
		detail["errorCode"], detail["errorMessage"] = e.Code, e.Message
	}
	user := call.Caller.SessionName
	if user == "" {
		user = "root"
	}
	c.history.Add(call.Account, region, now, user, detail)
	if !c.trails || !c.events.HasRules(call.Account, region) {
		return
	}
	c.events.Emit(call.Account, region, events.Event{
		Source: "aws." + call.Service, DetailType: "AWS API Call via CloudTrail", Detail: detail, Time: now,
	})
}

// userIdentity is the caller as CloudTrail records it ("CloudTrail userIdentity
// element", User Guide).
func userIdentity(call *protocol.Call) map[string]any {
	out := map[string]any{"accountId": call.Account, "arn": call.Caller.ARN, "accessKeyId": call.Caller.AccessKeyID}
	if call.Caller.RoleName == "" {
		out["type"], out["principalId"] = "Root", call.Account
		return out
	}
	out["type"], out["principalId"] = "AssumedRole", call.Caller.RoleID+":"+call.Caller.SessionName
	out["sessionContext"] = map[string]any{"sessionIssuer": map[string]any{
		"type": "Role", "principalId": call.Caller.RoleID, "accountId": call.Account, "userName": call.Caller.RoleName,
		"arn": "arn:" + call.Partition + ":iam::" + call.Account + ":role/" + call.Caller.RoleName,
	}}
	if strings.Contains(call.HTTP.UserAgent(), "cloudformation.amazonaws.com") {
		out["invokedBy"] = "cloudformation.amazonaws.com"
	}
	return out
}

// functionInPath is the function that a call of Lambda's REST API names.
var functionInPath = regexp.MustCompile(`^/[0-9-]+/functions/([^/]+)`)

// requestParameters returns the parameters of a call with names that begin in
// lower case, as CloudTrail records them.
func requestParameters(call *protocol.Call) any {
	var body map[string]any
	parsed := json.Unmarshal(call.Body, &body) == nil
	if call.Service == "lambda" { // the function is part of the path
		if path := functionInPath.FindStringSubmatch(call.HTTP.URL.Path); path != nil {
			if body == nil {
				body = map[string]any{}
			}
			body["FunctionName"], parsed = path[1], true
		}
		for _, name := range []string{"Environment", "ZipFile"} { // CloudTrail omits both
			delete(body, name)
		}
	}
	if parsed {
		if call.Service == "ssm" && body["Value"] != nil {
			body["Value"] = hidden
		}
		return lowerNames(body)
	}
	if call.Service == "s3" {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(call.HTTP.URL.Path, "/"), "/")
		return map[string]any{"bucketName": bucket}
	}
	return lowerNames(nested(call.Form))
}

// nested returns Query parameters as objects and lists:
// Tags.member.1.Key=a becomes {"Tags": [{"Key": "a"}]}.
func nested(form url.Values) map[string]any {
	out := map[string]any{}
	for _, name := range sortedNames(form) {
		first, rest, deep := strings.Cut(name, ".")
		switch {
		case name == "Action" || name == "Version":
		case !deep:
			out[name] = form.Get(name)
		case out[first] == nil && rest != "":
			list := []any{}
			for _, item := range protocol.Structs(form, first) {
				if item.Has("") {
					list = append(list, item.Get(""))
					continue
				}
				list = append(list, nested(item))
			}
			out[first] = list
		}
	}
	return out
}

func sortedNames(form url.Values) []string {
	names := make([]string, 0, len(form))
	for n := range form {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func lowerNames(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			lower := lowerFirst(name)
			if slices.Contains(hiddenParameters, lower) {
				value = hidden
			}
			out[lower] = lowerNames(value)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, lowerNames(item))
		}
		return out
	}
	return v
}

// lowerFirst lowers the first letter, or all of an initialism: RoleARN becomes
// roleARN, and ARN becomes arn.
func lowerFirst(name string) string {
	if name == strings.ToUpper(name) {
		return strings.ToLower(name)
	}
	runes := []rune(name)
	if _, err := strconv.Atoi(name); err == nil || len(runes) == 0 {
		return name
	}
	runes[0] = unicode.ToLower(runes[0])
	return string(runes)
}
