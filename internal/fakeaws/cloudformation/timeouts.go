package cloudformation

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// responseWatch records that a call got no response: it is then unknown whether
// the call took effect.
type responseWatch struct {
	next   aws.HTTPClient
	failed atomic.Bool
}

// Do sends the request.
func (w *responseWatch) Do(r *http.Request) (*http.Response, error) {
	res, err := w.next.Do(r)
	if err != nil {
		w.failed.Store(true)
	}
	return res, err
}

// creation creates a resource by one call. If a response was lost and the call
// failed in the end, perhaps because its own earlier attempt created the
// resource, find looks it up: a resource that is not older than this request is
// taken as the result of the request. AWS does not document how its handlers do
// this; without it, a resource would be left behind that no stack has.
func (r *request) creation(
	create func() (outcome, error),
	find func() (outcome, *time.Time, error),
) (outcome, error) {
	out, err := create()
	if err == nil || r.responses == nil || !r.responses.failed.Load() {
		return out, err
	}
	r.ctx = context.WithoutCancel(r.ctx) // also when the stack is being deleted in the meantime
	found, created, findErr := find()
	if findErr != nil || created == nil || created.Before(r.began.Truncate(time.Second)) {
		return outcome{}, err
	}
	return found, nil
}
