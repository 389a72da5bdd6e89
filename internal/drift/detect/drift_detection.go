package detect

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/notify/finding"
)

// Descriptions have no effect on access or on the check. A difference of them is not
// reported; CloudFormation's own drift detection shows it.
const (
	descriptionProperty = "Description"
	alarmDescription    = "AlarmDescription"
)

// detection is the result of CloudFormation's drift detection for one resource.
type detection struct {
	status      types.StackResourceDriftStatus
	reason      string // of the status UNKNOWN
	differences []difference
	err         error
}

// difference is one property that differs.
type difference struct {
	path             string // JSON pointer
	expected, actual string
	kind             types.DifferenceType
}

// property returns the top-level property of a difference.
func (d difference) property() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(d.path, "/"), "/")
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
}

// detect runs CloudFormation's drift detection for one resource. A read handler
// that was throttled is reported as status UNKNOWN with the reason "Rate
// exceeded"; it is retried like a throttled call.
func (c *reader) detect(ctx context.Context, r *resource) *detection {
	detectDrift := func(
		ctx context.Context, in *cloudformation.DetectStackResourceDriftInput, options ...func(*cloudformation.Options),
	) (*cloudformation.DetectStackResourceDriftOutput, error) {
		out, err := c.clients.CloudFormation.DetectStackResourceDrift(ctx, in, options...)
		if err != nil || out.StackResourceDrift.StackResourceDriftStatus != "UNKNOWN" {
			return out, err
		}
		reason := aws.ToString(out.StackResourceDrift.DriftStatusReason)
		if !strings.Contains(reason, "Rate exceeded") && !strings.Contains(reason, "Throttling") {
			return out, nil
		}
		return nil, &smithy.OperationError{
			ServiceID: "CloudFormation", OperationName: "DetectStackResourceDrift",
			Err: &smithy.GenericAPIError{Code: "Throttling", Message: reason},
		}
	}
	in := &cloudformation.DetectStackResourceDriftInput{StackName: &r.stack.id, LogicalResourceId: &r.logicalID}
	out, err := ratelimit.Call(ctx, c.detections, detectDrift, in)
	if err != nil {
		return &detection{err: err}
	}
	drift := out.StackResourceDrift
	d := &detection{status: drift.StackResourceDriftStatus, reason: aws.ToString(drift.DriftStatusReason)}
	for _, p := range drift.PropertyDifferences {
		d.differences = append(d.differences, difference{
			aws.ToString(p.PropertyPath), aws.ToString(p.ExpectedValue), aws.ToString(p.ActualValue), p.DifferenceType,
		})
	}
	return d
}

// merge combines the findings of the live comparison with those of
// CloudFormation: one difference is one finding. The live comparison compares by
// meaning, so a difference that only CloudFormation reports of a property that
// was compared live is one of form, and not reported.
func (r *resource) merge(live []draft) []draft {
	d := r.detection
	switch {
	case d == nil:
		return live
	case d.err != nil:
		return append(live, r.detectionFailed(d.err)...)
	case d.status == "UNKNOWN":
		return append(live, r.detectionUnknown(d.reason))
	case d.status == "DELETED":
		return r.mergeDeleted(live)
	case d.status != "MODIFIED":
		return live
	}
	byProperty := map[string][]difference{}
	for _, diff := range d.differences {
		byProperty[diff.property()] = append(byProperty[diff.property()], diff)
	}
	out := slices.Clone(live)
	for _, property := range sorted(byProperty) {
		reported := false
		for i := range live {
			if live[i].Property == property && live[i].Kind != finding.NotReadable {
				reported = true
				out[i].SeenBy = append(slices.Clone(out[i].SeenBy), finding.CloudFormation)
			}
		}
		if !reported && property == trustProperty && externalIDDiffers(byProperty[property]) {
			out = append(out, r.externalIDDraft(byProperty[property]))
			continue
		}
		if reported || r.comparedLive(property) || property == descriptionProperty || property == alarmDescription {
			continue
		}
		byOthers := func(d difference) bool { return d.kind == "ADD" }
		if property == "Tags" &&
			!slices.ContainsFunc(byProperty[property], func(d difference) bool { return !byOthers(d) }) {
			continue // tags that others added are not drift
		}
		out = append(out, r.propertyDraft(property, byProperty[property]))
	}
	return out
}

