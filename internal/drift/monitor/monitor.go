// Package watch is one run of the scheduled drift check: look, put right where
// that is asked for, tell what is news, remember that it was told.
//
// # What may go wrong, and what it costs
//
// Before anything is put right, what was found is written into the state as
// notYetNotified, or told where that cannot be: the message about it cannot be lost with
// the evidence.
//
// The state is saved after the message was sent: a crash between the two costs
// one message too many, never a lost alert. A lost or damaged state costs the
// same. Where the state cannot be read or written at all, the run still looks
// and tells everything that it finds, again in every run; it then does not count
// as completed, which the heartbeat alarm shows. A check that fails as a whole,
// or a message that cannot be sent, fails the run: Lambda tries it again twice
// and then puts it into the dead-letter queue, which has an alarm too.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// Run is what one run needs.
type Run struct {
	Place        notify.Place
	Store        *Store
	Sender       *notify.Sender
	Hub          *notify.Sender // the Organization's topic, told after the own one; nil is none
	ReminderDays int

	Check func(context.Context) (finding.Report, error)
	// Revert puts drift right; nil where OnDrift is notify.
	Revert func(context.Context, finding.Report) (notify.Reverted, error)
	// Deployed tells which access is deployed and which was announced; nil skips that.
	Deployed func(context.Context) (Deployed, error)

	Log     *slog.Logger
	Metrics io.Writer
	Now     func() time.Time
}

// Result is what a run came to; it is the function's answer.
type Result struct {
	Status    notify.Status `json:"status"`
	Checked   int           `json:"checked"`
	Drifted   int           `json:"drifted"`
	Notified  int           `json:"notified"`
	Completed bool          `json:"completed"`
}

// reserve is kept of the time for telling and remembering, at most a third.
const reserve = 30 * time.Second

// Do carries the run out. holder names this invocation, the same when it is
// repeated.
func (r *Run) Do(ctx context.Context, holder string) (Result, error) {
	began := r.Now()
	until := began.Add(15 * time.Minute) // the longest that Lambda lets run
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline
	}
	metrics := notify.Metrics{Stack: r.Place.Stack}
	result, err := r.do(ctx, holder, began, until, &metrics)
	metrics.Duration = r.Now().Sub(began)
	metrics.Notified = result.Notified
	if result.Completed {
		metrics.Completed = 1
	}
	if err := metrics.Write(r.Metrics, r.Now()); err != nil {
		r.Log.Error("metrics are not written", "error", err)
	}
	if err != nil {
		r.Log.Error("the run failed", "error", err)
		return result, err
	}
	r.Log.Info("the run is done", "status", result.Status, "checked", result.Checked, "drifted", result.Drifted, "notified", result.Notified, "completed", result.Completed)
	return result, nil
}

func (r *Run) do(ctx context.Context, holder string, began, until time.Time, metrics *notify.Metrics) (result Result, err error) {
	remembers := true
	state, err := r.Store.Begin(ctx, holder, began, until)
	var damaged *DamagedError
	switch {
	case errors.Is(err, ErrBusy):
		return Result{}, err
	case errors.As(err, &damaged):
		r.Log.Warn("the state is lost: what stands is told again", "error", err)
	case err != nil:
		remembers = false
		r.Log.Error("the state cannot be kept: what stands is told in every run", "error", err)
	}
	// A run that fails gives the lease back; it tells nothing and forgets nothing.
	defer func() {
		if err != nil && remembers {
			if err := r.Store.End(context.WithoutCancel(ctx), state); err != nil {
				r.Log.Warn("the lease stays until it ends", "error", err)
			}
		}
	}()

	report, err := r.check(ctx, until)
	if err != nil {
		return Result{}, fmt.Errorf("check stack %s for drift: %w", r.Place.Stack, err)
	}
	if report.Profile == "" {
		report.Profile = r.Place.Profile
	}
	next, sent, err := r.announce(ctx, state, report)
	if err != nil { // it is tried again in the next run: drift matters more
		r.Log.Error("a change of access is not announced yet", "error", err)
	}
	news, next := notify.Compare(report, next, r.Now(), r.ReminderDays)
	result = Result{Status: notify.InSync, Checked: report.Checked, Drifted: news.Drifted(), Notified: sent}
	fill(metrics, report, news)

	var hub error
	if r.Revert != nil && news.Drifted() > 0 {
		if state, err = r.before(ctx, remembers, state, next, notify.DriftMessage(report, news, nil, r.Now())); err != nil {
			return result, err
		}
	}
	reverted := r.revert(ctx, until, report, news)
	message := notify.DriftMessage(report, news, reverted, r.Now())
	result.Status = message.Status
	r.logFindings(news)
	if news.Any() || reverted != nil && len(reverted.Done) > 0 {
		id, err := r.Sender.Send(ctx, message)
		if err != nil {
			return result, err
		}
		result.Notified++
		r.Log.Info("told", "messageId", id, "subject", message.Subject)
		if r.Hub != nil {
			_, hub = r.Hub.Send(ctx, message)
		}
	}
	if err := r.Store.End(ctx, next); err != nil {
		r.Log.Error("what was told is not remembered: it will be told again", "error", err)
		return result, nil
	}
	result.Completed = remembers
	if hub != nil { // the account itself was told and is not told again: the run fails, and the alarm of failed runs speaks
		remembers = false
		return result, fmt.Errorf("tell the Organization: %w", hub)
	}
	return result, nil
}

