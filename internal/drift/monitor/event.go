package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"permstack/internal/drift/changeevent"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

const (
	// Window is how long a run that an event started waits before it reads, so that a
	// burst of changes is one check, and IAM has become consistent.
	Window = 10 * time.Second
	// shortestRun is the time that is needed for one more run in the same invocation.
	shortestRun = 90 * time.Second
	// longestLookUp is the time for the search of CloudTrail's event history.
	longestLookUp = 20 * time.Second
	// maxRuns is how many runs an invocation makes; what arrives later waits for the
	// next event or the schedule.
	maxRuns = 10
)

// Queued is the status of a result if the event was left to the run in progress.
const Queued notify.Status = "queued"

// Ignored is the status of a result if the event was about no change.
const Ignored notify.Status = "ignored"

// trigger is what started a run.
type trigger struct {
	events  []changeevent.Event // that the run reports; collect adds those in the inbox
	limited bool                // only what the events name is checked
}

// Do executes the run that an event requests: for a change that AWS reported, one
// that is limited to what that event and those in the inbox name; for everything
// else, such as the event of the schedule, a complete one. holder identifies the
// invocation; a repetition of it has the same.
//
// While another run is in progress the event is left to it, in the inbox: a run looks
// there before it reads, and after it has released the lease. So a burst of events is
// one or two runs, a run begins at most Window after its first event, and neither an
// event nor the schedule waits for those that follow. Without an inbox the error is
// ErrBusy.
func (r *Run) Do(ctx context.Context, holder string, payload []byte) (Result, error) {
	t := &trigger{}
	var e changeevent.Event
	if e, t.limited = changeevent.Parse(payload, r.Origin.Account); t.limited {
		if e.Failed {
			r.Log.Info(logEventIgnored, "action", e.Call.Action)
			return Result{Status: Ignored}, nil
		}
		t.events = []changeevent.Event{e}
		t.limited = e.Stack != r.Origin.StackID
	}
	result, err := r.attempt(ctx, holder, t)
	if errors.Is(err, ErrBusy) && r.Inbox != nil {
		if len(payload) == 0 {
			payload = []byte("{}")
		}
		if err := r.Inbox.send(ctx, payload); err != nil {
			return Result{}, err
		}
		r.Log.Info(logEventQueued, "action", e.Call.Action)
		// The run in progress may have ended before the event was in the inbox.
		result, err = r.attempt(ctx, holder+"/0", &trigger{limited: true})
		if errors.Is(err, ErrBusy) {
			return Result{Status: Queued}, nil
		}
	}
	if err != nil {
		return result, err
	}
	r.doQueued(ctx, holder)
	return result, nil
}

// doQueued makes runs until the inbox is empty, another run is in progress, or the
// time is over. An event remains in the inbox until a run has reported it, so errors
// lose none.
func (r *Run) doQueued(ctx context.Context, holder string) Result {
	last := Result{Status: Queued}
	for n := range maxRuns {
		if deadline, ok := ctx.Deadline(); r.Inbox == nil || ok && deadline.Sub(r.Now()) < shortestRun {
			return last
		}
		waiting, err := r.Inbox.isWaiting(ctx)
		if err != nil {
			r.Log.Error(logInboxFailed, "error", err)
		}
		if !waiting && r.waitForHidden(ctx) {
			continue
		}
		if !waiting {
			return last
		}
		result, err := r.attempt(ctx, fmt.Sprintf("%s/%d", holder, n+1), &trigger{limited: true})
		if err != nil {
			return last
		}
		last = result
	}
	return last
}

// waitForHidden waits until the events of a lost response can be received again, if
// there was one, and reports whether it did.
func (r *Run) waitForHidden(ctx context.Context) bool {
	wait := r.hiddenUntil.Sub(r.Now())
	deadline, ok := ctx.Deadline()
	if r.hiddenUntil.IsZero() || ok && deadline.Sub(r.Now()) < wait+shortestRun {
		return false
	}
	r.hiddenUntil = time.Time{}
	return r.Sleep(ctx, max(0, wait)) == nil
}

// collect adds the events in the inbox to those of the trigger. A run that an event
// started waits for more before.
func (r *Run) collect(ctx context.Context, t *trigger) []queued {
	if r.Inbox == nil {
		return nil
	}
	if t.limited {
		if r.Sleep(ctx, Window) != nil {
			return nil
		}
	}
	received, lost, err := r.Inbox.receive(ctx)
	if lost {
		r.hiddenUntil = r.Now().Add(invisible * time.Second)
	}
	if err != nil {
		r.Log.Error(logInboxFailed, "error", err)
	}
	for _, q := range received {
		e, ok := changeevent.Parse([]byte(q.body), r.Origin.Account)
		if !ok || e.Stack == r.Origin.StackID { // a complete run was requested
			t.limited = false
		}
		known := slices.ContainsFunc(t.events, func(o changeevent.Event) bool {
			return o.Call.ID != "" && o.Call.ID == e.Call.ID
		})
		if ok && !known && !e.Failed {
			t.events = append(t.events, e)
		}
	}
	return received
}

func (r *Run) removeReceived(ctx context.Context, received []queued) {
	if len(received) == 0 {
		return
	}
	if err := r.Inbox.remove(ctx, received); err != nil { // they are reported once more
		r.Log.Error(logInboxFailed, "error", err)
	}
}

// announceUndone reports the changes that were undone before the check. What an
// earlier run reported is reported as resolved instead.
func (r *Run) announceUndone(diff *notify.Diff, report finding.Report, state notify.State) {
	for _, f := range report.Undone {
		reported := slices.ContainsFunc(diff.Appeared, func(o notify.Open) bool {
			return o.Kind == finding.StateLost && o.Subject == f.PhysicalID
		})
		if !reported && !state.Knows(f.Stack, f.LogicalID) {
			diff.Announce(f, r.Now())
		}
	}
}

// lookUpCallers sets the calls that made the findings which no event explains.
func (r *Run) lookUpCallers(ctx context.Context, until time.Time, diff *notify.Diff) {
	if r.LookUp == nil {
		return
	}
	var unknown []finding.Finding
	for _, o := range slices.Concat(diff.Appeared, diff.Changed) {
		if len(o.Calls) == 0 {
			unknown = append(unknown, o.Finding)
		}
	}
	if len(unknown) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(longestLookUp, r.available(until)))
	defer cancel()
	events, err := r.LookUp(ctx, unknown)
	if err != nil { // the message is sent all the same
		r.Log.Warn(logLookUpFailed, "error", err)
	}
	attribute(diff, events)
}

// attribute sets the calls that made the findings which the check itself does not
// make: choices are compared after it.
func attribute(diff *notify.Diff, events []changeevent.Event) {
	for _, list := range [][]notify.Open{diff.Appeared, diff.Changed} {
		for i := range list {
			if len(list[i].Calls) == 0 {
				list[i].Calls = changeevent.CallsFor(list[i].Finding, events)
			}
		}
	}
}
