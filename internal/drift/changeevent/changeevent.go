// Package changeevent reads the events by which EventBridge starts a drift check:
// status changes of stacks, and API calls that CloudTrail recorded.
//
// The form of the events is described in the EventBridge User Guide, "AWS service
// events delivered via AWS CloudTrail", in the CloudFormation User Guide, "Managing
// events with CloudFormation and Amazon EventBridge", and in the CloudTrail User
// Guide, "CloudTrail record contents".
package changeevent

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"permstack/internal/notify/finding"
)

// Detail types of EventBridge.
const (
	stackStatus = "CloudFormation Stack Status Change"
	apiCall     = "AWS API Call via CloudTrail"
)

// Event is a change that AWS reported.
type Event struct {
	Time time.Time
	// Stack is the id of the stack whose status changed; "" for a call.
	Stack string
	// Call is the API call; the zero value for a status change.
	Call finding.Call
	// Failed calls changed nothing.
	Failed bool
	// Names are the texts in the call's parameters that may identify a resource.
	Names []string
	// Parameters are the call's parameters; values of several services are hidden.
	Parameters map[string]any
}

// envelope is an event of EventBridge.
type envelope struct {
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Account    string    `json:"account"`
	Replay     string    `json:"replay-name"` // of an archive
	Time       time.Time `json:"time"`
	Detail     struct {
		StackID string `json:"stack-id"`
		Record
	} `json:"detail"`
}

// Record is a record of CloudTrail. LookupEvents returns it, too.
type Record struct {
	UserIdentity struct {
		Type      string `json:"type"`
		ARN       string `json:"arn"`
		AccountID string `json:"accountId"`
		InvokedBy string `json:"invokedBy"`
	} `json:"userIdentity"`
	EventTime         time.Time      `json:"eventTime"`
	EventSource       string         `json:"eventSource"`
	EventName         string         `json:"eventName"`
	SourceIPAddress   string         `json:"sourceIPAddress"`
	UserAgent         string         `json:"userAgent"`
	ErrorCode         string         `json:"errorCode"`
	EventID           string         `json:"eventID"`
	ReadOnly          bool           `json:"readOnly"`
	RequestParameters map[string]any `json:"requestParameters"`
}

// Parse reads an event of EventBridge of an account. It reports false if the payload is something else: the event of
// a schedule, what a person sent, an event that the policy of the bus let in from another account, or one that
// somebody replayed from an archive. What these two claim may not have happened.
func Parse(payload []byte, account string) (Event, bool) {
	var e envelope
	if json.Unmarshal(payload, &e) != nil {
		return Event{}, false
	}
	switch {
	case e.Replay != "", e.Account != "" && account != "" && e.Account != account:
		return Event{}, false
	case e.DetailType == stackStatus && e.Detail.StackID != "":
		return Event{Time: e.Time, Stack: e.Detail.StackID}, true
	case e.DetailType == apiCall && e.Detail.EventName != "":
		return e.Detail.Event(), true
	}
	return Event{}, false
}

// version is the end of the names that CloudTrail records for Lambda's actions:
// UpdateFunctionCode20150331v2.
var version = regexp.MustCompile(`20\d{6}(v\d+)?$`)

// Event returns the call that CloudTrail recorded.
func (r Record) Event() Event {
	service, _, _ := strings.Cut(r.EventSource, ".")
	if service == "monitoring" { // CloudWatch's endpoint; its permissions have another prefix
		service = "cloudwatch"
	}
	principal := r.UserIdentity.ARN
	if principal == "" {
		principal = r.UserIdentity.InvokedBy
	}
	if principal == "" {
		principal = strings.TrimSpace(fmt.Sprintf("%s %s", r.UserIdentity.Type, r.UserIdentity.AccountID))
	}
	e := Event{
		Time: r.EventTime, Failed: r.ErrorCode != "", Parameters: r.RequestParameters,
		Call: finding.Call{
			ID: r.EventID, Action: service + ":" + version.ReplaceAllString(r.EventName, ""), Principal: principal,
			Time: r.EventTime, Source: r.SourceIPAddress, Client: cut(r.UserAgent),
		},
	}
	for name, value := range r.RequestParameters {
		e.addNames(name, value)
	}
	slices.Sort(e.Names)
	e.Names = slices.Compact(e.Names)
	return e
}

// identifiers are the request parameters that identify a resource.
var identifiers = []string{
	"rolename", "policyarn", "permissionsboundary", "instanceprofilename", "topicarn", "subscriptionarn", "resourcearn",
	"name", "names", "rule", "functionname", "resource", "alarmname", "alarmnames", "queueurl", "stackname",
	"keyid", "bucketname", "username", "groupname",
}

const maxNames = 100

func (e *Event) addNames(parameter string, value any) {
	if !slices.Contains(identifiers, strings.ToLower(parameter)) {
		return
	}
	switch value := value.(type) {
	case string:
		if value != "" && len(e.Names) < maxNames {
			e.Names = append(e.Names, value)
		}
	case []any:
		for _, item := range value {
			e.addNames(parameter, item)
		}
	}
}

// service returns the prefix of the call's permission: "iam".
func (e Event) service() string {
	service, _, _ := strings.Cut(e.Call.Action, ":")
	return service
}

// Parameter returns a parameter of the call that is text, whatever the case of its
// name; "" if it has none.
func (e Event) Parameter(name string) string {
	for key, value := range e.Parameters {
		if text, ok := value.(string); ok && strings.EqualFold(key, name) {
			return text
		}
	}
	return ""
}

// NamesResource reports whether the call named a resource, given by its physical
// id: a name, an ARN or the URL of a queue. The name may be part of an ARN in the
// event, and the other way round.
func (e Event) NamesResource(physicalID string) bool {
	if e.Stack != "" || physicalID == "" {
		return false
	}
	return slices.ContainsFunc(e.Names, func(name string) bool { return sameResource(name, physicalID) })
}

func sameResource(a, b string) bool {
	if a == b {
		return true
	}
	// A subscription's ARN is its topic's with an id behind a colon.
	if strings.HasPrefix(a, "arn:") && strings.HasPrefix(b, "arn:") {
		return strings.HasPrefix(a, b+":") || strings.HasPrefix(b, a+":")
	}
	return hasLastPart(a, b) || hasLastPart(b, a)
}

// hasLastPart reports whether a name is the end of an ARN or a URL.
func hasLastPart(long, name string) bool {
	rest, ok := strings.CutSuffix(long, name)
	return ok && (strings.HasPrefix(long, "arn:") || strings.HasPrefix(long, "https://") || strings.Contains(rest, ":")) &&
		(strings.HasSuffix(rest, "/") || strings.HasSuffix(rest, ":"))
}

func cut(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
