package livecheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/policies/flows"
)

// concurrency bounds the simulations at the same time. IAM throttles the simulator earlier than other calls; the SDK
// repeats throttled ones.
const concurrency = 4

// FlowCheck is the result of one promised flow.
type FlowCheck struct {
	Flow   string       `json:"flow"`
	Calls  int          `json:"calls"` // authorization checks that AWS makes for it
	Failed []FailedCall `json:"failed"`
	Errors []string     `json:"errors,omitempty"` // what could not be simulated
}

// FailedCall is an authorization check that would fail.
type FailedCall struct {
	Role     string   `json:"role"`
	Action   string   `json:"action"`
	Resource string   `json:"resource"`
	By       string   `json:"by"` // the type of policy that refuses it
	Policies []string `json:"policies,omitempty"`
	Missing  []string `json:"missing,omitempty"` // condition keys of policies that the flow does not send
}

// FlowReport is the result of all promised flows.
type FlowReport struct {
	Stack  string      `json:"stack"`
	Choice string      `json:"choice"`
	Scope  []string    `json:"scope,omitempty"` // what the choice is narrowed to, as KIND:VALUE
	Flows  []FlowCheck `json:"flows"`
	Keys   KeyReport   `json:"keys"`
}

// Fails reports whether a flow would fail, or a key that the caller named refuses one. Other keys may encrypt nothing
// that is backed up.
func (r FlowReport) Fails() bool {
	return slices.ContainsFunc(r.Flows, func(f FlowCheck) bool { return len(f.Failed) > 0 }) ||
		slices.ContainsFunc(r.Keys.Refusing, func(k KeyRefusal) bool { return k.Named })
}

// IsComplete reports whether everything could be simulated.
func (r FlowReport) IsComplete() bool {
	return !r.Keys.Unread && !slices.ContainsFunc(r.Flows, func(f FlowCheck) bool { return len(f.Errors) > 0 })
}

// isRefusedByKey reports whether a key that the caller named refuses calls of a flow.
func (r FlowReport) isRefusedByKey(flow string) bool {
	return slices.ContainsFunc(r.Keys.Refusing, func(k KeyRefusal) bool {
		return k.Named && slices.Contains(k.Flows, flow)
	})
}

// group is the actions that one call of the simulator decides.
type group struct {
	role, resource string
	context        map[string][]string
	actions        []string
}

// Flows simulates the requests of promised flows by the deployed roles. arns are the ARNs of the roles by the vendor's
// name. Control requests, which must be refused, are left out. progress may be nil.
func Flows(
	ctx context.Context, client Simulator, requests []flows.Request, arns map[string]string, now time.Time,
	progress func(done, total int),
) ([]FlowCheck, error) {
	requests = slices.DeleteFunc(slices.Clone(requests), func(r flows.Request) bool { return r.Denied })
	groups := groupRequests(requests)
	keys := slices.Sorted(maps.Keys(groups))
	decisions, failures := map[string]map[string]Decision{}, map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for _, key := range keys {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			d, err := groups[key].simulate(ctx, client, arns, now)
			mu.Lock()
			defer mu.Unlock()
			decisions[key], failures[key] = d, err
			if progress != nil {
				progress(len(decisions), len(keys))
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("simulate the promised flows: %w", err)
	}
	if err := common(failures); err != nil {
		return nil, err
	}
	return results(requests, decisions, failures), nil
}

// common returns the error if every simulation failed with a denial: then nothing was checked.
func common(failures map[string]error) error {
	var first error
	for _, err := range failures {
		if err == nil || !awserr.IsDenied(err) {
			return nil
		}
		first = err
	}
	return first
}

// groupRequests groups requests that differ only in their action.
func groupRequests(requests []flows.Request) map[string]*group {
	out := map[string]*group{}
	for _, r := range requests {
		key := groupKey(r)
		g := out[key]
		if g == nil {
			g = &group{role: r.Role, resource: r.Resource, context: r.Context}
			out[key] = g
		}
		if !slices.Contains(g.actions, r.Action) {
			g.actions = append(g.actions, r.Action)
		}
	}
	return out
}

func groupKey(r flows.Request) string {
	return fmt.Sprint(r.Role, "\x00", r.Resource, "\x00", r.Context)
}

var errNoRole = errors.New("the role does not exist")

func (g *group) simulate(
	ctx context.Context, client Simulator, arns map[string]string, now time.Time,
) (map[string]Decision, error) {
	arn := arns[g.role]
	if arn == "" {
		return nil, errNoRole
	}
	keys := maps.Clone(g.context)
	if keys == nil {
		keys = map[string][]string{}
	}
	for name, value := range map[string]string{
		"aws:CurrentTime": now.UTC().Format(time.RFC3339), "aws:SecureTransport": "true", "aws:PrincipalArn": arn,
	} {
		if _, ok := keys[name]; !ok {
			keys[name] = []string{value}
		}
	}
	return Simulate(ctx, client, arn, g.actions, g.resource, keys)
}

// results returns the results by flow, in the order of the requests.
func results(
	requests []flows.Request, decisions map[string]map[string]Decision, failures map[string]error,
) []FlowCheck {
	out := []FlowCheck{}
	for _, r := range requests {
		i := slices.IndexFunc(out, func(f FlowCheck) bool { return f.Flow == r.Flow })
		if i < 0 {
			i, out = len(out), append(out, FlowCheck{Flow: r.Flow, Failed: []FailedCall{}})
		}
		f := &out[i]
		f.Calls++
		err := failures[groupKey(r)]
		if err != nil && !errors.Is(err, errNoRole) {
			text := awserr.Concise(err).Error()
			if !slices.Contains(f.Errors, text) {
				f.Errors = append(f.Errors, text)
			}
			continue
		}
		d := decisions[groupKey(r)][strings.ToLower(r.Action)]
		if !d.Allowed {
			f.Failed = append(f.Failed, FailedCall{
				Role: r.Role, Action: r.Action, Resource: r.Resource, By: d.by(err), Policies: d.Denying, Missing: d.Missing,
			})
		}
	}
	return out
}

// by returns the type of policy that refuses a request.
func (d Decision) by(err error) string {
	switch {
	case err != nil:
		return cmp.Or(err.Error(), "unknown")
	case d.BySCP != nil && !*d.BySCP:
		return "service control policy"
	case d.ByBoundary != nil && !*d.ByBoundary:
		return "permissions boundary"
	case d.Explicit:
		return "identity-based policy, by a Deny"
	}
	return "identity-based policy"
}
