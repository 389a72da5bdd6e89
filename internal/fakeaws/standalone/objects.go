package standalone

import (
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

// fetchCode reads a function's zip for Lambda, which accepts only buckets of the
// function's Region. If the bucket does not exist, as before a release is
// published, it returns nil.
func (l *Server) fetchCode(f *lambda.Function) ([]byte, error) {
	if !l.S3().HasBucket(f.Code.S3Bucket) {
		return nil, nil
	}
	owner := "arn:" + protocol.Partition(f.Region) + ":iam::" + f.Account + ":root"
	return l.S3().
		Read(s3.Reader{Account: f.Account, Region: f.Region, ARN: owner}, f.Code.S3Bucket, f.Code.S3Key,
			f.Code.S3ObjectVersion)
}
