// Package s3 is the part of Amazon S3 that publishing a release and `sam deploy`
// use: buckets with their settings, objects with checksums, conditional writes
// and versions, multipart uploads, and listing. Everything is kept in memory.
//
// Bucket names are global, as at AWS, and a bucket is served in its own Region.
// Another account reads and writes a bucket only if the bucket's policy allows
// it. Encryption, lifecycle, ownership and public access settings are stored and
// returned, and have no effect. ACLs, copies, presigned forms, Object Lock,
// conditions other than If-None-Match: * and DeleteObjects are refused with
// NotImplemented.
package s3

import (
	"context"
	"net/http"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// MaxBody is the largest request that the server accepts for this service. S3
// takes 5 GiB; a function's zip has at most 50 MB.
const MaxBody = 64 << 20

// Service is the S3 of all accounts of one Cloud.
type Service struct {
	clock      func() time.Time
	operations map[string]operation

	mu      sync.Mutex
	buckets map[string]*bucket
	serial  uint64 // of versions and uploads

	organization func(account string) string // nil without AWS Organizations
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

// New returns an S3 without buckets.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, operations: operations(), buckets: map[string]*bucket{}}
}

// SetOrganization sets the function that returns the id of an account's
// organization, or "", for the policies of buckets.
func (s *Service) SetOrganization(f func(account string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.organization = f
}

type handler func(*Service, *protocol.Call, target) (*protocol.Response, error)

// operation is one call: its handler and the permissions that it requires.
type operation struct {
	handle   handler
	requires protocol.Permissions
}

// operations returns the calls that this service has. Some have another name
// as IAM actions ("Actions, resources, and condition keys for Amazon S3",
// Service Authorization Reference).
func operations() map[string]operation {
	out := map[string]operation{
		"ListBuckets":             {(*Service).listBuckets, protocol.OnAnyResource("s3:ListAllMyBuckets")},
		"CreateBucket":            {(*Service).createBucket, onBucket("s3:CreateBucket")},
		"HeadBucket":              {(*Service).headBucket, onBucket("s3:ListBucket")},
		"DeleteBucket":            {(*Service).deleteBucket, onBucket("s3:DeleteBucket")},
		"GetBucketLocation":       {(*Service).getBucketLocation, onBucket("s3:GetBucketLocation")},
		"ListObjects":             {(*Service).listObjects, onBucket("s3:ListBucket")},
		"ListObjectsV2":           {(*Service).listObjects, onBucket("s3:ListBucket")},
		"ListObjectVersions":      {(*Service).listObjectVersions, onBucket("s3:ListBucketVersions")},
		"PutObject":               {(*Service).putObject, onObject("s3:PutObject")},
		"GetObject":               {(*Service).getObject, onVersion("s3:GetObject")},
		"HeadObject":              {(*Service).getObject, onVersion("s3:GetObject")},
		"DeleteObject":            {(*Service).deleteObject, onVersion("s3:DeleteObject")},
		"CreateMultipartUpload":   {(*Service).createUpload, onObject("s3:PutObject")},
		"UploadPart":              {(*Service).uploadPart, onObject("s3:PutObject")},
		"CompleteMultipartUpload": {(*Service).completeUpload, onObject("s3:PutObject")},
		"AbortMultipartUpload":    {(*Service).abortUpload, onObject("s3:AbortMultipartUpload")},
	}
	for _, k := range settings {
		out["Get"+k.name] = operation{(*Service).getSetting, onBucket("s3:Get" + k.permission)}
		out["Put"+k.name] = operation{(*Service).putSetting, onBucket("s3:Put" + k.permission)}
		if k.remove != "" {
			out["Delete"+k.name] = operation{(*Service).deleteSetting, onBucket(k.remove)}
		}
	}
	return out
}

// Definition returns the service for the server to register.
func (s *Service) Definition() protocol.Service {
	actions := map[string]protocol.Action{}
	for name, o := range s.operations {
		actions[name] = protocol.NewAction(func(_ context.Context, call *protocol.Call) (any, error) {
			out, err := o.handle(s, call, locate(call.HTTP))
			if err != nil {
				return nil, err
			}
			return out, nil
		}, o.requires)
	}
	return protocol.Service{
		Name: "s3", Protocol: protocol.REST, Actions: actions, Route: route, MaxBody: MaxBody,
		Source: "internal/fakeaws/s3/s3.go",
	}
}
