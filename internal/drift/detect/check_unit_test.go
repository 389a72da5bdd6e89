package detect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/drift/changeevent"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack"
)

// TestDefaults checks what a check does without options, and that those that are given are kept.
func TestDefaults(t *testing.T) {
	o := Options{}.withDefaults()
	if o.Now == nil || o.Sleep == nil || o.Concurrency != DefaultConcurrency || o.WasInProgress("s") ||
		o.Previous("n") != "" || o.WasOpen("s", "r") {
		t.Errorf("got %+v", o)
	}
	yes, failing := func(string) bool { return true }, func(context.Context, time.Duration) error { return errBroken }
	o = Options{
		Now: func() time.Time { return unitNow }, Sleep: failing, WasInProgress: yes,
		Previous: func(string) string { return "before" }, WasOpen: func(string, string) bool { return true }, Concurrency: 1,
	}.withDefaults()
	if !o.Now().Equal(unitNow) || o.Sleep(t.Context(), 0) == nil || !o.WasInProgress("s") || o.Previous("n") != "before" ||
		!o.WasOpen("s", "r") || o.Concurrency != 1 {
		t.Errorf("got %+v", o)
	}
}

// TestReserve checks how much of the time is left to the caller: a tenth, at most 10 s, unless the caller states it.
func TestReserve(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		name              string
		left, given, want time.Duration
	}{
		{"short", 50 * time.Second, 0, 45 * time.Second},
		{"long", 900 * time.Second, 0, 890 * time.Second},
		{"given", 900 * time.Second, time.Minute, 840 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			outer, cancel := context.WithDeadline(t.Context(), now.Add(tc.left))
			defer cancel()
			ctx, done := withReserve(outer, now, tc.given)
			defer done()
			if deadline, ok := ctx.Deadline(); !ok || !deadline.Equal(now.Add(tc.want)) {
				t.Errorf("got %s, want %s", deadline.Sub(now), tc.want)
			}
		})
	}
	ctx, cancel := withReserve(t.Context(), now, time.Minute)
	if _, ok := ctx.Deadline(); ok {
		t.Error("a context without a deadline got one")
	}
	if cancel(); ctx.Err() == nil {
		t.Error("the context is not cancelled")
	}
}

// TestStaleFindings checks which findings a later update drops: those of a stack that was updated, and of the
// permission stacks of a parent that was; not those of a permission stack that was updated alone, which an attacker may
// do.
func TestStaleFindings(t *testing.T) {
	for _, tc := range []struct {
		name    string
		updated string // stack
		current bool   // the findings do not depend on what is deployed
		err     error
		want    []string // stacks with findings
	}{
		{"nothing", "", false, nil, []string{"backup", "access", "byhand"}},
		{"parent", "backup", false, nil, []string{"byhand"}},
		{"parent, and a finding that it does not concern", "backup", true, nil, []string{"backup", "access", "byhand"}},
		{"permission stack alone", "access", false, nil, []string{"backup", "access", "byhand"}},
		{"another stack", "byhand", false, nil, []string{"backup", "access"}},
		{"not known", "backup", false, errBroken, []string{"backup", "access", "byhand"}},
		{"deleted", "deleted", false, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access, byHand := unitStack("backup"), unitStack("access"), unitStack("byhand")
			access.part = installation.Access
			all := []*stack{parent, access, byHand}
			api := &unitCloudFormation{stacks: map[string]*types.Stack{}, err: map[string]error{"DescribeStacks": tc.err}}
			for _, s := range all {
				now := *s.described
				if s.name == tc.updated {
					now.LastUpdatedTime = aws.Time(unitNow.Add(time.Second))
				}
				if tc.updated != "deleted" {
					api.stacks[s.id] = &now
				}
			}
			var found []draft
			for _, s := range all {
				d := s.add(typeRole, "Role", "role-of-"+s.name, `{}`).deletedDraft()
				d.current = tc.current
				found = append(found, d)
			}
			access.add(typeRole, "NotChecked", "n", `{}`).liveDone = false
			access.add("Custom::Other", "Other", "o", `{}`)
			for _, r := range slices.Concat(parent.resources, access.resources, byHand.resources) {
				r.detection = &detection{status: "IN_SYNC"}
			}
			report := finding.Report{Checked: 5}
			c := unitCheck(api, nil)
			var got []string
			for _, d := range c.dropStaleFindings(t.Context(), all, found, &report) {
				got = append(got, d.Stack)
			}
			checked, notReached := 5, []string(nil)
			for _, s := range all {
				if !slices.Contains(tc.want, s.name) {
					checked, notReached = checked-1, append(notReached, s.name+"/Role")
				}
			}
			if !slices.Equal(got, tc.want) || report.Checked != checked || !slices.Equal(report.NotReached, notReached) {
				t.Errorf("got findings of %q, want %q; %d resources checked, not %q", got, tc.want, report.Checked,
					report.NotReached)
			}
			if n := len(api.calls); n > 2 {
				t.Errorf("got %d calls: each stack is described once", n)
			}
		})
	}
	t.Run("stack without an id", func(t *testing.T) {
		api := &unitCloudFormation{}
		s := &stack{name: "gone"}
		found := unitCheck(api, nil).dropStaleFindings(t.Context(), []*stack{s},
			[]draft{s.draft(finding.StackHeld, "", "")}, &finding.Report{})
		if len(found) != 1 || api.calls != nil {
			t.Errorf("got %d findings after calls %q", len(found), api.calls)
		}
	})
}

