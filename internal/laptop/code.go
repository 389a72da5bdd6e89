package laptop

import (
	"archive/zip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"permstack/internal/localaws/lambda"
)

// maxProgram bounds what is unpacked from a zip; Lambda's own limit.
const maxProgram = 250 << 20

// codeFinder says what to run for a function's code.
type codeFinder struct {
	o Options

	mu    sync.Mutex
	temps []string // folders of unpacked zips
}

// find is a lambda.CodeResolver. A local path that leads to a bootstrap or a
// zip for this machine is run as it is. Whatever else names a function of this
// project, as template.yaml does before it is packaged and as packaging does
// after, runs the one that is built into this program.
func (c *codeFinder) find(code lambda.Code) (argv []string, dir string, env []string, err error) {
	if code.ZipFile != "" {
		return nil, "", nil, errors.New("permstack local does not run inline code")
	}
	if code.Path != "" {
		program, err := c.program(filepath.Join(c.o.Root, filepath.FromSlash(code.Path)))
		if err != nil {
			return nil, "", nil, err
		}
		if program != "" {
			return []string{program}, filepath.Dir(program), nil, nil
		}
	}
	for _, place := range []string{code.Path, code.S3Key} {
		if name := c.name(place); name != "" {
			return append(slices.Clone(c.o.BuiltIn), name), c.o.Root, nil, nil
		}
	}
	return nil, "", nil, fmt.Errorf("permstack local runs a bootstrap for %s/%s from a local path, or its own functions (%s) by the name in the path or the key, not %q",
		runtime.GOOS, runtime.GOARCH, strings.Join(c.o.Names, ", "), code.Path+code.S3Key)
}

// name finds which function of this project a path or key means:
// "functions/provisioner", "v1/provisioner-arm64-0a1b.zip".
func (c *codeFinder) name(place string) string {
	base, _, _ := strings.Cut(path.Base(place), "-")
	base = strings.TrimSuffix(base, ".zip")
	if slices.Contains(c.o.Names, base) {
		return base
	}
	return ""
}

// program gives the bootstrap at a path if this machine can run it, else "".
func (c *codeFinder) program(place string) (string, error) {
	candidate := filepath.Join(place, "bootstrap")
	switch {
	case isFile(candidate):
	case isFile(place) && filepath.Ext(place) == ".zip":
		var err error
		if candidate, err = c.unpack(place); err != nil {
			return "", err
		}
	default:
		return "", nil
	}
	if !runsHere(candidate) {
		return "", nil
	}
	return candidate, nil
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

// unpack writes a zip's bootstrap to a temporary folder.
func (c *codeFinder) unpack(archive string) (program string, err error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", archive, err)
	}
	defer z.Close()
	in, err := z.Open("bootstrap")
	if err != nil {
		return "", fmt.Errorf("open bootstrap in %s: %w", archive, err)
	}
	defer in.Close()
	dir, err := os.MkdirTemp("", "permstack-function-")
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.temps = append(c.temps, dir)
	c.mu.Unlock()
	program = filepath.Join(dir, "bootstrap")
	out, err := os.OpenFile(program, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxProgram))
	if err := errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("unpack %s: %w", archive, err)
	}
	return program, nil
}

func (c *codeFinder) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, dir := range c.temps {
		errs = append(errs, os.RemoveAll(dir))
	}
	c.temps = nil
	return errors.Join(errs...)
}
