package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"  // S3's ETag
	"crypto/sha1" // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// nvme is the polynomial of CRC64NVME, bit-reversed as hash/crc64 requires.
const nvme = 0x9a6c9329ac4bc9b5

// checksums are the algorithms of x-amz-checksum-….
var checksums = map[string]func() hash.Hash{
	"Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(nvme)) },
	"Sha1":      sha1.New,
	"Sha256":    sha256.New,
}

const checksumHeader = "X-Amz-Checksum-"

// payload returns the decoded body after checking its checksums: the signed
// SHA-256, Content-MD5, and those of x-amz-checksum-… in the header or after the
// body (the aws-chunked encoding). It returns the checksums as headers.
func payload(call *protocol.Call) ([]byte, http.Header, error) {
	header := call.HTTP.Header
	body, given := []byte(call.Body), http.Header{}
	signed := header.Get("X-Amz-Content-Sha256")
	switch {
	case strings.HasPrefix(signed, "STREAMING-"):
		var err error
		var trailer http.Header
		if body, trailer, err = chunks(body); err != nil {
			return nil, nil, protocol.Errorf("IncompleteBody", "read aws-chunked body: %v", err)
		}
		if want := header.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(body)) {
			return nil, nil, protocol.Errorf("IncompleteBody",
				"You did not provide the number of bytes specified by the Content-Length HTTP header: %d, not %s",
				len(body), want)
		}
		given = trailer
	case len(signed) == 2*sha256.Size:
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != signed {
			return nil, nil, protocol.Errorf("XAmzContentSHA256Mismatch",
				"The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	}
	if want := header.Get("Content-Md5"); want != "" {
		if sum := md5.Sum(body); base64.StdEncoding.EncodeToString(sum[:]) != want {
			return nil, nil, protocol.Errorf("BadDigest",
				"The Content-MD5 you specified did not match what we received.")
		}
	}
	held := http.Header{}
	for name, algorithm := range checksums {
		key := checksumHeader + name
		want := header.Get(key)
		if want == "" {
			want = given.Get(key)
		}
		if want == "" {
			continue
		}
		h := algorithm()
		_, _ = h.Write(body)
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != want {
			return nil, nil, protocol.Errorf("BadDigest",
				"The %s you specified did not match the calculated checksum.", strings.ToUpper(name))
		}
		held.Set(key, want)
	}
	return body, held, nil
}

// chunks decodes aws-chunked: chunks of a hexadecimal length, an optional
// signature and the bytes, then length 0 and the trailers. Signatures are not
// verified.
func chunks(body []byte) ([]byte, http.Header, error) {
	r := bufio.NewReader(bytes.NewReader(body))
	var out []byte
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, nil, io.ErrUnexpectedEOF
		}
		length, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseUint(length, 16, 31)
		if err != nil {
			return nil, nil, err
		}
		if n == 0 {
			break
		}
		if n > uint64(len(body)) {
			return nil, nil, io.ErrUnexpectedEOF
		}
		part := make([]byte, n)
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, nil, io.ErrUnexpectedEOF
		}
		out = append(out, part...)
		if _, err := r.Discard(2); err != nil { // CR LF
			return nil, nil, io.ErrUnexpectedEOF
		}
	}
	trailer, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	return out, http.Header(trailer), nil
}
