package standalone

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The bucket of UploadTemplate, in an account that nothing else uses.
const (
	templateBucket  = "permstack-local-templates"
	templateAccount = "999999999999"
	templateRegion  = "us-east-1"
)

// UploadTemplate stores a template in a bucket that every account may read and
// returns its URL, for TemplateURL. CloudFormation takes a template of at most
// 51,200 bytes in TemplateBody, and one of 1 MB by URL (CloudFormation User
// Guide, "Understand CloudFormation quotas").
func (l *Server) UploadTemplate(ctx context.Context, name string, template []byte) (url string, err error) {
	client := s3.NewFromConfig(l.Config(templateAccount, templateRegion),
		func(o *s3.Options) { o.UsePathStyle = true })
	bucket := templateBucket
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::` + bucket + `/*"}]}`
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
	var exists *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &exists) {
		return "", fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		return "", fmt.Errorf("put policy of bucket %s: %w", bucket, err)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &name, Body: bytes.NewReader(template)})
	if err != nil {
		return "", fmt.Errorf("put object %s in bucket %s: %w", name, bucket, err)
	}
	return l.Endpoint + "/" + bucket + "/" + name, nil
}
