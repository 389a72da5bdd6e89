package s3

import (
	"encoding/xml"
	"net/http"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
)

// setting is a setting of a bucket: one document, stored as it was sent.
type setting struct {
	query      string
	name       string // in the names of its calls: "BucketPolicy" of GetBucketPolicy
	missing    string // the error if it is not set; "" if it is never missing
	permission string // in the names of its IAM actions: s3:Get… and s3:Put…
	remove     string // the IAM action of the Delete call; "" if there is no such call
}

var settings = []setting{
	{"versioning", "BucketVersioning", "", "BucketVersioning", ""},
	{"policy", "BucketPolicy", "NoSuchBucketPolicy", "BucketPolicy", "s3:DeleteBucketPolicy"},
	{"tagging", "BucketTagging", "NoSuchTagSet", "BucketTagging", "s3:PutBucketTagging"},
	{
		"encryption", "BucketEncryption", "ServerSideEncryptionConfigurationNotFoundError",
		"EncryptionConfiguration", "s3:PutEncryptionConfiguration",
	},
	{
		"publicAccessBlock", "PublicAccessBlock", "NoSuchPublicAccessBlockConfiguration",
		"BucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
	},
	{
		"ownershipControls", "BucketOwnershipControls", "OwnershipControlsNotFoundError",
		"BucketOwnershipControls", "s3:PutBucketOwnershipControls",
	},
	{
		"lifecycle", "BucketLifecycleConfiguration", "NoSuchLifecycleConfiguration",
		"LifecycleConfiguration", "s3:PutLifecycleConfiguration",
	},
}

func requestedSetting(call *protocol.Call) setting {
	for _, k := range settings {
		if call.HTTP.URL.Query().Has(k.query) {
			return k
		}
	}
	return setting{}
}

func (s *Service) getSetting(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	k := requestedSetting(call)
	body, ok := b.settings[k.query]
	switch {
	case !ok && k.missing != "":
		return nil, protocol.Errorf(k.missing, "The bucket %s has no %s", b.name, k.name).
			WithStatus(http.StatusNotFound)
	case !ok:
		body = []byte(`<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`)
	}
	return &protocol.Response{Body: body}, nil
}

func (s *Service) putSetting(call *protocol.Call, t target) (*protocol.Response, error) {
	body, _, err := payload(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	k := requestedSetting(call)
	switch k.query {
	case "policy":
		if _, err := iampolicy.Parse(body); err != nil {
			return nil, protocol.Errorf("MalformedPolicy",
				"Policies must be valid JSON and the first byte must be '{': %v", err)
		}
	case "versioning":
		var in struct{ Status string }
		if err := xml.Unmarshal(body, &in); err != nil {
			return nil, malformed(err)
		}
		b.versioned = in.Status == "Enabled"
	default:
		if err := xml.Unmarshal(body, new(struct{})); err != nil {
			return nil, malformed(err)
		}
	}
	b.settings[k.query] = body
	status := http.StatusOK
	if k.query == "policy" || k.query == "tagging" {
		status = http.StatusNoContent
	}
	return &protocol.Response{Status: status}, nil
}

func (s *Service) deleteSetting(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	delete(b.settings, requestedSetting(call).query)
	return &protocol.Response{Status: http.StatusNoContent}, nil
}
