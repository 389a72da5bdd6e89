package cloudformation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"permstack/internal/fakeaws/protocol"
)

// s3Bucket creates buckets with versioning, tags and a public access block, the
// properties that `sam deploy --resolve-s3` requires. Other properties are
// accepted and have no effect.
type s3Bucket struct{}

func (s3Bucket) schema() schema {
	return schema{
		Properties: []string{
			"BucketEncryption", "BucketName", "LifecycleConfiguration", "OwnershipControls", "PublicAccessBlockConfiguration",
			"Tags", "VersioningConfiguration",
		},
		Name: "BucketName", NameLength: 63, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{
				"s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutBucketTagging",
				"s3:PutBucketPublicAccessBlock",
			},
			Read:   []string{"s3:GetBucketVersioning"},
			Update: []string{"s3:PutBucketVersioning", "s3:PutBucketTagging", "s3:PutBucketPublicAccessBlock"},
			Delete: []string{"s3:DeleteBucket"},
		},
		Rights: handlerRights{
			ARN:    func(r *request, id string) string { return r.globalARN("s3", id) },
			Unused: map[string]string{"*": "a setting of a bucket that is accepted and has no effect"},
		},
	}
}

func s3Client(r *request) *s3.Client {
	return s3.NewFromConfig(r.cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func (p s3Bucket) create(r *request) (outcome, error) {
	name := r.props.str("BucketName")
	if name == "" {
		name = strings.ToLower(generateName(r.stack.name, r.logicalID, 63))
	}
	in := &s3.CreateBucketInput{Bucket: &name}
	if r.stack.region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(r.stack.region),
		}
	}
	if _, err := s3Client(r).CreateBucket(r.ctx, in); err != nil {
		return outcome{}, err
	}
	out := outcome{id: name, attrs: bucketAttrs(r, name)}
	return out, p.set(r, name)
}

func (p s3Bucket) update(r *request) (outcome, error) {
	return outcome{id: r.id, attrs: bucketAttrs(r, r.id)}, p.set(r, r.id)
}

// set applies versioning, tags and the public access block.
func (s3Bucket) set(r *request, name string) error {
	client := s3Client(r)
	if status := r.props.object("VersioningConfiguration").str("Status"); status != "" {
		_, err := client.PutBucketVersioning(r.ctx, &s3.PutBucketVersioningInput{
			Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(status)},
		})
		if err != nil {
			return err
		}
	}
	if tags := r.tags(); len(tags) > 0 {
		var set []types.Tag
		for _, t := range tags {
			set = append(set, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
		}
		if _, err := client.PutBucketTagging(r.ctx,
			&s3.PutBucketTaggingInput{Bucket: &name, Tagging: &types.Tagging{TagSet: set}}); err != nil {
			return err
		}
	}
	block := r.props.object("PublicAccessBlockConfiguration")
	if block == nil {
		return nil
	}
	_, err := client.PutPublicAccessBlock(r.ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &name,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls:       aws.Bool(block.bool("BlockPublicAcls")),
			BlockPublicPolicy:     aws.Bool(block.bool("BlockPublicPolicy")),
			IgnorePublicAcls:      aws.Bool(block.bool("IgnorePublicAcls")),
			RestrictPublicBuckets: aws.Bool(block.bool("RestrictPublicBuckets")),
		},
	})
	return err
}

func bucketAttrs(r *request, name string) map[string]any {
	suffix := ".amazonaws.com"
	if protocol.Partition(r.stack.region) == "aws-cn" {
		suffix += ".cn"
	}
	return map[string]any{
		"Arn":        r.globalARN("s3", name),
		"DomainName": name + ".s3" + suffix, "RegionalDomainName": name + ".s3." + r.stack.region + suffix,
	}
}

// globalARN returns the ARN of a resource without Region and account.
func (r *request) globalARN(service, resource string) string {
	return "arn:" + protocol.Partition(r.stack.region) + ":" + service + ":::" + resource
}

func (s3Bucket) delete(r *request) error {
	_, err := s3Client(r).DeleteBucket(r.ctx, &s3.DeleteBucketInput{Bucket: &r.id})
	return ignoreCodes(err, "NoSuchBucket")
}

func (s3Bucket) read(r *request) (map[string]any, error) {
	versioning, err := s3Client(r).GetBucketVersioning(r.ctx, &s3.GetBucketVersioningInput{Bucket: &r.id})
	if err != nil {
		if ignoreCodes(err, "NoSuchBucket") == nil {
			return nil, errNotFound
		}
		return nil, err
	}
	out := map[string]any{}
	for k, v := range r.props {
		out[k] = v
	}
	out["BucketName"] = r.id
	if versioning.Status != "" {
		out["VersioningConfiguration"] = map[string]any{"Status": string(versioning.Status)}
	}
	return out, nil
}

// s3BucketPolicy is a bucket's policy.
type s3BucketPolicy struct{}

func (s3BucketPolicy) schema() schema {
	return schema{
		Properties: []string{"Bucket", "PolicyDocument"},
		Permissions: handlerPermissions{
			Create: []string{"s3:PutBucketPolicy"},
			Read:   []string{"s3:GetBucketPolicy"},
			Update: []string{"s3:PutBucketPolicy"},
			Delete: []string{"s3:DeleteBucketPolicy"},
		},
		Rights: handlerRights{ARN: func(r *request, id string) string { return r.globalARN("s3", id) }},
	}
}

func (p s3BucketPolicy) create(r *request) (outcome, error) {
	return outcome{id: r.props.str("Bucket")}, p.set(r)
}

func (p s3BucketPolicy) update(r *request) (outcome, error) { return outcome{id: r.id}, p.set(r) }

func (s3BucketPolicy) set(r *request) error {
	_, err := s3Client(r).PutBucketPolicy(r.ctx, &s3.PutBucketPolicyInput{
		Bucket: aws.String(r.props.str("Bucket")), Policy: aws.String(r.props.json("PolicyDocument")),
	})
	return err
}

func (s3BucketPolicy) delete(r *request) error {
	_, err := s3Client(r).DeleteBucketPolicy(r.ctx, &s3.DeleteBucketPolicyInput{Bucket: &r.id})
	return ignoreCodes(err, "NoSuchBucket")
}

func (s3BucketPolicy) read(r *request) (map[string]any, error) {
	got, err := s3Client(r).GetBucketPolicy(r.ctx, &s3.GetBucketPolicyInput{Bucket: &r.id})
	switch {
	case err == nil:
	case ignoreCodes(err, "NoSuchBucket", "NoSuchBucketPolicy") == nil:
		return nil, errNotFound
	default:
		return nil, fmt.Errorf("read policy of bucket %s: %w", r.id, err)
	}
	return map[string]any{"Bucket": r.id, "PolicyDocument": parseJSON(aws.ToString(got.Policy))}, nil
}

// ignoreCodes returns nil for an API error with one of the codes, and any other
// error unchanged.
func ignoreCodes(err error, codes ...string) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		for _, code := range codes {
			if api.ErrorCode() == code {
				return nil
			}
		}
	}
	return err
}
