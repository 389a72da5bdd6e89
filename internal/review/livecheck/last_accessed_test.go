package livecheck_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"permstack/internal/review/livecheck"
)

// advisor is an IAM whose reports take a number of reads, fail, or have several pages.
type advisor struct {
	refuse  map[string]string // error code by ARN
	reads   int               // until a report is complete
	failure *iamtypes.ErrorDetails
	pages   int

	requested []iam.GenerateServiceLastAccessedDetailsInput
	gets      int
}

func (a *advisor) GenerateServiceLastAccessedDetails(
	_ context.Context, in *iam.GenerateServiceLastAccessedDetailsInput, _ ...func(*iam.Options),
) (*iam.GenerateServiceLastAccessedDetailsOutput, error) {
	a.requested = append(a.requested, *in)
	if code := a.refuse[aws.ToString(in.Arn)]; code != "" {
		return nil, &smithy.GenericAPIError{Code: code, Message: "refused"}
	}
	return &iam.GenerateServiceLastAccessedDetailsOutput{JobId: in.Arn}, nil
}

func (a *advisor) GetServiceLastAccessedDetails(
	_ context.Context, in *iam.GetServiceLastAccessedDetailsInput, _ ...func(*iam.Options),
) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	a.gets++
	out := &iam.GetServiceLastAccessedDetailsOutput{JobStatus: iamtypes.JobStatusTypeCompleted}
	switch {
	case a.gets <= a.reads:
		out.JobStatus = iamtypes.JobStatusTypeInProgress
		return out, nil
	case a.failure != nil:
		out.JobStatus, out.Error = iamtypes.JobStatusTypeFailed, a.failure
		return out, nil
	}
	out.ServicesLastAccessed = []iamtypes.ServiceLastAccessed{{
		ServiceNamespace: aws.String("ec2"), LastAuthenticated: aws.Time(time.Unix(1, 0)),
		TrackedActionsLastAccessed: []iamtypes.TrackedActionLastAccessed{{ActionName: aws.String("CreateSnapshot")}},
	}}
	if in.Marker == nil && a.pages > 1 {
		out.IsTruncated, out.Marker = true, aws.String("2")
	}
	return out, nil
}

// waits records waits and does not wait.
type waits []time.Duration

func (w *waits) wait(_ context.Context, d time.Duration) error {
	*w = append(*w, d)
	return nil
}

func TestLastAccessed(t *testing.T) {
	api := &advisor{reads: 5, pages: 2}
	var waited waits
	shown := 0
	got, err := livecheck.LastAccessed(t.Context(), api, map[string]string{"Vendor": roleARN}, waited.wait,
		func(done, total int) { shown = total })
	if err != nil || len(got["Vendor"].Services) != 2 || got["Vendor"].Err != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	s := got["Vendor"].Services[0]
	if s.Namespace != "ec2" || !s.Last.Equal(time.Unix(1, 0)) || s.Actions[0].Name != "CreateSnapshot" ||
		!s.Actions[0].Last.IsZero() {
		t.Errorf("got %+v", s)
	}
	if len(api.requested) != 1 || api.requested[0].Granularity != iamtypes.AccessAdvisorUsageGranularityTypeActionLevel {
		t.Errorf("requested %+v", api.requested)
	}
	if len(waited) != 5 || waited[0] != time.Second || waited[4] != 10*time.Second || shown != 1 {
		t.Errorf("waited %v, progress of %d", waited, shown)
	}
}

// TestLastAccessedErrors checks reports that fail, never complete, or are refused, and a role that was deleted.
func TestLastAccessedErrors(t *testing.T) {
	const other = "arn:aws:iam::123456789012:role/permstack/Other"
	for _, c := range []struct {
		name string
		api  *advisor
		want string // in the error of the role
		fail bool   // nothing was read
	}{
		{"failed", &advisor{failure: &iamtypes.ErrorDetails{Code: aws.String("C"), Message: aws.String("no data")}},
			"could not complete the report: C: no data", false},
		{"never complete", &advisor{reads: 1000}, "has not completed", false},
		{"refused for both", &advisor{refuse: map[string]string{roleARN: "AccessDenied", other: "AccessDenied"}},
			"AccessDenied", true},
		{"refused for one", &advisor{refuse: map[string]string{roleARN: "AccessDenied"}}, "AccessDenied", false},
		{"deleted", &advisor{refuse: map[string]string{roleARN: "NoSuchEntity"}}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var waited waits
			got, err := livecheck.LastAccessed(t.Context(), c.api, map[string]string{"Vendor": roleARN, "Other": other},
				waited.wait, nil)
			if (err != nil) != c.fail {
				t.Fatalf("got error %v", err)
			}
			d := got["Vendor"]
			if c.want == "" {
				if !d.Missing || d.Err != nil {
					t.Errorf("got %+v, want a missing role", d)
				}
			} else if d.Err == nil || !strings.Contains(d.Err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", d.Err, c.want)
			}
			if c.api.gets > 60 {
				t.Errorf("%d reads", c.api.gets)
			}
		})
	}
	t.Run("time is over", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		wait := func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		_, err := livecheck.LastAccessed(ctx, &advisor{reads: 10}, map[string]string{"Vendor": roleARN}, wait, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
