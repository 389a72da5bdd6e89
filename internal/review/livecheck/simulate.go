// Package livecheck reads the roles of a stack from an account and lets IAM's policy simulator decide requests, for
// `permstack why` and `permstack check`. It changes nothing.
package livecheck

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Simulator is the part of the SDK's IAM client that simulates requests.
type Simulator interface {
	SimulatePrincipalPolicy(
		context.Context, *iam.SimulatePrincipalPolicyInput, ...func(*iam.Options),
	) (*iam.SimulatePrincipalPolicyOutput, error)
}

// Decision is what IAM's simulator decides about one action on one resource. It evaluates the policies of the role, its
// permissions boundary and the service control policies, and no others ("SimulatePrincipalPolicy", IAM API Reference).
type Decision struct {
	Allowed  bool
	Explicit bool // a Deny statement refuses it
	// BySCP and ByBoundary report whether these policies allow it; nil if there are none.
	BySCP, ByBoundary *bool
	Missing           []string // condition keys of policies that the request does not have
	Denying           []string // the policies whose Deny statements refuse it
}

// Simulate returns the decisions about actions on one resource, by action in lower case.
func Simulate(
	ctx context.Context, client Simulator, roleARN string, actions []string, resource string,
	keys map[string][]string,
) (map[string]Decision, error) {
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &roleARN, ActionNames: actions, ContextEntries: contextEntries(keys),
	}
	if resource != "" && resource != "*" {
		in.ResourceArns = []string{resource}
	}
	out := map[string]Decision{}
	for {
		page, err := client.SimulatePrincipalPolicy(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.EvaluationResults {
			out[strings.ToLower(aws.ToString(r.EvalActionName))] = decision(r)
		}
		if !page.IsTruncated || aws.ToString(page.Marker) == "" {
			return out, nil
		}
		in.Marker = page.Marker
	}
}

func decision(r types.EvaluationResult) Decision {
	d := Decision{
		Allowed:  r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed,
		Explicit: r.EvalDecision == types.PolicyEvaluationDecisionTypeExplicitDeny,
		Missing:  slices.Clone(r.MissingContextValues),
	}
	if o := r.OrganizationsDecisionDetail; o != nil {
		d.BySCP = aws.Bool(o.AllowedByOrganizations)
	}
	if b := r.PermissionsBoundaryDecisionDetail; b != nil {
		d.ByBoundary = aws.Bool(b.AllowedByPermissionsBoundary)
	}
	for _, s := range r.ResourceSpecificResults {
		d.Missing = append(d.Missing, s.MissingContextValues...)
		if b := s.PermissionsBoundaryDecisionDetail; b != nil {
			d.ByBoundary = aws.Bool(b.AllowedByPermissionsBoundary)
		}
	}
	if d.Explicit {
		for _, s := range r.MatchedStatements {
			d.Denying = append(d.Denying, aws.ToString(s.SourcePolicyId))
		}
	}
	slices.Sort(d.Missing)
	d.Missing = slices.Compact(d.Missing)
	return d
}

// listKeys are the condition keys with several values that policies of the profiles use.
var listKeys = []string{"aws:tagkeys", "aws:calledvia", "kms:encryptioncontextkeys", "kms:grantoperations"}

// contextEntries returns condition keys as the simulator takes them, sorted.
func contextEntries(keys map[string][]string) []types.ContextEntry {
	var names []string
	for k := range keys {
		names = append(names, k)
	}
	slices.Sort(names)
	var out []types.ContextEntry
	for _, name := range names {
		values := keys[name]
		if len(values) == 0 {
			continue
		}
		kind := types.ContextKeyTypeEnumString
		switch {
		case len(values) > 1, slices.Contains(listKeys, strings.ToLower(name)):
			kind = types.ContextKeyTypeEnumStringList
		case values[0] == "true" || values[0] == "false":
			kind = types.ContextKeyTypeEnumBoolean
		}
		out = append(out, types.ContextEntry{
			ContextKeyName: aws.String(name), ContextKeyType: kind, ContextKeyValues: values,
		})
	}
	return out
}