// TestWorkers checks that every resource is processed once, with progress, and none after the context ended.
func TestWorkers(t *testing.T) {
	s := unitStack("backup")
	for _, name := range []string{"A", "B", "C"} {
		s.add(typeRole, name, name, `{}`)
	}
	var progress []Progress
	c := unitCheck(nil, nil)
	c.o.Concurrency = 1
	c.o.Progress = func(p Progress) { progress = append(progress, p) }
	c.total = 3
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	var done []string
	c.each(ctx, &group, s.resources, func(r *resource) {
		if done = append(done, r.logicalID); r.logicalID == "B" {
			cancel()
		}
	})
	group.Wait()
	want := []Progress{{1, 3, "backup", "A"}, {2, 3, "backup", "B"}}
	if !slices.Equal(done, []string{"A", "B"}) || !slices.Equal(progress, want) {
		t.Errorf("processed %q with progress %+v, want %+v", done, progress, want)
	}
}

// TestCheckErrors checks when a check returns an error: for a parent that does not exist or is another stack, and after
// a cancellation, but not after a deadline.
func TestCheckErrors(t *testing.T) {
	parent := unitStack("backup").described
	const template = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
	later := &unitCloudFormation{stacks: map[string]*types.Stack{"backup": parent}}
	for _, tc := range []struct {
		name     string
		ctx      func(context.Context) (context.Context, context.CancelFunc)
		api      *unitCloudFormation
		anyStack bool
		want     error // nil is no error, errBroken any
	}{
		{"missing", nil, &unitCloudFormation{}, true, errBroken},
		{"not readable", nil, &unitCloudFormation{err: map[string]error{"DescribeStacks": errBroken}}, true, errBroken},
		{"not installed", nil, &unitCloudFormation{stacks: map[string]*types.Stack{"backup": parent}}, false,
			ErrNotInstalled},
		{"any stack", nil, &unitCloudFormation{stacks: map[string]*types.Stack{"backup": parent}}, true, nil},
		{"cancelled meanwhile", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			later.on = func(call string) {
				if call == "GetTemplate" {
					cancel()
				}
			}
			return ctx, cancel
		}, later, true, context.Canceled},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, &unitCloudFormation{stacks: map[string]*types.Stack{"backup": parent}}, true, context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := t.Context()
			if tc.ctx != nil {
				var cancel context.CancelFunc
				ctx, cancel = tc.ctx(ctx)
				defer cancel()
			}
			tc.api.templates = map[string]string{"": template}
			c := unitCheck(tc.api, nil)
			report, err := Check(ctx, c.clients, Options{
				Parent: "backup", AnyStack: tc.anyStack, Sleep: c.o.Sleep, Now: time.Now,
			})
			switch {
			case tc.want == nil && err != nil, tc.want == errBroken && err == nil,
				tc.want != nil && tc.want != errBroken && !errors.Is(err, tc.want):
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if report.Started.IsZero() || report.Took < 0 || report.Took > time.Minute {
				t.Errorf("got the times %s, %s", report.Started, report.Took)
			}
		})
	}
}

