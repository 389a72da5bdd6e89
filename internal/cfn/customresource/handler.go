// Package customresource implements CloudFormation's custom-resource protocol: it
// turns a Go function into a Lambda handler that responds to every event exactly
// once, in time and within the limits, whatever the function does.
//
// cfn.LambdaWrap of aws-lambda-go is not sufficient: it ignores the deadline,
// sends the response once and without a timeout, and lets a response exceed
// CloudFormation's limit.
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

// Handle carries out one event. Its error becomes the reason of a FAILED response,
// which the customer reads in the console.
type Handle func(ctx context.Context, log *slog.Logger, event cfn.Event) (Result, error)

// Result is what a successful event returns to the template. It has no physical id:
// CloudFormation deletes the old resource if the id changes.
type Result struct {
	Data map[string]any // read with Fn::GetAtt; not sent for Delete
}

// Function is a custom resource. Only Handle is required.
type Function struct {
	Handle Handle

	// PhysicalID returns the id of the resource that a Create event requests. It
	// must return the same id for the same event whether Create succeeds or fails,
	// because the Delete that follows a failure has this id. Later events carry
	// their id. Default: the stack id and logical id of the event.
	PhysicalID func(cfn.Event) string

	// Secrets returns values of an event that must not appear in a log or reason.
	// The response URL is always one of them.
	Secrets func(cfn.Event) []string

	Log    io.Writer // receives JSON lines; nil discards them
	Sender Sender    // sends the responses

	// Reserve is the part of the function's time that is kept for the response.
	// Default: 20 s, or a third of the time if that is less.
	Reserve time.Duration
}

const defaultReserve = 20 * time.Second

// Invoke handles one event as the Lambda runtime passes it. It returns an error
// only if no response could be delivered to CloudFormation.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, problem := decode(payload)
	hide := newRedactor(event.ResponseURL, f.secrets(event))
	log := f.logger(hide).With(
		"requestType", event.RequestType, "requestId", event.RequestID,
		"stack", event.StackID, "resource", event.LogicalResourceID)
	if event.ResponseURL == "" {
		log.Error(logNoResponseURL)
		return nil, errors.New(
			"the event has no ResponseURL: this function handles only custom-resource events of CloudFormation",
		)
	}

	started := time.Now()
	var result Result
	err := problem
	if err == nil {
		log.Info(logReceived)
		result, err = f.run(ctx, log, event)
	}
	response := newResponse(event, f.physicalID(event), result, err, hide)
	level := slog.LevelInfo
	if response.Status == cfn.StatusFailed {
		level = slog.LevelError
	}
	log.Log(ctx, level, logSending,
		"status",
		response.Status,
		"reason",
		response.Reason,
		"seconds",
		time.Since(started).Seconds(),
	)

	if err := f.Sender.send(ctx, log, event.ResponseURL, response.body()); err != nil {
		err = errors.New(
			hide.text(fmt.Sprintf("send response to %s event of %s: %v", event.RequestType, event.LogicalResourceID, err)),
		)
		log.Error(logNotDelivered, "error", err)
		return nil, err
	}
	return nil, nil
}

// decode reads an event. If a part of it is invalid, the fields that a response
// needs are decoded nevertheless.
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
	// encoding/json continues after a value of a wrong type, so event has the rest.
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return event, fmt.Errorf("decode event: %s cannot be a %s", wrong.Field, wrong.Value)
	}
	return event, errors.New("decode event: it is not a JSON object")
}

// run calls the handler and waits until it returns or its time runs out.
func (f *Function) run(ctx context.Context, log *slog.Logger, event cfn.Event) (Result, error) {
	current := &activity{}
	ctx = context.WithValue(ctx, activityKey{}, current)
	// late fires a little after the handler's context ends, so that a handler that
	// observes its context can still report what happened.
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
		out := outcome{
			err: errors.New("the handler ended without a result. This is a defect of permstack: please report it"),
		}
		defer func() {
			if p := recover(); p != nil {
				log.Error(logPanic, "value", fmt.Sprint(p), "trace", string(debug.Stack()))
				out = outcome{err: fmt.Errorf("panic: %v. This is a defect of permstack: please report it", p)}
			}
			done <- out
		}()
		out.result, out.err = f.Handle(ctx, log, event)
	}()
	select {
	case out := <-done:
		if out.err != nil && ctx.Err() != nil {
			out.err = fmt.Errorf("%s: %w", outOfTime(current), out.err)
		}
		return out.result, out.err
	case <-late:
		return Result{}, errors.New(outOfTime(current))
	}
}

func outOfTime(a *activity) string {
	what := "the function's time ran out"
	if current := a.get(); current != "" {
		what += " while " + current
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
