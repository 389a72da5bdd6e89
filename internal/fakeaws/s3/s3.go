// Package s3 is the part of Amazon S3 that publishing a release and `sam deploy`
// need: buckets with their settings, objects with checksums, conditional writes
// and versions, multipart uploads, and listing. Everything is kept in memory.
//
// Bucket names are global, as at AWS, and a bucket answers in its own Region.
// Another account reads and writes a bucket only where the bucket's policy lets
// it. Encryption, lifecycle, ownership and public access settings are kept and
// given back, and have no effect. ACLs, copies, presigned forms, Object Lock,
// conditions other than If-None-Match: * and DeleteObjects are refused by name.
package s3

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// MaxBody is the largest request that the server reads for this service. S3
// takes 5 GiB; a function's zip is at most 50 MB.
const MaxBody = 64 << 20

// Service keeps the buckets of all accounts.
type Service struct {
	clock func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	serial  uint64 // of versions and uploads
}

// bucket is one bucket; Service.mu guards it.
type bucket struct {
	name, account, region string
	created               time.Time
	settings              map[string][]byte // by the query that names them: "policy", "tagging"
	versioned             bool
	objects               map[string][]*object // by key, the newest last
	uploads               map[string]*upload
}

// object is one version of an object. Its data never changes.
type object struct {
	version  string // "null" in a bucket without versions
	deleted  bool   // a delete marker
	data     []byte
	etag     string
	modified time.Time
	header   http.Header // Content-Type, x-amz-meta-…, checksums
}

// New makes a service without buckets.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, buckets: map[string]*bucket{}}
}

type handler func(*Service, *protocol.Call, target) (*protocol.Response, error)

var handlers = map[string]handler{
	"ListBuckets": (*Service).listBuckets, "CreateBucket": (*Service).createBucket, "HeadBucket": (*Service).headBucket,
	"DeleteBucket": (*Service).deleteBucket, "GetBucketLocation": (*Service).getBucketLocation,
	"ListObjects": (*Service).listObjects, "ListObjectsV2": (*Service).listObjects, "ListObjectVersions": (*Service).listObjectVersions,
	"PutObject": (*Service).putObject, "GetObject": (*Service).getObject, "HeadObject": (*Service).getObject, "DeleteObject": (*Service).deleteObject,
	"CreateMultipartUpload": (*Service).createUpload, "UploadPart": (*Service).uploadPart,
	"CompleteMultipartUpload": (*Service).completeUpload, "AbortMultipartUpload": (*Service).abortUpload,
}

// Definition is the service as the server registers it.
func (s *Service) Definition() protocol.Service {
	actions := map[string]protocol.Handler{}
	add := func(name string, h handler) {
		actions[name] = func(_ context.Context, call *protocol.Call) (any, error) {
			t := locate(call.HTTP)
			out, err := h(s, call, t)
			if err != nil {
				return nil, err
			}
			return out, nil
		}
	}
	for name, h := range handlers {
		add(name, h)
	}
	for _, k := range settings {
		add("Get"+k.name, (*Service).getSetting)
		add("Put"+k.name, (*Service).putSetting)
		if k.missing != "" {
			add("Delete"+k.name, (*Service).deleteSetting)
		}
	}
	return protocol.Service{Name: "s3", Protocol: protocol.REST, Actions: actions, Access: access, Route: route, MaxBody: MaxBody}
}

// access says which permissions a call needs: most are named as the call.
func access(call *protocol.Call) []protocol.Access {
	t := locate(call.HTTP)
	arn := call.ARN("s3", "", "", t.bucket)
	action := call.Action
	switch action {
	case "ListBuckets":
		return []protocol.Access{{Action: "s3:ListAllMyBuckets", Resource: "*"}}
	case "HeadBucket", "ListObjects", "ListObjectsV2":
		action = "ListBucket"
	case "ListObjectVersions":
		action = "ListBucketVersions"
	case "HeadObject":
		action = "GetObject"
	case "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload":
		action = "PutObject"
	case "GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock":
		action = strings.Replace(strings.Replace(action, "Delete", "Put", 1), "PublicAccess", "BucketPublicAccess", 1)
	case "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption":
		action = strings.Replace(strings.Replace(action, "Delete", "Put", 1), "BucketEncryption", "EncryptionConfiguration", 1)
	case "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", "DeleteBucketLifecycleConfiguration":
		action = strings.Replace(strings.Replace(action, "Delete", "Put", 1), "Bucket", "", 1)
	case "DeleteBucketTagging":
		action = "PutBucketTagging"
	}
	if version := call.Form.Get("versionId"); version != "" && slices.Contains([]string{"GetObject", "DeleteObject"}, action) {
		action += "Version"
	}
	if t.key != "" {
		arn += "/" + t.key
	}
	return []protocol.Access{{Action: "s3:" + action, Resource: arn}}
}
