// Package monitor is one run of the drift check, on its schedule or after an event: it checks, reverts if configured,
// notifies of what changed, and saves what it reported.
//
// # Failures and what they cost
//
// Before anything is reverted, the findings are saved in the state as not yet
// notified, or reported at once if that is not possible: a revert removes the
// evidence, so the message about it must not be lost.
//
// The state is saved after the message was sent: a crash between the two costs
// one redundant message, never a lost one. A lost or damaged state costs the
// same. If the state cannot be read or written, the run still checks, and
// reports everything that it finds, in every run; it then does not count as
// completed, which the heartbeat alarm shows. A check that fails as a whole, or a
// message that cannot be sent, fails the run: Lambda tries it twice more and then
// puts the event into the dead-letter queue, which has an alarm too.
package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"permstack/internal/awsapi/pause"
	"permstack/internal/drift/changeevent"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// Run is what one run needs.
type Run struct {
	Origin       notify.Origin
	Store        *Store
	Sender       *notify.Sender
	Hub          *notify.Sender // for the Organization's topic, after Sender; may be nil
	ReminderDays int
	// HubAt returns the sender for a topic of the Organization; nil if Hub does not change. A run that began before
	// the stack was updated has the topic of before in its environment, and would report the update to nobody else.
	HubAt func(topicARN string) *notify.Sender

	// Check checks for drift; the state is of the previous run. The events are those
	// that AWS reported since. With limited, only what they name is checked.
	Check func(ctx context.Context, previous notify.State, events []changeevent.Event, limited bool) (finding.Report,
		error)
	// Revert reverts findings; nil if OnDrift is notify.
	Revert func(context.Context, finding.Report) (finding.Reversals, error)
	// Deployed returns which access is deployed and which was announced; nil skips
	// the announcement.
	Deployed func(context.Context) (Deployed, error)
	// LookUp returns the calls that may have made findings, from CloudTrail's event history;
	// nil if it is not searched.
	LookUp func(context.Context, []finding.Finding) ([]changeevent.Event, error)
	// Inbox holds the events that arrived during earlier runs; nil if there is none.
	Inbox   *Inbox
	Sleep   pause.Func
	Log     *slog.Logger
	Metrics io.Writer
	Now     func() time.Time

	// hiddenUntil is when SQS shows the events of a lost response again; zero if there was none.
	hiddenUntil time.Time
}

// Result is the result of a run, and the function's response.
type Result struct {
	Status    notify.Status `json:"status"`
	Checked   int           `json:"checked"`
	Drifted   int           `json:"drifted"`
	Notified  int           `json:"notified"`
	Completed bool          `json:"completed"`
}

const (
	// reserve is the time that is kept for notifying and saving the state, at most a
	// third of what is left.
	reserve = 30 * time.Second
	// maxDuration is Lambda's maximum (quotas, "Function timeout").
	maxDuration = 15 * time.Minute
)

// attempt executes one run and writes its metrics and its result.
func (r *Run) attempt(ctx context.Context, holder string, t *trigger) (Result, error) {
	began := r.Now()
	until := began.Add(maxDuration)
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline
	}
	metrics := notify.Metrics{Stack: r.Origin.Stack}
	result, err := r.execute(ctx, holder, began, until, t, &metrics)
	if r.Inbox != nil && errors.Is(err, ErrBusy) { // the run in progress does it
		return result, err
	}
	metrics.Duration = r.Now().Sub(began)
	metrics.Notified = result.Notified
	if result.Completed {
		metrics.Completed = 1
	}
	if result.Status == Queued {
		return result, err
	}
	if !t.limited || metrics.Drifted > 0 { // another run may have found what this one did not check
		if err := metrics.Write(r.Metrics, r.Now()); err != nil {
			r.Log.Error(logMetricsFailed, "error", err)
		}
	}
	if err != nil {
		r.Log.Error(logFailed, "error", err)
		return result, err
	}
	r.Log.Info(logCompleted, "status", result.Status, "checked", result.Checked, "drifted", result.Drifted,
		"notified", result.Notified, "completed", result.Completed, "events", len(t.events), "limited", t.limited)
	return result, nil
}

