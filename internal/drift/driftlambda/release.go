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

// ReadRelease returns the release that a function's package is of: the templates that
// are compiled into the program, unless the package has others, and the hashes of
// the other functions, which only a packed release has.
func ReadRelease(dir string) (detect.Release, error) {
	r := detect.Release{Template: permstack.Template, ProfileTemplate: permstack.ProfileTemplate}
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
	if err := readProfileTemplates(files, &r); err != nil {
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

// readProfileTemplates adds the launch templates of profiles that are not built in.
func readProfileTemplates(files fs.FS, r *detect.Release) error {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return err
	}
	templates := map[string][]byte{}
	for _, e := range entries {
		if profile := installation.TemplateProfile(e.Name()); profile != "" {
			if templates[profile], err = fs.ReadFile(files, e.Name()); err != nil {
				return err
			}
		}
	}
	builtIn := r.ProfileTemplate
	r.ProfileTemplate = func(profile string) []byte {
		if template := templates[profile]; template != nil {
			return template
		}
		return builtIn(profile)
	}
	return nil
}
