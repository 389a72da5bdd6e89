package release

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// UnsignedError reports the zips of which the directory of signed zips has none. The hash of a signed zip is a part of
// the drift check's zip, so the zips of one function are signed before those of the next exist.
type UnsignedError struct {
	Zips []Object // with File and Body
}

func (e *UnsignedError) Error() string {
	var names []string
	for _, o := range e.Zips {
		names = append(names, o.File)
	}
	return "no signed zip has the files of " + strings.Join(names, ", ")
}

// signatureFiles are what AWS Signer adds to a zip: a directory and the signature. AWS does not document the names.
var signatureFiles = regexp.MustCompile(`^META[-_]INF/(aws_signer_signature_[A-Za-z0-9_.-]+[.]SF)?$`)

const (
	maxSigned    = 50 << 20 // bytes of a zip: the limit of Lambda for an upload (Developer Guide, "Lambda quotas")
	maxSignature = 1 << 20  // bytes
)

// signedZip is a zip of the directory of signed zips.
type signedZip struct {
	name  string
	body  []byte
	files zipFiles
}

type signedZips []signedZip

// readSigned returns the zips of a directory, none for "".
func readSigned(dir string) (signedZips, error) {
	if dir == "" {
		return nil, nil
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("read signed zips: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("read signed zips: %s is not a directory", dir)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil {
		return nil, fmt.Errorf("list signed zips: %w", err)
	}
	var out signedZips
	for _, name := range names {
		body, err := readLimited(name, maxSigned)
		if err != nil {
			return nil, fmt.Errorf("read signed zip: %w", err)
		}
		files, err := readZip(body)
		if err != nil {
			return nil, fmt.Errorf("read signed zip %s: %w", name, err)
		}
		out = append(out, signedZip{name, body, files})
	}
	return out, nil
}

func readLimited(name string, limit int64) ([]byte, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return body, err
}

// find returns the signed zip with exactly the files of an unsigned one and a signature, nil if there is none. Zips
// with another program are those of another function or version. Two different signed zips of the same files are an
// error, because the release would depend on their names.
func (s signedZips) find(unsigned []byte) ([]byte, error) {
	want, err := readZip(unsigned)
	if err != nil {
		return nil, err
	}
	var found *signedZip
	for i := range s {
		same, err := s[i].files.sign(want)
		switch {
		case err != nil:
			return nil, fmt.Errorf("signed zip %s: %w", s[i].name, err)
		case !same:
		case found != nil && !bytes.Equal(found.body, s[i].body):
			return nil, fmt.Errorf("%s and %s are two signed zips of the same files: remove one", found.name, s[i].name)
		default:
			found = &s[i]
		}
	}
	if found == nil {
		return nil, nil
	}
	return found.body, nil
}

// sign reports whether the files are others with a signature. It returns an error if they are the same files with more
// than a signature, or without one.
func (f zipFiles) sign(want zipFiles) (bool, error) {
	var extra []string
	signature := false
	same := 0
	for name, file := range f {
		switch {
		case signatureFiles.MatchString(name):
			if len(file.content) > maxSignature || file.executable {
				return false, fmt.Errorf("%s is not a signature", name)
			}
			signature = signature || !strings.HasSuffix(name, "/")
		case !want.has(name):
			extra = append(extra, name)
		case bytes.Equal(file.content, want[name].content) && file.executable == want[name].executable:
			same++
		}
	}
	switch {
	case same < len(want):
		return false, nil // of another function, or version
	case len(extra) > 0:
		return false, fmt.Errorf("it has %q, which is neither a file of the release nor a signature", extra[0])
	case !signature:
		return false, errors.New("it has no signature: AWS Signer adds META-INF/aws_signer_signature_….SF")
	}
	return true, nil
}

// zipFile is a file of a zip, or a directory without content.
type zipFile struct {
	content    []byte
	executable bool
}

type zipFiles map[string]zipFile

func (f zipFiles) has(name string) bool { _, ok := f[name]; return ok }

// maxUnpacked is the limit of Lambda for an unzipped package (Developer Guide, "Lambda quotas").
const maxUnpacked = 250 << 20

// readZip returns the files of a zip. Names that two programs could understand differently are refused.
func readZip(archive []byte) (zipFiles, error) {
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("open zip: %w", err)
	}
	out := zipFiles{}
	unpacked := 0
	for _, f := range in.File {
		if out.has(f.Name) || f.Mode()&(os.ModeSymlink|os.ModeDevice|os.ModeNamedPipe) != 0 {
			return nil, fmt.Errorf("the zip has %q twice, or as a link", f.Name)
		}
		from, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("read %s of the zip: %w", f.Name, err)
		}
		content, err := io.ReadAll(io.LimitReader(from, int64(maxUnpacked-unpacked)+1))
		if err != nil {
			return nil, fmt.Errorf("read %s of the zip: %w", f.Name, err)
		}
		if unpacked += len(content); unpacked > maxUnpacked {
			return nil, fmt.Errorf("the files of the zip have more than %d bytes", maxUnpacked)
		}
		out[f.Name] = zipFile{content, f.Mode().Perm()&0o100 != 0 && !f.Mode().IsDir()}
	}
	return out, nil
}
