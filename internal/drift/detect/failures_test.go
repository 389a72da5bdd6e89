package detect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// byCloudFormation reports whether a read handler of CloudFormation makes a call.
// Its clients are the SDK's, which wait on the real clock when they are throttled.
func byCloudFormation(c *protocol.Call) bool {
	return strings.Contains(c.HTTP.UserAgent(), "cloudformation.amazonaws.com")
}

func (w *environment) tampered() (want []string) {
	w.PutInlinePolicy(role, "rogue", allowsMore)
	w.AttachPolicy(support, admin)
	return summaries(w.check())
}

// TestThrottled checks that throttling of every n-th call of a service does not change the report.
func TestThrottled(t *testing.T) {
	w := install(t)
	want := w.tampered()
	for _, n := range []int{2, 3, 5, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			// Counted by service, and one call at a time: the two sources read
			// concurrently, and one call could be throttled in each of its attempts.
			var mu sync.Mutex
			calls := map[string]int{}
			w.SetIntercept(func(c *protocol.Call) error {
				mu.Lock()
				defer mu.Unlock()
				if byCloudFormation(c) {
					return nil
				}
				if calls[c.Service]++; calls[c.Service]%n == 0 {
					return protocol.Errorf("Throttling", "Rate exceeded")
				}
				return nil
			})
			defer w.SetIntercept(nil)
			o := w.options()
			o.Concurrency = 1
			report, err := detect.Check(t.Context(), w.clients(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := summaries(report); !slices.Equal(got, want) || report.NotReached != nil {
				t.Errorf("findings %q, want %q; not reached %q", got, want, report.NotReached)
			}
		})
	}
}

// TestBroken checks that a call that fails in every attempt is reported; everything else is
// checked.
func TestBroken(t *testing.T) {
	w := install(t)
	want := w.tampered()
	for _, tt := range []struct {
		action string
		err    *protocol.Error
	}{
		{"iam:GetRolePolicy", protocol.Errorf("Throttling", "Rate exceeded")},
		{"cloudformation:DetectStackResourceDrift", protocol.Errorf("Throttling", "Rate exceeded")},
		{"events:DescribeRule", protocol.Errorf("InternalFailure", "oops").WithStatus(500)},
		{"sns:GetTopicAttributes", protocol.Errorf("ServiceUnavailable", "later").WithStatus(503)},
	} {
		t.Run(tt.action+" "+tt.err.Code, func(t *testing.T) {
			w.SetIntercept(func(c *protocol.Call) error {
				if !byCloudFormation(c) && c.Service+":"+c.Action == tt.action {
					return tt.err
				}
				return nil
			})
			defer w.SetIntercept(nil)
			report := w.check()
			unreadable := 0
			for _, f := range report.Findings {
				if f.Direction == finding.Unreadable {
					unreadable++
					if f.Permission != "" ||
						!strings.Contains(inWords(f), tt.err.Code) && !strings.Contains(inWords(f), tt.err.Message) {
						t.Errorf("%+v", f)
					}
				}
			}
			for _, one := range want {
				known := slices.ContainsFunc(summaries(report), func(s string) bool {
					return strings.HasPrefix(s, one[:strings.LastIndexByte(one, ' ')])
				})
				if !known && !strings.Contains(one, "inline") {
					t.Errorf("%s was not found: %q", one, summaries(report))
				}
			}
			if unreadable == 0 {
				t.Error("nothing is unreadable")
			}
		})
	}
}

// TestDenied denies any one call of a run, CloudFormation's own reads included, and checks that
// this is reported and that there are no other findings.
func TestDenied(t *testing.T) {
	w := install(t)
	// Of each kind of call, the first, the middle and the last one.
	var (
		mu    sync.Mutex // CloudFormation reads several resources at a time
		total int64
		kinds = map[string][]int64{}
	)
	w.SetIntercept(func(c *protocol.Call) error {
		mu.Lock()
		defer mu.Unlock()
		total++
		kind := fmt.Sprint(c.Service, c.Action, byCloudFormation(c))
		kinds[kind] = append(kinds[kind], total)
		return nil
	})
	o := w.options()
	o.Concurrency = 1
	if _, err := detect.Check(t.Context(), w.clients(), o); err != nil {
		t.Fatal(err)
	}
	var chosen []int64
	for _, all := range kinds {
		chosen = append(chosen, all[0], all[len(all)/2], all[len(all)-1])
	}
	slices.Sort(chosen)
	if !policytest.Slow() {
		chosen = chosen[:8]
	}
	for _, n := range slices.Compact(chosen) {
		var calls atomic.Int64
		var denied atomic.Value
		w.SetIntercept(func(c *protocol.Call) error {
			if calls.Add(1) == n {
				denied.Store(c.Service + ":" + c.Action)
				return protocol.Errorf("AccessDenied", "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: %s:%s",
					c.Service, c.Action).
					WithStatus(403)
			}
			return nil
		})
		report, err := detect.Check(t.Context(), w.clients(), o)
		action, _ := denied.Load().(string)
		if err != nil {
			if action != "cloudformation:DescribeStacks" || !strings.Contains(err.Error(), action) {
				t.Errorf("call %d (%s): %v", n, action, err)
			}
			continue
		}
		w.checkReport(report)
		if len(report.Findings) != 1 || report.Findings[0].Direction != finding.Unreadable ||
			report.Findings[0].Permission != action {
			t.Errorf("call %d (%s): %q", n, action, summaries(report))
		}
	}
	w.SetIntercept(nil)
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("afterwards: %q", got)
	}
}

