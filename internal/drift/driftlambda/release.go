package driftlambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"permstack"
	"permstack/internal/drift/detect"
	"permstack/internal/installation"
)

// ReadRelease returns the release that a function's package is of: the template that
// is compiled into the program, unless the package has another one, and the hashes of
// the other functions, which only a packed release has.
func ReadRelease(dir string) (detect.Release, error) {
	r := detect.Release{Template: permstack.Template}
	if dir == "" {
		return r, nil
	}
	files := os.DirFS(dir)
	template, err := fs.ReadFile(files, installation.ParentTemplateFile)
	switch {
	case err == nil:
		r.Template = template
	case !errors.Is(err, fs.ErrNotExist):
		return r, fmt.Errorf("read the function's package: %w", err)
	}
	hashes, err := fs.ReadFile(files, installation.CodeHashesFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return r, fmt.Errorf("read the function's package: %w", err)
	}
	if err := json.Unmarshal(hashes, &r.Code); err != nil {
		return r, fmt.Errorf("read %s of the function's package: %w", installation.CodeHashesFile, err)
	}
	return r, nil
}