// execute does one run. A run that fails releases the lease and leaves the rest of the state.
func (r *Run) execute(
	ctx context.Context, holder string, began, until time.Time, t *trigger, metrics *notify.Metrics,
) (result Result, err error) {
	state, damaged, err := r.begin(ctx, holder, began, until)
	if errors.Is(err, ErrBusy) {
		return Result{}, err
	}
	hasState := err == nil
	defer func() {
		if err != nil && hasState {
			if err := r.Store.End(context.WithoutCancel(ctx), state); err != nil {
				r.Log.Warn(logLeaseNotReleased, "error", err)
			}
		}
	}()

	received := r.collect(ctx, t)
	if t.limited && len(t.events) == 0 { // another run took the events
		return Result{Status: Queued}, r.Store.End(ctx, state)
	}
	if damaged != nil { // what is open is not known
		t.limited = false
	}
	report, err := r.check(ctx, until, state, t)
	if err != nil {
		return Result{}, fmt.Errorf("check stack %s for drift: %w", r.Origin.Stack, err)
	}
	r.useHub(report.Choices)
	state = state.ForHub(r.hubTopic())
	next, announced := r.announceChanges(ctx, state, report)
	diff, next := r.compare(report, state, next, damaged)
	result = Result{Status: notify.InSync, Checked: report.Checked, Drifted: diff.Drifted(), Notified: announced}
	setMetrics(metrics, report, diff)
	attribute(&diff, t.events)
	r.lookUpCallers(ctx, until, &diff)

	if r.Revert != nil && diff.Drifted() > 0 {
		state, err = r.beforeRevert(ctx, hasState, state, next, notify.DriftMessage(report, diff, nil, r.Now()))
		if err != nil {
			return result, err
		}
	}
	message, hubMessage := notify.NewHubMessages(report, diff, r.revert(ctx, until, report, diff), r.Now())
	result.Status = message.Status
	r.logFindings(diff)
	sent, err := r.send(ctx, diff, message)
	hubSent, hubErr := r.sendHub(ctx, diff.ForHub(), hubMessage) // also if the account's own topic was deleted
	if hubSent {
		next, sent = next.SentToHub(diff), 1
	}
	result.Notified += sent
	if err != nil {
		return result, err
	}
	if err := r.Store.End(ctx, next); err != nil {
		r.Log.Error(logStateNotSaved, "error", err)
		return result, nil
	}
	r.removeReceived(ctx, received)
	result.Completed = hasState && !t.limited
	if report.NoSubscriber && r.Hub == nil { // the heartbeat alarm shows it
		r.Log.Warn(logNoSubscriber)
		result.Completed = false
	}
	// The account itself is not notified again. The repeated run notifies the
	// Organization of what is still open, and a run that fails raises an alarm.
	if hubErr != nil {
		hasState = false // which is saved already
		return result, fmt.Errorf("notify the Organization: %w", hubErr)
	}
	return result, nil
}

// begin acquires the lease and returns the state of the previous run. damaged is why that state cannot be used; the
// lease is acquired nevertheless. The error is ErrBusy, or why there is neither a state nor a lease.
func (r *Run) begin(
	ctx context.Context, holder string, began, until time.Time,
) (state notify.State, damaged *DamagedError, err error) {
	state, err = r.Store.Begin(ctx, holder, began, until)
	switch {
	case errors.Is(err, ErrBusy):
		return state, nil, err
	case errors.As(err, &damaged):
		r.Log.Warn(logStateLost, "error", err)
		return state, damaged, nil
	case err != nil:
		r.Log.Error(logStateUnavailable, "error", err)
	}
	return state, nil, err
}

// announceChanges announces what is no drift: a deployment, and the end of a restore window. It returns the state with
// what is announced, and how many messages it sent. What cannot be announced is announced by the next run: drift is
// more important.
func (r *Run) announceChanges(
	ctx context.Context, state notify.State, report finding.Report,
) (next notify.State, sent int) {
	next, sent, err := r.announce(ctx, state, report)
	if err != nil {
		r.Log.Error(logAnnounceFailed, "error", err)
	}
	next, ended, err := r.announceRestoreEnd(ctx, next, report)
	if err != nil {
		r.Log.Error(logAnnounceFailed, "error", err)
	}
	return next, sent + ended
}

// compare returns what is to be reported and the state with that; state is that of the previous run, next has what was
// announced since. damaged is why the previous state is lost; nil if it is not.
func (r *Run) compare(
	report finding.Report, state, next notify.State, damaged *DamagedError,
) (notify.Diff, notify.State) {
	diff, next := notify.Compare(report, next, r.Now(), r.ReminderDays)
	if damaged != nil {
		lost := finding.LostState(r.Origin.Stack, r.Origin.StackID, r.Store.Parameter, damaged.Error())
		// Which of the choices were changed since the state was lost is not known, so all are stated.
		for _, c := range report.Choices {
			lost.Changes = append(lost.Changes, "now "+c.Name+": "+c.Value)
		}
		diff.Announce(lost, r.Now())
	}
	r.announceUndone(&diff, report, state)
	return diff, next
}

