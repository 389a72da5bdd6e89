package cloudformation_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/protocol"
)

func TestDrift(t *testing.T) {
	const extra = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	tests := []struct {
		name, resource string
		do             func(h *harness) error
		status         types.StackResourceDriftStatus
		paths          []string
	}{
		{"inline policy added", "Role", func(h *harness) error {
			_, err := h.iam.PutRolePolicy(h.t.Context(), &iam.PutRolePolicyInput{
				RoleName:       aws.String("reader"),
				PolicyName:     aws.String("rogue"),
				PolicyDocument: aws.String(extra),
			})
			return err
		}, "MODIFIED", []string{"/Policies/1 ADD"}},
		{"inline policy changed", "Role", func(h *harness) error {
			_, err := h.iam.PutRolePolicy(h.t.Context(), &iam.PutRolePolicyInput{
				RoleName:       aws.String("reader"),
				PolicyName:     aws.String("inline"),
				PolicyDocument: aws.String(extra),
			})
			return err
		}, "MODIFIED", []string{"/Policies/0/PolicyDocument/Statement/0/Action NOT_EQUAL"}},
		{"managed policy detached", "Role", func(h *harness) error {
			_, err := h.iam.DetachRolePolicy(h.t.Context(), &iam.DetachRolePolicyInput{
				RoleName:  aws.String("reader"),
				PolicyArn: aws.String("arn:aws:iam::111122223333:policy/managed"),
			})
			return err
		}, "MODIFIED", []string{"/ManagedPolicyArns/0 REMOVE"}},
		{"what is not declared", "Managed", func(h *harness) error { return nil }, "IN_SYNC", nil},
		{"policy document", "Managed", func(h *harness) error {
			_, err := h.iam.CreatePolicyVersion(h.t.Context(), &iam.CreatePolicyVersionInput{
				PolicyArn:      aws.String("arn:aws:iam::111122223333:policy/managed"),
				PolicyDocument: aws.String(extra),
				SetAsDefault:   true,
			})
			return err
		}, "MODIFIED", []string{"/PolicyDocument/Statement/0/Action NOT_EQUAL", "/PolicyDocument/Statement/0/Sid REMOVE"}},
		{"rule disabled", "Rule", func(h *harness) error {
			_, err := eventbridge.NewFromConfig(h.cloud.Config(account, region)).
				DisableRule(h.t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("changes")})
			return err
		}, "IN_SYNC", nil}, // State is not declared
		{"topic deleted", "Topic", func(h *harness) error {
			_, err := h.sns.DeleteTopic(h.t.Context(),
				&sns.DeleteTopicInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:111122223333:inventory")})
			return err
		}, "DELETED", nil},
		{"not readable", "Topic", func(h *harness) error {
			h.cloud.SetIntercept(func(c *protocol.Call) error {
				if c.Action == "GetTopicAttributes" {
					return protocol.Errorf("AuthorizationError", "no").WithStatus(403)
				}
				return nil
			})
			return nil
		}, "UNKNOWN", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("s", access)
			h.wait("s", "CREATE_COMPLETE")
			before, err := h.cfn.DetectStackResourceDrift(t.Context(),
				&cfn.DetectStackResourceDriftInput{StackName: aws.String("s"), LogicalResourceId: &tt.resource})
			if err != nil {
				t.Fatal(err)
			}
			if d := before.StackResourceDrift; d.StackResourceDriftStatus != "IN_SYNC" {
				t.Errorf("before: %s %+v", d.StackResourceDriftStatus, d.PropertyDifferences)
			}
			if err := tt.do(h); err != nil {
				t.Fatal(err)
			}
			out, err := h.cfn.DetectStackResourceDrift(t.Context(),
				&cfn.DetectStackResourceDriftInput{StackName: aws.String("s"), LogicalResourceId: &tt.resource})
			if err != nil {
				t.Fatal(err)
			}
			d := out.StackResourceDrift
			var paths []string
			for _, p := range d.PropertyDifferences {
				paths = append(paths, *p.PropertyPath+" "+string(p.DifferenceType))
			}
			if d.StackResourceDriftStatus != tt.status || !slices.Equal(paths, tt.paths) {
				t.Errorf("%s %q, want %s %q", d.StackResourceDriftStatus, paths, tt.status, tt.paths)
			}
			if tt.status == "UNKNOWN" && aws.ToString(d.DriftStatusReason) == "" {
				t.Error("UNKNOWN without a reason")
			}
		})
	}
}

func TestStackDrift(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	h.create("s", access)
	h.wait("s", "CREATE_COMPLETE")
	if _, err := h.sns.SetTopicAttributes(ctx,
		&sns.SetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:111122223333:inventory"),
			AttributeName: aws.String("Policy"), AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-central-1:111122223333:inventory"}]}`)}); err != nil {
		t.Fatal(err)
	}
	started, err := h.cfn.DetectStackDrift(ctx, &cfn.DetectStackDriftInput{StackName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.engine.WaitDetection(ctx, account, region, *started.StackDriftDetectionId); err != nil {
		t.Fatal(err)
	}
	status, err := h.cfn.DescribeStackDriftDetectionStatus(ctx,
		&cfn.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: started.StackDriftDetectionId})
	if err != nil {
		t.Fatal(err)
	}
	if status.DetectionStatus != "DETECTION_COMPLETE" || status.StackDriftStatus != "DRIFTED" ||
		*status.DriftedStackResourceCount != 1 {
		t.Errorf("detection %s %s %d %s", status.DetectionStatus, status.StackDriftStatus,
			*status.DriftedStackResourceCount, aws.ToString(status.DetectionStatusReason))
	}
	drifts, err := h.cfn.DescribeStackResourceDrifts(ctx, &cfn.DescribeStackResourceDriftsInput{
		StackName:                       aws.String("s"),
		StackResourceDriftStatusFilters: []types.StackResourceDriftStatus{"MODIFIED"},
	})
	if err != nil || len(drifts.StackResourceDrifts) != 1 ||
		*drifts.StackResourceDrifts[0].LogicalResourceId != "TopicPolicy" {
		t.Errorf("drifts %+v %v", drifts, err)
	}
	h.create("policy",
		"Resources: {T: {Type: AWS::SNS::Topic}, P: {Type: AWS::SNS::TopicPolicy, Properties: {Topics: [!Ref "+
			"T], PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: '*', Action: "+
			"'sns:Publish', Resource: !Ref T}]}}}}")
	h.wait("policy", "CREATE_COMPLETE")
	_, err = h.cfn.DetectStackResourceDrift(ctx,
		&cfn.DetectStackResourceDriftInput{StackName: aws.String("policy"), LogicalResourceId: aws.String("P")})
	apitest.WantError(t, err, "ValidationError", "is not supported for drift detection")
}
