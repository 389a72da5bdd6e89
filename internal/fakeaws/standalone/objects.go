package standalone

import (
	"strings"

	"net/http"

	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/s3"
)

// fetch reads a template for CloudFormation, which accepts buckets of every Region
// and reads with the rights of the caller (API reference, CreateStack: TemplateURL),
// and the templates of stack sets.
func (l *Server) fetch(call *protocol.Call, url string) ([]byte, error) {
	if template, ok := l.StackSets.Template(url); ok {
		return template, nil
	}
	bucket, key, version, err := s3.Locate(url, l.Endpoint)
	if err != nil {
		return nil, err
	}
	object := call.ARN("s3", "", "", bucket+"/"+key)
	if err := call.Authorize("s3:GetObject", object, nil); err != nil {
		return nil, protocol.Errorf("AccessDenied", "Access Denied").WithStatus(http.StatusForbidden)
	}
	return l.S3().Read(s3.Reader{Account: call.Account, ARN: call.Caller.ARN}, bucket, key, version)
}

// exampleBuckets begins the names of the buckets of the functions in the templates
// of the repository, which packaging replaces. S3 reserves it for examples.
const exampleBuckets = "amzn-s3-demo-"

// fetchCode reads a function's zip for Lambda, which accepts only buckets of the
// function's Region. For a bucket of the templates in the repository it returns nil:
// the functions are those of this program. AWS refuses such a bucket.
func (l *Server) fetchCode(f *lambda.Function) ([]byte, error) {
	if strings.HasPrefix(f.Code.S3Bucket, exampleBuckets) && !l.S3().HasBucket(f.Code.S3Bucket) {
		return nil, nil
	}
	owner := "arn:" + protocol.Partition(f.Region) + ":iam::" + f.Account + ":root"
	return l.S3().
		Read(s3.Reader{Account: f.Account, Region: f.Region, ARN: owner}, f.Code.S3Bucket, f.Code.S3Key,
			f.Code.S3ObjectVersion)
}
