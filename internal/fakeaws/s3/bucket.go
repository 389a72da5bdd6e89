package s3

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// find returns the bucket of a call, if its owner, policy and Region admit the
// call; hold s.mu.
func (s *Service) find(call *protocol.Call, t target) (*bucket, error) {
	b := s.buckets[t.bucket]
	if b == nil {
		return nil, noBucket(t.bucket)
	}
	// S3 User Guide, "Verifying bucket ownership with bucket owner condition".
	if owner := call.HTTP.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != b.account {
		return nil, denied()
	}
	if b.account != call.Account && !s.bucketPolicyAllows(b, call) {
		return nil, denied()
	}
	if b.region != call.Region && call.Action != "GetBucketLocation" {
		moved := protocol.Errorf("PermanentRedirect", "The bucket %s is in this region: %s. Please use this "+
			"region to retry the request", b.name, b.region).
			WithStatus(http.StatusMovedPermanently)
		moved.Header = http.Header{"X-Amz-Bucket-Region": {b.region}} // the AWS CLI retries in that Region
		return nil, moved
	}
	return b, nil
}

// bucketPolicyAllows reports whether the bucket's policy allows the call of
// another account; hold s.mu.
func (s *Service) bucketPolicyAllows(b *bucket, call *protocol.Call) bool {
	for _, a := range s.operations[call.Action].requires(call) {
		if !s.allows(b, call.Caller.ARN, call.Account, a.Action, a.Resource) {
			return false
		}
	}
	return true
}

func (s *Service) allows(b *bucket, caller, account, action, resource string) bool {
	doc, err := iampolicy.Parse(b.settings["policy"])
	if err != nil {
		return false // no policy
	}
	keys := map[string][]string{
		"aws:PrincipalAccount": {account},
		"aws:PrincipalArn":     {caller},
		"aws:SecureTransport":  {"true"},
	}
	if s.organization != nil {
		if id := s.organization(account); id != "" {
			keys["aws:PrincipalOrgID"] = []string{id}
		}
	}
	return eval.Documents([]iampolicy.Document{doc}, eval.Request{
		Principal: eval.Principal{Account: account, ARN: caller}, Action: action, Resource: resource, Context: keys,
	}) == eval.Allow
}

func (s *Service) createBucket(call *protocol.Call, t target) (*protocol.Response, error) {
	var in struct {
		Location string `xml:"LocationConstraint"`
	}
	if len(call.Body) > 0 {
		if err := xml.Unmarshal(call.Body, &in); err != nil {
			return nil, malformed(err)
		}
	}
	switch {
	case !bucketName.MatchString(t.bucket) || strings.Contains(t.bucket, ".."):
		return nil, protocol.Errorf("InvalidBucketName", "The specified bucket is not valid: %s", t.bucket)
	case in.Location == "" && call.Region != "us-east-1":
		return nil, protocol.Errorf("IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request "+
				"was sent to.")
	case in.Location != "" && in.Location != call.Region:
		return nil, protocol.Errorf("IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.",
			in.Location)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.buckets[t.bucket]; old != nil {
		if old.account == call.Account {
			return nil, protocol.Errorf("BucketAlreadyOwnedByYou", "Your previous request to create the named "+
				"bucket succeeded and you already own it.").
				WithStatus(http.StatusConflict)
		}
		return nil, protocol.Errorf("BucketAlreadyExists", "The requested bucket name is not available. The "+
			"bucket namespace is shared by all users of the system. Please select a different name and try again.").
			WithStatus(http.StatusConflict)
	}
	s.buckets[t.bucket] = &bucket{
		name: t.bucket, account: call.Account, region: call.Region, created: s.clock(),
		settings: map[string][]byte{}, objects: map[string][]*object{}, uploads: map[string]*upload{},
	}
	return &protocol.Response{Header: http.Header{"Location": {"/" + t.bucket}}}, nil
}

func (s *Service) headBucket(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	return &protocol.Response{Header: http.Header{"X-Amz-Bucket-Region": {b.region}}}, nil
}

func (s *Service) deleteBucket(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	if len(b.objects) > 0 {
		return nil, protocol.Errorf("BucketNotEmpty", "The bucket you tried to delete is not empty").
			WithStatus(http.StatusConflict)
	}
	delete(s.buckets, b.name)
	return &protocol.Response{Status: http.StatusNoContent}, nil
}

func (s *Service) getBucketLocation(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	location := b.region
	if location == "us-east-1" {
		location = ""
	}
	return document(&struct {
		XMLName  xml.Name `xml:"LocationConstraint"`
		Location string   `xml:",chardata"`
	}{Location: location})
}

func (s *Service) listBuckets(call *protocol.Call, _ target) (*protocol.Response, error) {
	type item struct {
		Name         string
		CreationDate string
		BucketRegion string
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		if b := s.buckets[name]; b.account == call.Account {
			items = append(items, item{name, stamp(b.created), b.region})
		}
	}
	return document(&struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Owner   string   `xml:"Owner>ID"`
		Buckets []item   `xml:"Buckets>Bucket"`
	}{Owner: call.Account, Buckets: items})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// document returns a response with an XML document.
func document(v any) (*protocol.Response, error) {
	body, err := xml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return &protocol.Response{
		Header: http.Header{"Content-Type": {"application/xml"}},
		Body:   append([]byte(xml.Header), body...),
	}, nil
}

// ReplacePrincipal replaces the ARN of a deleted principal by its unique id in the policy of every bucket.
func (s *Service) ReplacePrincipal(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.buckets {
		if policy, ok := b.settings["policy"]; ok {
			b.settings["policy"] = bytes.ReplaceAll(policy, []byte(`"`+arn+`"`), []byte(`"`+id+`"`))
		}
	}
}
