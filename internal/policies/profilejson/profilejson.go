// Package profilejson writes and reads profiles as JSON. A release that is packaged with a vendor's own profile has it
// as profiles/NAME.json in the functions' packages and in the review page, which parse no YAML.
package profilejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"sync"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Folder is the directory of profiles in a function's package.
const Folder = "profiles"

// The limits of what is read. The largest built-in profile has 150 kB of JSON.
const (
	MaxFile  = 4 << 20 // bytes
	MaxFiles = 16
)

// FileName returns the path of a profile's file in a function's package.
func FileName(profile string) string { return path.Join(Folder, profile+".json") }

// Encode returns a profile and its flows as JSON. The same profile always has the same bytes.
func Encode(p schema.Profile, flows ...schema.Flow) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema.ProfileFlows{Profile: p, Flows: flows}); err != nil {
		return nil, fmt.Errorf("write profile %s: %w", p.Name, err)
	}
	return out.Bytes(), nil
}

// namePattern is compiled when a profile is read, not when a function starts.
var namePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`) })

// Decode reads a profile with its flows. Unknown fields and profiles that no choice can deploy are errors.
func Decode(data []byte) (schema.ProfileFlows, error) {
	if len(data) > MaxFile {
		return schema.ProfileFlows{}, fmt.Errorf("read profile: larger than %d bytes", MaxFile)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var p schema.ProfileFlows
	if err := decoder.Decode(&p); err != nil {
		return schema.ProfileFlows{}, fmt.Errorf("read profile: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return schema.ProfileFlows{}, errors.New("read profile: want one JSON value")
	}
	switch {
	case !namePattern().MatchString(p.Name):
		return schema.ProfileFlows{}, fmt.Errorf("read profile: name %q: want lower-case letters, digits and -, a letter first", p.Name)
	case len(p.Assets) == 0 || len(p.Roles) == 0:
		return schema.ProfileFlows{}, fmt.Errorf("read profile %s: it has no asset or no role", p.Name)
	case len(policies.NamePrefix(p.Profile)) < policies.MinNamePrefix:
		return schema.ProfileFlows{}, fmt.Errorf("read profile %s: the names of its roles and policies have no common beginning", p.Name)
	}
	return p, nil
}

// LoadFrom makes the profiles in a directory's folder Folder known to package policies, which reads them when it needs
// one that is not built in.
func LoadFrom(dir string) {
	policies.LoadProfilesWith(func() ([]schema.ProfileFlows, error) { return ReadFolder(os.DirFS(dir)) })
}

// ReadFolder returns the profiles of a folder Folder, which need not exist.
func ReadFolder(fsys fs.FS) ([]schema.ProfileFlows, error) {
	names, err := fs.Glob(fsys, path.Join(Folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	if len(names) > MaxFiles {
		return nil, fmt.Errorf("read profiles: %d files, at most %d", len(names), MaxFiles)
	}
	var out []schema.ProfileFlows
	for _, name := range names {
		p, err := readFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if name != FileName(p.Name) {
			return nil, fmt.Errorf("%s: it is profile %s", name, p.Name)
		}
		out = append(out, p)
	}
	return out, nil
}

func readFile(fsys fs.FS, name string) (schema.ProfileFlows, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return schema.ProfileFlows{}, fmt.Errorf("read profile: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return schema.ProfileFlows{}, fmt.Errorf("read profile: %w", err)
	}
	return Decode(data)
}
