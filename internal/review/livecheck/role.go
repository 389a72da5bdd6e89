package livecheck

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/review/denial"
)

// Request is a request whose role is to be read.
type Request struct {
	Stack    string
	Role     string // its name
	Action   string
	Resource string
	Context  map[string][]string
}

// Role reads a role with its boundary and lets the simulator decide the request. What cannot be read is in Errors.
func Role(ctx context.Context, cfg aws.Config, r Request) *denial.Live {
	live := &denial.Live{Stack: r.Stack}
	reader := livestate.NewReader(cfg)
	role, err := reader.ReadRole(ctx, r.Role)
	if awserr.IsNotFound(err) {
		live.Missing = true
		return live
	}
	if err != nil {
		live.Errors = append(live.Errors, fmt.Sprintf("The role %s could not be read: %v.", r.Role, awserr.Concise(err)))
		return live
	}
	for _, p := range role.Inline {
		live.Identity = append(live.Identity, p.Document)
	}
	for _, p := range role.Attached {
		version, err := reader.ReadPolicy(ctx, p.ARN)
		if err != nil {
			live.Errors = append(live.Errors, fmt.Sprintf("The policy %s could not be read: %v.", p.ARN, awserr.Concise(err)))
			live.Identity = nil // a part of the policies would look like a change of the role
			break
		}
		live.Identity = append(live.Identity, version.Document)
	}
	decisions, err := Simulate(ctx, iam.NewFromConfig(cfg), role.ARN, []string{r.Action}, r.Resource, r.Context)
	if err != nil {
		live.Errors = append(live.Errors, fmt.Sprintf("IAM's simulator could not be used, which evaluates service control "+
			"policies and the boundary: %v.", awserr.Concise(err)))
	}
	for _, d := range decisions {
		live.AllowedBySCP, live.AllowedByBoundary = d.BySCP, d.ByBoundary
	}
	return live
}
