// Package profilefile reads vendor profiles from YAML files.
//
// A profile is one file, or a folder whose profile.yaml lists the others in `files`; a YAML file that is not in it is a
// problem. The documents are read in that order and joined: a role or policy that is declared twice is extended by the
// second declaration, so that the statements of an asset can be in the file of the asset. profile.schema.json describes
// the format; docs/add-a-profile.md explains it.
package profilefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/policies/schema"
)

// MaxFile bounds the size of one file, in bytes; the built-in ones have at most
// 60 kB.
const MaxFile = 4 << 20

// Loaded is a profile with its flows, and where each part is written.
type Loaded struct {
	Profile schema.Profile
	Flows   []schema.Flow
	// Places holds the position of each part, by the keys of this package. Of a part
	// that is written several times it is the first position.
	Places map[string]Position
}

// Load reads the profile at a path of a file system: a file, or a folder with a
// profile.yaml. Problems in the files are an *Error, which lists all of them.
func Load(fsys fs.FS, at string) (Loaded, error) {
	main, folder := at, path.Dir(at)
	if info, err := fs.Stat(fsys, at); err != nil {
		return Loaded{}, fmt.Errorf("read profile: %w", err)
	} else if info.IsDir() {
		main, folder = path.Join(at, "profile.yaml"), at
	}
	first, problems, err := read(fsys, main)
	if err != nil {
		return Loaded{}, err
	}
	if first.Line == 0 { // it is no YAML document, so nothing else can be said
		return Loaded{}, &Error{problems}
	}
	documents := []document{first}
	for _, name := range first.Files {
		if path.Base(name) != name || name == "." || name == ".." {
			problems = append(problems, Problem{
				first.Position, fmt.Sprintf("files: %q: want the name of a file in the same folder", name),
			})
			continue
		}
		next, more, err := read(fsys, path.Join(folder, name))
		if err != nil {
			problems = append(problems, Problem{first.Position, fmt.Sprintf("files: %v", err)})
			continue
		}
		if next.Files != nil {
			problems = append(problems, Problem{next.Position, "only the first file of a profile may list files"})
		}
		documents, problems = append(documents, next), append(problems, more...)
	}
	if main != at {
		more, err := unlisted(fsys, folder, first)
		if err != nil {
			return Loaded{}, err
		}
		problems = append(problems, more...)
	}
	a := assembler{problems: problems, places: map[string]Position{}}
	loaded := a.assemble(documents)
	if len(a.problems) > 0 {
		slices.SortStableFunc(a.problems, func(x, y Problem) int {
			if x.File != y.File {
				return slices.IndexFunc(documents, inFile(x.File)) - slices.IndexFunc(documents, inFile(y.File))
			}
			return x.Line - y.Line
		})
		return loaded, &Error{a.problems}
	}
	return loaded, nil
}

// otherFiles are the YAML files of a profile's folder that are no part of the profile: the recorded differences from
// the vendor's permissions, and the condition keys that it does not use.
var otherFiles = []string{"narrowings.yaml", "condition-keys.yaml"}

// unlisted returns a problem for each YAML file of a folder that its profile.yaml, the first document, does not list:
// what it grants would be missing without a word.
func unlisted(fsys fs.FS, folder string, first document) ([]Problem, error) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	var out []Problem
	for _, e := range entries {
		name := e.Name()
		if path.Ext(name) != ".yaml" || strings.HasPrefix(name, ".") || name == path.Base(first.File) ||
			slices.Contains(first.Files, name) || slices.Contains(otherFiles, name) {
			continue
		}
		message := fmt.Sprintf("files: %s is in the folder and not in this list: add it", name)
		out = append(out, Problem{first.Position, message})
	}
	return out, nil
}

// LoadPath is Load for a file or a folder of the operating system. Positions have
// the path as it is given.
func LoadPath(name string) (Loaded, error) {
	dir, base := filepath.Split(filepath.Clean(name))
	if dir == "" {
		dir = "."
	}
	loaded, err := Load(os.DirFS(dir), base)
	place := func(p Position) Position {
		p.File = filepath.Join(dir, filepath.FromSlash(p.File))
		return p
	}
	for key, p := range loaded.Places {
		loaded.Places[key] = place(p)
	}
	var form *Error
	if errors.As(err, &form) {
		for i := range form.Problems {
			form.Problems[i].Position = place(form.Problems[i].Position)
		}
	}
	return loaded, err
}

func inFile(name string) func(document) bool {
	return func(d document) bool { return d.File == name }
}

// read parses one file.
func read(fsys fs.FS, name string) (document, []Problem, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return document{}, nil, fmt.Errorf("read profile: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return document{}, nil, fmt.Errorf("read profile %s: %w", name, err)
	}
	if len(data) > MaxFile {
		return document{}, nil, fmt.Errorf("read profile %s: larger than %d bytes", name, MaxFile)
	}
	d := decoder{file: name}
	var doc document
	doc.File = name
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return doc, []Problem{{Position{name, 1, 1}, "the file is empty"}}, nil
	case err != nil:
		return doc, []Problem{syntaxProblem(name, string(data), err)}, nil
	}
	d.decode(root.Content[0], reflect.ValueOf(&doc).Elem())
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		d.add(&root, "want one document in a file")
	}
	return doc, d.problems, nil
}
