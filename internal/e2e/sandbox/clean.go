package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/stacks"
)

// repeatFor is how long a list may be late after a deletion: SQS lists a queue for a
// minute (SQS API reference, DeleteQueue).
const repeatFor = 90 * time.Second

// repeat calls do until it returns true or an error, or repeatFor is over.
func repeat(ctx context.Context, do func() (bool, error)) error {
	until := time.Now().Add(repeatFor)
	for wait := 100 * time.Millisecond; ; wait = min(wait*2, 5*time.Second) {
		done, err := do()
		if done || err != nil || time.Now().After(until) {
			return err
		}
		if err := pause.For(ctx, wait); err != nil {
			return err
		}
	}
}

// cleaner deletes what runs have left.
type cleaner struct {
	cfg     aws.Config
	account Account
	run     string // only of this run; "" for every run
	out     io.Writer
}

// Clean deletes what a run has left, or every run if id is "", and reports each
// resource. It returns an error that lists what could not be deleted.
func Clean(ctx context.Context, cfg aws.Config, account Account, id string, out io.Writer) error {
	c := cleaner{cfg, account, id, out}
	var problems []error
	for range 3 { // what another resource prevents, is deleted in the next pass
		left, err := c.find(ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		problems = c.delete(ctx, left)
		if ctx.Err() != nil {
			break
		}
	}
	var left []Leftover
	err := repeat(ctx, func() (bool, error) {
		var err error
		left, err = c.find(ctx)
		return len(left) == 0, err
	})
	if err != nil || len(left) == 0 {
		return errors.Join(err, errors.Join(problems...))
	}
	names := make([]string, len(left))
	for i, l := range left {
		names[i] = l.String()
	}
	return errors.Join(append(problems, fmt.Errorf("these resources remain: %s", strings.Join(names, ", ")))...)
}

func (c cleaner) find(ctx context.Context) ([]Leftover, error) {
	all, err := find(ctx, c.cfg, c.account)
	var out []Leftover
	for _, l := range all {
		if c.run == "" || l.run == c.run {
			out = append(out, l)
		}
	}
	return out, err
}

// delete deletes resources in their order and returns what failed.
func (c cleaner) delete(ctx context.Context, left []Leftover) []error {
	var problems []error
	for _, l := range left {
		if l.kind == kindRole {
			if err := c.detachForeign(ctx, l.name); err != nil {
				problems = append(problems, err)
			}
		}
	}
	// What a stack deletes is not deleted by hand, unless the stack could not.
	owners := map[string]bool{}
	for _, l := range left {
		if l.kind != kindStack {
			continue
		}
		if err := c.deleteStack(ctx, l); err != nil {
			problems = append(problems, err)
			owners[l.run] = true
			continue
		}
		fmt.Fprintf(c.out, "  deleted %s\n", l)
	}
	rest, err := c.find(ctx)
	if err != nil {
		return append(problems, err)
	}
	for _, l := range rest {
		if l.kind == kindStack || owners[l.run] {
			continue
		}
		if err := c.deleteResource(ctx, l); err != nil && !awserr.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("delete %s: %w", l, err))
			continue
		}
		fmt.Fprintf(c.out, "  deleted %s\n", l)
	}
	return problems
}

// detachForeign detaches the policies of a role that are not below rootPath: the one
// that a run attaches by hand would prevent the deletion of the role.
func (c cleaner) detachForeign(ctx context.Context, role string) error {
	client := iam.NewFromConfig(c.cfg)
	attached, err := livestate.NewReader(c.cfg).AttachedPolicies(ctx, role)
	if awserr.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range attached {
		if strings.Contains(p.ARN, ":policy"+rootPath) {
			continue
		}
		in := &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &p.ARN}
		if _, err := client.DetachRolePolicy(ctx, in); err != nil && !awserr.IsNotFound(err) {
			return fmt.Errorf("detach %s from role %s: %w", p.ARN, role, err)
		}
		fmt.Fprintf(c.out, "  detached %s from role %s\n", p.ARN, role)
	}
	return nil
}

