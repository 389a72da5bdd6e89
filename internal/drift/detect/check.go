package detect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/stacks"
	"permstack/internal/drift/changeevent"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

// Options configures a check. Parent is required.
type Options struct {
	// Parent is the name or id of the stack that was launched. A stack that was
	// deployed by hand, without the custom resource, is checked by itself.
	Parent string
	// AnyStack checks a stack that was not created by permstack, too. Without it Check
	// returns ErrNotInstalled for such a stack: nothing of it would be compared with
	// what permstack defines, and "in sync" would mean nothing.
	AnyStack bool
	// Release is what the parent stack was launched from, if the caller has it.
	Release Release
	// Concurrency bounds how many resources each source reads at the same time, and
	// the concurrent calls to each service; 0 is DefaultConcurrency.
	Concurrency int
	// Reserve is the part of the time until the context's deadline that is left to
	// the caller, who has to notify; 0 is a tenth of the time, at most 10 s.
	Reserve time.Duration
	// Progress, if any, is called after each resource, by one goroutine at a time.
	Progress func(Progress)
	// Events are what AWS reported since the previous check: findings name the calls
	// that made them, and a change that was undone is in finding.Report.Undone.
	Events []changeevent.Event
	// Limited limits the check to what Events name and what depends on it, see scope.go.
	Limited bool

	// WasInProgress reports whether the previous check could not reach a stack, given
	// by its id, because CloudFormation was working on it. A stack that is in progress
	// again is checked nevertheless. Nil is never.
	WasInProgress func(stackID string) bool

	// Previous returns the value that a choice of the report had in the previous check;
	// "" if there is none. Nil is always "".
	Previous func(name string) string

	// WasOpen reports whether the previous check found drift of a resource. Nil is never.
	WasOpen func(stack, logicalID string) bool

	Now   func() time.Time // nil is time.Now
	Sleep pause.Func       // waits before a call is retried; nil is pause.For
}

// Release is what the parent stack was launched from.
type Release struct {
	// Template is the launch template. The parent stack, and what its custom resource
	// selects, are expected to be as it has them for the stack's parameters. Where the
	// functions' code is may differ. Nil expects what the parent deployed.
	Template []byte
	// ProfileTemplate returns the launch template of one profile, nil if the release has none. It is expected where the
	// parent has no parameter Profile. The functions' code in it may be of any release.
	ProfileTemplate func(profile string) []byte
	// Code is the SHA-256 in hexadecimal of the functions' packages, by the name of the
	// function's directory.
	Code map[string]string
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	if o.WasInProgress == nil {
		o.WasInProgress = func(string) bool { return false }
	}
	if o.Previous == nil {
		o.Previous = func(string) string { return "" }
	}
	if o.WasOpen == nil {
		o.WasOpen = func(string, string) bool { return false }
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	return o
}

// DefaultConcurrency is well below what CloudFormation and IAM throttle in
// practice; the rate limit adapts if they throttle earlier.
const DefaultConcurrency = 4

// Progress is how much of a check is done.
type Progress struct {
	Done, Total int    // one for each resource and source
	Stack       string // of the last resource
	LogicalID   string
}

// ErrNotInstalled is returned by Check if the stack is not one of permstack.
var ErrNotInstalled = errors.New("permstack did not create this stack: " +
	"give the name of the stack that you launched, or of one with a template of permstack synth")

// Check compares the parent stack and its permission stacks with what exists.
// The package comment describes sources, calls and what is not a finding.
//
// Roles are read first, then policies, topics and rules. At the context's
// deadline (less Reserve) the resources that were not completely checked are
// listed in NotReached, and the error is nil. If the context is cancelled the
// report contains what was found so far, and the error wraps context.Canceled.
// Check returns an error if the parent does not exist or cannot be read.
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

	chosen *choices // of the parent; nil if they could not be evaluated

	mu          sync.Mutex
	done, total int
}

func (c *check) run(ctx context.Context, report *finding.Report) error {
	all, parent, err := c.openStacks(ctx)
	if err != nil {
		return err
	}
	report.ParentStackID, report.Account, report.Region = parent.ID, parent.Account, parent.Region
	report.Profile = all[0].profile()
	report.Choices = all[0].announcedChoices()
	// A value that cannot be parsed is one that the provisioner has rejected.
	report.RestoreUntil, _ = policies.ParseRestoreUntil(stacks.Parameter(all[0].described, "RestoreUntil"))
	if c.chosen != nil {
		report.NarrowedTo = c.chosen.properties.Scope.Summary()
		report.NarrowedEntries = append([]string{}, c.chosen.properties.Scope.Entries()...)
	}
	if c.chosen != nil {
		report.Choices = append(report.Choices, c.parentSettings(ctx, all[0])...)
		c.compareAlertKey(ctx, all[0])
		for _, s := range all {
			c.compareChangeSets(ctx, parent, s)
		}
	}
	var drafts []draft
	for _, s := range all {
		if s.id != "" {
			report.Stacks = append(report.Stacks, s.id)
		}
		if s.inProgress {
			report.InProgress = append(report.InProgress, s.id)
		}
		drafts = append(drafts, s.drafts...)
	}
	m := newModel(parent, all)
	m.release, m.guardrails = c.o.Release, all[0].guardrails()
	if c.chosen != nil {
		m.installation = all[0]
	}
	drafts = append(drafts, m.compareTemplates(parent, all)...)
	if c.o.Limited {
		report.Scope = m.limit(c.o.Events, all)
	}
	c.read(ctx, m)
	report.NoSubscriber = m.hasNoSubscriber()
	// Without the choice CompareChoices takes the subscribers as not known, such as while the parent stack is in progress.
	subscribers, known := m.alertSubscribers()
	if !known {
		subscribers = c.o.Previous(finding.SubscribersChoice)
	}
	if known || subscribers != "" {
		report.Choices = append(report.Choices, finding.Choice{Name: finding.SubscribersChoice, Value: subscribers})
	}
	if c.chosen != nil {
		report.Choices = append(report.Choices, c.contents(ctx, m)...)
		if choice, ok := c.externalIDChoice(ctx, parent, all); ok && !all[0].inProgress {
			report.Choices = append(report.Choices, choice)
		}
	}
	if c.chosen != nil && (!c.o.Limited || concernsAccount(c.o.Events, all)) {
		drafts = append(drafts, c.checkAccount(ctx, parent, all, m)...)
	}
	for _, r := range m.resources {
		switch {
		case !r.checkable():
		case r.checked():
			report.Checked++
		default:
			report.NotReached = append(report.NotReached, r.stack.name+"/"+r.logicalID)
		}
	}
	current := c.dropStaleFindings(ctx, all, append(drafts, m.compare()...), report)
	for i := range current {
		m.guardrails.acceptDraft(&current[i])
	}
	secrets := m.secrets()
	found := completeAll(current, secrets)
	for i, f := range found {
		found[i].Calls = changeevent.CallsFor(f, c.o.Events)
	}
	report.Findings, report.Accepted = finding.Accept(found, all[0].acceptances(), c.o.Now())
	if c.chosen != nil {
		report.Choices = append(report.Choices, c.directUpdates(all, found, report.Choices)...)
	}
	report.Undone = completeAll(m.undone(c.o.Events, found), secrets)
	slices.Sort(report.NotReached)
	return nil
}

