package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"permstack"
	"permstack/internal/awsapi/region"
	"permstack/internal/policies"
	"permstack/internal/release"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// version is that of the release in the run's bucket.
const version = "try"

// Builder returns the zips of functions by their name, for an architecture in Go's
// terms.
type Builder func(ctx context.Context, architecture string, functions []string) (map[string][]byte, error)

// Build builds the functions with the Go command. The working directory is inside a
// checkout of this project.
func Build(ctx context.Context, architecture string, functions []string) (zips map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "permstack-try-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	zips = map[string][]byte{}
	for _, name := range functions {
		program := filepath.Join(dir, name)
		// The flags of build.sh.
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
			"-ldflags", "-s -w -buildid=", "-o", program, "permstack/functions/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build function %s: run this in a checkout of permstack, with Go installed: %w\n%s",
				name, err, out)
		}
		if zips[name], err = pack(program); err != nil {
			return nil, fmt.Errorf("pack function %s: %w", name, err)
		}
	}
	return zips, nil
}

func pack(program string) ([]byte, error) {
	in, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out bytes.Buffer
	if err := release.PackProgram(&out, in); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Prepare creates the role in the place of the backup service and the bucket, builds
// and uploads the functions and the profile's template, and returns the template's URL.
func (r *Run) Prepare(ctx context.Context, profile string, build Builder) (templateURL string, err error) {
	functions := launch.Functions(permstack.Template)
	architecture := "amd64"
	if region.LambdaArchitecture(r.Account.Region) == region.ARM64 {
		architecture = "arm64"
	}
	zips, err := build(ctx, architecture, functions)
	if err != nil {
		return "", err
	}
	if err := r.createVendorRole(ctx); err != nil {
		return "", err
	}
	client := newS3(r.cfg)
	if err := r.createBucket(ctx, client); err != nil {
		return "", err
	}
	code := launch.Unreleased(functions...).Code // of the other architecture, which the Region does not use
	for name, zip := range zips {
		sum := sha256.Sum256(zip)
		key := launchlink.Key(version, name+"-"+architecture+"-"+hex.EncodeToString(sum[:])+".zip")
		if err := r.upload(ctx, client, key, zip); err != nil {
			return "", err
		}
		code[architecture][name] = key
	}
	chosen, known := policies.Profile(profile)
	if !known {
		return "", fmt.Errorf("unknown profile %q", profile)
	}
	template, err := launch.ProfileStack(permstack.Template, chosen, launch.Release{
		Version: version, BucketPrefix: r.bucketPrefix(), Code: code,
	})
	if err != nil {
		return "", err
	}
	key := launchlink.Key(version, launchlink.ProfileFile(profile))
	if err := r.upload(ctx, client, key, template); err != nil {
		return "", err
	}
	return objectURL(ctx, client, r.bucket(), key)
}

// newS3 returns a client that has the bucket in the path, so that a recording can be
// sent to another endpoint, and that adds no checksum in a form of its own to a body.
func newS3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = true
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	})
}

// objectURL returns the URL of an object at the endpoint of the client. A presigned URL
// has it, with a signature that CloudFormation does not need.
func objectURL(ctx context.Context, client *s3.Client, bucket, key string) (string, error) {
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("find the URL of %s in bucket %s: %w", key, bucket, err)
	}
	plain, _, _ := bytes.Cut([]byte(signed.URL), []byte("?"))
	return string(plain), nil
}

const denyAllTrust = `{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// createVendorRole creates a role that nobody can assume. A role that does not exist
// cannot be trusted (IAM API reference, CreateRole: MalformedPolicyDocument).
func (r *Run) createVendorRole(ctx context.Context) error {
	var tags []iamtypes.Tag
	for key, value := range r.tags() {
		tags = append(tags, iamtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := iam.NewFromConfig(r.cfg).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String(r.vendorRole()), Path: aws.String(r.vendorPath()), Tags: tags,
		AssumeRolePolicyDocument: aws.String(denyAllTrust),
		Description:              aws.String("In the place of the backup service in a run of permstack try."),
	})
	if err != nil {
		return fmt.Errorf("create role %s: %w", r.vendorRole(), err)
	}
	return nil
}

func (r *Run) createBucket(ctx context.Context, client *s3.Client) error {
	bucket := r.bucket()
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if r.Account.Region != "us-east-1" { // the one Region that S3 does not accept here
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraint(r.Account.Region),
		}
	}
	if _, err := client.CreateBucket(ctx, in); err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	tagging := &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String(Tag), Value: &r.ID}}}
	_, err := client.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: tagging})
	if err != nil {
		return fmt.Errorf("tag bucket %s: %w", bucket, err)
	}
	return nil
}

func (r *Run) upload(ctx context.Context, client *s3.Client, key string, body []byte) error {
	bucket := r.bucket()
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}
	if _, err := client.PutObject(ctx, in); err != nil {
		return fmt.Errorf("upload %s to bucket %s: %w", key, bucket, err)
	}
	return nil
}
