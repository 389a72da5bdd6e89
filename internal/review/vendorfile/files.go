package vendorfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of what is read from a folder. A file has at most maxFile bytes, the largest template that CloudFormation
// accepts from S3 (CloudFormation quotas, "Template body size in an Amazon S3 object").
const (
	maxFile     = 1_000_000
	maxTotal    = 32_000_000
	maxFiles    = 1_000
	maxFolders  = 8 // depth
	readMeName  = "README.md"
	lockName    = ".terraform.lock.hcl"
	hiddenStart = "."
)

// File is a file with its name, relative to what was named on the command line, with slashes.
type File struct {
	Name string
	Data []byte
}

// Read reads a file, or a folder with all its files. It returns an error if there is nothing to read in it; the Result
// then has the problems only.
func Read(name string) (Result, error) { return ReadAll([]string{name}) }

// ReadAll reads files and folders that belong together.
func ReadAll(names []string) (Result, error) {
	r := newReader(strings.Join(names, ", "))
	var files []File
	inFolder := len(names) > 1
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return Result{}, err
		}
		var more []File
		if info.IsDir() {
			inFolder = true
			more, err = r.folder(name)
		} else {
			var data []byte
			data, err = readFile(name)
			more = []File{{filepath.ToSlash(name), data}}
		}
		if err != nil {
			return Result{}, fmt.Errorf("read %s: %w", name, err)
		}
		files = append(files, more...)
	}
	return r.files(files, inFolder)
}

// ReadFiles reads files that belong together.
func ReadFiles(label string, files []File) (Result, error) {
	return newReader(label).files(files, len(files) > 1)
}

// readFile reads a file of at most maxFile bytes, and never more, also if it is a device without an end.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return data, err
}

// folder returns the files of a folder that may hold permissions, sorted.
func (r *reader) folder(root string) ([]File, error) {
	var out []File
	total := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, name)
		relative = path.Join(filepath.ToSlash(root), filepath.ToSlash(relative))
		switch {
		case err != nil:
			r.problem(relative, 0, "%v", err)
			return nil
		case name == root:
			return nil
		case strings.HasPrefix(entry.Name(), hiddenStart) && entry.IsDir():
			return filepath.SkipDir
		case entry.IsDir() && strings.Count(relative, "/")-strings.Count(filepath.ToSlash(root), "/") > maxFolders:
			r.problem(relative, 0, "folders deeper than %d are not read", maxFolders)
			return filepath.SkipDir
		case entry.IsDir() || entry.Name() == lockName:
			return nil
		case !isRead(entry.Name()):
			if entry.Type().IsRegular() {
				r.checkUnread(relative, name)
			}
			return nil
		case !entry.Type().IsRegular():
			r.problem(relative, 0, "only regular files are read; links are not followed")
			return nil
		case len(out) >= maxFiles || total >= maxTotal:
			r.problem(relative, 0, "only %d files and %d bytes of a folder are read", maxFiles, maxTotal)
			return filepath.SkipAll
		}
		data, err := readFile(name)
		if err != nil {
			r.problem(relative, 0, "%v", err)
			return nil
		}
		total += len(data)
		out = append(out, File{relative, data})
		return nil
	})
	return out, err
}

var extensions = []string{".json", ".yaml", ".yml", ".template", ".tf", ".tofu", ".hcl", ".tftpl", ".tpl"}

// isRead reports whether a file of a folder is read. A file that was named is read with any name.
func isRead(name string) bool {
	return name == readMeName || name != lockName && slices.Contains(extensions, strings.ToLower(path.Ext(name)))
}

func isTerraform(name string) bool {
	return slices.ContainsFunc([]string{".tf", ".tofu", ".hcl", ".tf.json", ".tofu.json"}, func(ending string) bool {
		return strings.HasSuffix(name, ending)
	})
}

// isTerraformTemplate reports whether a file is read only if Terraform configuration names it.
func isTerraformTemplate(name string) bool {
	return strings.HasSuffix(name, ".tftpl") || strings.HasSuffix(name, ".tpl")
}

// files reads files; inFolder is whether a file without permissions is no error.
func (r *reader) files(files []File, inFolder bool) (Result, error) {
	var others []File
	var setup []File
	used := r.terraform(files)
	for _, f := range files {
		switch {
		case isTerraform(f.Name) || used[path.Clean(f.Name)]:
		case isTerraformTemplate(f.Name) && inFolder:
			r.addUnread(f)
		case path.Base(f.Name) == readMeName && inFolder:
			setup = append(setup, f)
		default:
			others = append(others, f)
		}
	}
	plans := map[string]*plan{}
	for _, f := range setup {
		plans[path.Dir(f.Name)] = parsePlan(f.Data)
	}
	for _, f := range others {
		r.json(f, plans[path.Dir(f.Name)], inFolder)
	}
	for _, p := range plans {
		p.finish(r)
	}
	r.reportUnread()
	return r.result()
}
