package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// ErrByHand is returned by Revoke for findings that a command of their own resolves.
var ErrByHand = errors.New("it is not reverted by permstack: the finding names its command")

// Revoke removes the access of one finding of the audit: a role that no stack holds is
// deleted; from a trust policy or the policy of a resource the principals of the backup
// service and the installations' roles are removed, and nothing else. It returns what was
// done.
func Revoke(ctx context.Context, clients Clients, o Options, f finding.Finding) (string, error) {
	a := &audit{Clients: clients, o: o, held: map[string]bool{}, failed: map[string]*finding.Finding{}}
	if _, err := a.readInstallations(ctx, &finding.Report{}); err != nil {
		return "", err
	}
	if f.Kind == finding.RoleUnowned {
		if err := detect.DeleteRole(ctx, a.iam, f.Subject); err != nil {
			return "", fmt.Errorf("delete role %s: %w", f.Subject, awserr.Concise(err))
		}
		return "the role was deleted", nil
	}
	read, write := a.policyCalls(f)
	if read == nil {
		return "", ErrByHand
	}
	text, err := read(ctx)
	if err != nil {
		return "", fmt.Errorf("read policy of %s: %w", f.PhysicalID, awserr.Concise(err))
	}
	rest, removed, err := a.target.removeFrom(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("parse policy of %s: %w", f.PhysicalID, err)
	case len(removed) == 0:
		return "nothing to do: the policy no longer names it", nil
	}
	if err := write(ctx, rest); err != nil {
		return "", fmt.Errorf("write policy of %s: %w", f.PhysicalID, awserr.Concise(err))
	}
	return "removed from the policy: " + strings.Join(removed, ", "), nil
}

// nobody is a trust policy that lets nobody assume the role: IAM refuses one without
// statements.
const nobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}`

// policyCalls returns how the policy of a finding's resource is read, and written; a policy
// without statements is "".
func (a *audit) policyCalls(f finding.Finding) (read func(context.Context) (string, error),
	write func(context.Context, string) error) {
	id := f.PhysicalID
	queueURL := aws.String(id)
	switch {
	case f.Kind == finding.TrustsService || f.Kind == finding.TrustsOwnRole:
		return func(ctx context.Context) (string, error) {
				got, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &f.Subject})
				if err != nil {
					return "", err
				}
				return url.QueryUnescape(aws.ToString(got.Role.AssumeRolePolicyDocument))
			}, func(ctx context.Context, text string) error {
				if text == "" {
					text = nobody
				}
				_, err := a.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
					RoleName: &f.Subject, PolicyDocument: &text,
				})
				return err
			}
	case f.Kind != finding.ResourcePolicyNames:
		return nil, nil
	}
	switch f.Type {
	case "AWS::KMS::Key":
		return func(ctx context.Context) (string, error) {
				got, err := a.kms.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &id})
				if err != nil {
					return "", err
				}
				return aws.ToString(got.Policy), nil
			}, func(ctx context.Context, text string) error {
				if text == "" {
					return errors.New("nobody could use the key: add a statement for its administrator by hand")
				}
				_, err := a.kms.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &id, Policy: &text})
				return err
			}
	case "AWS::S3::Bucket":
		return func(ctx context.Context) (string, error) {
				got, err := a.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &id}, a.bucketRegion(ctx, id))
				if err != nil {
					return "", err
				}
				return aws.ToString(got.Policy), nil
			}, func(ctx context.Context, text string) error {
				if text == "" {
					_, err := a.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &id}, a.bucketRegion(ctx, id))
					return err
				}
				_, err := a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &id, Policy: &text},
					a.bucketRegion(ctx, id))
				return err
			}
	case "AWS::SNS::Topic":
		return func(ctx context.Context) (string, error) {
				got, err := a.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &id})
				if err != nil {
					return "", err
				}
				return got.Attributes["Policy"], nil
			}, func(ctx context.Context, text string) error {
				if text == "" {
					text = detect.DefaultTopicPolicy(id, iampolicy.AccountInARN(id))
				}
				_, err := a.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
					TopicArn: &id, AttributeName: aws.String("Policy"), AttributeValue: &text,
				})
				return err
			}
	case "AWS::SQS::Queue":
		return func(ctx context.Context) (string, error) {
				got, err := a.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
					QueueUrl: queueURL, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNamePolicy},
				})
				if err != nil {
					return "", err
				}
				return got.Attributes["Policy"], nil
			}, func(ctx context.Context, text string) error {
				_, err := a.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queueURL, Attributes: map[string]string{"Policy": text},
				})
				return err
			}
	}
	return nil, nil
}

// bucketRegion directs a call to the Region of a bucket. If that cannot be read, the call
// itself reports the error.
func (a *audit) bucketRegion(ctx context.Context, name string) func(*s3.Options) {
	got, err := a.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	return func(o *s3.Options) {
		if err == nil && aws.ToString(got.BucketRegion) != "" {
			o.Region = *got.BucketRegion
		}
	}
}

// removeFrom removes the principals of the target from the statements of a policy that
// allow, and returns the policy and the principals. A statement that allows nobody else,
// or that names one of them in a condition, is removed; a policy without statements is "".
func (t target) removeFrom(text string) (rest string, removed []string, err error) {
	var policy map[string]any
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return "", nil, err
	}
	list, isList := policy["Statement"].([]any)
	if !isList {
		list = []any{policy["Statement"]}
	}
	var kept []any
	for _, raw := range list {
		statement, _ := raw.(map[string]any)
		one, err := json.Marshal(map[string]any{"Version": policy["Version"], "Statement": []any{raw}})
		if err != nil {
			return "", nil, err
		}
		document, err := iampolicy.Parse(one)
		if err != nil {
			return "", nil, err
		}
		names, _ := t.named(document)
		if len(names) == 0 {
			kept = append(kept, raw)
			continue
		}
		removed = append(removed, names...)
		if t.removePrincipals(statement) {
			kept = append(kept, statement)
		}
	}
	if len(kept) == 0 {
		return "", removed, nil
	}
	policy["Statement"] = kept
	data, err := json.Marshal(policy)
	return string(data), removed, err
}

// removePrincipals removes the principals of the target from a statement, and reports
// whether it allows anybody else. A statement that names them in a condition alone allows
// nobody else.
func (t target) removePrincipals(statement map[string]any) bool {
	principal, ok := statement["Principal"].(map[string]any)
	if !ok {
		return false
	}
	found := false
	for kind, value := range principal {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		var kept []any
		for _, v := range list {
			name, _ := v.(string)
			if matches, _ := t.matches(name); matches {
				found = true
				continue
			}
			kept = append(kept, v)
		}
		if principal[kind] = kept; len(kept) == 0 {
			delete(principal, kind)
		}
	}
	return found && len(principal) > 0
}
