package s3_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack/internal/fakeaws"
)

// TestBucketOfAnotherRegion lists a bucket from another Region. The AWS CLI
// repeats the call in the Region of the header, and endlessly without it.
func TestBucketOfAnotherRegion(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	client := func(region string) *s3.Client {
		return s3.NewFromConfig(cloud.Config("111122223333", region), func(o *s3.Options) { o.UsePathStyle = true })
	}
	if _, err := client("us-east-1").CreateBucket(t.Context(),
		&s3.CreateBucketInput{Bucket: aws.String("here")}); err != nil {
		t.Fatal(err)
	}
	_, err := client("eu-west-1").ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("here")})
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusMovedPermanently {
		t.Fatalf("got error %v, want status 301", err)
	}
	if got := response.HTTPResponse().Header.Get("X-Amz-Bucket-Region"); got != "us-east-1" {
		t.Errorf("got x-amz-bucket-region %q, want us-east-1", got)
	}
}
