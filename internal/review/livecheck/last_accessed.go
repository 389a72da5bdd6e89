package livecheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
	"permstack/internal/review/usage"
)

// LastAccessedAPI is the part of the SDK's IAM client that reports what a role last accessed.
type LastAccessedAPI interface {
	GenerateServiceLastAccessedDetails(
		context.Context, *iam.GenerateServiceLastAccessedDetailsInput, ...func(*iam.Options),
	) (*iam.GenerateServiceLastAccessedDetailsOutput, error)
	GetServiceLastAccessedDetails(
		context.Context, *iam.GetServiceLastAccessedDetailsInput, ...func(*iam.Options),
	) (*iam.GetServiceLastAccessedDetailsOutput, error)
}

// Polling of a report: the wait doubles from pollFirst to pollLongest. No document has the time that IAM needs; reports
// take seconds. After polls attempts, some four minutes, the report is given up.
const (
	pollFirst   = time.Second
	pollLongest = 10 * time.Second
	polls       = 26
)

// LastAccessed returns IAM's last accessed data of roles by the vendor's name: one report for each, at the level of
// actions, all requested before the first is awaited. arns are the ARNs by that name. wait is pause.For in production;
// progress is called with the number of complete reports, and may be nil.
func LastAccessed(
	ctx context.Context, client LastAccessedAPI, arns map[string]string, wait pause.Func, progress func(done, total int),
) (map[string]usage.RoleData, error) {
	out, jobs := map[string]usage.RoleData{}, map[string]*string{}
	for _, name := range slices.Sorted(maps.Keys(arns)) {
		arn := arns[name]
		job, err := client.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{
			Arn: &arn, Granularity: types.AccessAdvisorUsageGranularityTypeActionLevel,
		})
		switch {
		case awserr.IsNotFound(err):
			out[name] = usage.RoleData{Missing: true}
		case err != nil:
			out[name] = usage.RoleData{Err: fmt.Errorf("request last accessed data of %s: %w", arn, awserr.Concise(err))}
		default:
			jobs[name] = job.JobId
		}
	}
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		if progress != nil {
			progress(len(out), len(arns))
		}
		services, err := readReport(ctx, client, jobs[name], wait)
		if err != nil {
			err = fmt.Errorf("read last accessed data of %s: %w", arns[name], awserr.Concise(err))
		}
		out[name] = usage.RoleData{Services: services, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read last accessed data: %w", err)
	}
	return out, commonDenial(out)
}

// commonDenial returns an error if the data of every role was refused: then nothing was read.
func commonDenial(data map[string]usage.RoleData) error {
	var first error
	for _, d := range data {
		if d.Err == nil || !awserr.IsDenied(d.Err) {
			return nil
		}
		first = d.Err
	}
	return first
}

var errStillRunning = errors.New("IAM has not completed the report; run the command again later")

// readReport waits for a report and reads its pages.
func readReport(
	ctx context.Context, client LastAccessedAPI, job *string, wait pause.Func,
) ([]usage.ServiceData, error) {
	in := &iam.GetServiceLastAccessedDetailsInput{JobId: job}
	page, err := completeReport(ctx, client, in, wait)
	if err != nil {
		return nil, err
	}
	var out []usage.ServiceData
	for {
		for _, s := range page.ServicesLastAccessed {
			out = append(out, serviceData(s))
		}
		if !page.IsTruncated || aws.ToString(page.Marker) == "" {
			return out, nil
		}
		in.Marker = page.Marker
		if page, err = client.GetServiceLastAccessedDetails(ctx, in); err != nil {
			return nil, err
		}
	}
}

// completeReport returns the first page of a report when it is complete.
func completeReport(
	ctx context.Context, client LastAccessedAPI, in *iam.GetServiceLastAccessedDetailsInput, wait pause.Func,
) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	delay := pollFirst
	for range polls {
		page, err := client.GetServiceLastAccessedDetails(ctx, in)
		if err != nil {
			return nil, err
		}
		switch page.JobStatus {
		case types.JobStatusTypeCompleted:
			return page, nil
		case types.JobStatusTypeFailed:
			reason := "without a reason"
			if page.Error != nil {
				reason = aws.ToString(page.Error.Code) + ": " + aws.ToString(page.Error.Message)
			}
			return nil, fmt.Errorf("IAM could not complete the report: %s", reason)
		}
		if err := wait(ctx, delay); err != nil {
			return nil, err
		}
		delay = min(2*delay, pollLongest)
	}
	return nil, errStillRunning
}

func serviceData(s types.ServiceLastAccessed) usage.ServiceData {
	out := usage.ServiceData{
		Namespace: aws.ToString(s.ServiceNamespace), Last: aws.ToTime(s.LastAuthenticated),
		Region: aws.ToString(s.LastAuthenticatedRegion),
	}
	for _, a := range s.TrackedActionsLastAccessed {
		out.Actions = append(out.Actions, usage.ActionData{
			Name: aws.ToString(a.ActionName), Last: aws.ToTime(a.LastAccessedTime), Region: aws.ToString(a.LastAccessedRegion),
		})
	}
	return out
}
