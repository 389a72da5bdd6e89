// Package drift compares what a parent stack deployed with what is there, and
// says which way each difference goes.
package detect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"permstack/internal/awsapi/pause"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// Options shape a check. Parent is required.
type Options struct {
	// Parent is the name or id of the stack that was launched. A stack that was
	// deployed by hand, without the custom resource, is checked by itself.
	Parent string
	// Concurrency bounds how many resources each eye looks at together, and the
	// calls under way to each service; 0 is DefaultConcurrency.
	Concurrency int
	// Reserve is the part of the context's deadline that is left to the caller,
	// who has to tell of the findings; 0 is a tenth of the time, at most 10 s.
	Reserve time.Duration
	// Progress, if any, is told after each resource. It is not called twice at once.
	Progress func(Progress)

	Now   func() time.Time // nil is time.Now
	Sleep pause.Func       // waits before a call is made again; nil is real
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	return o
}

// DefaultConcurrency keeps well under what CloudFormation and IAM throttle in
// practice; the gate finds the rate where it is lower.
const DefaultConcurrency = 4

// Progress is how far a check has come.
type Progress struct {
	Done, Total int    // looks: one or two a resource
	Stack       string // of the last one
	LogicalID   string
}

// Check looks at the parent stack and its permission stacks with both eyes:
// CloudFormation's own drift detection, and a comparison of the deployed
// templates with IAM, SNS and EventBridge.
//
// # Calls
//
// A stack costs 1 DescribeStacks, 1 GetTemplate and 1 ListStackResources for
// every 100 resources; one more DescribeStacks where it has findings, lest an
// update meanwhile be taken for drift. Then, for each resource:
//
//	AWS::IAM::Role               4 + 1 for each inline policy that is there
//	                             (GetRole, ListRolePolicies, GetRolePolicy …,
//	                             ListAttachedRolePolicies, detection)
//	AWS::IAM::ManagedPolicy      3 (GetPolicy, GetPolicyVersion, detection)
//	AWS::IAM::InstanceProfile    2 (GetInstanceProfile, detection)
//	AWS::SNS::Topic              3 (GetTopicAttributes, ListTagsForResource, detection)
//	AWS::SNS::TopicInlinePolicy  1 (detection; it shares its topic's attributes)
//	AWS::Events::Rule            4 (DescribeRule, ListTargetsByRule,
//	                             ListTagsForResource, detection)
//	other supported types        1 (detection)
//
// and 2 for each foreign policy that was attached, or set as boundary. Nothing is
// read twice. ListPolicies would save the GetPolicy calls, but can only be
// allowed for all policies of the account; GetAccountAuthorizationDetails would
// be one call for everything and shows the whole account: neither is used.
//
// # Order and time
//
// The live eye and CloudFormation's work side by side, each with roles first,
// then policies, topics and rules. When the context's deadline (less Reserve)
// comes, what was not looked at by both stands in NotReached and the error is
// nil. When the context is cancelled the report holds what was found and the
// error is the context's.
//
// # What is not a finding
//
// A difference of form in a document; a tag that somebody else added (AWS's own
// drift-aware change sets leave those alone too); aws:* tags that are not there,
// which nobody but AWS can change and which IAM's resources do not get
// everywhere. The description of a role is compared by CloudFormation alone.
//
// The error is not nil where nothing can be said: the parent cannot be found or
// read.
func Check(ctx context.Context, clients Clients, o Options) (finding.Report, error) {
	o = o.withDefaults()
	started := o.Now()
	outer := ctx
	ctx, cancel := withReserve(ctx, started, o.Reserve)
	defer cancel()

	c := &check{
		reader: newReader(clients, o),
		o:      o,
	}
	report := finding.Report{Started: started}
	err := c.run(ctx, &report)
	report.Took = o.Now().Sub(started)
	if err == nil && errors.Is(outer.Err(), context.Canceled) {
		err = fmt.Errorf("check stack %s: %w", o.Parent, outer.Err())
	}
	return report, err
}

