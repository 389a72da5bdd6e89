package sandbox

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/e2e/recording"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies/schema"
	"permstack/internal/release"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

const (
	testAccount = "210987654321"
	testRegion  = "eu-west-1"
)

// stubBuild returns zips without a program: the embedded AWS runs its own function.
func stubBuild(_ context.Context, _ string, functions []string) (map[string][]byte, error) {
	zips := map[string][]byte{}
	for _, name := range functions {
		var out bytes.Buffer
		if err := release.PackProgram(&out, strings.NewReader("not the program of "+name+"\n")); err != nil {
			return nil, err
		}
		zips[name] = out.Bytes()
	}
	return zips, nil
}

// realConfig is a configuration as for AWS: an endpoint over HTTP and credentials.
func realConfig(cloud *fakeawstest.AWS) aws.Config {
	return aws.Config{
		Region: testRegion, BaseEndpoint: &cloud.Endpoint, HTTPClient: awshttp.NewBuildableClient(),
		Credentials: credentials.NewStaticCredentialsProvider(testAccount, "secret-of-the-test", ""),
		Retryer:     func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) },
	}
}

func newRun(t *testing.T, cfg aws.Config) *Run {
	t.Helper()
	account, err := Identify(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	run, err := New(cfg, account)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func options(out io.Writer) Options {
	return Options{Profile: "clumio", Assets: []schema.Asset{"ec2"}, Build: stubBuild, Out: out, Log: out}
}

// requireNothing requires that the account is empty.
func requireNothing(t *testing.T, cloud *fakeawstest.AWS) {
	t.Helper()
	account := cloud.In(testAccount, testRegion)
	account.RequireEmpty()
	cfg := realConfig(cloud)
	buckets, err := newS3(cfg).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buckets.Buckets {
		t.Errorf("bucket %s remains", *b.Name)
	}
	queues, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range queues.QueueUrls {
		t.Errorf("queue %s remains", url)
	}
}

// TestExecute runs the whole demo as on AWS, checks that nothing remains and that the
// recording has no secret, and replays it.
func TestExecute(t *testing.T) {
	policytest.RequireSlow(t, "it starts programs")
	t.Parallel()
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	run := newRun(t, realConfig(cloud))
	var out strings.Builder
	result := run.Execute(t.Context(), realConfig(cloud), options(&out))
	if result.Err != nil || result.Left != nil {
		t.Fatalf("got errors %v, %v\n%s", result.Err, result.Left, &out)
	}
	requireNothing(t, cloud)

	file := t.TempDir() + "/recording.json"
	r := recording.Recording{Schema: recording.Schema, Region: testRegion, Calls: result.Calls}
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{run.externalID, "secret-of-the-test", testAccount, "X-Amz-Signature", "AWS4-HMAC"} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the recording contains %q", secret)
		}
	}
	read, err := recording.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	again := fakeawstest.Start(t, fakeawstest.Options{})
	differences, err := recording.Compare(t.Context(), read, again.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Errorf("replayed against the same embedded AWS: %s", d)
	}
}

// countingClient counts calls, and calls at before each of them.
type countingClient struct {
	next  aws.HTTPClient
	calls *atomic.Int64
	at    func(n int64) error
}

func (c countingClient) Do(r *http.Request) (*http.Response, error) {
	if err := c.at(c.calls.Add(1)); err != nil {
		return nil, err
	}
	return c.next.Do(r)
}

var errNetwork = errors.New("network is unreachable")

// interruptions are the numbers of the calls at which a run is interrupted: all of
// them in a full run, otherwise one of each half.
func interruptions(t *testing.T, calls int64) []int64 {
	t.Helper()
	step := max(1, (calls+1)/2)
	if policytest.Full() {
		step = 1
	}
	var out []int64
	for n := int64(1); n <= calls; n += step {
		out = append(out, n+rand.N(step))
	}
	return out
}

// TestInterrupted interrupts a run by Ctrl-C, and by a network that is lost. After
// Ctrl-C the run itself deletes everything; after a lost network Clean does, which
// only knows the account.
func TestInterrupted(t *testing.T) {
	policytest.RequireSlow(t, "it starts programs and interrupts them")
	t.Parallel()
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	var total atomic.Int64
	cfg := realConfig(cloud)
	cfg.HTTPClient = countingClient{cfg.HTTPClient, &total, func(int64) error { return nil }}
	if result := newRun(t, cfg).Execute(t.Context(), cfg, options(io.Discard)); result.Err != nil {
		t.Fatal(result.Err)
	}
	for _, n := range interruptions(t, total.Load()) {
		t.Run(fmt.Sprintf("Ctrl-C at call %d", n), func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var calls atomic.Int64
			cfg := realConfig(cloud)
			cfg.HTTPClient = countingClient{cfg.HTTPClient, &calls, func(i int64) error {
				if i == n {
					interrupt()
				}
				return nil
			}}
			run := newRun(t, realConfig(cloud))
			var out strings.Builder
			if result := run.Execute(ctx, cfg, options(&out)); result.Left != nil {
				t.Errorf("not everything was deleted: %v\n%s", result.Left, &out)
			}
			requireNothing(t, cloud.For(t))
		})
		t.Run(fmt.Sprintf("network lost at call %d", n), func(t *testing.T) {
			var calls atomic.Int64
			cfg := realConfig(cloud)
			cfg.HTTPClient = countingClient{cfg.HTTPClient, &calls, func(i int64) error {
				if i >= n {
					return errNetwork
				}
				return nil
			}}
			run := newRun(t, realConfig(cloud))
			run.Execute(t.Context(), cfg, options(io.Discard))
			var out strings.Builder
			if err := Clean(t.Context(), realConfig(cloud), run.Account, "", &out); err != nil {
				t.Errorf("not everything was deleted: %v\n%s", err, &out)
			}
			requireNothing(t, cloud.For(t))
		})
	}
}

// TestBuild builds the functions as for AWS, which takes minutes with an empty cache.
func TestBuild(t *testing.T) {
	policytest.RequireFull(t, "compiles both functions for arm64")
	zips, err := Build(t.Context(), "arm64", []string{"drift", "provisioner"})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range zips {
		archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode() != 0o755 {
			t.Errorf("the zip of %s has %v, want one executable bootstrap", name, archive.File)
		}
	}
}

// TestCleanKeepsOthers checks that resources of others are kept, whatever their names.
func TestCleanKeepsOthers(t *testing.T) {
	t.Parallel()
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	cfg := realConfig(cloud)
	run := newRun(t, cfg)
	queue := "permstack-try-queue-of-somebody"
	if _, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &queue}); err != nil {
		t.Fatal(err)
	}
	// The second has the name of a run's bucket, but contents and no tag.
	named := strings.TrimSuffix(run.bucketPrefix(), run.ID) + "000000-" + testRegion
	for _, bucket := range []string{"permstack-try-of-somebody", named} {
		in := &s3.CreateBucketInput{Bucket: &bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
			LocationConstraint: testRegion,
		}}
		if _, err := newS3(cfg).CreateBucket(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		object := &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("k"), Body: strings.NewReader("x")}
		if _, err := newS3(cfg).PutObject(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	stack := cloud.In(testAccount, testRegion).Launch(fakeawstest.Launch{Name: "permstack-try-other"})
	if left, err := Find(t.Context(), cfg, run.Account); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want nothing", left, err)
	}
	if err := Clean(t.Context(), cfg, run.Account, "", io.Discard); err != nil {
		t.Error(err)
	}
	if status := stack.Describe().StackStatus; status != "CREATE_COMPLETE" {
		t.Errorf("the stack of somebody else has status %s", status)
	}
}