// TestParentWithoutChoice checks what is read of a parent whose custom resource cannot be evaluated: that is a finding
// unless the parent is in progress, and its permission stacks are compared with what they deployed.
func TestParentWithoutChoice(t *testing.T) {
	const (
		undecodable = "Resources: {Access: {Type: Custom::PermissionStack, Properties: {ServiceToken: t, Assets: no}}}"
		without     = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
		unknown     = " not-readable [Custom::PermissionStack] monitoring (expected-unknown)"
		byHand      = "Description: \"" + permissionstack.DescriptionPrefix + "x\"\n" + without
	)
	for _, tc := range []struct {
		name, template string
		status         types.StackStatus
		owned          bool // the access stack exists, with the tag of the parent
		err            error
		want           []string
		stacks         []string
	}{
		{"cannot be decoded", undecodable, types.StackStatusUpdateComplete, false, nil,
			[]string{strings.TrimSpace(unknown)}, []string{"backup"}},
		{"cannot be decoded, in progress", undecodable, types.StackStatusUpdateInProgress, false, nil, nil,
			[]string{"backup"}},
		{"no custom resource, and a permission stack", without, types.StackStatusUpdateComplete, true, nil, nil,
			[]string{"backup", unitParent().StackName(installation.Access)}},
		{"template cannot be evaluated", "Resources: [", types.StackStatusUpdateComplete, false, nil,
			[]string{"not-readable [template] unreadable (template-invalid)"}, []string{"backup"}},
		{"deployed by hand", byHand, types.StackStatusUpdateComplete, false, nil, nil, []string{"backup"}},
		{"neither", without, types.StackStatusUpdateComplete, false, ErrNotInstalled, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent := unitStack("backup")
			parent.described.StackStatus = tc.status
			parent.described.LastUpdatedTime = &unitNow
			api := &unitCloudFormation{
				stacks:    map[string]*types.Stack{"backup": parent.described},
				templates: map[string]string{"": tc.template},
				resources: []types.StackResourceSummary{{
					LogicalResourceId: aws.String("Access"), PhysicalResourceId: aws.String("a"),
					ResourceType: aws.String(customResource),
				}},
			}
			if tc.owned {
				access := unitStack(unitParent().StackName(installation.Access)).described
				access.Tags = []types.Tag{{Key: aws.String(installation.ParentTag), Value: aws.String(unitParent().ID)}}
				api.stacks[*access.StackName] = access
				inventory := unitStack(unitParent().StackName(installation.Inventory)).described // of somebody else
				api.stacks[*inventory.StackName] = inventory
			}
			c := unitCheck(api, nil)
			c.o.Parent = "backup"
			all, p, err := c.openStacks(t.Context())
			if !errors.Is(err, tc.err) || p.ID != unitParent().ID {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			var names []string
			for _, s := range all {
				names = append(names, s.name)
			}
			if !slices.Equal(names, tc.stacks) {
				t.Errorf("got stacks %q, want %q", names, tc.stacks)
			}
			if all != nil {
				checkDrafts(t, all[0].drafts, tc.want...)
			}
		})
	}
}

// TestLimitedSearch checks which events make a limited check search the account.
func TestLimitedSearch(t *testing.T) {
	all := []*stack{unitStack("backup")}
	for _, tc := range []struct {
		name string
		e    changeevent.Event
		want bool
	}{
		{"created role", changeevent.Event{Call: finding.Call{Action: "iam:CreateRole"}}, true},
		{"created stack", changeevent.Event{Call: finding.Call{Action: "cloudformation:CreateStack"}}, true},
		{"another stack", changeevent.Event{Stack: stackARN("web", "1")}, true},
		{"stack of the installation", changeevent.Event{Stack: all[0].id}, false},
		{"another call", changeevent.Event{Call: finding.Call{Action: "iam:DeleteRole"}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := concernsAccount([]changeevent.Event{tc.e}, all); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
