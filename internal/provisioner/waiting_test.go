package provisioner

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/cfn/stacks"
)

// slow is a CloudFormation with a simulated clock: each operation takes a given
// time, and only sleeping advances the clock.
type slow struct {
	*fake
	now   time.Time
	takes time.Duration
	ends  time.Time // of the current operation
	late  time.Duration
	most  time.Duration // the longest pause
	polls int
}

func (s *slow) handle(t *testing.T, e cfn.Event) {
	t.Helper()
	p := &Provisioner{
		Client:       waitingFor(e, s),
		StackRoleARN: stackRole,
		Synthesize:   synthesize,
		Sleep:        s.sleep,
		Now:          func() time.Time { return s.now },
	}
	if _, err := p.Handle(t.Context(), discard, e); err != nil {
		t.Fatal(err)
	}
}

func (s *slow) begin() { s.ends = s.now.Add(s.takes) }

func (s *slow) CreateStack(
	ctx context.Context,
	in *cloudformation.CreateStackInput,
	o ...func(*cloudformation.Options),
) (*cloudformation.CreateStackOutput, error) {
	s.begin()
	return s.fake.CreateStack(ctx, in, o...)
}

func (s *slow) UpdateStack(
	ctx context.Context,
	in *cloudformation.UpdateStackInput,
	o ...func(*cloudformation.Options),
) (*cloudformation.UpdateStackOutput, error) {
	s.begin()
	return s.fake.UpdateStack(ctx, in, o...)
}

func (s *slow) DeleteStack(
	ctx context.Context,
	in *cloudformation.DeleteStackInput,
	o ...func(*cloudformation.Options),
) (*cloudformation.DeleteStackOutput, error) {
	s.begin()
	return s.fake.DeleteStack(ctx, in, o...)
}

func (s *slow) DescribeStacks(
	ctx context.Context,
	in *cloudformation.DescribeStacksInput,
	o ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	s.polls++
	out, err := s.fake.DescribeStacks(ctx, in, o...)
	if err == nil && len(out.Stacks) > 0 && !s.ends.IsZero() && !stacks.InProgress(out.Stacks[0].StackStatus) {
		s.late += s.now.Sub(s.ends)
		s.ends = time.Time{}
	}
	return out, err
}

// sleep advances the clock; the operation completes when its time is over.
func (s *slow) sleep(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	s.most = max(s.most, d)
	if s.now.Before(s.ends) {
		return ctx.Err()
	}
	for range 5 { // whatever steps it has left
		if err := s.fake.sleep(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// TestWaitingCostsOneInterval checks that the end of an operation is noticed at
// most one interval late, that an interval is at most 200 ms or half of the time
// waited so far and never above 2 s, and that the number of calls is limited.
func TestWaitingCostsOneInterval(t *testing.T) {
	for _, takes := range []time.Duration{
		0, 50 * time.Millisecond, 700 * time.Millisecond,
		3 * time.Second, 12 * time.Second, 45 * time.Second, 5 * time.Minute,
	} {
		t.Run(takes.String(), func(t *testing.T) {
			s := &slow{fake: newFake(), now: time.Unix(0, 0), takes: takes}
			run := func(request cfn.RequestType, p map[string]any) {
				t.Helper()
				s.late, s.polls, s.most = 0, 0, 0
				began := s.now
				s.handle(t, event(request, p))
				// Two stacks at the same time. A creation sets the trust policies afterwards,
				// a deletion removes them first: a third operation.
				n, phases := 3, 2
				if request == cfn.RequestUpdate {
					n, phases = 2, 1
				}
				allowed := max(time.Duration(n)*200*time.Millisecond, time.Duration(n)*takes/2) // half of what was waited
				if s.late > allowed || s.late > time.Duration(n)*2*time.Second || s.most > (2*time.Second) {
					t.Errorf("%s of %v: noticed %v late, longest pause %v", request, takes, s.late, s.most)
				}
				if bound := 20*n + n*int(takes/(2*time.Second)); s.polls > bound {
					t.Errorf("%s of %v: got %d DescribeStacks calls, want at most %d", request, takes, s.polls, bound)
				}
				interval := max(200*time.Millisecond, min(takes/2, 2*time.Second))
				if limit := time.Duration(phases) * (takes + interval); s.now.Sub(began) > limit {
					t.Errorf("%s of %v: took %v, want at most %v", request, takes, s.now.Sub(began), limit)
				}
				t.Logf(
					"%s, CloudFormation %v for each stack: %v in all, %d DescribeStacks",
					request,
					takes,
					s.now.Sub(began),
					s.polls,
				)
			}
			run(cfn.RequestCreate, testProperties())
			run(cfn.RequestUpdate, testProperties("Assets", "ec2", "Tags", "Owner=you"))
			run(cfn.RequestDelete, nil)
		})
	}
}

// TestNoChangeNoWrite checks that an Update without changes describes each stack
// once in each phase, writes nothing and does not wait.
func TestNoChangeNoWrite(t *testing.T) {
	s := &slow{fake: newFake(), now: time.Unix(0, 0), takes: time.Second}
	s.handle(t, event(cfn.RequestCreate, testProperties()))
	s.writes, s.polls = nil, 0
	began := s.now
	s.handle(t, update(testProperties(), testProperties()))
	if len(s.writes) > 0 || s.now != began || s.polls > 6 {
		t.Errorf("wrote %v, waited %v, called DescribeStacks %d times", s.writes, s.now.Sub(began), s.polls)
	}
}

var discard = slog.New(slog.DiscardHandler)