// withReserve ends a context before its deadline.
func withReserve(ctx context.Context, now time.Time, reserve time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	if reserve <= 0 {
		reserve = min(deadline.Sub(now)/10, 10*time.Second)
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

// check is one run.
type check struct {
	*reader
	o Options

	mu          sync.Mutex
	done, total int
}

func (c *check) run(ctx context.Context, report *finding.Report) error {
	stacks, parent, err := c.stacks(ctx)
	if err != nil {
		return err
	}
	report.ParentStackID, report.Account, report.Region = parent.ID, parent.Account, parent.Region
	report.Profile = parameterValue(stacks[0].described, "Profile")
	var findings []draft
	for _, s := range stacks {
		if s.id != "" {
			report.Stacks = append(report.Stacks, s.id)
		}
		findings = append(findings, s.findings...)
	}
	m := newModel(parent, stacks)
	c.look(ctx, m)
	for _, r := range m.resources {
		switch {
		case !r.visible():
		case r.reached():
			report.Checked++
		default:
			report.NotReached = append(report.NotReached, r.stack.name+"/"+r.logicalID)
		}
	}
	found := m.compare()
	found = c.dropStaleFindings(ctx, stacks, found, report)
	report.Findings = normalizeFindings(append(findings, found...), m.secrets())
	slices.Sort(report.NotReached)
	return nil
}

// stacks opens the parent and its permission stacks; the parent comes first.
func (c *check) stacks(ctx context.Context) ([]*stack, installation.Parent, error) {
	described, err := c.describe(ctx, c.o.Parent)
	if err != nil {
		return nil, installation.Parent{}, fmt.Errorf("describe stack %s: %w", c.o.Parent, err)
	}
	if described == nil {
		return nil, installation.Parent{}, fmt.Errorf("describe stack %s: it does not exist", c.o.Parent)
	}
	parent, err := installation.ParseParent(*described.StackId)
	if err != nil {
		return nil, parent, err
	}
	own := c.open(ctx, parent, described)
	out := []*stack{own}
	// While the parent is at work its permission stacks come and go.
	if own.declares("Custom::PermissionStack") && !own.waiting {
		return append(out, c.permissionStacks(ctx, parent, described)...), parent, nil
	}
	return append(out, c.standing(ctx, parent)...), parent, nil
}

// look lets both eyes look at every resource, the weightiest first.
func (c *check) look(ctx context.Context, m *model) {
	var live, detect []*resource
	for _, r := range m.resources {
		if r.liveEye() {
			live = append(live, r)
		}
		if r.detectable() {
			detect = append(detect, r)
		}
	}
	c.total = len(live) + len(detect)
	var group sync.WaitGroup
	c.each(ctx, &group, live, func(r *resource) { c.readLive(ctx, m, r) })
	c.each(ctx, &group, detect, func(r *resource) { r.detection = c.detect(ctx, r) })
	group.Wait()
}

// each starts workers that go through a list in its order.
func (c *check) each(ctx context.Context, group *sync.WaitGroup, list []*resource, do func(*resource)) {
	queue := make(chan *resource, len(list))
	for _, r := range list {
		queue <- r
	}
	close(queue)
	for range min(c.o.Concurrency, len(list)) {
		group.Go(func() {
			for r := range queue {
				if ctx.Err() != nil {
					return
				}
				do(r)
				c.tell(r)
			}
		})
	}
}

func (c *check) tell(r *resource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if c.o.Progress != nil {
		c.o.Progress(Progress{Done: c.done, Total: c.total, Stack: r.stack.name, LogicalID: r.logicalID})
	}
}

// dropStaleFindings drops the findings of a stack that was updated while it was looked
// at: what was wanted is not wanted any more. The next run will see.
func (c *check) dropStaleFindings(ctx context.Context, stacks []*stack, found []draft, report *finding.Report) []draft {
	for _, s := range stacks {
		of := func(f draft) bool { return f.Stack == s.name }
		if s.id == "" || !slices.ContainsFunc(found, of) {
			continue
		}
		now, err := c.describe(ctx, s.id)
		if err != nil { // no time or no permission any more: what was seen was seen
			continue
		}
		if now != nil && s.same(now) {
			continue
		}
		found = slices.DeleteFunc(found, of)
		for _, r := range s.resources {
			if r.visible() && r.reached() {
				report.Checked--
				report.NotReached = append(report.NotReached, s.name+"/"+r.logicalID)
			}
		}
	}
	return found
}
