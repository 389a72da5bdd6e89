package driftlambda

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"permstack/internal/drift/detect"
	"permstack/internal/installation"
)

// Settings is the function's configuration.
type Settings struct {
	Parent       installation.Parent
	TopicARN     string // of the alert topic
	HubTopicARN  string // of the Organization's topic; "" if there is none
	Parameter    string // name of the SSM parameter that holds the state
	QueueURL     string // of the events that arrive during a run; "" if there is none
	ReminderDays int    // days until an open finding is reported again; 0 is never
	Revert       bool
	AccountAudit bool           // once a day
	LookUpCalls  bool           // in CloudTrail's event history
	Release      detect.Release // what the parent was launched from; not from the environment
}

// ReadSettings reads the environment variables that the package comment lists.
// Its error names every variable that is missing or invalid.
func ReadSettings(getenv func(string) string) (Settings, error) {
	var s Settings
	var problems []error
	required := func(name string) string {
		v := getenv(name)
		if v == "" {
			problems = append(problems, fmt.Errorf("environment variable %s is empty", name))
		}
		return v
	}
	s.TopicARN, s.Parameter = required("ALERT_TOPIC_ARN"), required("STATE_PARAMETER")
	s.QueueURL = getenv("EVENT_QUEUE_URL")
	if s.HubTopicARN = getenv("ORG_HUB_TOPIC_ARN"); s.HubTopicARN != "" {
		if topic, err := arn.Parse(s.HubTopicARN); err != nil || topic.Service != "sns" || topic.Region == "" {
			problems = append(problems, fmt.Errorf("environment variable ORG_HUB_TOPIC_ARN is %q: want the ARN of a topic",
				s.HubTopicARN))
		}
	}
	if id := required("PARENT_STACK_ID"); id != "" {
		var err error
		if s.Parent, err = installation.ParseParent(id); err != nil {
			problems = append(problems, fmt.Errorf("environment variable PARENT_STACK_ID: %w", err))
		}
	}
	if days := getenv("REMINDER_DAYS"); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 {
			problems = append(problems, fmt.Errorf(
				"environment variable REMINDER_DAYS is %q: want a number of days, 0 for never", days))
		}
		s.ReminderDays = n
	}
	switch v := getenv("ON_DRIFT"); v {
	case "", "notify":
	case "revert":
		s.Revert = true
	default:
		problems = append(problems, fmt.Errorf("environment variable ON_DRIFT is %q: want notify or revert", v))
	}
	for name, set := range map[string]*bool{"ACCOUNT_AUDIT": &s.AccountAudit, "LOOKUP_CALLERS": &s.LookUpCalls} {
		switch v := getenv(name); v {
		case "", "no":
		case "yes":
			*set = true
		default:
			problems = append(problems, fmt.Errorf("environment variable %s is %q: want yes or no", name, v))
		}
	}
	return s, errors.Join(problems...)
}