// comparedLive reports whether the live comparison compared a property.
func (r *resource) comparedLive(property string) bool {
	return r.liveDone && r.live != nil && slices.Contains(r.typ.compared, property) &&
		!isUnknown(r.props[property]) && !r.live.unreadable().affect(property)
}

// mergeDeleted adds that CloudFormation reports the resource as deleted.
func (r *resource) mergeDeleted(live []draft) []draft {
	for i := range live {
		if live[i].Kind == finding.ResourceDeleted || r.typ.deletedAs != "" && live[i].Kind == r.typ.deletedAs {
			live[i].SeenBy = append(live[i].SeenBy, finding.CloudFormation)
			return live
		}
	}
	d := r.draft(finding.CloudFormation, finding.ResourceDeleted, finding.Changed)
	if r.typ.rank > 0 {
		d.Direction = finding.GrantsLess
	}
	d.Actual = finding.None
	return append(live, d)
}

// propertyDraft reports a property that only CloudFormation compared.
func (r *resource) propertyDraft(property string, differences []difference) draft {
	d := r.draft(finding.CloudFormation, finding.PropertyChanged, finding.Changed)
	d.Property, d.Subject = property, property
	for _, diff := range differences {
		if property == trustProperty { // complete masks the external id before it hashes the values
			d.values = append(d.values, diff.path, diff.expected, diff.actual)
		} else {
			d.values = append(d.values, diff.path, digest(diff.expected, diff.actual))
		}
		if confidential(diff.path) {
			diff.expected, diff.actual = "****", "****"
		}
		d.Differences = append(d.Differences, finding.Difference{
			Path: diff.path, Expected: diff.expected, Actual: diff.actual,
		})
	}
	slices.SortFunc(d.Differences, func(a, b finding.Difference) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(d.values)
	return d
}

// externalIDDraft reports another external id in a trust policy, which only
// CloudFormation can compare. With it another customer of the vendor, whose id it may
// be, has the vendor assume the role.
func (r *resource) externalIDDraft(differences []difference) draft {
	d := r.draft(finding.CloudFormation, finding.TrustChanged, finding.GrantsMore)
	d.Property = trustProperty
	for _, diff := range differences {
		d.values = append(d.values, diff.path)
		d.Differences = append(d.Differences, finding.Difference{Path: diff.path, Expected: "****", Actual: "****"})
	}
	return d
}

// confidential reports whether the value of a property must not be reported: a
// function's environment, and what is named like a secret.
func confidential(path string) bool {
	lower := strings.ToLower(path)
	return strings.HasPrefix(path, "/Environment/") || strings.Contains(lower, "secret") ||
		strings.Contains(lower, "password") || strings.Contains(lower, "externalid") || strings.Contains(lower, "token")
}

// detectionFailed reports a call that failed, unless it says nothing about drift.
func (r *resource) detectionFailed(err error) []draft {
	if awserr.IsContextDone(err) || awserr.IsDriftUnsupported(err) || awserr.IsStackBusy(err) ||
		awserr.IsStackNotFound(err) { // the resource left the stack meanwhile
		return nil
	}
	d := r.draft(finding.CloudFormation, finding.NotReadable, finding.Unreadable)
	d.readError(finding.TargetDriftDetection, "", err)
	return []draft{d}
}

// detectionUnknown reports a resource that CloudFormation's read handler could
// not read completely.
func (r *resource) detectionUnknown(reason string) draft {
	d := r.draft(finding.CloudFormation, finding.NotReadable, finding.Unreadable)
	d.readError(finding.TargetDriftDetection, "", &smithy.GenericAPIError{Code: "UNKNOWN", Message: reason})
	d.Subject = "cloudformation:DetectStackResourceDrift"
	if permission := awserr.ActionInMessage(reason); permission != "" {
		d.Subject, d.Permission, d.Reason, d.values = permission, permission, finding.AccessDenied, []string{permission}
	}
	return d
}
