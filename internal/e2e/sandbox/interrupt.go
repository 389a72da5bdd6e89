package sandbox

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// client makes no further call after a context ends, and does not abort a call that
// has begun: AWS may carry it out all the same, and Clean must find what it created.
type client struct {
	next        aws.HTTPClient
	interrupted context.Context
}

// Interruptible returns a configuration whose calls end with ctx, between calls.
func Interruptible(ctx context.Context, cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.HTTPClient = client{cfg.HTTPClient, ctx}
	return cfg
}

// Do implements aws.HTTPClient.
func (c client) Do(r *http.Request) (*http.Response, error) {
	if err := c.interrupted.Err(); err != nil {
		return nil, err
	}
	return c.next.Do(r.WithContext(context.WithoutCancel(r.Context())))
}