// openStacks opens the parent and its permission stacks; the parent is the first.
func (c *check) openStacks(ctx context.Context) ([]*stack, installation.Parent, error) {
	described, err := c.describe(ctx, c.o.Parent)
	if err != nil {
		return nil, installation.Parent{}, err
	}
	if described == nil {
		return nil, installation.Parent{}, fmt.Errorf("describe stack %s: it does not exist", c.o.Parent)
	}
	parent, err := installation.ParseParent(*described.StackId)
	if err != nil {
		return nil, parent, err
	}
	own := c.open(ctx, parent, described)
	c.expectParent(parent, own)
	out := []*stack{own}
	chosen, err := readChoices(own, parent)
	switch {
	case err == nil:
		c.chosen = chosen
		return append(out, c.permissionStacks(ctx, parent, own, chosen)...), parent, nil
	// While the parent is in progress its permission stacks are created and deleted.
	case !own.inProgress && own.bound != nil && !errors.Is(err, errNoCustomResource):
		d := own.draft(finding.NotReadable, customResource, finding.Monitoring)
		d.Reason = finding.ExpectedUnknown
		d.ReadErrors = []finding.ReadError{{Target: finding.TargetTemplate, Message: err.Error()}}
		own.drafts = append(own.drafts, d)
	}
	out = append(out, c.undeclaredPermissionStacks(ctx, parent)...)
	if !c.o.AnyStack && len(out) == 1 && own.bound != nil && errors.Is(err, errNoCustomResource) &&
		!strings.HasPrefix(own.bound.Template.Description, permissionstack.DescriptionPrefix) {
		return nil, parent, fmt.Errorf("check stack %s: %w", own.name, ErrNotInstalled)
	}
	return out, parent, nil
}

// read reads every resource from both sources, by rank.
func (c *check) read(ctx context.Context, m *model) {
	var live, detected []*resource
	for _, r := range m.resources {
		if r.hasLiveComparison() {
			live = append(live, r)
		}
		if r.hasDetection() {
			detected = append(detected, r)
		}
	}
	c.total = len(live) + len(detected)
	var group sync.WaitGroup
	c.each(ctx, &group, live, func(r *resource) { c.readLive(ctx, m, r) })
	c.each(ctx, &group, detected, func(r *resource) { r.detection = c.detect(ctx, r) })
	group.Wait()
}

// each starts workers that process a list in its order.
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
				c.reportProgress(r)
			}
		})
	}
}

func (c *check) reportProgress(r *resource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if c.o.Progress != nil {
		c.o.Progress(Progress{Done: c.done, Total: c.total, Stack: r.stack.name, LogicalID: r.logicalID})
	}
}

// dropStaleFindings drops the findings of a stack that was updated since it was
// opened: the expected values are no longer those of its template. The next run
// checks it again. What is expected of a permission stack follows from the parent,
// so an update of the permission stack alone does not hide a finding.
func (c *check) dropStaleFindings(ctx context.Context, all []*stack, found []draft, report *finding.Report) []draft {
	updated := map[string]bool{}
	isUpdated := func(s *stack) bool {
		if _, known := updated[s.id]; !known {
			now, err := c.describe(ctx, s.id)
			// After an error the time is over, or the permission was removed: the findings
			// are valid.
			updated[s.id] = err == nil && (now == nil || !sameState(s.described, now))
		}
		return updated[s.id]
	}
	for _, s := range all {
		ofStack := func(d draft) bool { return d.Stack == s.name && !d.current }
		source := s
		if s.part != "" {
			source = all[0]
		}
		if source.id == "" || !slices.ContainsFunc(found, ofStack) || !isUpdated(source) {
			continue
		}
		found = slices.DeleteFunc(found, ofStack)
		for _, r := range s.resources {
			if r.checkable() && r.checked() {
				report.Checked--
				report.NotReached = append(report.NotReached, s.name+"/"+r.logicalID)
			}
		}
	}
	return found
}
