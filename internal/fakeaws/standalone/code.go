package standalone

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"permstack/internal/fakeaws/lambda"
)

// maxProgram is the largest program that is unpacked, in bytes: Lambda's limit.
const maxProgram = 250 << 20

// codeFinder finds the program to run for a function's code.
type codeFinder struct {
	o Options

	mu       sync.Mutex
	unpacked map[digest]*unpacked
}

// digest identifies the content of a zip.
type digest [sha256.Size]byte

// unpacked is a zip in a temporary directory. Functions with the same code share it: they are invoked many times, and
// many accounts have the same function.
type unpacked struct {
	once sync.Once
	dir  string // "" if there is none
	err  error
}

// find is a lambda.CodeResolver. With Options.ForeignCode, a local path or an S3
// object with a bootstrap for this machine is run as it is. Other code of a function
// of this project runs the one that is built into this program: a program is
// recognized by the import path that Go writes into it, anything else by the path or
// key, as in template.yaml before and after packaging.
func (c *codeFinder) find(code lambda.Code) (argv []string, dir string, env []string, err error) {
	if code.ZipFile != "" {
		return nil, "", nil, errors.New("permstack local does not run inline code")
	}
	program, err := c.program(code)
	if err != nil {
		return nil, "", nil, err
	}
	if program != "" && runsHere(program) && c.o.ForeignCode {
		return []string{program}, filepath.Dir(program), nil, nil
	}
	for _, name := range []string{c.builtFrom(program), c.name(code.Path), c.name(code.S3Key)} {
		if name == "" {
			continue
		}
		if program != "" && c.o.Logger != nil {
			c.o.Logger.Info(
				"running the built-in function instead of the given code",
				"function",
				name,
				"code",
				code.Path+code.S3Key,
				"machine",
				runtime.GOOS+"/"+runtime.GOARCH,
			)
		}
		root := c.o.Root
		if program != "" { // the other files of the package, such as profiles
			root = filepath.Dir(program)
		}
		return append(slices.Clone(c.o.BuiltIn), name), root, nil, nil
	}
	if program != "" && runsHere(program) {
		return nil, "", nil, fmt.Errorf("permstack local runs no code but its own functions (%s), not %q: start it with "+
			"--foreign-code if you trust this code with the rights of your user", strings.Join(c.o.Names, ", "),
			code.Path+code.S3Key)
	}
	return nil, "", nil, fmt.Errorf(
		"permstack local runs a bootstrap for %s/%s from a local path or from S3, or its own functions (%s) by "+
			"the name in the path or the key, not %q", runtime.GOOS, runtime.GOARCH, strings.Join(c.o.Names, ", "),
		code.Path+code.S3Key)
}

// builtFrom returns the function of this project from which a program was built,
// by the import path that Go writes into it, or "".
func (c *codeFinder) builtFrom(program string) string {
	if program == "" {
		return ""
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil || !strings.HasPrefix(info.Path, "permstack/functions/") {
		return ""
	}
	return c.name(path.Base(info.Path))
}

// name returns the function of this project that a path or key names, or "":
// "functions/provisioner", "v1/provisioner-arm64-0a1b.zip".
func (c *codeFinder) name(place string) string {
	base, _, _ := strings.Cut(path.Base(place), "-")
	base = strings.TrimSuffix(base, ".zip")
	if slices.Contains(c.o.Names, base) {
		return base
	}
	return ""
}

// program returns the path of the bootstrap of a function's code, or "" if there
// is none.
func (c *codeFinder) program(code lambda.Code) (string, error) {
	if code.Zip != nil {
		return c.unpack(code.S3Key, bytes.NewReader(code.Zip), int64(len(code.Zip)))
	}
	if code.Path == "" {
		return "", nil
	}
	place := filepath.Join(c.o.Root, filepath.FromSlash(code.Path))
	if candidate := filepath.Join(place, "bootstrap"); isFile(candidate) {
		return candidate, nil
	}
	if !isFile(place) || filepath.Ext(place) != ".zip" {
		return "", nil
	}
	f, err := os.Open(place)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	return c.unpack(place, f, info.Size())
}

func runsHere(program string) bool {
	if runtime.GOOS != "linux" {
		return false
	}
	f, err := elf.Open(program)
	if err != nil {
		return false
	}
	defer f.Close()
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	return f.Machine == machines[runtime.GOARCH]
}

// unpack extracts a zip into a temporary directory, once for the same content, and returns the path of its bootstrap.
func (c *codeFinder) unpack(archive string, data io.ReaderAt, size int64) (program string, err error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(data, 0, size)); err != nil {
		return "", fmt.Errorf("read zip %s: %w", archive, err)
	}
	key := digest(hash.Sum(nil))
	c.mu.Lock()
	if c.unpacked == nil {
		c.unpacked = map[digest]*unpacked{}
	}
	u := c.unpacked[key]
	if u == nil {
		u = &unpacked{}
		c.unpacked[key] = u
	}
	c.mu.Unlock()
	u.once.Do(func() { u.dir, u.err = extractAll(data, size) })
	if u.err != nil {
		return "", fmt.Errorf("unpack %s: %w", archive, u.err)
	}
	return filepath.Join(u.dir, "bootstrap"), nil
}

// extractAll extracts a zip into a new temporary directory.
func extractAll(data io.ReaderAt, size int64) (dir string, err error) {
	z, err := zip.NewReader(data, size)
	if err != nil {
		return "", fmt.Errorf("open zip: %w", err)
	}
	if _, err := fs.Stat(z, "bootstrap"); err != nil {
		return "", fmt.Errorf("open bootstrap: %w", err)
	}
	if dir, err = os.MkdirTemp("", "permstack-function-"); err != nil {
		return "", err
	}
	left := int64(maxProgram)
	for _, f := range z.File {
		if !f.Mode().IsRegular() || !filepath.IsLocal(f.Name) {
			continue
		}
		n, err := extract(f, filepath.Join(dir, filepath.FromSlash(f.Name)), left)
		if err != nil {
			return dir, err
		}
		left -= n
	}
	return dir, nil
}

// extract writes a file of a zip, of at most limit bytes, and returns its size.
func extract(f *zip.File, target string, limit int64) (n int64, err error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return 0, err
	}
	mode := os.FileMode(0o644)
	if f.Name == "bootstrap" {
		mode = 0o755
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(out, io.LimitReader(in, limit))
	return n, errors.Join(err, out.Close())
}

func (c *codeFinder) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, u := range c.unpacked {
		u.once.Do(func() {}) // waits for a zip that is being unpacked
		if u.dir != "" {
			errs = append(errs, os.RemoveAll(u.dir))
		}
	}
	c.unpacked = nil
	return errors.Join(errs...)
}
