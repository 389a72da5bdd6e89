// Package logs is the log groups of the embedded AWS: it reads those that stacks created, and changes and deletes them.
// Nothing is logged.
package logs

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Group is the properties of an AWS::Logs::LogGroup.
type Group map[string]any

// Groups stores the log groups of all accounts and Regions.
type Groups interface {
	// LogGroups returns copies of the log groups of an account in a Region, by name.
	LogGroups(account, region string) map[string]Group
	// PutLogGroup creates a log group, or replaces its properties; nil deletes it.
	PutLogGroup(account, region, name string, properties Group)
}

// Service is the CloudWatch Logs of all accounts and Regions of one Cloud.
type Service struct {
	mu      sync.Mutex
	groups  Groups
	events  *Events
	started time.Time
}

// New returns a CloudWatch Logs with the groups of a store and with events, which may be nil.
func New(groups Groups, events *Events, now time.Time) *Service {
	return &Service{groups: groups, events: events, started: now}
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "logs", Protocol: protocol.JSON, Version: "2014-03-28", TargetPrefix: "Logs_20140328",
		Source: "internal/fakeaws/logs/logs.go",
		Actions: map[string]protocol.Action{
			"DescribeLogGroups":     protocol.LockedJSON(&s.mu, s.describe, onGroup),
			"CreateLogGroup":        protocol.LockedJSON(&s.mu, s.create, onGroup),
			"DeleteLogGroup":        protocol.LockedJSON(&s.mu, s.change(remove), onGroup),
			"PutRetentionPolicy":    protocol.LockedJSON(&s.mu, s.change(setRetention), onGroup),
			"DeleteRetentionPolicy": protocol.LockedJSON(&s.mu, s.change(removeRetention), onGroup),
			"AssociateKmsKey":       protocol.LockedJSON(&s.mu, s.change(setKey), onGroup),
			"DisassociateKmsKey":    protocol.LockedJSON(&s.mu, s.change(removeKey), onGroup),
			"DescribeLogStreams":    protocol.LockedJSON(&s.mu, s.describeStreams, onEvents),
			"FilterLogEvents":       protocol.LockedJSON(&s.mu, s.filterEvents, onEvents),
			"GetLogEvents":          protocol.LockedJSON(&s.mu, s.getEvents, onEvents),
		},
	}
}

type request struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupNamePrefix string `json:"logGroupNamePrefix"`
	RetentionInDays    int    `json:"retentionInDays"`
	KMSKeyID           string `json:"kmsKeyId"`
	NextToken          string `json:"nextToken"`
	Limit              int    `json:"limit"`
}

// onGroup is the permission on the group that the body names. DescribeLogGroups has none
// for one group ("Actions, resources, and condition keys for Amazon CloudWatch Logs",
// Service Authorization Reference).
func onGroup(call *protocol.Call) []protocol.Access {
	var in request
	_ = json.Unmarshal(call.Body, &in) // an unreadable body is refused by the call itself
	name := in.LogGroupName
	if name == "" {
		name = "*"
	}
	return []protocol.Access{{Action: "logs:" + call.Action, Resource: groupARN(call, name)}}
}

func groupARN(call *protocol.Call, name string) string {
	return call.ARN("logs", call.Region, call.Account, "log-group:"+name)
}

func (s *Service) describe(call *protocol.Call, in request) (any, error) {
	groups := s.groups.LogGroups(call.Account, call.Region)
	list := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if !strings.HasPrefix(name, in.LogGroupNamePrefix) {
			continue
		}
		arn := groupARN(call, name)
		described := map[string]any{
			"logGroupName": name, "arn": arn + ":*", "logGroupArn": arn, "creationTime": s.started.UnixMilli(),
			"storedBytes": 0, "metricFilterCount": 0, "logGroupClass": "STANDARD",
		}
		for property, member := range map[string]string{
			"RetentionInDays": "retentionInDays", "KmsKeyId": "kmsKeyId", "LogGroupClass": "logGroupClass",
		} {
			if v, ok := groups[name][property]; ok {
				described[member] = v
			}
		}
		list = append(list, described)
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
	page, next, ok := protocol.Page(list, in.NextToken, in.Limit)
	if !ok {
		return nil, protocol.Errorf("InvalidParameterException", "The specified nextToken is invalid.")
	}
	out := map[string]any{"logGroups": page}
	if next != "" {
		out["nextToken"] = next
	}
	return out, nil
}

func (s *Service) create(call *protocol.Call, in request) (any, error) {
	if in.LogGroupName == "" {
		return nil, protocol.Errorf("InvalidParameterException", "logGroupName is required")
	}
	if _, ok := s.groups.LogGroups(call.Account, call.Region)[in.LogGroupName]; ok {
		return nil, protocol.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	group := Group{}
	if in.KMSKeyID != "" {
		group["KmsKeyId"] = in.KMSKeyID
	}
	s.groups.PutLogGroup(call.Account, call.Region, in.LogGroupName, group)
	return nil, nil
}

// change returns the handler of a call that edits a group; nil deletes it.
func (s *Service) change(edit func(Group, request) Group) func(*protocol.Call, request) (any, error) {
	return func(call *protocol.Call, in request) (any, error) {
		group, ok := s.groups.LogGroups(call.Account, call.Region)[in.LogGroupName]
		if !ok {
			return nil, protocol.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
		}
		s.groups.PutLogGroup(call.Account, call.Region, in.LogGroupName, edit(group, in))
		return nil, nil
	}
}

func remove(Group, request) Group { return nil }

func setRetention(g Group, in request) Group {
	g["RetentionInDays"] = in.RetentionInDays
	return g
}

func removeRetention(g Group, _ request) Group {
	delete(g, "RetentionInDays")
	return g
}

func setKey(g Group, in request) Group {
	g["KmsKeyId"] = in.KMSKeyID
	return g
}

func removeKey(g Group, _ request) Group {
	delete(g, "KmsKeyId")
	return g
}
