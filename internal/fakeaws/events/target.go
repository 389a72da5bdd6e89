package events

import (
	"encoding/json"
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
)

// target is a target of a rule, stored as it was sent, so that members for one
// kind of target are kept.
type target struct {
	id  string
	raw json.RawMessage
}

// failedEntry is the failure of one target in the responses of PutTargets and
// RemoveTargets.
type failedEntry struct{ TargetId, ErrorCode, ErrorMessage string }

type entriesResult struct {
	FailedEntryCount int
	FailedEntries    []failedEntry
}

// putTargets adds targets, or replaces those of the same id.
func (s *Service) putTargets(call *protocol.Call, in struct {
	Rule, EventBusName string
	Targets            []json.RawMessage
}) (any, error) {
	r, err := s.find(call, "rule", in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) == 0 {
		return nil, violation("targets", "[]", "Member must have length greater than or equal to 1")
	}
	targets := slices.Clone(r.targets)
	for _, raw := range in.Targets {
		t, err := readTarget(raw)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(targets, func(o target) bool { return o.id == t.id }); i >= 0 {
			targets[i] = t
			continue
		}
		targets = append(targets, t)
	}
	if len(targets) > maxTargets {
		return nil, protocol.Errorf(
			"LimitExceededException",
			"The requested resource exceeds the maximum number allowed.",
		)
	}
	r.targets = targets
	return entriesResult{FailedEntries: []failedEntry{}}, nil
}

func readTarget(raw json.RawMessage) (target, error) {
	var t struct {
		Id, Arn, Input, InputPath string
		InputTransformer          *inputTransformer
		DeadLetterConfig          struct{ Arn string }
		SqsParameters             struct{ MessageGroupId string }
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return target{}, protocol.Errorf("SerializationException", "read a target: %v", err)
	}
	inputs := 0
	for _, has := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if has {
			inputs++
		}
	}
	switch {
	case !idPattern.MatchString(t.Id):
		return target{}, violation(
			"targets.1.member.id",
			t.Id,
			`Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+ and have 1 to 64 characters`,
		)
	case !isARN(t.Arn):
		return target{}, protocol.Errorf(
			"ValidationException",
			"Parameter %s is not valid. Reason: Provided Arn is not in correct format.",
			t.Arn,
		)
	case len(t.Arn) > 1600:
		return target{}, violation(
			"targets.1.member.arn",
			t.Arn,
			"Member must have length less than or equal to 1600",
		)
	case inputs > 1:
		return target{}, protocol.Errorf(
			"ValidationException",
			"Only one of Input, InputPath, or InputTransformer must be provided for target %s.",
			t.Id,
		)
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return target{}, protocol.Errorf("ValidationException", "JSON syntax error in input for target %s.", t.Id)
	}
	if t.InputPath != "" && !strings.HasPrefix(t.InputPath, "$") {
		return target{}, protocol.Errorf("ValidationException", "Invalid InputPath for target %s.", t.Id)
	}
	if t.InputTransformer != nil {
		if err := t.InputTransformer.check(t.Id); err != nil {
			return target{}, err
		}
	}
	if err := checkQueues(t.Id, t.Arn, t.SqsParameters.MessageGroupId, t.DeadLetterConfig.Arn); err != nil {
		return target{}, err
	}
	return target{t.Id, slices.Clone(raw)}, nil
}

// checkQueues refuses a FIFO queue without message group, and one as dead-letter queue (User Guide, "Amazon SQS
// targets"; "Using dead-letter queues": standard queues only).
func checkQueues(id, arn, group, deadLetter string) error {
	isQueue := func(text string) bool {
		a, _ := iampolicy.ParseARN(text)
		return a.Service == "sqs"
	}
	isFIFO := func(text string) bool { return isQueue(text) && strings.HasSuffix(text, ".fifo") }
	switch {
	case isFIFO(arn) && group == "":
		return protocol.Errorf("ValidationException",
			"Parameter(s) SqsParameters must be specified for target: %s.", id)
	case deadLetter != "" && (!isQueue(deadLetter) || isFIFO(deadLetter)):
		return protocol.Errorf("ValidationException",
			"Parameter DeadLetterConfig of target %s is not valid. Reason: the ARN must be of a standard queue.", id)
	}
	return nil
}

// removeTargets removes targets from a rule. A target that does not exist is
// reported in the response, not as an error.
func (s *Service) removeTargets(call *protocol.Call, in struct {
	Rule, EventBusName string
	Ids                []string
}) (any, error) {
	r, err := s.find(call, "rule", in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := entriesResult{FailedEntries: []failedEntry{}}
	for _, id := range in.Ids {
		i := slices.IndexFunc(r.targets, func(t target) bool { return t.id == id })
		if i < 0 {
			out.FailedEntries = append(
				out.FailedEntries,
				failedEntry{
					id,
					"ResourceNotFoundException",
					"Rule " + r.name + " does not have a target with the Id " + id + ".",
				},
			)
			continue
		}
		r.targets = slices.Delete(slices.Clone(r.targets), i, i+1)
	}
	out.FailedEntryCount = len(out.FailedEntries)
	return out, nil
}

func (s *Service) listTargetsByRule(call *protocol.Call, in struct {
	Rule, EventBusName, NextToken string
	Limit                         *int
}) (any, error) {
	r, err := s.find(call, "rule", in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	raw := make([]json.RawMessage, 0, len(r.targets))
	for _, t := range r.targets {
		raw = append(raw, t.raw)
	}
	raw, next, err := paginate(raw, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return struct {
		Targets   []json.RawMessage
		NextToken string `json:",omitempty"`
	}{raw, next}, nil
}

func isARN(text string) bool {
	_, ok := iampolicy.ParseARN(text)
	return ok
}
