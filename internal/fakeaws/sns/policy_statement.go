package sns

import (
	"slices"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

// addPermission adds a statement for accounts to a topic's policy (API reference, AddPermission).
func (s *Service) addPermission(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	label, accounts, actions := call.Str("Label"), call.List("AWSAccountId"), call.List("ActionName")
	if label == "" || len(accounts) == 0 || len(actions) == 0 {
		return nil, invalid("Label, AWSAccountId and ActionName are required")
	}
	var principals, names []string
	for _, account := range accounts {
		principals = append(principals, call.ARN("iam", "", account, "root"))
	}
	for _, action := range actions {
		names = append(names, "SNS:"+action)
	}
	return nil, t.editPolicy(func(statements []map[string]any) ([]map[string]any, error) {
		if slices.ContainsFunc(statements, func(s map[string]any) bool { return s["Sid"] == label }) {
			return nil, invalid("Statement already exists")
		}
		return append(statements, map[string]any{
			"Sid": label, "Effect": "Allow", "Principal": map[string]any{"AWS": principals}, "Action": names, "Resource": t.arn,
		}), nil
	})
}

// removePermission removes the statement with a label.
func (s *Service) removePermission(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	return nil, t.editPolicy(func(statements []map[string]any) ([]map[string]any, error) {
		return slices.DeleteFunc(statements, func(s map[string]any) bool { return s["Sid"] == call.Str("Label") }), nil
	})
}

// editPolicy replaces the statements of the topic's policy.
func (t *topic) editPolicy(edit func([]map[string]any) ([]map[string]any, error)) error {
	policy, err := resourcepolicy.EditStatements(t.attributes["Policy"], map[string]any{"Version": "2008-10-17"}, edit)
	if err != nil {
		return err
	}
	t.attributes["Policy"] = policy
	return nil
}
