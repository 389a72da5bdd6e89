package sqs

import (
	"slices"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

// sharedActions are the actions that AddPermission grants; the others are the queue owner's alone (API reference,
// AddPermission).
var sharedActions = []string{
	"*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage", "SendMessage",
}

// addPermission adds a statement for accounts to a queue's policy.
func (s *Service) addPermission(call *protocol.Call, in struct {
	QueueUrl, Label string
	AWSAccountIds   []string
	Actions         []string
}) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.Label == "" || len(in.AWSAccountIds) == 0 || len(in.Actions) == 0 {
		return nil, protocol.Errorf("MissingParameter",
			"The request must contain the parameters Label, AWSAccountIds and Actions.")
	}
	var principals, actions []string
	for _, account := range in.AWSAccountIds {
		principals = append(principals, call.ARN("iam", "", account, "root"))
	}
	for _, action := range in.Actions {
		if !slices.Contains(sharedActions, action) {
			return nil, invalidValue("Value SQS:%s for parameter ActionName is invalid. Reason: Only the queue owner is "+
				"allowed to invoke this action.", action)
		}
		actions = append(actions, "SQS:"+action)
	}
	return nil, s.editPolicy(q, func(statements []map[string]any) ([]map[string]any, error) {
		if slices.ContainsFunc(statements, func(s map[string]any) bool { return s["Sid"] == in.Label }) {
			return nil, invalidValue("Value %s for parameter Label is invalid. Reason: Already exists.", in.Label)
		}
		return append(statements, map[string]any{
			"Sid": in.Label, "Effect": "Allow", "Principal": map[string]any{"AWS": principals}, "Action": actions,
			"Resource": q.arn,
		}), nil
	})
}

// removePermission removes the statement with a label.
func (s *Service) removePermission(call *protocol.Call, in struct{ QueueUrl, Label string }) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return nil, s.editPolicy(q, func(statements []map[string]any) ([]map[string]any, error) {
		left := slices.DeleteFunc(slices.Clone(statements), func(s map[string]any) bool { return s["Sid"] == in.Label })
		if len(left) == len(statements) {
			return nil, invalidValue("Value %s for parameter Label is invalid. Reason: can't find label.", in.Label)
		}
		return left, nil
	})
}

// editPolicy replaces the statements of the queue's policy.
func (s *Service) editPolicy(q *queue, edit func([]map[string]any) ([]map[string]any, error)) error {
	policy, err := resourcepolicy.EditStatements(q.attributes["Policy"],
		map[string]any{"Version": "2008-10-17", "Id": q.arn + "/SQSDefaultPolicy"}, edit)
	if err != nil {
		return err
	}
	q.set(map[string]string{"Policy": policy})
	q.modified = s.clock()
	return nil
}