// TestCancelled checks that a run that is cancelled at any call returns what it found.
func TestCancelled(t *testing.T) {
	w := install(t)
	w.tampered()
	for n := int64(1); n < 250; n += 23 {
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int64
		w.intercept(func(string) error {
			if calls.Add(1) == n {
				cancel()
			}
			return nil
		})
		report, err := detect.Check(ctx, w.clients(), w.options())
		if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v", n, err)
		}
		for _, f := range report.Findings {
			if f.Direction == finding.Unreadable {
				if f.Subject != "unknown" && f.LogicalID != "" {
					t.Errorf("call %d: %s", n, summary(f))
				}
			}
		}
		cancel()
		w.SetIntercept(nil)
	}
}

// TestDeadline checks that a deadline ends the run with a report, which lists what was not reached.
func TestDeadline(t *testing.T) {
	w := install(t)
	c := simclock.New(time.Now())
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	defer cancel()
	// Every call is throttled from some moment on, and every pause takes time.
	var calls atomic.Int64
	w.SetIntercept(func(c *protocol.Call) error {
		if !byCloudFormation(c) && calls.Add(1) > 90 {
			return protocol.Errorf("Throttling", "Rate exceeded")
		}
		return nil
	})
	defer w.SetIntercept(nil)
	o := detect.Options{
		Parent: parentName,
		Now:    c.Now,
		Sleep:  func(ctx context.Context, d time.Duration) error { return c.Sleep(ctx, 20*time.Minute) },
	}
	report, err := detect.Check(ctx, w.clients(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.NotReached) == 0 || report.Checked == 0 || report.Checked+len(report.NotReached) != 34 ||
		!strings.Contains(report.NotReached[0], "/") {
		t.Errorf("checked %d, not reached %q", report.Checked, report.NotReached)
	}
	for _, f := range report.Findings {
		t.Errorf("unexpected finding: %s", inWords(f))
	}
}

// TestUpdatedMeanwhile checks that a resource whose stack is updated during the check is reported as not reached, and
// that what was found beside CloudFormation, which does not depend on the stack, is reported. How many resources
// CloudFormation checks before and after the update depends on the machine.
func TestUpdatedMeanwhile(t *testing.T) {
	w := install(t)
	want := w.tampered()
	var updates atomic.Int64
	w.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "DetectStackResourceDrift" {
			// Each call begins an update unless one is in progress, so that the stack is updated during some of them
			// however fast the machine is.
			name, value := w.accessStack(), fmt.Sprint(updates.Add(1))
			_, err := w.CloudFormation.UpdateStack(context.Background(), &cloudformation.UpdateStackInput{
				StackName:           &name,
				UsePreviousTemplate: aws.Bool(true),
				Parameters:          keptExternalID,
				Capabilities:        []types.Capability{types.CapabilityCapabilityNamedIam},
				Tags: append(w.Stack(name).Describe().Tags,
					types.Tag{Key: aws.String("new"), Value: &value}),
			})
			if err != nil && !strings.Contains(err.Error(), "_IN_PROGRESS") {
				t.Error(err)
			}
		}
		return nil
	})
	report := w.check()
	w.SetIntercept(nil)
	if len(report.NotReached) == 0 {
		t.Error("every resource was reached")
	}
	for _, f := range report.Findings {
		if slices.Contains(f.SeenBy, finding.CloudFormation) &&
			slices.Contains(report.NotReached, w.accessStack()+"/"+f.LogicalID) {
			t.Errorf("finding of a resource that was not reached: %s", summary(f))
		}
	}
	w.Stack(w.accessStack()).Wait("UPDATE_COMPLETE")
	if got := summaries(w.check()); !slices.Equal(got, want) {
		t.Errorf("afterwards %q, want %q", got, want)
	}
}

// TestManyResources checks that in a stack with as many resources as CloudFormation allows, all
// pages are read and every resource is checked.
func TestManyResources(t *testing.T) {
	w := newEnvironment(t)
	w.parent = w.create(parentName, manyResources)
	arn := "arn:aws:sns:us-east-1:123456789012:other"
	for _, i := range []int{0, 150, 249} {
		name := fmt.Sprintf("rule-%d", i)
		w.putTarget(name, arn)
	}
	report := w.check()
	if report.Checked != 500 || len(report.Findings) != 3 || report.NotReached != nil {
		t.Errorf("checked %d, not reached %q, findings %q", report.Checked, report.NotReached, summaries(report))
	}
}
