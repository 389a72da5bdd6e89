package timing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
)

// span is the work of CloudFormation on one resource.
type span struct {
	stack, resource string
	begin, end      time.Duration // since the beginning of the operation
	status          types.ResourceStatus
}

// timeline returns the spans of stacks since a time, in the order of their end, as a table: what an operation waited
// for is read from its end backwards.
func (a *account) timeline(since time.Time, stacks ...string) string {
	a.t.Helper()
	var all []span
	for _, stack := range stacks {
		all = append(all, a.spans(since, stack)...)
	}
	slices.SortStableFunc(all, func(x, y span) int {
		if x.end != y.end {
			return int(x.end - y.end)
		}
		return int(x.begin - y.begin)
	})
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%6.1f %6.1f  %-40s %s\n", s.begin.Seconds(), s.end.Seconds(), s.stack+"/"+s.resource, s.status)
	}
	return b.String()
}

// spans returns the spans of one stack.
func (a *account) spans(since time.Time, stack string) []span {
	a.t.Helper()
	var all []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(a.cfn,
		&cloudformation.DescribeStackEventsInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.t.Context())
		if err != nil {
			return nil // the stack does not exist
		}
		all = append(all, page.StackEvents...)
	}
	slices.Reverse(all)
	began := map[string]time.Duration{}
	var out []span
	for _, e := range all {
		id, at := aws.ToString(e.LogicalResourceId), e.Timestamp.Sub(since)
		switch {
		case at < 0:
		case strings.HasSuffix(string(e.ResourceStatus), "_IN_PROGRESS"):
			if _, begun := began[id]; !begun {
				began[id] = at
			}
		default:
			out = append(out, span{aws.ToString(e.StackName), id, began[id], at, e.ResourceStatus})
			delete(began, id)
		}
	}
	return out
}

// permissionStacks returns the names of the existing permission stacks.
func (a *account) permissionStacks() []string {
	a.t.Helper()
	parent, err := installation.ParseParent(a.id(parentName))
	if err != nil {
		a.t.Fatal(err)
	}
	var out []string
	for _, part := range installation.Parts {
		if len(a.spans(time.Time{}, parent.StackName(part))) > 0 {
			out = append(out, parent.StackName(part))
		}
	}
	return out
}
