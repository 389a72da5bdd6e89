package s3

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// newest returns the latest version of a key, or nil if it does not exist or is
// deleted; hold Service.mu.
func (b *bucket) newest(key string) *object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].deleted {
		return nil
	}
	return versions[len(versions)-1]
}

// version returns one version of a key, or nil; hold Service.mu.
func (b *bucket) version(key, id string) *object {
	if id == "" {
		return b.newest(key)
	}
	for _, o := range b.objects[key] {
		if o.version == id && !o.deleted {
			return o
		}
	}
	return nil
}

// add adds a version as the latest; hold s.mu.
func (s *Service) add(b *bucket, key string, o *object) {
	if !b.versioned {
		o.version = "null"
		b.objects[key] = []*object{o}
		return
	}
	s.serial++
	o.version = fmt.Sprintf("version-%016x", s.serial)
	b.objects[key] = append(b.objects[key], o)
}

func (s *Service) putObject(call *protocol.Call, t target) (*protocol.Response, error) {
	if err := conditions(call); err != nil {
		return nil, err
	}
	body, sums, err := payload(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	if call.HTTP.Header.Get("If-None-Match") == "*" && b.newest(t.key) != nil {
		return nil, preconditionFailed()
	}
	o := &object{data: body, etag: etag(body), modified: s.clock(), header: storedHeader(call.HTTP.Header)}
	for name, values := range sums {
		o.header[name] = values
	}
	s.add(b, t.key, o)
	return &protocol.Response{Header: o.responseHeader(b, sums)}, nil
}

// conditions refuses the conditions of a write that are not implemented.
func conditions(call *protocol.Call) error {
	h := call.HTTP.Header
	if h.Get("If-Match") != "" || h.Get("If-None-Match") != "" && h.Get("If-None-Match") != "*" {
		return notImplemented("conditions other than If-None-Match: * for " + call.Action)
	}
	return nil
}

// storedHeader returns the headers that are stored with an object.
func storedHeader(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		switch {
		case strings.HasPrefix(name, "X-Amz-Meta-"),
			name == "Cache-Control",
			name == "Content-Type",
			name == "Content-Disposition",
			name == "Content-Language":
			out[name] = values
		case name == "Content-Encoding":
			var rest []string
			for _, e := range strings.Split(strings.Join(values, ","), ",") {
				if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
					rest = append(rest, e)
				}
			}
			if rest != nil {
				out.Set(name, strings.Join(rest, ","))
			}
		}
	}
	return out
}

// responseHeader returns the response headers of a version.
func (o *object) responseHeader(b *bucket, more http.Header) http.Header {
	h := http.Header{"Etag": {o.etag}}
	for name, values := range more {
		h[name] = values
	}
	if b.versioned {
		h.Set("X-Amz-Version-Id", o.version)
	}
	return h
}

func (s *Service) getObject(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	o := b.version(t.key, call.Form.Get("versionId"))
	if o == nil {
		return nil, noKey(t.key)
	}
	h := o.responseHeader(b, o.header)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "binary/octet-stream")
	}
	from, to, partial, err := byteRange(call.HTTP.Header.Get("Range"), len(o.data))
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(o.data)))
	}
	if partial || call.HTTP.Header.Get("X-Amz-Checksum-Mode") == "" { // a checksum covers the whole object
		for name := range checksums {
			h.Del(checksumHeader + name)
		}
	}
	h.Set("Content-Length", strconv.Itoa(to-from))
	return &protocol.Response{Status: status, Header: h, Body: o.data[from:to]}, nil
}

// byteRange parses "bytes=FROM-TO", "bytes=FROM-" and "bytes=-LAST"; other
// values are ignored, as by S3.
func byteRange(text string, size int) (from, to int, partial bool, err error) {
	spec, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, size, false, nil
	}
	a, errA := strconv.Atoi(first)
	z, errZ := strconv.Atoi(last)
	switch {
	case first == "" && errZ == nil && z > 0:
		from, to = max(0, size-z), size
	case errA == nil && last == "":
		from, to = a, size
	case errA == nil && errZ == nil && a <= z:
		from, to = a, min(z+1, size)
	default:
		return 0, size, false, nil
	}
	if from >= size || from < 0 {
		return 0, 0, false, protocol.Errorf("InvalidRange", "The requested range is not satisfiable").
			WithStatus(http.StatusRequestedRangeNotSatisfiable)
	}
	return from, to, true, nil
}

func (s *Service) deleteObject(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	switch id := call.Form.Get("versionId"); {
	case id != "":
		var rest []*object
		for _, o := range b.objects[t.key] {
			if o.version != id {
				rest = append(rest, o)
			}
		}
		b.objects[t.key] = rest
		h.Set("X-Amz-Version-Id", id)
	case b.versioned:
		marker := &object{deleted: true, modified: s.clock()}
		s.add(b, t.key, marker)
		h.Set("X-Amz-Version-Id", marker.version)
		h.Set("X-Amz-Delete-Marker", "true")
	default:
		delete(b.objects, t.key)
	}
	if len(b.objects[t.key]) == 0 {
		delete(b.objects, t.key)
	}
	return &protocol.Response{Status: http.StatusNoContent, Header: h}, nil
}