// deleteStack waits until CloudFormation does not work on the stack, deletes it and
// waits for that.
func (c cleaner) deleteStack(ctx context.Context, l Leftover) error {
	client := cloudformation.NewFromConfig(c.cfg)
	stack, err := stacks.WaitUntilStable(ctx, client, l.id, pause.For, nil)
	if err != nil {
		return err
	}
	if stack == nil || stack.StackStatus == "DELETE_COMPLETE" {
		return nil
	}
	if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &l.id}); err != nil {
		return fmt.Errorf("delete stack %s: %w", l.name, err)
	}
	if stack, err = stacks.WaitUntilStable(ctx, client, l.id, pause.For, nil); err != nil {
		return err
	}
	if stack != nil && stack.StackStatus != "DELETE_COMPLETE" {
		return fmt.Errorf("delete stack %s: it ended with status %s: %s", l.name, stack.StackStatus,
			aws.ToString(stack.StackStatusReason))
	}
	return nil
}

func (c cleaner) deleteResource(ctx context.Context, l Leftover) (err error) {
	client := iam.NewFromConfig(c.cfg)
	switch l.kind {
	case kindRole:
		return c.deleteRole(ctx, client, l)
	case kindPolicy:
		_, err = client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &l.id})
	case kindProfile:
		return c.deleteProfile(ctx, client, l)
	case kindTopic:
		_, err = sns.NewFromConfig(c.cfg).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &l.id})
	case kindRule:
		return c.deleteRule(ctx, l)
	case kindQueue:
		_, err = sqs.NewFromConfig(c.cfg).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &l.id})
	case kindBucket:
		return c.deleteBucket(ctx, l)
	}
	return err
}

func (c cleaner) deleteRole(ctx context.Context, client *iam.Client, l Leftover) error {
	reader := livestate.NewReader(c.cfg)
	attached, err := reader.AttachedPolicies(ctx, l.name)
	if err != nil {
		return err
	}
	for _, p := range attached {
		in := &iam.DetachRolePolicyInput{RoleName: &l.name, PolicyArn: &p.ARN}
		if _, err := client.DetachRolePolicy(ctx, in); err != nil && !awserr.IsNotFound(err) {
			return err
		}
	}
	inline, err := reader.InlinePolicyNames(ctx, l.name)
	if err != nil {
		return err
	}
	for _, name := range inline {
		in := &iam.DeleteRolePolicyInput{RoleName: &l.name, PolicyName: &name}
		if _, err := client.DeleteRolePolicy(ctx, in); err != nil && !awserr.IsNotFound(err) {
			return err
		}
	}
	_, err = client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &l.name})
	return err
}

func (c cleaner) deleteProfile(ctx context.Context, client *iam.Client, l Leftover) error {
	profile, err := livestate.NewReader(c.cfg).InstanceProfile(ctx, l.name)
	if err != nil {
		return err
	}
	for _, role := range profile.Roles {
		_, err := client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
			InstanceProfileName: &l.name, RoleName: &role,
		})
		if err != nil && !awserr.IsNotFound(err) {
			return err
		}
	}
	_, err = client.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &l.name})
	return err
}

func (c cleaner) deleteRule(ctx context.Context, l Leftover) error {
	client := eventbridge.NewFromConfig(c.cfg)
	targets, err := livestate.NewReader(c.cfg).Targets(ctx, "", l.name)
	if err != nil {
		return err
	}
	var ids []string
	for _, t := range targets {
		ids = append(ids, aws.ToString(t.Id))
	}
	if len(ids) > 0 {
		if _, err := client.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &l.name, Ids: ids}); err != nil {
			return err
		}
	}
	_, err = client.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &l.name})
	return err
}

func (c cleaner) deleteBucket(ctx context.Context, l Leftover) error {
	client := newS3(c.cfg)
	objects := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &l.name})
	for objects.HasMorePages() {
		page, err := objects.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.name, Key: o.Key}); err != nil {
				return err
			}
		}
	}
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &l.name})
	return err
}