// beforeRevert makes sure that the findings are reported although a revert
// removes the evidence: it saves them as not yet notified, or reports them at
// once if that is not possible. It returns the state that is saved.
func (r *Run) beforeRevert(
	ctx context.Context, hasState bool, state, next notify.State, message notify.Message,
) (notify.State, error) {
	if hasState {
		pending := state.WithPending(next)
		err := r.Store.Save(ctx, pending)
		if err == nil {
			return pending, nil
		}
		r.Log.Error(logStateNotSaved, "error", err)
	}
	_, err := r.Sender.Send(ctx, message)
	return state, err
}

// check checks for drift and leaves time to notify and to save the state.
func (r *Run) check(ctx context.Context, until time.Time, state notify.State, t *trigger) (finding.Report, error) {
	available := r.available(until)
	if r.Revert != nil { // which needs time too
		available /= 2
	}
	ctx, cancel := context.WithTimeout(ctx, available)
	defer cancel()
	report, err := r.Check(ctx, state, t.events, t.limited)
	report.Profile = cmp.Or(report.Profile, r.Origin.Profile)
	report.Findings = withoutSameAccess(report.Findings)
	return report, err
}

// available returns the time until a moment, less the reserve.
func (r *Run) available(until time.Time) time.Duration {
	left := until.Sub(r.Now())
	return left - min(reserve, left/3)
}

func setMetrics(m *notify.Metrics, report finding.Report, diff notify.Diff) {
	m.Checked, m.NotReached = report.Checked, len(report.NotReached)
	m.Drifted, m.Unreadable = diff.Drifted(), diff.Unreadable()
	if report.Scope != nil && m.Drifted > 0 { // the others are open, too
		m.Drifted += diff.KeptDrifted
	}
	announced := slices.DeleteFunc(slices.Clone(diff.Appeared), func(o notify.Open) bool {
		return o.Kind != finding.ChoiceChanged && o.Kind != finding.StateLost && o.Kind != finding.ChangeUndone
	})
	for _, o := range slices.Concat(diff.Open, announced) {
		switch o.Direction {
		case finding.GrantsMore:
			m.GrantsMore++
		case finding.Monitoring:
			m.Monitoring++
		}
	}
}

// revert reverts the findings. Its errors are reported and do not fail the run.
func (r *Run) revert(ctx context.Context, until time.Time, report finding.Report, diff notify.Diff) *notify.Reverted {
	if r.Revert == nil || diff.Drifted() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.available(until))
	defer cancel()
	result, err := r.Revert(ctx, report)
	if err != nil {
		r.Log.Error(logRevertFailed, "error", err)
	}
	out := notify.NewReverted(result, err)
	r.Log.Info(logReverted, "done", out.Done, "failed", out.Failed)
	return out
}

func (r *Run) logFindings(diff notify.Diff) {
	for event, list := range map[notify.Event][]notify.Open{
		notify.Appeared: diff.Appeared, notify.Changed: diff.Changed, notify.Reminder: diff.Reminded,
	} {
		for _, o := range list {
			r.Log.Warn(logFinding, "event", event, "id", o.ID, "kind", o.Kind, "direction", o.Direction, "stack", o.Stack,
				"resource", o.LogicalID, "subject", o.Subject, "missingPermission", o.Permission)
		}
	}
	for _, resolved := range diff.Resolved {
		r.Log.Info(logResolved, "what", resolved.Label, "direction", resolved.Direction)
	}
}

// withoutSameAccess returns the findings without those of declared policies that were
// rewritten and with which every role may do the same: a statement in another policy of
// the role concerns nobody. permstack drift shows them. When one of the policies changes
// again, the access of the role as a whole is compared again.
func withoutSameAccess(list []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f finding.Finding) bool {
		return f.Reason == finding.EffectiveAccessSame && slices.Contains([]finding.Kind{
			finding.InlinePolicyAdded, finding.InlinePolicyChanged, finding.InlinePolicyRemoved, finding.PolicyChanged,
		}, f.Kind)
	})
}
