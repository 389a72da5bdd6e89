package detect_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/protocol"
)

// manyResources is a template of 500 resources: 250 event rules (EventBridge
// allows 300) and 250 log groups.
var manyResources = func() string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range 250 {
		fmt.Fprintf(
			&b,
			"  R%d: {Type: AWS::Events::Rule, Properties: {Name: rule-%d, EventPattern: {source: [a]}}}\n",
			i,
			i,
		)
		fmt.Fprintf(&b, "  L%d: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: group-%d}}\n", i, i)
	}
	return b.String()
}()

func (w *environment) putTarget(rule, arn string) {
	w.t.Helper()
	must(w.Events.PutTargets(w.t.Context(), &eventbridge.PutTargetsInput{Rule: &rule,
		Targets: []ebtypes.Target{{Id: aws.String("x"), Arn: &arn}}}))
}

// remote adds the latency of the network to each call.
type remote struct {
	next    aws.HTTPClient
	latency time.Duration
	calls   atomic.Int64
}

func (r *remote) Do(request *http.Request) (*http.Response, error) {
	r.calls.Add(1)
	time.Sleep(r.latency) // what is measured, not what is waited for
	return r.next.Do(request)
}

// bucket lets so many detections through a second.
type bucket struct {
	rate      float64
	throttled atomic.Int64

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.rate, b.tokens+now.Sub(b.filled).Seconds()*b.rate)
	b.filled = now
	if b.tokens < 1 {
		b.throttled.Add(1)
		return false
	}
	b.tokens--
	return true
}

// BenchmarkCheck measures a check of the project's own installation (34
// resources) and of a stack of 500, with 50 ms to AWS and a limit on detections.
// "bound" is the time that the limit alone would take. On two cores: 135 calls,
// 4.0 a resource, 5.3 s one after another and 2.0 s at the default concurrency;
// 3.1 s of 2.4 at 10 detections a second, 17.8 s of 16 at 2 a second. 500
// resources: 10.4 s without a limit, 24.9 s of 24 at 20 a second.
func BenchmarkCheck(b *testing.B) {
	many := func(b *testing.B) *environment {
		w := newEnvironment(b)
		w.parent = w.create(parentName, manyResources)
		return w
	}
	for _, bm := range []struct {
		name        string
		install     func(*testing.B) *environment
		rate        float64
		concurrency int
	}{
		{"installed/serial", func(b *testing.B) *environment { return install(b) }, 0, 1},
		{"installed/unlimited", func(b *testing.B) *environment { return install(b) }, 0, 0},
		{"installed/10-a-second", func(b *testing.B) *environment { return install(b) }, 10, 0},
		{"installed/2-a-second", func(b *testing.B) *environment { return install(b) }, 2, 0},
		{"500/unlimited", many, 0, 0},
		{"500/20-a-second", many, 20, 0},
	} {
		b.Run(bm.name, func(b *testing.B) {
			w := bm.install(b)
			for b.Loop() {
				cfg := w.Config(account, region)
				way := &remote{next: cfg.HTTPClient, latency: 50 * time.Millisecond}
				cfg.HTTPClient = way
				limit := &bucket{rate: bm.rate, tokens: bm.rate, filled: time.Now()}
				if bm.rate > 0 {
					w.SetIntercept(func(c *protocol.Call) error {
						if c.Action == "DetectStackResourceDrift" && !limit.take() {
							return protocol.Errorf("Throttling", "Rate exceeded")
						}
						return nil
					})
				}
				report, err := detect.Check(
					b.Context(),
					detect.NewClients(cfg),
					detect.Options{Parent: parentName, AnyStack: true, Concurrency: bm.concurrency},
				)
				if err != nil || len(report.Findings) > 0 || report.NotReached != nil {
					b.Fatalf("%v %q %q", err, summaries(report), report.NotReached)
				}
				calls := way.calls.Load()
				b.ReportMetric(float64(calls), "calls")
				b.ReportMetric(float64(calls)/float64(report.Checked), "calls/resource")
				b.ReportMetric(float64(limit.throttled.Load()), "throttled")
				if bm.rate > 0 {
					b.ReportMetric((float64(report.Checked)-bm.rate)/bm.rate, "bound-s")
				}
			}
		})
	}
}
