package standalone

import (
	"net/http"
	"slices"
	"strings"

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

// placeholderBuckets begin the names of the buckets of the functions in the templates of the repository, which
// packaging and releases replace.
var placeholderBuckets = []string{"amzn-s3-demo-set-by-packaging", "amzn-s3-demo-permstack"}

// isPlaceholder reports whether code is that of a function of this program in a template of the repository. AWS refuses
// it: S3 reserves the prefix of such buckets for examples, so there are none.
func (l *Server) isPlaceholder(code lambda.Code) bool {
	return slices.ContainsFunc(placeholderBuckets, func(prefix string) bool {
		return strings.HasPrefix(code.S3Bucket, prefix)
	}) && !l.S3().HasBucket(code.S3Bucket)
}

// fetchCode reads a function's zip for Lambda, which accepts only buckets of the
// function's Region. For a template of the repository it returns nil: the functions are
// those of this program. Every other bucket that does not exist is refused.
func (l *Server) fetchCode(f *lambda.Function) ([]byte, error) {
	if l.isPlaceholder(f.Code) {
		return nil, nil
	}
	owner := "arn:" + protocol.Partition(f.Region) + ":iam::" + f.Account + ":root"
	return l.S3().
		Read(s3.Reader{Account: f.Account, Region: f.Region, ARN: owner}, f.Code.S3Bucket, f.Code.S3Key,
			f.Code.S3ObjectVersion)
}
