package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Store is the part of the S3 client that publishing uses.
type Store interface {
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Publisher uploads a release to the bucket of every Region.
type Publisher struct {
	BucketPrefix string
	Regions      []string
	Owner        string                    // account that must own the buckets; see ExpectedBucketOwner of S3
	At           func(region string) Store // the client for a Region
	Out          io.Writer                 // progress
}

var ownerPattern = regexp.MustCompile(`^[0-9]{12}$`)

// Bucket returns the name of a Region's bucket.
func (p Publisher) Bucket(region string) string { return p.BucketPrefix + "-" + region }

// Plan prints what Publish would do. It makes no calls.
func (p Publisher) Plan(objects []Object) {
	for _, region := range p.Regions {
		fmt.Fprintf(p.Out, "would publish to s3://%s\n", p.Bucket(region))
		for _, o := range objects {
			fmt.Fprintf(p.Out, "  %s  %8s  sha256:%s\n", o.Key, size(o), o.SHA256())
		}
	}
	fmt.Fprintf(p.Out, "nothing was uploaded\n")
}

// Publish uploads every object that does not exist yet. It checks all buckets before
// it writes to one, and never overwrites: an object with the same checksum is kept,
// one with another checksum is an error. An interrupted run can be repeated.
func (p Publisher) Publish(ctx context.Context, objects []Object) error {
	if !ownerPattern.MatchString(p.Owner) {
		return fmt.Errorf("owner %q of the buckets: want an account ID of 12 digits", p.Owner)
	}
	for _, region := range p.Regions {
		if err := p.checkBucket(ctx, region); err != nil {
			return err
		}
	}
	step, steps := 0, len(p.Regions)*len(objects)
	for _, region := range p.Regions {
		for _, o := range objects {
			step++
			did, err := p.put(ctx, region, o)
			if err != nil {
				return fmt.Errorf("publish %s to bucket %s: %w", o.Key, p.Bucket(region), err)
			}
			fmt.Fprintf(p.Out, "[%d/%d] %s %s %s: %s\n", step, steps, region, o.Key, size(o), did)
		}
	}
	return nil
}

func (p Publisher) checkBucket(ctx context.Context, region string) error {
	_, err := p.At(region).HeadBucket(ctx, &s3.HeadBucketInput{
		Bucket: aws.String(p.Bucket(region)), ExpectedBucketOwner: &p.Owner,
	})
	switch status(err) {
	case 0, http.StatusOK:
		return err
	case http.StatusNotFound:
		return fmt.Errorf("bucket %s does not exist: create it as described in docs/publish.md", p.Bucket(region))
	case http.StatusMovedPermanently:
		return fmt.Errorf("bucket %s is not in Region %s: %w", p.Bucket(region), region, err)
	case http.StatusForbidden:
		return fmt.Errorf("bucket %s does not belong to account %s, or you are not allowed to list it: %w",
			p.Bucket(region), p.Owner, err)
	}
	return fmt.Errorf("check bucket %s: %w", p.Bucket(region), err)
}

// put uploads one object and returns what it did: "uploaded" or "exists".
func (p Publisher) put(ctx context.Context, region string, o Object) (string, error) {
	sum := sha256.Sum256(o.Body)
	checksum := base64.StdEncoding.EncodeToString(sum[:])
	_, err := p.At(region).PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(p.Bucket(region)), Key: &o.Key, Body: bytes.NewReader(o.Body), ContentType: &o.ContentType,
		ChecksumSHA256: &checksum, IfNoneMatch: aws.String("*"), ExpectedBucketOwner: &p.Owner,
	})
	var api smithy.APIError
	switch {
	case err == nil:
		return "uploaded", nil
	case !errors.As(err, &api) || api.ErrorCode() != "PreconditionFailed":
		return "", err
	}
	existing, err := p.At(region).HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(p.Bucket(region)), Key: &o.Key, ChecksumMode: types.ChecksumModeEnabled,
		ExpectedBucketOwner: &p.Owner,
	})
	if err != nil {
		return "", err
	}
	if have := aws.ToString(existing.ChecksumSHA256); have != checksum {
		return "", fmt.Errorf("another object was released with this key (SHA-256 in base64: got %s, want %s): "+
			"a release never changes, choose a new version", have, checksum)
	}
	return "exists", nil
}

// status returns the HTTP status of an error response, or 0.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func size(o Object) string {
	if n := len(o.Body); n >= 1<<20 {
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f kB", float64(len(o.Body))/(1<<10))
}
