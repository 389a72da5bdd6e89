package s3

import (
	"bytes"
	"crypto/md5" // S3's ETag
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"

	"permstack/internal/fakeaws/protocol"
)

// upload is a multipart upload in progress.
type upload struct {
	key    string
	header http.Header
	parts  map[int][]byte
}

func etag(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (s *Service) createUpload(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(call, t)
	if err != nil {
		return nil, err
	}
	s.serial++
	id := fmt.Sprintf("upload-%016x", s.serial)
	b.uploads[id] = &upload{key: t.key, header: storedHeader(call.HTTP.Header), parts: map[int][]byte{}}
	return document(&struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: b.name, Key: t.key, UploadID: id})
}

// findUpload returns the upload of a call; hold s.mu.
func (s *Service) findUpload(call *protocol.Call, t target) (*bucket, *upload, error) {
	b, err := s.find(call, t)
	if err != nil {
		return nil, nil, err
	}
	u := b.uploads[call.Form.Get("uploadId")]
	if u == nil || u.key != t.key {
		return nil, nil, protocol.Errorf("NoSuchUpload", "The specified multipart upload does not exist. The "+
			"upload ID might be invalid, or the multipart upload might have been aborted or completed.").
			WithStatus(http.StatusNotFound)
	}
	return b, u, nil
}

func (s *Service) uploadPart(call *protocol.Call, t target) (*protocol.Response, error) {
	number, err := strconv.Atoi(call.Form.Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		return nil, protocol.Errorf("InvalidArgument",
			"Part number must be an integer between 1 and 10000, inclusive")
	}
	body, sums, err := payload(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, u, err := s.findUpload(call, t)
	if err != nil {
		return nil, err
	}
	u.parts[number] = body
	sums.Set("Etag", etag(body))
	return &protocol.Response{Header: sums}, nil
}

func (s *Service) completeUpload(call *protocol.Call, t target) (*protocol.Response, error) {
	var in struct {
		Parts []struct {
			Number int `xml:"PartNumber"`
			ETag   string
		} `xml:"Part"`
	}
	if err := xml.Unmarshal(call.Body, &in); err != nil || len(in.Parts) == 0 {
		return nil, malformed(err)
	}
	if err := conditions(call); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, u, err := s.findUpload(call, t)
	if err != nil {
		return nil, err
	}
	if call.HTTP.Header.Get("If-None-Match") == "*" && b.newest(t.key) != nil {
		return nil, preconditionFailed()
	}
	var data, sums bytes.Buffer
	last := 0
	for _, p := range in.Parts {
		part, ok := u.parts[p.Number]
		tag := etag(part)
		if !ok || p.ETag != tag && p.ETag != tag[1:len(tag)-1] {
			return nil, protocol.Errorf("InvalidPart",
				"One or more of the specified parts could not be found. The part may not have been uploaded, "+
					"or the specified entity tag may not match the part's entity tag.")
		}
		if p.Number <= last {
			return nil, protocol.Errorf("InvalidPartOrder", "The list of parts was not in ascending order.")
		}
		last = p.Number
		sum := md5.Sum(part)
		data.Write(part)
		sums.Write(sum[:])
	}
	whole := etag(sums.Bytes())
	o := &object{
		data:     data.Bytes(),
		etag:     fmt.Sprintf(`%s-%d"`, whole[:len(whole)-1], len(in.Parts)),
		modified: s.clock(),
		header:   u.header,
	}
	s.add(b, t.key, o)
	delete(b.uploads, call.Form.Get("uploadId"))
	out, err := document(&struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Bucket  string
		Key     string
		ETag    string
	}{Bucket: b.name, Key: t.key, ETag: o.etag})
	if err == nil && b.versioned {
		out.Header.Set("X-Amz-Version-Id", o.version)
	}
	return out, err
}

func (s *Service) abortUpload(call *protocol.Call, t target) (*protocol.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _, err := s.findUpload(call, t)
	if err != nil {
		return nil, err
	}
	delete(b.uploads, call.Form.Get("uploadId"))
	return &protocol.Response{Status: http.StatusNoContent}, nil
}
