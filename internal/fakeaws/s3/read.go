package s3

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// Reader is the principal for which another service reads an object.
type Reader struct{ Account, Region, ARN string }

// HasBucket reports whether a bucket of that name exists.
func (s *Service) HasBucket(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buckets[name] != nil
}

// Read returns an object's bytes, as a service reads them for its caller.
// Callers must not change them. An empty Region means any.
func (s *Service) Read(r Reader, bucket, key, version string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil, noBucket(bucket)
	}
	arn := "arn:" + protocol.Partition(b.region) + ":s3:::" + bucket + "/" + key
	if b.account != r.Account && !s.allows(b, r.ARN, r.Account, "s3:GetObject", arn) {
		return nil, denied()
	}
	if r.Region != "" && b.region != r.Region {
		return nil, protocol.Errorf("PermanentRedirect", "The bucket is in this region: %s. Please use this "+
			"region to retry the request", b.region).
			WithStatus(http.StatusMovedPermanently)
	}
	o := b.version(key, version)
	if o == nil {
		return nil, noKey(key)
	}
	return o.data, nil
}

// Locate parses the URL of an object, in S3's form or in the form of this
// server, whose endpoint is given.
func Locate(text, endpoint string) (bucket, key, version string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", "", fmt.Errorf("parse URL %q: %w", text, err)
	}
	own := endpoint != "" && strings.HasPrefix(text, strings.TrimSuffix(endpoint, "/")+"/")
	amazon := strings.HasSuffix(u.Hostname(), ".amazonaws.com") ||
		strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn")
	t := locate(&http.Request{Host: u.Host, URL: u})
	if !own && !amazon && hostBucket(u.Host) == "" || t.bucket == "" || t.key == "" {
		return "", "", "", fmt.Errorf("%q is not the URL of an S3 object", text)
	}
	return t.bucket, t.key, u.Query().Get("versionId"), nil
}
