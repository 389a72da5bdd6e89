package sqs

import (
	"errors"
	"regexp"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// maxBatch is the number of entries that a batch may have (API reference, SendMessageBatch).
const maxBatch = 10

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// action returns the action that a call requires: a batch requires that of its entries ("Amazon SQS API permissions",
// SQS Developer Guide).
func action(call *protocol.Call) string {
	return "sqs:" + strings.TrimSuffix(call.Action, "Batch")
}

func batchError(code, format string, args ...any) error {
	e := protocol.Errorf(code, format, args...)
	e.QueryCode = "AWS.SimpleQueueService." + code
	return e
}

type failedEntry struct {
	Id, Code, Message string
	SenderFault       bool
}

type batchResult struct {
	Successful []any
	Failed     []failedEntry
}

// batch executes the entries of a batch, of which each succeeds or fails for itself.
func batch[E any](entries []E, id func(E) string, do func(E) (any, error)) (any, error) {
	if len(entries) == 0 {
		return nil, batchError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	}
	if len(entries) > maxBatch {
		return nil, batchError("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have "+
			"sent %d.", maxBatch, len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		switch {
		case !entryID.MatchString(id(e)):
			return nil, batchError("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, "+
				"hyphens and underscores. It can be at most 80 letters long.")
		case seen[id(e)]:
			return nil, batchError("BatchEntryIdsNotDistinct", "Id %s repeated.", id(e))
		}
		seen[id(e)] = true
	}
	out := batchResult{Successful: []any{}, Failed: []failedEntry{}}
	for _, e := range entries {
		result, err := do(e)
		var refused *protocol.Error
		switch {
		case errors.As(err, &refused):
			out.Failed = append(out.Failed, failedEntry{id(e), refused.Code, refused.Message, true})
		case err != nil:
			return nil, err
		default:
			out.Successful = append(out.Successful, result)
		}
	}
	return out, nil
}

type sendEntry struct {
	Id string
	sendInput
}

func (s *Service) sendMessageBatch(call *protocol.Call, in struct {
	QueueUrl string
	Entries  []sendEntry
}) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return batch(in.Entries, func(e sendEntry) string { return e.Id }, func(e sendEntry) (any, error) {
		sent, err := s.send(q, call.Caller.ARN, e.sendInput)
		return struct {
			Id string
			sentMessage
		}{e.Id, sent}, err
	})
}

type receiptEntry struct {
	Id, ReceiptHandle string
	VisibilityTimeout int
}

func (s *Service) deleteMessageBatch(call *protocol.Call, in receiptBatch) (any, error) {
	return s.byReceipts(call, in, s.remove)
}

func (s *Service) changeMessageVisibilityBatch(call *protocol.Call, in receiptBatch) (any, error) {
	return s.byReceipts(call, in, s.changeVisibility)
}

type receiptBatch struct {
	QueueUrl string
	Entries  []receiptEntry
}

func (s *Service) byReceipts(call *protocol.Call, in receiptBatch, do func(*queue, byReceipt) error) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return batch(in.Entries, func(e receiptEntry) string { return e.Id }, func(e receiptEntry) (any, error) {
		return struct{ Id string }{e.Id}, do(q, byReceipt{
			ReceiptHandle: e.ReceiptHandle, VisibilityTimeout: e.VisibilityTimeout,
		})
	})
}
