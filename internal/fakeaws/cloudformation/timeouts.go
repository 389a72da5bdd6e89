package cloudformation

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// responseWatch notes that an answer did not arrive: whether the call took effect is
// then unknown.
type responseWatch struct {
	next   aws.HTTPClient
	failed atomic.Bool
}

// Do makes the call.
func (w *responseWatch) Do(r *http.Request) (*http.Response, error) {
	res, err := w.next.Do(r)
	if err != nil {
		w.failed.Store(true)
	}
	return res, err
}

// creation makes a thing by one call. Where an answer was lost and the call
// failed in the end, perhaps because its own earlier try has made the thing, that
// is looked for, and one that is not older than this request is taken for what
// the request has made. AWS does not say how its own handlers do this; one that
// did not would leave behind what no stack knows of.
func (r *request) creation(create func() (outcome, error), look func() (outcome, *time.Time, error)) (outcome, error) {
	out, err := create()
	if err == nil || r.responses == nil || !r.responses.failed.Load() {
		return out, err
	}
	r.ctx = context.WithoutCancel(r.ctx) // also where the stack is being deleted by now
	found, created, lookErr := look()
	if lookErr != nil || created == nil || created.Before(r.began.Truncate(time.Second)) {
		return outcome{}, err
	}
	return found, nil
}