// before makes sure, before anything is put right, that somebody will be told of
// it: what is put right leaves no other trace. It is remembered as untold, or where
// that cannot be, told at once. It gives the state that holds from now on.
func (r *Run) before(ctx context.Context, remembers bool, state, next notify.State, message notify.Message) (notify.State, error) {
	if remembers {
		ahead := state.WithPending(next)
		err := r.Store.Save(ctx, ahead)
		if err == nil {
			return ahead, nil
		}
		r.Log.Error("what is about to be put right cannot be remembered: it is told first", "error", err)
	}
	_, err := r.Sender.Send(ctx, message)
	return state, err
}

// check leaves time to tell and to remember.
func (r *Run) check(ctx context.Context, until time.Time) (finding.Report, error) {
	left := r.left(until)
	if r.Revert != nil { // which needs time, too
		left /= 2
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	report, err := r.Check(ctx)
	if err != nil {
		return report, err
	}
	// The state is written at every run: that its value is not the template's is
	// no drift.
	report.Findings = slices.DeleteFunc(report.Findings, func(f finding.Finding) bool {
		return f.Kind == finding.PropertyChanged && f.PhysicalID == r.Store.Parameter
	})
	return report, nil
}

// left is the time until a moment, without the reserve.
func (r *Run) left(until time.Time) time.Duration {
	left := until.Sub(r.Now())
	return left - min(reserve, left/3)
}

func fill(m *notify.Metrics, report finding.Report, news notify.News) {
	m.Checked, m.NotReached, m.Drifted = report.Checked, len(report.NotReached), news.Drifted()
	m.Unreadable = len(news.Standing) - news.Drifted()
	for _, i := range news.Standing {
		if i.Direction == finding.GrantsMore {
			m.GrantsMore++
		}
	}
}

// revert puts right what drifted. What fails is told, and never fails the run.
func (r *Run) revert(ctx context.Context, until time.Time, report finding.Report, news notify.News) *notify.Reverted {
	if r.Revert == nil || news.Drifted() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.left(until))
	defer cancel()
	out, err := r.Revert(ctx, report)
	if err != nil {
		r.Log.Error("drift is not put right", "error", err)
		out.Failed = append(out.Failed, err.Error())
	}
	r.Log.Info("put right", "done", out.Done, "failed", out.Failed)
	return &out
}

func (r *Run) logFindings(news notify.News) {
	for what, items := range map[string][]notify.Item{"appeared": news.Appeared, "changed": news.Changed, "reminder": news.Reminded} {
		for _, i := range items {
			r.Log.Warn("finding", "news", what, "id", i.ID, "kind", i.Kind, "direction", i.Direction, "stack", i.Stack, "resource", i.LogicalID, "subject", i.Subject, "missingPermission", i.Permission)
		}
	}
	for _, g := range news.Resolved {
		r.Log.Info("resolved", "what", g.Label, "direction", g.Direction)
	}
}
