// Package customresource speaks CloudFormation's custom-resource protocol: it
// turns a Go function into a Lambda handler that answers every event exactly
// once, in time and within the limits, whatever the function does.
//
// aws-lambda-go's cfn.LambdaWrap is not enough for that: it watches no
// deadline, sends an answer once and without a timeout, and lets an answer
// grow past what CloudFormation takes.
package customresource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

// Handle does the work of one event. Its error becomes the reason of a FAILED
// response: the customer reads it in the console.
type Handle func(ctx context.Context, log *slog.Logger, event cfn.Event) (Result, error)

// Result is what a success hands back to the template. It has no physical id:
// one that changes would make CloudFormation delete what it takes for the old
// resource.
type Result struct {
	Data map[string]any // read with Fn::GetAtt; not sent for Delete
}

// Function is a custom resource. Its zero value lacks only Handle.
type Function struct {
	Handle Handle

	// PhysicalID names the resource that a Create event asks for. It must give
	// the same id for the same event whether Create succeeds or fails: the Delete
	// that follows a failure comes with this id. Later events carry their own.
	// Default: the id of the event's stack and its logical id.
	PhysicalID func(cfn.Event) string

	// Secrets lists values of an event that must reach no log and no reason.
	// The response URL is always one of them.
	Secrets func(cfn.Event) []string

	Log    io.Writer // where logs go, as JSON lines; nil: nowhere
	Sender Sender    // how answers travel

	// Reserve is kept of the function's time for the answer. Default: 20 s, or a
	// third of the time where that is less.
	Reserve time.Duration
}

const defaultReserve = 20 * time.Second

// Invoke handles one event as the Lambda runtime hands it over. It answers an
// error only when CloudFormation could not be told.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, problem := decode(payload)
	hide := newRedactor(event.ResponseURL, f.secrets(event))
	log := f.logger(hide).With(
		"requestType", event.RequestType, "requestId", event.RequestID,
		"stack", event.StackID, "resource", event.LogicalResourceID)
	if event.ResponseURL == "" {
		log.Error("event without a response URL: nobody can be answered")
		return nil, errors.New("this function answers CloudFormation's custom-resource events only: the event has no ResponseURL")
	}

	started := time.Now()
	var result Result
	err := problem
	if err == nil {
		log.Info("event received")
		result, err = f.run(ctx, log, event)
	}
	answer := newResponse(event, f.physicalID(event), result, err, hide)
	level := slog.LevelInfo
	if answer.Status == cfn.StatusFailed {
		level = slog.LevelError
	}
	log.Log(ctx, level, "answering", "status", answer.Status, "reason", answer.Reason, "seconds", time.Since(started).Seconds())

	if err := f.Sender.send(ctx, log, event.ResponseURL, answer.body()); err != nil {
		err = errors.New(hide.text(fmt.Sprintf("answer %s event of %s: %v", event.RequestType, event.LogicalResourceID, err)))
		log.Error("answer not delivered", "error", err)
		return nil, err
	}
	return nil, nil
}

// decode reads an event; where a part of it makes no sense, the parts that an
// response needs are read all the same.
func decode(payload []byte) (cfn.Event, error) {
	var event cfn.Event
	err := json.Unmarshal(payload, &event)
	if err == nil {
		switch event.RequestType {
		case cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete:
			return event, nil
		}
		return event, fmt.Errorf("request type %q: want Create, Update or Delete", event.RequestType)
	}
	// encoding/json goes on after a value of a wrong type, so event holds the rest.
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return event, fmt.Errorf("read event: %s cannot be a %s", wrong.Field, wrong.Value)
	}
	return event, errors.New("read event: it is no JSON object")
}

// invoke calls the handler and waits for it, or for the time to run out.
func (f *Function) run(ctx context.Context, log *slog.Logger, event cfn.Event) (Result, error) {
	doing := &activity{}
	ctx = context.WithValue(ctx, activityKey{}, doing)
	// late ends a little after the handler's own time, so that a handler which
	// heeds its context can still say in its own words what happened.
	late := make(<-chan time.Time)
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		reserve := f.Reserve
		if reserve == 0 {
			reserve = defaultReserve
		}
		reserve = min(reserve, left/3)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-reserve)
		defer cancel()
		timer := time.NewTimer(left - reserve + reserve/4)
		defer timer.Stop()
		late = timer.C
	}

	type outcome struct {
		result Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		out := outcome{err: errors.New("the function ended without an answer: this is a fault of permstack, please report it")}
		defer func() {
			if p := recover(); p != nil {
				log.Error("panic", "value", fmt.Sprint(p), "trace", string(debug.Stack()))
				out = outcome{err: fmt.Errorf("panic: %v: this is a fault of permstack, please report it", p)}
			}
			done <- out
		}()
		out.result, out.err = f.Handle(ctx, log, event)
	}()
	select {
	case out := <-done:
		if out.err != nil && ctx.Err() != nil {
			out.err = fmt.Errorf("%s: %w", outOfTime(doing), out.err)
		}
		return out.result, out.err
	case <-late:
		return Result{}, errors.New(outOfTime(doing))
	}
}

func outOfTime(doing *activity) string {
	what := "the function's time is nearly spent"
	if now := doing.get(); now != "" {
		what += " while " + now
	}
	return what
}

func (f *Function) physicalID(event cfn.Event) string {
	if event.PhysicalResourceID != "" {
		return event.PhysicalResourceID
	}
	if f.PhysicalID != nil {
		return f.PhysicalID(event)
	}
	return event.StackID + "/" + event.LogicalResourceID
}

func (f *Function) secrets(event cfn.Event) []string {
	if f.Secrets == nil {
		return nil
	}
	return f.Secrets(event)
}

func (f *Function) logger(hide *redactor) *slog.Logger {
	if f.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewJSONHandler(hide.writer(f.Log), nil))
}
