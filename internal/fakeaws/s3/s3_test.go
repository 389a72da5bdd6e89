package s3_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
)

// s3At is a client over real HTTP, as a publisher has it.
func s3At(t *testing.T, endpoint, account, region string) *s3.Client {
	t.Helper()
	cfg := fakeaws.New(fakeaws.Options{}).Config(account, region)
	cfg.HTTPClient, cfg.BaseEndpoint = nil, &endpoint
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// TestS3 runs the calls of a publisher: buckets, writes that never overwrite,
// checksums, listing, versions, a multipart upload.
func TestS3(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	endpoint, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	ctx := t.Context()
	c := s3At(t, endpoint, "111111111111", "eu-west-1")
	bucket := aws.String("releases-eu-west-1")

	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
	apitest.WantError(t, err, "NotFound", "")
	_, err = c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	apitest.WantError(t, err, "IllegalLocationConstraintException", "")
	in := &s3.CreateBucketInput{
		Bucket:                    bucket,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}
	if _, err := c.CreateBucket(ctx, in); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateBucket(ctx, in)
	apitest.WantError(t, err, "BucketAlreadyOwnedByYou", "")
	_, err = s3At(t, endpoint, "222222222222", "eu-west-1").CreateBucket(ctx, in)
	apitest.WantError(t, err, "BucketAlreadyExists", "")

	put := func(key, body string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: &key, Body: strings.NewReader(body), IfNoneMatch: aws.String("*"),
			ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{"release": "1"},
		})
		return err
	}
	for key, body := range map[string]string{"v1/a b.zip": "one", "v1/c.yaml": "two",
		"v2/a.zip": strings.Repeat("x", 3<<20)} {
		if err := put(key, body); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	apitest.WantError(t, put("v1/c.yaml", "three"), "PreconditionFailed", "")

	got, err := c.GetObject(ctx,
		&s3.GetObjectInput{Bucket: bucket, Key: aws.String("v1/a b.zip"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil || string(body) != "one" || got.Metadata["release"] != "1" || got.ChecksumSHA256 == nil {
		t.Errorf("%q, %v, %v, %v", body, err, got.Metadata, got.ChecksumSHA256)
	}
	part, err := c.GetObject(ctx,
		&s3.GetObjectInput{Bucket: bucket, Key: aws.String("v1/c.yaml"), Range: aws.String("bytes=1-")})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(part.Body); string(body) != "wo" {
		t.Errorf("a range returns %q", body)
	}
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("v2/a.zip")})
	if err != nil || *head.ContentLength != 3<<20 {
		t.Errorf("%v, %v", head, err)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")})
	apitest.WantError(t, err, "NoSuchKey", "")
	_, err = c.PutObject(ctx, &s3.PutObjectInput{
		Bucket:         bucket,
		Key:            aws.String("bad"),
		Body:           strings.NewReader("x"),
		ChecksumSHA256: aws.String("AAAA"),
	})
	apitest.WantError(t, err, "BadDigest", "")
	elsewhere := s3At(t, endpoint, "111111111111", "us-east-1")
	_, err = elsewhere.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("v1/c.yaml")})
	if err == nil {
		t.Error("a bucket is served in another Region")
	}

	var keys []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	if strings.Join(keys, ",") != "v1/a b.zip,v1/c.yaml,v2/a.zip" {
		t.Errorf("keys %v", keys)
	}
	folders, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/")})
	if err != nil || len(folders.CommonPrefixes) != 2 || len(folders.Contents) != 0 {
		t.Errorf("%v, %v", folders, err)
	}
	location, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
	if err != nil || location.LocationConstraint != "eu-west-1" {
		t.Errorf("%v, %v", location, err)
	}

	uploaded(t, c, bucket)
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	apitest.WantError(t, err, "BucketNotEmpty", "")
	_, err = c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
	apitest.WantError(t, err, "NotImplemented", "")
}

// uploaded is a multipart upload, a version and its deletion.
func uploaded(t *testing.T, c *s3.Client, bucket *string) {
	t.Helper()
	ctx, key := t.Context(), aws.String("big")
	_, err := c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"},
	})
	if err != nil {
		t.Fatal(err)
	}
	begun, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, body := range []string{"first-", "second"} {
		n := aws.Int32(int32(i + 1))
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{
			Bucket:     bucket,
			Key:        key,
			UploadId:   begun.UploadId,
			PartNumber: n,
			Body:       bytes.NewReader([]byte(body)),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: n, ETag: part.ETag})
	}
	done, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil || done.VersionId == nil {
		t.Fatalf("%v, %v", done, err)
	}
	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	apitest.WantError(t, err, "NoSuchKey", "")
	old, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, VersionId: done.VersionId})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(old.Body); string(body) != "first-second" {
		t.Errorf("the completed upload is %q", body)
	}
	versions, err := c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: key})
	if err != nil || len(versions.Versions) != 1 || len(versions.DeleteMarkers) != 1 {
		t.Errorf("%v, %v", versions, err)
	}
}

// TestS3AcrossAccounts checks that another account reads if the bucket's policy
// allows it.
func TestS3AcrossAccounts(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	endpoint, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	ctx, bucket, key := t.Context(), aws.String("shared-releases"), aws.String("v1/a.zip")
	owner, other := s3At(t, endpoint, "111111111111", "us-east-1"), s3At(t, endpoint, "222222222222", "us-east-1")
	if _, err := owner.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key,
		Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	read := func() error {
		_, err := other.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		return err
	}
	apitest.WantError(t, read(), "AccessDenied", "")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::shared-releases/*"}]}`
	if _, err := owner.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil {
		t.Error(err)
	}
	_, err = other.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("mine")})
	apitest.WantError(t, err, "AccessDenied", "")
}
