package detect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/ratelimit"
)

// provisionerTokens begins the client request tokens of the provisioner's operations on a permission stack.
const provisionerTokens = "permstack-"

var errTooManyEvents = errors.New("too many events of the stack")

// maxEventPages bounds the DescribeStackEvents calls of one stack, with 100 events each: an update has about 60.
const maxEventPages = 20

// madeByRolledBackUpdates reports whether everything that CloudFormation did to a permission stack since a time
// belongs to updates of the parent stack that were rolled back, and each of them changed the declared properties of
// the roles, which explains that CloudFormation wrote them. So a failed update of the parent is not taken for another
// external id.
//
// It reports false if anybody else updated the stack in that time; if an update of the parent wrote a role with the
// same properties, because then the external id is what it changed, and somebody may have used it before the
// rollback; and if the events could not be read.
func (c *check) madeByRolledBackUpdates(
	ctx context.Context, parent, s *stack, roles []string, since time.Time,
) bool {
	own, err := c.stackEvents(ctx, s.id, since)
	if err != nil {
		return false
	}
	ofParent, err := c.stackEvents(ctx, parent.id, since)
	if err != nil {
		return false
	}
	rolledBack := rolledBackSpans(ofParent)
	inSpan := func(t time.Time) bool {
		return slices.ContainsFunc(rolledBack, func(p span) bool { return !t.Before(p.begin) && !t.After(p.end) })
	}
	written := map[string][]string{} // the properties of each role, in the order of the updates
	for _, e := range own {
		switch {
		case aws.ToString(e.ResourceType) == stackType:
			begins := e.ResourceStatus == types.ResourceStatus(types.StackStatusUpdateInProgress) ||
				e.ResourceStatus == types.ResourceStatus(types.StackStatusUpdateRollbackInProgress)
			token := aws.ToString(e.ClientRequestToken)
			if begins && !(strings.HasPrefix(token, provisionerTokens) && inSpan(aws.ToTime(e.Timestamp))) {
				return false
			}
		case slices.Contains(roles, aws.ToString(e.LogicalResourceId)) &&
			slices.Contains([]types.ResourceStatus{types.ResourceStatusUpdateComplete, types.ResourceStatusUpdateFailed},
				e.ResourceStatus):
			if !inSpan(aws.ToTime(e.Timestamp)) {
				return false
			}
			id := aws.ToString(e.LogicalResourceId)
			written[id] = append(written[id], aws.ToString(e.ResourceProperties))
		}
	}
	for _, properties := range written {
		// The rollback wrote what was before, so each update differs from the one before it.
		if len(properties) < 2 || len(slices.Compact(slices.Clone(properties))) != len(properties) {
			return false
		}
	}
	return len(written) > 0
}

// span is a time in which the custom resource of a parent was being updated.
type span struct{ begin, end time.Time }

// rolledBackSpans returns the times in which the custom resource was updated, of the updates of a parent stack that
// were rolled back. The events are the oldest first.
func rolledBackSpans(events []types.StackEvent) []span {
	var out, current []span
	var open *span
	for _, e := range events {
		at := aws.ToTime(e.Timestamp)
		switch aws.ToString(e.ResourceType) {
		case customResource:
			switch e.ResourceStatus {
			case types.ResourceStatusUpdateInProgress:
				if open == nil { // there may be several such events of one update
					open = &span{begin: at}
				}
			case types.ResourceStatusUpdateComplete, types.ResourceStatusUpdateFailed:
				if open != nil {
					open.end = at
					current, open = append(current, *open), nil
				}
			}
		case stackType:
			switch types.StackStatus(e.ResourceStatus) {
			case types.StackStatusUpdateInProgress, types.StackStatusUpdateComplete:
				current, open = nil, nil
			case types.StackStatusUpdateRollbackComplete:
				out, current, open = append(out, current...), nil, nil
			}
		}
	}
	return out
}

// stackEvents returns the events of a stack after a time, the oldest first. CloudFormation lists the newest first, and
// keeps them for 90 days.
func (c *check) stackEvents(ctx context.Context, id string, since time.Time) ([]types.StackEvent, error) {
	var out []types.StackEvent
	in := &cloudformation.DescribeStackEventsInput{StackName: &id}
	for range maxEventPages {
		page, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.DescribeStackEvents, in)
		if err != nil {
			return nil, err
		}
		for _, e := range page.StackEvents {
			if !aws.ToTime(e.Timestamp).After(since) {
				slices.Reverse(out)
				return out, nil
			}
			out = append(out, e)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			slices.Reverse(out)
			return out, nil
		}
	}
	return nil, errTooManyEvents
}
