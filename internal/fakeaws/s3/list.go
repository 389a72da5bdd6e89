package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

type listed struct {
	Key          string
	VersionID    string `xml:"VersionId,omitempty"`
	IsLatest     string `xml:",omitempty"`
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         int
	StorageClass string `xml:",omitempty"`
}

type prefix struct{ Prefix string }

// listObjects implements ListObjectsV2 and ListObjects.
func (s *Service) listObjects(call *protocol.Call, t target) (*protocol.Response, error) {
	q := call.HTTP.URL.Query()
	most, err := maxKeys(q)
	if err != nil {
		return nil, err
	}
	v2 := call.Action == "ListObjectsV2"
	after := q.Get("start-after")
	if !v2 {
		after = q.Get("marker")
	}
	if token := q.Get("continuation-token"); token != "" {
		text, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return nil, protocol.Errorf("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	out := &struct {
		XMLName   xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name      string
		Prefix    string
		Delimiter string `xml:",omitempty"`
		MaxKeys   int
		KeyCount  *int   `xml:",omitempty"` // of ListObjectsV2 only
		Encoding  string `xml:"EncodingType,omitempty"`
		Truncated bool   `xml:"IsTruncated"`
		Next      string `xml:"NextContinuationToken,omitempty"`
		Marker    string `xml:"NextMarker,omitempty"`
		Contents  []listed
		Prefixes  []prefix `xml:"CommonPrefixes"`
	}{Name: b.name, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), MaxKeys: most,
		Encoding: q.Get("encoding-type")}
	encode := func(text string) string { return text }
	if out.Encoding == "url" {
		encode = func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "%2F", "/") }
	}
	count := 0
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		o := b.newest(key)
		rest, ok := strings.CutPrefix(key, out.Prefix)
		if o == nil || !ok || key <= after {
			continue
		}
		if out.Delimiter != "" {
			if head, _, found := strings.Cut(rest, out.Delimiter); found {
				common := encode(out.Prefix + head + out.Delimiter)
				if after >= out.Prefix+head+out.Delimiter || slices.Contains(out.Prefixes, prefix{common}) {
					continue
				}
				if count == most {
					out.Truncated = true
					break
				}
				out.Prefixes = append(out.Prefixes, prefix{common})
				count++
				out.Marker = out.Prefix + head + out.Delimiter + "\U0010FFFF"
				continue
			}
		}
		if count == most {
			out.Truncated = true
			break
		}
		out.Contents = append(out.Contents, listed{
			Key:          encode(key),
			LastModified: stamp(o.modified),
			ETag:         o.etag,
			Size:         len(o.data),
			StorageClass: "STANDARD",
		})
		count++
		out.Marker = key
	}
	if v2 {
		out.KeyCount = &count
	}
	if out.Truncated && v2 {
		out.Next = base64.URLEncoding.EncodeToString([]byte(out.Marker))
	}
	if !out.Truncated || v2 {
		out.Marker = ""
	}
	return document(out)
}

func maxKeys(q url.Values) (int, error) {
	if !q.Has("max-keys") {
		return 1000, nil
	}
	n, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil || n < 0 {
		return 0, protocol.Errorf("InvalidArgument", "Provided max-keys not an integer or within integer range").
			WithStatus(http.StatusBadRequest)
	}
	return min(n, 1000), nil
}

// listObjectVersions returns all versions in one page.
func (s *Service) listObjectVersions(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	q := call.HTTP.URL.Query()
	out := &struct {
		XMLName   xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		Name      string
		Prefix    string
		Truncated bool     `xml:"IsTruncated"`
		Versions  []listed `xml:"Version"`
		Markers   []listed `xml:"DeleteMarker"`
	}{Name: b.name, Prefix: q.Get("prefix")}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, out.Prefix) {
			continue
		}
		versions := b.objects[key]
		for i, o := range slices.Backward(versions) {
			item := listed{
				Key:          key,
				VersionID:    o.version,
				IsLatest:     strconv.FormatBool(i == len(versions)-1),
				LastModified: stamp(o.modified),
				ETag:         o.etag,
				Size:         len(o.data),
			}
			if o.deleted {
				out.Markers = append(out.Markers, item)
			} else {
				item.StorageClass = "STANDARD"
				out.Versions = append(out.Versions, item)
			}
		}
	}
	return document(out)
}
